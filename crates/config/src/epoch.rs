//! What determines the rows of a position: pipelines, and the settings of processors and connectors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use spanledger_component::{ComponentId, Configured, Processor, Registry};

use crate::canonical::canonical;
use crate::expand::Expander;
use crate::node::Node;
use crate::pipelines::{PipelineId, Sections, Wiring};
use crate::place::{Place, Problem, Problems};
use crate::sections::{self, Section};
use crate::source::Env;

/// What determines the rows of a position.
pub struct Epoch {
    /// The pipelines, by id.
    pub pipelines: Vec<Pipeline>,
    payload: Vec<u8>,
}

/// One pipeline with processors of its own.
pub struct Pipeline {
    /// Its id.
    pub id: PipelineId,
    /// Ids of receivers and connectors, sorted.
    pub receivers: Vec<ComponentId>,
    /// Its processors, in order.
    pub processors: Vec<(ComponentId, Configured<dyn Processor>)>,
    /// Ids of exporters and connectors, sorted.
    pub exporters: Vec<ComponentId>,
}

/// What the engine keeps. References are as they were written, so that no secret is in it that was none in the YAML.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    pipelines: BTreeMap<String, StoredPipeline>,
    processors: BTreeMap<ComponentId, Json>,
    connectors: BTreeMap<ComponentId, Json>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPipeline {
    receivers: Vec<ComponentId>,
    processors: Vec<ComponentId>,
    exporters: Vec<ComponentId>,
}

const VERSION: u32 = 1;

impl Epoch {
    /// Canonical: an unchanged meaning gives the same bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Reads a stored epoch. References are looked up in the present environment.
    pub fn read(payload: &[u8], registry: &Registry, env: &dyn Env) -> Result<Self, Problems> {
        let wrong = |message: String| Problems::new(vec![Problem::anywhere(message)], Vec::new());
        let stored: Stored =
            serde_json::from_slice(payload).map_err(|error| wrong(format!("read stored epoch: {error}")))?;
        if stored.version > VERSION {
            return Err(wrong(format!("stored epoch has version {}, newer than {VERSION}", stored.version)));
        }
        let place = Place::start(&"stored epoch".into());
        let mut problems = Vec::new();
        let mut unset = Vec::new();
        let mut settings = BTreeMap::new();
        for (id, json) in stored.processors {
            let mut node = Node::from_json(json, &place);
            let mut expander = Expander::new(env);
            expander.expand(&mut node);
            problems.append(&mut expander.problems);
            unset.append(&mut expander.warnings);
            settings.insert(id, node);
        }
        let mut pipelines = Vec::new();
        for (id, pipeline) in stored.pipelines {
            let id = id.parse().map_err(|message| wrong(format!("read stored epoch: {message}")))?;
            let processors = processors(&pipeline.processors, &settings, registry, &mut problems);
            let StoredPipeline { receivers, exporters, .. } = pipeline;
            pipelines.push(Pipeline { id, receivers, processors, exporters });
        }
        pipelines.sort_by(|a, b| a.id.cmp(&b.id));
        match problems.is_empty() {
            true => Ok(Self { pipelines, payload: payload.to_vec() }),
            false => Err(Problems::new(problems, unset)),
        }
    }

    /// The epoch of a config. What is wrong with processors was reported when their section was read.
    pub(crate) fn new(wirings: &[Wiring], sections: &Sections<'_>) -> Self {
        let used = |id: &ComponentId| {
            wirings.iter().any(|wiring| wiring.processors.contains(id) || wiring.exporters.contains(id))
        };
        let stored = Stored {
            version: VERSION,
            pipelines: wirings
                .iter()
                .map(|wiring| (wiring.id.to_string(), StoredPipeline::from(wiring)))
                .collect(),
            processors: stored_settings(&sections.processors, &used),
            connectors: stored_settings(&sections.connectors, &used),
        };
        let pipelines = wirings
            .iter()
            .map(|wiring| Pipeline {
                id: wiring.id.clone(),
                receivers: wiring.receivers.iter().cloned().collect(),
                processors: built(&wiring.processors, &sections.processors),
                exporters: wiring.exporters.iter().cloned().collect(),
            })
            .collect();
        Self { pipelines, payload: serde_json::to_vec(&stored).unwrap_or_default() }
    }
}

impl From<&Wiring> for StoredPipeline {
    fn from(wiring: &Wiring) -> Self {
        Self {
            receivers: wiring.receivers.iter().cloned().collect(),
            processors: wiring.processors.clone(),
            exporters: wiring.exporters.iter().cloned().collect(),
        }
    }
}

fn stored_settings<C: ?Sized>(
    section: &Section<'_, C>,
    used: &dyn Fn(&ComponentId) -> bool,
) -> BTreeMap<ComponentId, Json> {
    section
        .iter()
        .filter(|(id, _)| used(id))
        .map(|(id, declared)| {
            let json = canonical(&declared.settings);
            (id.clone(), if json.is_null() { Json::Object(serde_json::Map::new()) } else { json })
        })
        .collect()
}

/// Each pipeline has processors of its own, so their settings are read again for each.
fn built(
    ids: &[ComponentId],
    section: &Section<'_, dyn Processor>,
) -> Vec<(ComponentId, Configured<dyn Processor>)> {
    ids.iter()
        .filter_map(|id| {
            let declared = section.get(id)?;
            let configured = sections::configured(declared.entry?, &declared.settings, &[], &mut Vec::new())?;
            Some((id.clone(), configured))
        })
        .collect()
}

fn processors(
    ids: &[ComponentId],
    settings: &BTreeMap<ComponentId, Node>,
    registry: &Registry,
    problems: &mut Vec<Problem>,
) -> Vec<(ComponentId, Configured<dyn Processor>)> {
    let mut processors = Vec::new();
    for id in ids {
        match (settings.get(id), registry.processor(id.kind())) {
            (Some(node), Some(entry)) => {
                let path = ["processors".to_owned(), id.to_string()];
                let configured = sections::configured(entry, node, &path, problems);
                processors.extend(configured.map(|configured| (id.clone(), configured)));
            }
            (None, _) => {
                problems.push(Problem::anywhere(format!("stored epoch: no settings of processor \"{id}\"")));
            }
            (_, None) => {
                problems.push(Problem::anywhere(format!(
                    "stored epoch: unknown type {:?} of processor",
                    id.kind()
                )));
            }
        }
    }
    processors
}
