//! The checked graph: what runs, with its settings read, and what of it determines the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use spanledger_component::{
    ComponentId, Configured, Connector, Exporter, Extension, Kind, Receiver, Registry,
};

use crate::edges::Edges;
use crate::epoch::Epoch;
use crate::node::{Node, Value};
use crate::pipelines::{Pipelines, Sections, Wiring, not_configured};
use crate::place::{Problem, joined, path};
use crate::sections::{self, Section};
use crate::service::{self, ServiceSettings, TelemetrySettings};
use crate::settings;
use crate::unused;
use crate::without_effect;
use crate::words::{did_you_mean, without_hidden};

/// What runs. Components that are declared and not used are not in it, but for exporters.
pub struct Graph {
    /// What concerns the whole.
    pub service: Service,
    /// Those that a pipeline names.
    pub receivers: BTreeMap<ComponentId, Configured<dyn Receiver>>,
    /// Those that stand between pipelines.
    pub connectors: BTreeMap<ComponentId, Configured<dyn Connector>>,
    /// Those that a pipeline names.
    pub exporters: BTreeMap<ComponentId, Configured<dyn Exporter>>,
    /// Exporters that are declared and that no pipeline names: something can be replayed into them.
    pub spare_exporters: BTreeMap<ComponentId, Configured<dyn Exporter>>,
    /// Those that `service` lists, in that order.
    pub extensions: Vec<(ComponentId, Configured<dyn Extension>)>,
    /// What determines the rows of a position.
    pub epoch: Epoch,
}

/// What concerns the whole collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The memory everything together may take; `None`: 512 MiB, or what the control group leaves.
    pub memory: Option<u64>,
    /// How long a stop may wait for deliveries.
    pub shutdown_timeout: Duration,
    /// The collector's own logs and metrics.
    pub telemetry: TelemetrySettings,
}

/// The keys at the top.
const TOP: [&str; 6] = ["receivers", "processors", "exporters", "connectors", "extensions", "service"];

/// Checks a tree and builds the graph. Everything that is wrong goes to `problems`; then there may be no graph.
pub(crate) fn build(
    root: &Node,
    registry: &Registry,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<String>,
) -> Option<Graph> {
    check_top(root, problems);
    let mut sections = Sections {
        receivers: sections::receivers(registry).section(root, problems, warnings),
        processors: sections::processors(registry).section(root, problems, warnings),
        exporters: sections::exporters(registry).section(root, problems, warnings),
        connectors: sections::connectors(registry).section(root, problems, warnings),
        extensions: sections::extensions(registry).section(root, problems, warnings),
    };
    let service = read_service(root, problems, warnings)?;
    let wirings = Pipelines { sections: &sections, root, problems, warnings }.read(&service.pipelines);
    problems.extend(Edges { sections: &sections, wirings: &wirings }.problems());
    let extensions = listed_extensions(root, &service.extensions, &sections, problems);
    let telemetry = service.telemetry.settings().map_err(|message| {
        let path = path(["service", "telemetry", "metrics", "address"]);
        problems.push(Problem::at(&root.nearest(&path).place, joined(&path), message));
    });
    let epoch = Epoch::new(&wirings, &sections);
    let used = used(&wirings);
    warnings.extend(unused(&sections, &wirings, &used, &extensions));
    Some(Graph {
        service: Service {
            memory: service.memory.map(|size| size.0),
            shutdown_timeout: service.shutdown.timeout.0,
            telemetry: telemetry.ok()?,
        },
        receivers: taken(&mut sections.receivers, &used),
        connectors: taken(&mut sections.connectors, &used),
        exporters: taken(&mut sections.exporters, &used),
        spare_exporters: configured(sections.exporters),
        extensions: extensions
            .into_iter()
            .filter_map(|id| {
                let configured = sections.extensions.remove(&id)?.configured?;
                Some((id, configured))
            })
            .collect(),
        epoch,
    })
}

