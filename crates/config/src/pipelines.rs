//! The pipelines of `service`: which ids each one names, and whether they may stand there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use spanledger_component::{
    ComponentId, Connector, Exporter, Extension, Listing, Processor, Receiver, Signal,
};

use crate::node::Node;
use crate::place::{Path, Place, Problem, joined, path};
use crate::sections::Section;
use crate::service::PipelineSettings;
use crate::words::{did_you_mean, without_hidden};

/// A signal, and perhaps a name: `traces`, `traces/eu`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PipelineId {
    /// What flows in it.
    pub signal: Signal,
    /// What follows the slash; empty when there is none.
    pub name: String,
}

impl FromStr for PipelineId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let id: ComponentId = text.parse().map_err(|error| format!("{error}"))?;
        let signal = Signal::ALL.into_iter().find(|signal| signal.word() == id.kind()).ok_or_else(|| {
            let hint = did_you_mean(id.kind(), Signal::ALL.iter().map(|signal| signal.word()));
            format!("unknown signal {:?}{hint}", id.kind())
        })?;
        Ok(Self { signal, name: id.name().to_owned() })
    }
}

impl fmt::Display for PipelineId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => write!(out, "{}", self.signal),
            name => write!(out, "{}/{name}", self.signal),
        }
    }
}

/// Which ids a pipeline names.
#[derive(Debug, Clone)]
pub(crate) struct Wiring {
    pub(crate) id: PipelineId,
    pub(crate) place: Place,
    pub(crate) receivers: BTreeSet<ComponentId>,
    pub(crate) processors: Vec<ComponentId>,
    pub(crate) exporters: BTreeSet<ComponentId>,
}

impl Wiring {
    pub(crate) fn path(&self) -> String {
        format!("service::pipelines::{}", self.id)
    }
}

/// Every declared component, by kind and id.
pub(crate) struct Sections<'a> {
    pub(crate) receivers: Section<'a, dyn Receiver>,
    pub(crate) processors: Section<'a, dyn Processor>,
    pub(crate) exporters: Section<'a, dyn Exporter>,
    pub(crate) connectors: Section<'a, dyn Connector>,
    pub(crate) extensions: Section<'a, dyn Extension>,
}

/// What an id of a list refers to: its listing, `None` when its type is unknown and reported.
type Target<'a> = Option<&'a Listing>;

/// Ids that a list may name.
struct Targets<'a> {
    word: &'static str,
    known: BTreeMap<&'a ComponentId, Target<'a>>,
}

/// Reads pipelines against what is declared.
pub(crate) struct Pipelines<'a> {
    pub(crate) sections: &'a Sections<'a>,
    pub(crate) root: &'a Node,
    pub(crate) problems: &'a mut Vec<Problem>,
    pub(crate) warnings: &'a mut Vec<String>,
}

impl<'a> Pipelines<'a> {
    /// Reads all of them.
    pub(crate) fn read(&mut self, settings: &BTreeMap<String, PipelineSettings>) -> Vec<Wiring> {
        if settings.is_empty() {
            let path = path(["service", "pipelines"]);
            let place = self.root.nearest(&path).place.clone();
            self.problems.push(Problem::at(&place, joined(&path), "service must have at least one pipeline"));
        }
        let mut wirings: Vec<Wiring> =
            settings.iter().filter_map(|(key, pipeline)| self.wiring(key, pipeline)).collect();
        wirings.sort_by(|a, b| a.id.cmp(&b.id));
        wirings
    }

