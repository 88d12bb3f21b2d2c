//! The arguments of the program.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use spanledger_component::settings::GoDuration;

/// An OpenTelemetry collector for LLM calls: a durable ledger of every call, as Parquet and Prometheus metrics.
#[derive(Debug, Parser)]
#[command(name = "spanledger", version, about)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

/// Where the config comes from.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct ConfigArgs {
    /// A config: a path, file:PATH, env:VARIABLE or yaml:TEXT; repeatable, later ones are merged over earlier ones.
    /// Without any, the embedded default runs.
    #[arg(long = "config", value_name = "URI", global = true)]
    pub(crate) sources: Vec<String>,
    /// A setting over all configs, as exporters.parquet.path=/data/lake; repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE", global = true)]
    pub(crate) sets: Vec<String>,
    /// Accepted for compatibility with the Collector; there are no gates.
    #[arg(long = "feature-gates", value_name = "LIST", global = true, hide = true)]
    pub(crate) feature_gates: Option<String>,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run the collector (the default).
    Run,
    /// Check the config and say nothing when it is right.
    Validate,
    /// List the components that are built in.
    Components,
    /// Print the config as it is understood, secrets redacted.
    #[command(alias = "print-initial-config")]
    PrintConfig(PrintArgs),
    /// Print the JSON Schema of the config.
    Schema,
    /// Show the safe points and the lag of every branch of a running collector.
    Status {
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Wait until everything a running collector accepted before is delivered.
    Flush {
        /// Of this exporter only.
        #[arg(long, value_name = "ID")]
        exporter: Option<String>,
        /// How long to wait.
        #[arg(long, default_value = "60s")]
        timeout: GoDuration,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Make a running collector take no more requests and deliver everything it has; or, with --wal, deliver what
    /// waits in a log that a collector left behind.
    Drain {
        /// The folder of a log that nobody uses, drained to the exporters of the config.
        #[arg(long, value_name = "FOLDER")]
        wal: Option<PathBuf>,
        /// How long to wait.
        #[arg(long, default_value = "60s")]
        timeout: GoDuration,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show what a running collector could not deliver and put aside.
    DeadLetters {
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Read through the log and say what is wrong with it. The collector must not be running.
    Verify,
    /// Give up what waits for an exporter or connector that left the config. The collector must not be running.
    Forget {
        /// Its id.
        branch: String,
    },
    /// Act on the log itself. The collector must not be running.
    Wal {
        /// What to do.
        #[command(subcommand)]
        verb: WalVerb,
    },
    /// Run the collector on recorded calls and show what comes out.
    Demo {
        /// Keep serving afterwards, until interrupted.
        #[arg(long)]
        keep: bool,
    },
}

/// What can be done to the log.
#[derive(Debug, Subcommand)]
pub(crate) enum WalVerb {
    /// Give a log that was cloned or restored an identity of its own.
    NewIdentity,
}

/// How to print the config.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub(crate) struct PrintArgs {
    /// In which language.
    #[arg(long, value_enum, default_value = "yaml")]
    pub(crate) format: Format,
}

/// In which language the config is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
}

/// How to reach a running collector.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct AdminArgs {
    /// Where its `admin` extension listens.
    #[arg(long = "admin", value_name = "HOST:PORT", default_value = "127.0.0.1:13134")]
    pub(crate) endpoint: String,
    /// Its token, when it has one; better given as an environment variable.
    #[arg(long, env = "SPANLEDGER_ADMIN_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}
