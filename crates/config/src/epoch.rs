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
    /// Of a stored epoch: names of what processors' rows depend on beside the settings, by processor.
    pub pinned: BTreeMap<ComponentId, String>,
    stored: Stored,
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
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    pipelines: BTreeMap<String, StoredPipeline>,
    processors: BTreeMap<ComponentId, Json>,
    connectors: BTreeMap<ComponentId, Json>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pinned: BTreeMap<ComponentId, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPipeline {
    receivers: Vec<ComponentId>,
    processors: Vec<ComponentId>,
    exporters: Vec<ComponentId>,
}

/// With 2 something is pinned; 1 is the same without.
const VERSION: u32 = 2;

impl Epoch {
    /// What is kept of it, with the names of what is pinned. Canonical: an unchanged meaning gives the same bytes.
    pub fn payload(&self, pinned: &BTreeMap<ComponentId, String>) -> Vec<u8> {
        let version = if pinned.is_empty() { 1 } else { VERSION };
        let stored = Stored { version, pinned: pinned.clone(), ..self.stored.clone() };
        // Maps with texts for keys are always written.
        serde_json::to_vec(&stored).unwrap_or_default()
    }

    /// Whether a source of a pipeline is a connector, and no receiver.
    pub fn is_connector(&self, source: &ComponentId) -> bool {
        self.stored.connectors.contains_key(source)
    }

    /// The names of what a stored epoch has pinned, by processor; none where it cannot be read.
    pub fn pinned_in(payload: &[u8]) -> BTreeMap<ComponentId, String> {
        serde_json::from_slice::<Stored>(payload).map(|stored| stored.pinned).unwrap_or_default()
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
        for (id, json) in stored.processors.clone() {
            let mut node = Node::from_json(json, &place);
            let mut expander = Expander::new(env);
            expander.expand(&mut node);
            problems.append(&mut expander.problems);
            unset.append(&mut expander.warnings);
            settings.insert(id, node);
        }
        let mut pipelines = Vec::new();
        for (id, pipeline) in stored.pipelines.clone() {
            let id = id.parse().map_err(|message| wrong(format!("read stored epoch: {message}")))?;
            let processors = processors(&pipeline.processors, &settings, registry, &mut problems);
            let StoredPipeline { receivers, exporters, .. } = pipeline;
            pipelines.push(Pipeline { id, receivers, processors, exporters });
        }
        pipelines.sort_by(|a, b| a.id.cmp(&b.id));
        match problems.is_empty() {
            true => Ok(Self { pipelines, pinned: stored.pinned.clone(), stored }),
            false => Err(Problems::new(problems, unset)),
        }
    }

    /// The epoch of a config. What is wrong with processors was reported when their section was read.
    pub(crate) fn new(wirings: &[Wiring], sections: &Sections<'_>) -> Self {
        let used = |id: &ComponentId| {
            wirings.iter().any(|wiring| wiring.processors.contains(id) || wiring.exporters.contains(id))
        };
        let stored = Stored {
            version: 1,
            pipelines: wirings
                .iter()
                .map(|wiring| (wiring.id.to_string(), StoredPipeline::from(wiring)))
                .collect(),
            processors: stored_settings(&sections.processors, &used),
            connectors: stored_settings(&sections.connectors, &used),
            pinned: BTreeMap::new(),
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
        Self { pipelines, pinned: BTreeMap::new(), stored }
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