fn check_top(root: &Node, problems: &mut Vec<Problem>) {
    let Some(map) = root.map() else { return };
    for (key, entry) in map.iter().filter(|(key, _)| !TOP.contains(&key.as_str())) {
        let hint = did_you_mean(key, TOP.into_iter());
        problems.push(Problem::at(&entry.place, "", format!("unknown field {key:?}{hint}")));
    }
}

fn read_service(
    root: &Node,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<String>,
) -> Option<ServiceSettings> {
    let empty = Node::new(root.place.clone(), Value::Null);
    let node = root.child("service").unwrap_or(&empty);
    if let Some(telemetry) = node.child("telemetry") {
        let path = path(["service", "telemetry"]);
        warnings.extend(without_effect::lines(telemetry, &path, &service::WITHOUT_EFFECT));
    }
    let read = settings::read(node, &path(["service"]), problems, &|input| erased_serde::deserialize(input));
    read.map(|read| read.settings)
}

fn listed_extensions(
    root: &Node,
    listed: &[String],
    sections: &Sections<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<ComponentId> {
    let at = path(["service", "extensions"]);
    let mut ids = Vec::new();
    for (index, text) in listed.iter().enumerate() {
        let mut element = at.clone();
        element.push(format!("[{index}]"));
        let node = root.nearest(&element);
        let message = match text.parse::<ComponentId>() {
            Ok(id) if !sections.extensions.contains_key(&id) => {
                not_configured("extension", &id, sections.extensions.keys())
            }
            Ok(id) if ids.contains(&id) => format!("references extension \"{id}\" multiple times"),
            Ok(id) => match rival(&id, &ids, &sections.extensions) {
                Some(other) => {
                    format!(
                        "references extension \"{id}\", but only one of its type can run, and \"{other}\" does"
                    )
                }
                None => {
                    ids.push(id);
                    continue;
                }
            },
            Err(error) => error.to_string(),
        };
        let message = without_hidden(&message, &node.hidden_texts());
        problems.push(Problem::at(&node.place, joined(&at), message));
    }
    ids
}

/// The extension that runs already, when only one of the type can.
fn rival<'a>(
    id: &ComponentId,
    running: &'a [ComponentId],
    extensions: &Section<'_, dyn Extension>,
) -> Option<&'a ComponentId> {
    let listing = |id: &ComponentId| extensions.get(id)?.listing();
    let single = listing(id).filter(|listing| listing.single)?;
    running.iter().find(|other| listing(other).is_some_and(|listing| listing.word == single.word))
}

fn unused(
    sections: &Sections<'_>,
    wirings: &[Wiring],
    used: &BTreeSet<ComponentId>,
    extensions: &[ComponentId],
) -> Vec<String> {
    let is_used = |id: &ComponentId| used.contains(id);
    let is_step = |id: &ComponentId| wirings.iter().any(|wiring| wiring.processors.contains(id));
    [
        unused::lines(Kind::Receiver, &sections.receivers, is_used),
        unused::lines(Kind::Processor, &sections.processors, is_step),
        unused::lines(Kind::Exporter, &sections.exporters, is_used),
        unused::lines(Kind::Connector, &sections.connectors, is_used),
        unused::lines(Kind::Extension, &sections.extensions, |id| extensions.contains(id)),
    ]
    .concat()
}

fn used(wirings: &[Wiring]) -> BTreeSet<ComponentId> {
    wirings.iter().flat_map(|wiring| wiring.receivers.iter().chain(&wiring.exporters)).cloned().collect()
}

/// Takes those out that are used.
fn taken<C: ?Sized>(
    section: &mut Section<'_, C>,
    used: &BTreeSet<ComponentId>,
) -> BTreeMap<ComponentId, Configured<C>> {
    let (taken, left) = std::mem::take(section).into_iter().partition(|(id, _)| used.contains(id));
    *section = left;
    configured(taken)
}

fn configured<C: ?Sized>(section: Section<'_, C>) -> BTreeMap<ComponentId, Configured<C>> {
    section.into_iter().filter_map(|(id, declared)| Some((id, declared.configured?))).collect()
}
