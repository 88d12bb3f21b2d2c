//! The real parts, where `cargo xtask test` put them.

use std::path::PathBuf;

fn tool(variable: &str, default: &str) -> PathBuf {
    let tools = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    std::env::var_os(variable).map_or_else(|| tools.join(default), PathBuf::from)
}

pub fn python() -> PathBuf {
    tool("SPANLEDGER_PYTHON", "python/bin/python")
}

pub fn minio() -> PathBuf {
    tool("SPANLEDGER_MINIO", "minio/minio")
}

pub fn toxiproxy() -> PathBuf {
    tool("SPANLEDGER_TOXIPROXY", "toxiproxy/server")
}

pub fn prometheus() -> PathBuf {
    tool("SPANLEDGER_PROMETHEUS", "prometheus/usr/bin/prometheus")
}

pub fn promtool() -> PathBuf {
    tool("SPANLEDGER_PROMTOOL", "prometheus/usr/bin/promtool")
}

pub fn node_modules() -> PathBuf {
    tool("SPANLEDGER_NODE_MODULES", "node/node_modules")
}

/// The folder with an environment for each SDK.
pub fn sdks() -> PathBuf {
    tool("SPANLEDGER_SDKS", "sdks")
}

/// A script of `tests/support`.
pub fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/support").join(name)
}

/// The captured requests of real SDKs.
pub fn captures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures")
}
