//! Who is measured: Spanledger and its peers, each with its best settings for the job.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};
use spanledger_load::Failure;

/// A program with a config.
#[derive(Debug)]
pub(crate) struct Contender {
    /// As it is chosen by, and the name of its config in `benches/peers`.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    program: Program,
    /// What it does with a span before and after it acknowledges.
    pub(crate) does: &'static str,
    /// What of Spanledger's work it does not do.
    pub(crate) lacks: &'static str,
}

/// Which program a contender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Spanledger,
    Collector,
    Rotel,
}

/// All, the one that the others are compared with first.
pub(crate) const CONTENDERS: [Contender; 8] = [
    Contender {
        name: "spanledger",
        title: "Spanledger, everything on",
        program: Program::Spanledger,
        does: "fsync before the acknowledgement, GenAI columns, cost, sorted Parquet of zstd(1) on the local disk, metrics by model, exactly once",
        lacks: "",
    },
    Contender {
        name: "ledger-only",
        title: "Spanledger, nothing after the log",
        program: Program::Spanledger,
        does: "fsync before the acknowledgement, decodes, and throws away",
        lacks: "derives nothing, writes no files: what is left to the rest of Spanledger is the difference",
    },
    Contender {
        name: "ledger-parquet",
        title: "Spanledger, no GenAI, no metrics",
        program: Program::Spanledger,
        does: "fsync before the acknowledgement, sorted Parquet of zstd(1) on the local disk, exactly once",
        lacks: "reads no calls out of spans: no columns of GenAI, no cost, no metrics by model",
    },
    Contender {
        name: "collector-nop",
        title: "(a) Collector, nop",
        program: Program::Collector,
        does: "decodes, and throws away",
        lacks: "keeps nothing, derives nothing",
    },
    Contender {
        name: "collector-genai",
        title: "(b) Collector, GenAI by hand",
        program: Program::Collector,
        does: "batches in memory, then cost by OTTL rules for five models, `span_metrics`, `signal_to_metrics`, `prometheus`, a file of OTLP with zstd",
        lacks: "acknowledges what is in memory only; no columns, no sorting, no recognition of repeats",
    },
    Contender {
        name: "collector-queue",
        title: "(c) Collector, persistent queue",
        program: Program::Collector,
        does: "`file_storage` with fsync before the acknowledgement, then OTLP to a sink",
        lacks: "no GenAI, no cost, no metrics, no files; repeats after a crash",
    },
    Contender {
        name: "rotel-blackhole",
        title: "rotel, blackhole",
        program: Program::Rotel,
        does: "decodes, batches, and throws away",
        lacks: "keeps nothing, derives nothing",
    },
    Contender {
        name: "rotel-otlp",
        title: "rotel, OTLP out",
        program: Program::Rotel,
        does: "decodes, batches in memory, OTLP to a sink",
        lacks: "acknowledges what is in memory only; derives nothing. Its processor time is the same with compression `none` and `gzip`",
    },
];

/// Ports that a contender is to use.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) grpc: u16,
    pub(crate) metrics: u16,
    pub(crate) admin: u16,
    pub(crate) own: u16,
    pub(crate) sink: u16,
}

/// Where the programs are; those that are absent are not measured.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) spanledger: PathBuf,
    pub(crate) collector: Option<PathBuf>,
    pub(crate) rotel: Option<PathBuf>,
}

/// What is said of a program beside its figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) contender: String,
    pub(crate) version: String,
    pub(crate) stripped_mb: f64,
}

impl Contender {
    /// Where its program is.
    pub(crate) fn path<'programs>(&self, programs: &'programs Programs) -> Option<&'programs Path> {
        match self.program {
            Program::Spanledger => Some(&programs.spanledger),
            Program::Collector => programs.collector.as_deref(),
            Program::Rotel => programs.rotel.as_deref(),
        }
    }

    /// How it is started.
    pub(crate) fn command(&self, path: &Path, ports: Ports) -> Result<Command, Failure> {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../peers");
        let mut command = Command::new(path);
        let Ports { grpc, metrics, admin, own, sink } = ports;
        let ports = [
            ("SUITE_GRPC", grpc),
            ("SUITE_METRICS", metrics),
            ("SUITE_ADMIN", admin),
            ("SUITE_OWN", own),
            ("SUITE_SINK", sink),
        ];
        if self.program == Program::Rotel {
            let file = peers.join(format!("{}.env", self.name));
            let text = std::fs::read_to_string(&file)
                .map_err(|error| format!("read {}: {error}", file.display()))?;
            command.arg("start").envs(settings(&text, &ports));
        } else {
            command.arg("--config").arg(peers.join(format!("{}.yaml", self.name)));
            command.envs(ports.map(|(name, port)| (name, port.to_string())));
        }
        Ok(command)
    }

    /// Whether it sends spans on to a sink, where they can be counted.
    pub(crate) fn sends_on(&self) -> bool {
        matches!(self.name, "collector-queue" | "rotel-otlp")
    }

    /// Whether it is to be asked to deliver what it holds, on the port for that.
    pub(crate) fn is_flushed(&self) -> bool {
        self.program == Program::Spanledger
    }

    /// Its version and size.
    pub(crate) fn about(&self, path: &Path) -> Result<About, Failure> {
        let output = Command::new(path).arg("--version").output()?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let folder = tempfile::tempdir()?;
        let stripped = folder.path().join("stripped");
        let status = Command::new("strip").arg("-o").arg(&stripped).arg(path).status();
        // Those of the peers are stripped as they come.
        let measured = if status.is_ok_and(|status| status.success()) { &stripped } else { path };
        let stripped_mb = measured.metadata()?.len() as f64 / 1e6;
        Ok(About { contender: self.name.to_owned(), version, stripped_mb })
    }
}

/// The settings in a file of `NAME=value`, with `${env:NAME}` replaced.
fn settings(text: &str, ports: &[(&str, u16)]) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    let replaced = |value: &str| {
        ports.iter().fold(value.to_owned(), |value, (name, port)| {
            value.replace(&format!("${{env:{name}}}"), &port.to_string())
        })
    };
    pairs.map(|(name, value)| (name.to_owned(), replaced(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: Ports = Ports { grpc: 1, metrics: 2, admin: 3, own: 4, sink: 5 };

    #[test]
    fn every_contender_has_a_config_that_says_where_it_listens() {
        for contender in CONTENDERS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../peers");
            let yaml = folder.join(format!("{}.yaml", contender.name));
            let file = if yaml.exists() { yaml } else { folder.join(format!("{}.env", contender.name)) };
            assert!(std::fs::read_to_string(&file).unwrap().contains("${env:SUITE_GRPC}"), "{file:?}");
        }
    }

    #[test]
    fn a_program_without_config_files_gets_its_settings_as_variables() {
        let rotel = CONTENDERS.iter().find(|contender| contender.name == "rotel-otlp").unwrap();
        let command = rotel.command(Path::new("rotel"), PORTS).unwrap();
        let variables: Vec<_> = command.get_envs().collect();
        let has = |name: &str, value: &str| variables.contains(&(name.as_ref(), Some(value.as_ref())));
        assert!(has("ROTEL_OTLP_GRPC_ENDPOINT", "127.0.0.1:1"), "{variables:?}");
        assert!(has("ROTEL_OTLP_EXPORTER_ENDPOINT", "http://127.0.0.1:5"), "{variables:?}");
    }
}
