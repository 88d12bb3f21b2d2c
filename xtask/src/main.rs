//! The project's chores: `cargo xtask check`, `test`, `chaos`, `soak`, `bench`, `sdks`, `reliability` and `tools`.

mod bench;
mod chaos;
mod check;
mod command;
mod counts;
mod instructions;
mod layering;
mod peers;
mod reliability;
mod sdks;
mod stage;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use stage::{Stages, say};

const USAGE: &str = "\
usage: cargo xtask <verb>

  check   format, lints, layering, config examples, licences
  test    check, then every test, those with real servers included
  chaos   the real process killed, starved and cut off: [--minutes N] [WORD of a scenario...]
  soak    the tests that take longer
  bench   the benchmarks of the parts, then Spanledger beside its peers, then alone as it is given more:
          [suite [--rounds N] [--seconds N] [WORD of a contender or load...]] only beside its peers
          [growth [--rounds N] [--seconds N] [WORD of what grows...]] only alone,
          [instructions [--bless]] only counts what the parts take, and compares or commits to it,
          [flames] only draws where processor time goes
  sdks    the tests with SDKs of language models: [--newest] [NAME...]
  tools   only installs the real servers and SDKs that tests use, into target/tools
  reliability
          writes the faults that were run into docs/reliability.md";

fn main() -> ExitCode {
    let mut stages = Stages::default();
    match std::env::args().nth(1).as_deref() {
        Some("check") => check::check(&mut stages),
        Some("test") => test::test(&mut stages),
        Some("chaos") => {
            let arguments: Vec<String> = std::env::args().skip(2).collect();
            if let Err(failure) = chaos::chaos(&arguments, &mut stages) {
                say(&format!("--minutes: {failure}"));
                return ExitCode::from(2);
            }
        }
        Some("sdks") => {
            let arguments: Vec<String> = std::env::args().skip(2).collect();
            if let Err(failure) = sdks::sdks(&arguments, &mut stages) {
                say(&failure.to_string());
                return ExitCode::from(2);
            }
        }
        Some("soak") => test::soak(&mut stages),
        Some("bench") => {
            let arguments: Vec<String> = std::env::args().skip(2).collect();
            if let Err(failure) = bench::bench(&arguments, &mut stages) {
                say(&failure.to_string());
                return ExitCode::from(2);
            }
        }
        Some("reliability") => stages.run("reliability", reliability::write),
        Some("tools") => tools::install(&mut stages),
        _ => {
            say(USAGE);
            return ExitCode::from(2);
        }
    }
    stages.finish()
}
