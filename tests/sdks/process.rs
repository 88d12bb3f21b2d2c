//! An SDK as a process of its own: its script in its own environment, which knows the provider and the collector by
//! the variables that any application would set.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::harness::tools;

/// The folder of an SDK in this repository.
pub fn folder(sdk: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/sdks").join(sdk)
}

/// Runs it to its end, which has to be a good one.
pub async fn run(sdk: &str, provider: u16, collector: u16) {
    let mut command = command(sdk);
    command.envs(variables(sdk, provider, collector)).stdout(Stdio::null()).stderr(Stdio::piped());
    let program = command.get_program().to_owned();
    let child = command.spawn().unwrap_or_else(|error| panic!("start {sdk} with {program:?}: {error}"));
    let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{sdk}: {}", String::from_utf8_lossy(&output.stderr));
}

fn command(sdk: &str) -> Command {
    let environment = tools::sdks().join(sdk);
    if folder(sdk).join("run.mjs").exists() {
        // A module that is read from stdin finds its packages from where it runs.
        let mut command = Command::new("node");
        let script = File::open(folder(sdk).join("run.mjs")).unwrap();
        command.arg("--input-type=module").stdin(script).current_dir(environment);
        return command;
    }
    let mut command = Command::new(environment.join("bin/python"));
    command.arg(folder(sdk).join("run.py")).env("PYTHONPATH", folder("")).stdin(Stdio::null());
    command
}

fn variables(sdk: &str, provider: u16, collector: u16) -> Vec<(&'static str, String)> {
    let provider = format!("http://127.0.0.1:{provider}");
    let collector = format!("http://127.0.0.1:{collector}");
    let key = || "none".to_owned();
    // The AI SDK of Vercel wants the version in the base.
    let of_anthropic = if sdk.starts_with("vercel") { format!("{provider}/v1") } else { provider.clone() };
    vec![
        ("no_proxy", "127.0.0.1".to_owned()),
        ("OPENAI_BASE_URL", format!("{provider}/v1")),
        ("OPENAI_API_KEY", key()),
        ("ANTHROPIC_BASE_URL", of_anthropic),
        ("ANTHROPIC_API_KEY", key()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.clone()),
        // Langfuse's own exporter.
        ("LANGFUSE_BASE_URL", collector),
        ("LANGFUSE_OTEL_TRACES_EXPORT_PATH", "v1/traces".to_owned()),
        ("LANGFUSE_PUBLIC_KEY", key()),
        ("LANGFUSE_SECRET_KEY", key()),
        // LiteLLM would ask the internet for prices.
        ("LITELLM_LOCAL_MODEL_COST_MAP", "true".to_owned()),
    ]
}
