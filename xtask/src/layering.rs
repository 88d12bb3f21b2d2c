//! Who may depend on whom. Crates depend strictly downward; this holds `cargo metadata` against that.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::command::Failure;
use crate::workspace::{Metadata, text};

/// The crates that must run anywhere and so may not know the collector's parts, not even in tests.
const PURE: [&str; 4] = ["wal", "schema", "telemetry", "genai"];

const COMPONENT_KINDS: [&str; 5] = ["receiver-", "processor-", "connector-", "exporter-", "extension-"];

/// A dependency of one of our crates on another, by folder name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: String,
    to: String,
    tests_only: bool,
}

/// Fails with every dependency that points the wrong way.
pub(crate) fn check() -> Result<(), Failure> {
    let edges = edges(&Metadata::read()?);
    let forbidden: Vec<String> = edges.iter().filter(|edge| !edge.allowed()).map(Edge::text).collect();
    if forbidden.is_empty() { Ok(()) } else { Err(forbidden.join("\n").into()) }
}

impl Edge {
    fn allowed(&self) -> bool {
        let to = self.to.as_str();
        // It is nothing: its questions are answered by the compiler.
        if to == "faults" {
            return true;
        }
        if self.tests_only {
            return !PURE.contains(&self.from.as_str())
                || !(is_component(to) || to == "engine" || to == "config");
        }
        match self.from.as_str() {
            "spanledger" => {
                is_component(to) || ["engine", "config", "component", "schema", "telemetry"].contains(&to)
            }
            "engine" => ["config", "wal", "otlp", "telemetry", "component", "schema"].contains(&to),
            "config" => to == "component",
            "component" => ["schema", "telemetry"].contains(&to),
            "otlp" | "genai" => to == "schema",
            "testkit" | "benches" | "instructions" | "load" | "suite" | "simulation" => to != "spanledger",
            from if is_component(from) => ["component", "schema", "otlp", "genai", "telemetry"].contains(&to),
            _ => false,
        }
    }

    fn text(&self) -> String {
        let kind = if self.tests_only { "in its tests" } else { "" };
        format!("{} must not depend on {} {kind}", self.from, self.to).trim_end().to_owned()
    }
}

fn is_component(name: &str) -> bool {
    COMPONENT_KINDS.iter().any(|kind| name.starts_with(kind))
}

/// The dependencies among the packages of this workspace.
fn edges(metadata: &Metadata) -> BTreeSet<Edge> {
    let ours: BTreeSet<&str> = metadata.packages().map(|package| text(package, "name")).collect();
    let mut edges = BTreeSet::new();
    for package in metadata.packages() {
        let from = folder(text(package, "name"));
        let dependencies = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        for dependency in dependencies.filter(|dependency| ours.contains(text(dependency, "name"))) {
            let to = folder(text(dependency, "name"));
            edges.insert(Edge { from: from.clone(), to, tests_only: text(dependency, "kind") == "dev" });
        }
    }
    edges
}

fn folder(package: &str) -> String {
    package.strip_prefix("spanledger-").unwrap_or(package).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn forbidden(from: &str, to: &str, kind: Value) -> bool {
        let metadata = Metadata::of(json!({"packages": [
            {"name": from, "dependencies": [{"name": to, "kind": kind}, {"name": "bytes", "kind": null}]},
            {"name": to, "dependencies": []},
        ]}));
        let edges = edges(&metadata);
        assert_eq!(edges.len(), 1);
        edges.iter().any(|edge| !edge.allowed())
    }

    #[test]
    fn a_component_may_not_use_another_component() {
        assert!(forbidden("spanledger-processor-genai", "spanledger-exporter-parquet", Value::Null));
    }

    #[test]
    fn a_component_may_not_use_the_engine() {
        assert!(forbidden("spanledger-receiver-otlp", "spanledger-engine", Value::Null));
    }

    #[test]
    fn the_log_uses_nothing_of_ours() {
        assert!(forbidden("spanledger-wal", "spanledger-schema", Value::Null));
        assert!(forbidden("spanledger-wal", "spanledger-schema", json!("build")));
    }

    #[test]
    fn nothing_uses_the_program() {
        assert!(forbidden("spanledger-testkit", "spanledger", Value::Null));
        assert!(forbidden("spanledger-engine", "spanledger", Value::Null));
    }

    #[test]
    fn tests_may_look_sideways_but_those_of_pure_crates_not_at_components() {
        assert!(!forbidden("spanledger-exporter-parquet", "spanledger-testkit", json!("dev")));
        assert!(!forbidden("spanledger-genai", "spanledger-testkit", json!("dev")));
        assert!(forbidden("spanledger-genai", "spanledger-processor-genai", json!("dev")));
    }

    #[test]
    fn everybody_may_plant_faults() {
        assert!(!forbidden("spanledger-wal", "spanledger-faults", Value::Null));
    }

    #[test]
    fn downward_is_allowed() {
        assert!(!forbidden("spanledger", "spanledger-exporter-parquet", Value::Null));
        assert!(!forbidden("spanledger-engine", "spanledger-wal", Value::Null));
        assert!(!forbidden("spanledger-connector-genai-metrics", "spanledger-genai", Value::Null));
    }

    #[test]
    fn a_crate_without_a_rule_is_reported() {
        assert!(forbidden("spanledger-newcomer", "spanledger-schema", Value::Null));
    }
}
