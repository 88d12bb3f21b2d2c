//! A program with a component of a third party, which fails while the collector runs. This test starts itself as that
//! program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

use std::process::{Command, ExitCode};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::{Context, Error, Intake, Receiver, ReceiverFactory, Signal, Stability};
use tokio_util::sync::CancellationToken;

const AS_PROGRAM: &str = "SPANLEDGER_TEST_AS_PROGRAM";

const CONFIG: &str = "
receivers: {faulty: {panics: PANICS}}
exporters: {nop: }
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [faulty], exporters: [nop]}}
";

fn main() -> ExitCode {
    if std::env::var_os(AS_PROGRAM).is_some() {
        return spanledger::main(spanledger::components::built_in().with_receiver::<Faulty>());
    }
    a_component_that_fails_ends_the_program_with_1("false", "the line was cut");
    a_component_that_fails_ends_the_program_with_1("true", "a component panicked");
    ExitCode::SUCCESS
}

fn a_component_that_fails_ends_the_program_with_1(panics: &str, reason: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--config", &format!("yaml:{}", CONFIG.replace("PANICS", panics))]);
    let ended = program.env(AS_PROGRAM, "1").current_dir(folder.path()).output().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{log}");
    for said in ["Everything is ready", "a component failed, terminating", "Shutdown complete", reason] {
        assert!(log.contains(said), "{said:?} is not in\n{log}");
    }
    let last = log.lines().last().unwrap();
    assert!(last.starts_with("Error: ") && last.contains(reason), "{last}");
}

/// A receiver that fails as soon as it runs.
struct Faulty {
    panics: bool,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    panics: bool,
}

impl ReceiverFactory for Faulty {
    const TYPE: &'static str = "faulty";
    const SIGNALS: &'static [Signal] = &Signal::ALL;
    const STABILITY: Stability = Stability::Alpha;
    type Config = Config;

    fn build(config: &Config, _: &Context) -> Result<Box<dyn Receiver>, Error> {
        Ok(Box::new(Self { panics: config.panics }))
    }
}

#[async_trait]
impl Receiver for Faulty {
    async fn start(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn run(self: Box<Self>, _: Intake, _: CancellationToken) -> Result<(), Error> {
        assert!(!self.panics, "the receiver panics");
        Err(Error::new("the line was cut"))
    }
}
