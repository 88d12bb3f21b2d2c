//! The program: its verbs, its signals, its exit codes, and the list of what is built in.
//!
//! A program with more components is five lines: take [`components::built_in`], add to it, and call [`main`].
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     let registry = spanledger::components::built_in();
//!     spanledger::main(registry) // .with_exporter::<MyFactory>()
//! }
//! ```

mod admin;
mod args;
pub mod components;
mod demo;
mod drain;
mod explain;
mod http_client;
mod letters;
mod load;
mod log_verbs;
mod own_metrics;
mod replay;
mod run;
mod show;
mod table;
mod verify;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use spanledger_component::{Error, Registry};

use crate::admin::Admin;
use crate::args::{Args, LetterVerb, Verb, WalVerb};

/// The whole program: reads the arguments, carries out the verb, and tells how it ended. 0: done; 1: it failed, and
/// why is on standard error; 2: the arguments are wrong.
pub fn main(registry: Registry) -> ExitCode {
    let args = Args::parse();
    if let Err(wrong) = args.check() {
        wrong.exit();
    }
    match carry_out(args, Arc::new(registry)) {
        Ok(code) => code,
        Err(error) => {
            show::error(&format!("Error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn carry_out(args: Args, registry: Arc<Registry>) -> Result<ExitCode, Error> {
    let config = args.config;
    match args.verb.unwrap_or(Verb::Run) {
        Verb::Run => in_runtime(run::run(config, registry))?,
        Verb::Validate => load::validate(&config, &registry)?,
        Verb::Components => show::text(&load::components(&registry)),
        Verb::PrintConfig(how) => show::text(&load::print_config(&config, &registry, how)?),
        Verb::Schema => show::text(&load::schema(&registry)?),
        Verb::Status { json, admin } => {
            let admin = Admin::find(admin, &config, &registry)?;
            show::text(&in_runtime(admin::status(admin, json))?);
        }
        Verb::Flush { exporter, timeout, admin } => {
            let admin = Admin::find(admin, &config, &registry)?;
            return in_runtime(admin::flush(admin, exporter, *timeout));
        }
        Verb::Drain { wal: None, timeout, admin } => {
            let admin = Admin::find(admin, &config, &registry)?;
            return in_runtime(admin::drain(admin, *timeout));
        }
        Verb::Drain { wal: Some(folder), timeout, .. } => {
            return in_runtime(drain::drain(config, registry, &folder, *timeout));
        }
        Verb::DeadLetters { verb, json, admin } => {
            let admin = Admin::find(admin, &config, &registry)?;
            return in_runtime(letters::carry_out(admin, verb.unwrap_or(LetterVerb::List), json));
        }
        Verb::Replay(args) => return in_runtime(replay::replay(config, registry, args)),
        Verb::Explain(args) => in_runtime(explain::explain(config, &registry, args))?,
        Verb::Verify { log_only } => return in_runtime(verify::verify(config, registry, log_only)),
        Verb::Forget { branch } => in_runtime(log_verbs::forget(config, registry, branch))?,
        Verb::Wal { verb: WalVerb::NewIdentity } => log_verbs::new_identity(config, &registry)?,
        Verb::Demo { keep } => in_runtime(demo::demo(registry, keep))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn in_runtime<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::caused("start the threads of the program", error))?;
    let done = runtime.block_on(work);
    // Whatever still runs was told to stop, or is given up: the log has it all.
    runtime.shutdown_background();
    done
}
