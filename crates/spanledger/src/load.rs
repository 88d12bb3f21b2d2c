//! Reading the config, and the verbs that only look at it.

use std::fmt::Write as _;

use spanledger_component::{Error, Kind, Listing, Registry};
use spanledger_config::{Loaded, Source, SystemEnv};
use spanledger_engine::Shares;

use crate::args::{ConfigArgs, Format, PrintArgs};
use crate::show;

/// What runs when no config is given.
const EMBEDDED: &str = include_str!("../../../config/local.yaml");

/// Reads the config; an error lists everything that is wrong with it, a line each.
pub(crate) fn load(config: &ConfigArgs, registry: &Registry) -> Result<Loaded, Error> {
    let loaded = match config.sources.is_empty() {
        true => spanledger_config::load_sources(&embedded(config), registry, &SystemEnv),
        false => spanledger_config::load(&config.sources, &config.sets, registry, &SystemEnv),
    };
    let loaded = loaded.map_err(|problems| Error::new(format!("the config cannot run:\n{problems}")))?;
    Shares::check(loaded.graph.service.memory)
        .map_err(|problem| Error::new(format!("the config cannot run:\n{problem}")))?;
    Ok(loaded)
}

fn embedded(config: &ConfigArgs) -> Vec<Source> {
    let embedded = Source::text("embedded default", EMBEDDED);
    std::iter::once(embedded).chain(config.sets.iter().map(|set| Source::set(set))).collect()
}

/// Says nothing when the config is right but for what was accepted without effect.
pub(crate) fn validate(config: &ConfigArgs, registry: &Registry) -> Result<(), Error> {
    let loaded = load(config, registry)?;
    loaded.warnings.iter().for_each(|warning| show::error(warning));
    Ok(())
}

/// The config as it is understood.
pub(crate) fn print_config(
    config: &ConfigArgs,
    registry: &Registry,
    how: PrintArgs,
) -> Result<String, Error> {
    let loaded = load(config, registry)?;
    match how.format {
        Format::Yaml => Ok(loaded.redacted_yaml()),
        Format::Json => pretty(&loaded.redacted_json()),
    }
}

/// The JSON Schema of the config.
pub(crate) fn schema(registry: &Registry) -> Result<String, Error> {
    pretty(&spanledger_config::schema(registry))
}

fn pretty(json: &serde_json::Value) -> Result<String, Error> {
    serde_json::to_string_pretty(json).map_err(|error| Error::caused("print JSON", error))
}

/// What is built in, as the Collector's `components` prints it.
pub(crate) fn components(registry: &Registry) -> String {
    let mut out =
        format!("buildinfo:\n    command: spanledger\n    version: {}\n", env!("CARGO_PKG_VERSION"));
    let mut section = |kind: Kind, listings: Vec<Listing>| {
        let _ = writeln!(out, "{}:", kind.section());
        for listing in listings {
            let _ = writeln!(out, "    - name: {}\n{}", listing.word, stability(&listing));
        }
    };
    section(Kind::Receiver, registry.receivers().map(|entry| entry.listing).collect());
    section(Kind::Processor, registry.processors().map(|entry| entry.listing).collect());
    section(Kind::Exporter, registry.exporters().map(|entry| entry.listing).collect());
    section(Kind::Connector, registry.connectors().map(|entry| entry.listing).collect());
    section(Kind::Extension, registry.extensions().map(|entry| entry.listing).collect());
    out
}

fn stability(listing: &Listing) -> String {
    let line = |what: String| format!("        {what}: {}", listing.stability);
    let mut lines: Vec<String> = listing.signals.iter().map(|signal| line(signal.to_string())).collect();
    lines.extend(listing.turns.iter().map(|(from, to)| line(format!("{from}-to-{to}"))));
    if lines.is_empty() {
        lines.push(line("extension".to_owned()));
    }
    format!("      stability:\n{}", lines.join("\n"))
}
