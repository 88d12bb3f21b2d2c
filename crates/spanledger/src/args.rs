//! The arguments of the program.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, Args as ClapArgs, CommandFactory as _, Parser, Subcommand, ValueEnum};
use spanledger_component::{Bound, ComponentId, settings::GoDuration};

/// An OpenTelemetry collector for LLM calls: a durable ledger of every call, as Parquet and Prometheus metrics.
#[derive(Debug, Parser)]
#[command(name = "spanledger", version, about, disable_version_flag = true)]
pub(crate) struct Args {
    /// Print the version.
    #[arg(short = 'v', short_alias = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

impl Args {
    /// An error when a config is given to a verb that reads none, or misses.
    pub(crate) fn check(&self) -> Result<(), clap::Error> {
        let refuse = |message| Err(Self::command().error(ErrorKind::ArgumentConflict, message));
        if self.config.is_default() {
            return match &self.verb {
                Some(Verb::Explain(args)) if args.exporter.is_some() || args.processor.is_some() => {
                    refuse("--exporter and --processor name something of a config: give it, with --config")
                }
                _ => Ok(()),
            };
        }
        match &self.verb {
            Some(Verb::Components | Verb::Schema | Verb::Demo { .. }) => {
                refuse("this verb reads no config: leave out --config and --set")
            }
            Some(
                Verb::Status { admin, .. }
                | Verb::Flush { admin, .. }
                | Verb::Drain { wal: None, admin, .. }
                | Verb::Replay(ReplayArgs { wal: None, admin, .. })
                | Verb::DeadLetters { admin, .. },
            ) if admin.endpoint.is_some() => {
                refuse("--admin and a config both say where to ask: leave out one of them")
            }
            _ => Ok(()),
        }
    }
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum LetterVerb {
    /// List them: branch, position, reason, and the file with the request.
    List,
    /// Show all that is known of one of them.
    Show {
        /// The exporter or connector.
        branch: String,
        /// Of the record in the log.
        position: u64,
    },
    /// Deliver them to their branch after all; 1 when some still cannot be taken.
    Replay {
        /// Those of one exporter or connector.
        branch: Option<String>,
        /// The one of this position.
        position: Option<u64>,
        /// How long to wait.
        #[arg(long, default_value = "60s")]
        timeout: GoDuration,
    },
    /// Give them up for good: their items count as dropped, and their files are removed.
    Drop {
        /// The exporter or connector.
        branch: String,
        /// The one of this position; without it all of the branch.
        position: Option<u64>,
        /// How long to wait.
        #[arg(long, default_value = "60s")]
        timeout: GoDuration,
    },
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

impl ConfigArgs {
    /// Whether the embedded default is meant, as it is.
    pub(crate) fn is_default(&self) -> bool {
        self.sources.is_empty() && self.sets.is_empty()
    }
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
    /// Give records that the log still holds to an exporter once more; without --wal, a running collector does it.
    Replay(ReplayArgs),
    /// Show what a running collector could not deliver and put aside, try it again, or give it up.
    DeadLetters {
        /// What to do; without it they are listed.
        #[command(subcommand)]
        verb: Option<LetterVerb>,
        /// As JSON, for programs.
        #[arg(long, global = true)]
        json: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Read through the log and the Parquet files, and say what is wrong with them. The collector must not be running.
    Verify {
        /// The log alone, not what was delivered.
        #[arg(long)]
        log_only: bool,
    },
    /// Say why a span is read as it is: which convention was recognised, which rule gave each value, what was left
    /// aside and why, and how the price was found.
    /// With a config, prices and lake are those of its `genai` processor and its `parquet` exporter.
    Explain(ExplainArgs),
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

/// What to explain.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct ExplainArgs {
    /// A file with an OTLP trace request, protobuf or JSON; or a trace id, 32 hex digits, whose spans stand in the lake.
    #[arg(value_name = "FILE|TRACE_ID")]
    pub(crate) what: String,
    /// The folder where the spans of a trace id stand: without it that, or the bucket, of the config that is given, else
    /// ./data/lake.
    #[arg(long, value_name = "FOLDER", conflicts_with = "exporter")]
    pub(crate) lake: Option<PathBuf>,
    /// The `parquet` exporter of the config that has the spans of a trace id, where several get spans.
    #[arg(long, value_name = "ID")]
    pub(crate) exporter: Option<ComponentId>,
    /// The `genai` processor of the config whose prices count, where several have prices of their own.
    #[arg(long, value_name = "ID")]
    pub(crate) processor: Option<ComponentId>,
    /// As JSON, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to replay, and into what.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct ReplayArgs {
    /// Into this exporter; one that is declared and in no pipeline, or, with --again, one that runs.
    #[arg(long, value_name = "ID")]
    pub(crate) exporter: String,
    /// The rows that this exporter gets from its pipelines; needed when more than one could be meant.
    #[arg(long, value_name = "ID")]
    pub(crate) rows_of: Option<String>,
    /// From this position or arrival on, as 1234, 2026-11-21 or 2026-11-21T10:00:00Z; without it from the oldest.
    #[arg(long, value_name = "POSITION|TIME")]
    pub(crate) from: Option<Bound>,
    /// Up to this position or arrival, which is not replayed; without it up to what is the newest now.
    #[arg(long, value_name = "POSITION|TIME")]
    pub(crate) to: Option<Bound>,
    /// Only rows with this attribute or column, as service.name=shop; repeatable, all have to be met.
    #[arg(long = "where", value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) filters: Vec<(String, String)>,
    /// Also into an exporter that runs, whose target may have the rows already: they stand there twice then.
    #[arg(long)]
    pub(crate) again: bool,
    /// The folder of a log that nobody uses, instead of a running collector.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) wal: Option<PathBuf>,
    /// How long it may take.
    #[arg(long, default_value = "1h")]
    pub(crate) timeout: GoDuration,
    /// As JSON, for programs.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = pair.ok_or("expected an attribute or a column, =, and its value")?;
    Ok((key.to_owned(), value.to_owned()))
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
    /// Whether secrets are shown: they never are.
    #[arg(long, value_enum, default_value = "redacted")]
    pub(crate) mode: Mode,
    /// Accepted for compatibility with the Collector: what is printed is always checked.
    #[arg(long, hide = true)]
    pub(crate) validate: bool,
}

/// What is printed in place of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// `[REDACTED]`.
    Redacted,
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
    /// Where its `admin` extension listens: by the config that is given, else 127.0.0.1:13134.
    #[arg(long = "admin", value_name = "HOST:PORT", value_parser = endpoint, global = true)]
    pub(crate) endpoint: Option<String>,
    /// Its token, when it has one; better given as an environment variable.
    #[arg(long, env = "SPANLEDGER_ADMIN_TOKEN", hide_env_values = true, global = true)]
    pub(crate) token: Option<String>,
}

/// The host and port of an address, which may be written as a URL.
fn endpoint(address: &str) -> Result<String, String> {
    let address = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
    match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok() => {
            Ok(address.to_owned())
        }
        _ => Err("expected a host and a port, as 127.0.0.1:13134 or http://127.0.0.1:13134".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(arguments: &str) -> Option<ErrorKind> {
        let parsed = Args::try_parse_from(arguments.split_whitespace());
        parsed.and_then(|args| args.check()).err().map(|error| error.kind())
    }

    #[test]
    fn an_address_may_be_a_url() {
        for address in ["localhost:1", "http://localhost:1", "http://localhost:1/"] {
            assert_eq!(endpoint(address).as_deref(), Ok("localhost:1"));
        }
        assert_eq!(endpoint("[::1]:1").as_deref(), Ok("[::1]:1"));
        for address in ["https://localhost:1", "localhost", "http://localhost:1/status", ":1", ""] {
            assert!(endpoint(address).is_err(), "{address}");
        }
    }

    #[test]
    fn a_config_is_refused_where_it_would_be_ignored() {
        for verb in ["components", "schema", "demo", "status --admin a:1", "drain --admin a:1"] {
            for config in ["--config x.yaml", "--set service.memory=1GiB"] {
                let arguments = format!("spanledger {verb} {config}");
                assert_eq!(code(&arguments), Some(ErrorKind::ArgumentConflict), "{arguments}");
            }
            assert_eq!(code(&format!("spanledger {verb}")), None, "{verb}");
        }
        for verb in ["", "run", "status", "flush", "drain", "drain --wal x", "dead-letters", "forget x"] {
            assert_eq!(code(&format!("spanledger {verb} --config x.yaml")), None, "{verb}");
        }
    }

    #[test]
    fn what_is_of_a_config_is_refused_without_one() {
        for of_config in ["--exporter parquet", "--processor genai/eu"] {
            let arguments = format!("spanledger explain x.pb {of_config}");
            assert_eq!(code(&arguments), Some(ErrorKind::ArgumentConflict), "{arguments}");
            assert_eq!(code(&format!("{arguments} --config x.yaml")), None, "{arguments}");
        }
        assert_eq!(
            code("spanledger explain x --config y --lake z --exporter parquet"),
            Some(ErrorKind::ArgumentConflict)
        );
    }

    #[test]
    fn the_flags_of_the_collector_are_understood() {
        for version in ["-v", "-V", "--version"] {
            assert_eq!(code(&format!("spanledger {version}")), Some(ErrorKind::DisplayVersion));
        }
        assert_eq!(code("spanledger print-initial-config --mode redacted --format json --validate"), None);
        assert_eq!(code("spanledger print-config --mode unredacted"), Some(ErrorKind::InvalidValue));
    }
}
