//! Every config in `config/` and every example of a README is valid, and those that are whole run.

use std::path::{Path, PathBuf};

use super::ended::{Ended, program};
use crate::harness::{Setup, free_ports};

/// What the examples expect of their environment.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "key-of-the-test"),
    ("AWS_SECRET_ACCESS_KEY", "secret-of-the-test"),
    ("LANGFUSE_AUTH", "auth-of-the-test"),
    ("SPANLEDGER_ADMIN_TOKEN", "token-of-the-test"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Each example and where it stands.
fn examples() -> Vec<(String, String)> {
    let configs = entries(&root().join("config"));
    let configs =
        configs.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let mut examples: Vec<_> =
        configs.map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap())).collect();
    let readmes =
        entries(&root().join("crates")).into_iter().chain([root()]).map(|folder| folder.join("README.md"));
    for readme in readmes.filter(|readme| readme.exists()) {
        let text = std::fs::read_to_string(&readme).unwrap();
        // The piece before the first fence is prose; each after it begins with an example and goes on with prose.
        let blocks =
            text.split("```yaml\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned());
        examples.extend(blocks.map(|block| (readme.display().to_string(), block)));
    }
    examples
}

/// Whether it is a whole config, and not a part of one to be read beside the text.
fn is_whole(example: &str) -> bool {
    example.lines().any(|line| line == "service:")
}

#[test]
fn every_example_is_valid_and_there_is_nothing_to_say_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let examples = examples();
    let of_components = examples.iter().filter(|(place, _)| place.contains("crates")).count();
    assert!(of_components >= 11, "each component has an example, {of_components} were found");
    for (place, example) in examples.into_iter().filter(|(_, example)| is_whole(example)) {
        std::fs::write(folder.path().join("example.yaml"), &example).unwrap();
        let mut command = program(folder.path(), &["validate", "--config", "example.yaml"]);
        command.envs(ENVIRONMENT);
        let ended = Ended::of(command);
        assert_eq!(
            (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
            (Some(0), "", ""),
            "{place}:\n{example}"
        );
    }
}

#[test]
fn every_example_runs_and_stops_well() {
    for (place, example) in examples().into_iter().filter(|(_, example)| is_whole(example)) {
        println!("{place}");
        let folder = tempfile::tempdir().unwrap();
        let mut setup = Setup::new(folder.path()).config(&example);
        setup = ENVIRONMENT.iter().fold(setup, |setup, (name, value)| setup.env(name, value));
        if example.contains("  wal:") {
            setup = setup.set("extensions.wal.directory=./data/wal").set("extensions.wal.max_size=1GiB");
        }
        if example.contains("readers:") {
            let [port] = free_ports();
            let reader = format!("{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {port}}}}}}}}}");
            setup = setup.set(format!("service.telemetry.metrics.readers=[{reader}]"));
        }
        let (status, log) = setup.start().stop();
        assert!(status.success(), "{place}: {status}\n{log}");
    }
}
