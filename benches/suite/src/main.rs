//! The whole program under load, on this machine: beside its peers, and alone as what it is given grows.
//!
//! `cargo xtask bench suite` installs the peers and starts the one, `cargo xtask bench growth` the other. What was
//! measured goes to `target/bench`; a run of everything also writes a page of `docs` and its pictures. `cargo xtask bench
//! flames` draws where its time goes.

mod arguments;
mod bare;
mod case;
mod contender;
mod flames;
mod growth;
mod machine;
mod measure;
mod page;
mod peers;
mod picture;
mod results;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use spanledger_load::Failure;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Measures Spanledger as a whole.
#[derive(Parser)]
#[command(name = "spanledger-suite")]
enum Verb {
    Peers(peers::Arguments),
    Growth(growth::Arguments),
    Flames(flames::Arguments),
}

#[tokio::main(worker_threads = 1)]
async fn main() -> ExitCode {
    let done = match Verb::parse() {
        Verb::Peers(arguments) => peers::run(&arguments).await,
        Verb::Growth(arguments) => growth::run(&arguments).await,
        Verb::Flames(arguments) => flames::run(&arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("spanledger-suite: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// A path that holds in any folder.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| format!("find {}: {error}", path.display()).into())
}

#[expect(clippy::print_stdout, reason = "printing figures is the purpose of a bench; it prints here alone")]
fn say(text: &str) {
    println!("{text}");
}