    fn wiring(&mut self, key: &str, pipeline: &PipelineSettings) -> Option<Wiring> {
        let at = path(["service", "pipelines", key]);
        let place = self.root.key_place(&at).clone();
        let id: PipelineId = match key.parse() {
            Ok(id) => id,
            Err(message) => {
                self.problems.push(Problem::at(&place, "service::pipelines", message));
                return None;
            }
        };
        let receivers = self.ids(&id, &at, "receivers", &pipeline.receivers, &self.sources());
        let processors = self.ids(&id, &at, "processors", &pipeline.processors, &self.steps());
        let exporters = self.ids(&id, &at, "exporters", &pipeline.exporters, &self.sinks());
        for (ids, word) in [(&pipeline.receivers, "receiver"), (&pipeline.exporters, "exporter")] {
            if ids.is_empty() {
                let message = format!("must have at least one {word}");
                self.problems.push(Problem::at(&place, joined(&at), message));
            }
        }
        let (receivers, exporters) = (receivers.into_iter().collect(), exporters.into_iter().collect());
        Some(Wiring { id, place, receivers, processors, exporters })
    }

    /// The ids of a list that are declared and may stand there.
    fn ids(
        &mut self,
        pipeline: &PipelineId,
        at: &Path,
        list: &str,
        texts: &[String],
        targets: &Targets<'_>,
    ) -> Vec<ComponentId> {
        let mut ids = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let mut element = at.clone();
            element.extend([list.to_owned(), format!("[{index}]")]);
            let node = self.root.nearest(&element);
            let (place, hidden) = (node.place.clone(), node.hidden_texts());
            match self.id(pipeline, text, targets) {
                Ok(id) if !ids.contains(&id) => ids.push(id),
                Ok(id) if list == "processors" => {
                    let message = format!("references processor \"{id}\" multiple times");
                    self.problems.push(Problem::at(&place, joined(at), message));
                }
                Ok(id) => self.warnings.push(format!(
                    "{place}: {}: references {} \"{id}\" multiple times, which is the same as once",
                    joined(at),
                    targets.word
                )),
                Err(message) => {
                    let message = without_hidden(&message, &hidden);
                    self.problems.push(Problem::at(&place, joined(at), message));
                }
            }
        }
        ids
    }

    fn id(&self, pipeline: &PipelineId, text: &str, targets: &Targets<'_>) -> Result<ComponentId, String> {
        let id: ComponentId = text.parse().map_err(|error| format!("{error}"))?;
        let Some(target) = targets.known.get(&id) else {
            return Err(not_configured(targets.word, &id, targets.known.keys().copied()));
        };
        let takes = target
            .is_none_or(|listing| !listing.turns.is_empty() || listing.signals.contains(&pipeline.signal));
        match (takes, target) {
            (false, Some(listing)) => Err(format!(
                "{} \"{id}\" cannot be used for {}: telemetry type is not supported, only {}",
                targets.word,
                pipeline.signal,
                listing.signals.iter().map(|signal| signal.word()).collect::<Vec<_>>().join(", ")
            )),
            _ => Ok(id),
        }
    }

    fn sources(&self) -> Targets<'a> {
        let mut known: BTreeMap<_, _> =
            self.sections.receivers.iter().map(|(id, declared)| (id, declared.listing())).collect();
        known.extend(self.sections.connectors.iter().map(|(id, declared)| (id, declared.listing())));
        Targets { word: "receiver", known }
    }

    fn steps(&self) -> Targets<'a> {
        let known = self.sections.processors.iter().map(|(id, declared)| (id, declared.listing())).collect();
        Targets { word: "processor", known }
    }

    fn sinks(&self) -> Targets<'a> {
        let mut known: BTreeMap<_, _> =
            self.sections.exporters.iter().map(|(id, declared)| (id, declared.listing())).collect();
        known.extend(self.sections.connectors.iter().map(|(id, declared)| (id, declared.listing())));
        Targets { word: "exporter", known }
    }
}

/// `references exporter "x" which is not configured`, with the nearest id that is.
pub(crate) fn not_configured<'a>(
    word: &str,
    id: &ComponentId,
    known: impl Iterator<Item = &'a ComponentId>,
) -> String {
    let known: Vec<String> = known.map(ToString::to_string).collect();
    let hint = did_you_mean(&id.to_string(), known.iter().map(String::as_str));
    format!("references {word} \"{id}\" which is not configured{hint}")
}
