//! Two processes that take themselves for the same one: on one directory, and on a copy of it.

use std::process::Command;
use std::time::Duration;

use crate::harness::Setup;
use crate::load::Shape;
use crate::scenario::Tally;
use crate::trial::Trial;

/// A second process on the directory of the first one does not start, and does no harm.
pub async fn one_directory(tally: &mut Tally) {
    let mut trial = Trial::new();
    trial.load(Shape::USUAL);
    trial.start();
    trial.acknowledge(200).await;
    for _ in 0..3 {
        let mut twin = Setup::new(&trial.setup.folder);
        twin.config.clone_from(&trial.setup.config);
        let output = twin.command(&[]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains("another process has it open"),
            "{}\n{said}",
            output.status
        );
        trial.acknowledge(100).await;
        tally.run();
    }
    tally.judged(trial.judge().await);
}

/// A copy of a log with a plan in it delivers to the same lake: it overwrites nothing, and says what is the matter.
pub async fn cloned_volume(tally: &mut Tally) {
    let mut trial = Trial::with(|setup| setup.set("exporters.parquet.rotation.max_age=1h"));
    trial.load(Shape::USUAL);
    trial.start();
    trial.acknowledge(300).await;
    trial.end_load().await;
    trial.kill();
    let folder = trial.folder().join("clone");
    copy(&trial.setup.folder.join("data/wal"), &folder.join("data/wal"));
    trial.start();
    trial.collector().flush().await;

    let mut twin =
        Setup::new(&folder).set(format!("exporters.parquet.path={}", trial.setup.lake().display()));
    twin.config.clone_from(&trial.setup.config);
    twin = twin.set("exporters.parquet.rotation.max_age=1s");
    let clone = twin.start();
    let alarmed = async {
        while !clone.log().contains("spanledger wal new-identity") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(60), alarmed).await;
    assert!(done.is_ok(), "the clone says nothing\n{}", clone.log());
    tally.run();
    drop(clone);
    tally.judged(trial.judge().await);
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    let status = Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}
