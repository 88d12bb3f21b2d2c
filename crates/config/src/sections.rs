//! The sections of components: every declared one is read and checked, also those that no pipeline uses.

use std::collections::BTreeMap;

use spanledger_component::{ComponentId, Configured, Entry, Kind, Listing, Registry};

use crate::node::{Node, Value};
use crate::place::{Place, Problem, joined, path};
use crate::settings::{self, Settings};
use crate::without_effect;
use crate::words::{did_you_mean, found_in_words, without_hidden};

/// A declared component.
pub(crate) struct Declared<'a, C: ?Sized> {
    pub(crate) place: Place,
    pub(crate) entry: Option<&'a Entry<C>>,
    pub(crate) settings: Node,
    pub(crate) configured: Option<Configured<C>>,
}

impl<C: ?Sized> Declared<'_, C> {
    /// What its type is called and takes, unless the type is unknown.
    pub(crate) fn listing(&self) -> Option<&Listing> {
        self.entry.map(|entry| &entry.listing)
    }
}

/// The components of a kind by id.
pub(crate) type Section<'a, C> = BTreeMap<ComponentId, Declared<'a, C>>;

/// The types of a kind.
pub(crate) struct Types<'a, C: ?Sized> {
    pub(crate) kind: Kind,
    pub(crate) entries: Vec<&'a Entry<C>>,
}

impl<'a, C: ?Sized> Types<'a, C> {
    fn find(&self, word: &str) -> Option<&'a Entry<C>> {
        self.entries
            .iter()
            .copied()
            .find(|entry| entry.listing.word == word || entry.listing.aliases.contains(&word))
    }

    /// Reads the kind's section.
    pub(crate) fn section(
        &self,
        root: &Node,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<String>,
    ) -> Section<'a, C> {
        let mut section = Section::new();
        let path = path([self.kind.section()]);
        let Some(node) = root.child(self.kind.section()) else { return section };
        let map = match &node.value {
            Value::Map(map) => map,
            Value::Null | Value::Removed => return section,
            _ => {
                let message = format!("found {}, expected a map of component ids", found_in_words(node));
                problems.push(Problem::at(&node.place, joined(&path), message));
                return section;
            }
        };
        for (key, entry) in map {
            let id: ComponentId = match key.parse() {
                Ok(id) => id,
                Err(error) => {
                    problems.push(Problem::at(&entry.place, joined(&path), format!("{error}")));
                    continue;
                }
            };
            let declared = self.declared(&id, &entry.place, &entry.node, problems, warnings);
            if section.insert(id, declared).is_some() {
                let message = format!("duplicate name {key:?} after trimming spaces");
                problems.push(Problem::at(&entry.place, joined(&path), message));
            }
        }
        section
    }

    fn declared(
        &self,
        id: &ComponentId,
        place: &Place,
        node: &Node,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<String>,
    ) -> Declared<'a, C> {
        let path = vec![self.kind.section().to_owned(), id.to_string()];
        let entry = self.find(id.kind());
        let configured = match entry {
            Some(entry) => {
                let (word, written) = (entry.listing.word, id.kind());
                if word != written {
                    let path = joined(&path);
                    warnings.push(format!(
                        "{place}: {path}: {written:?} is now called {word:?}; both are accepted"
                    ));
                }
                warnings.extend(without_effect::lines(node, &path, entry.listing.without_effect));
                configured(entry, node, &path, problems)
            }
            None => {
                let known = self.entries.iter().map(|entry| entry.listing.word);
                let hint = did_you_mean(id.kind(), known);
                let message = format!("unknown type {:?}{hint}", id.kind());
                problems.push(Problem::at(place, joined(&path), message));
                None
            }
        };
        Declared { place: place.clone(), entry, settings: node.clone(), configured }
    }
}

/// Reads a component's settings, and has them checked.
pub(crate) fn configured<C: ?Sized>(
    entry: &Entry<C>,
    node: &Node,
    path: &[String],
    problems: &mut Vec<Problem>,
) -> Option<Configured<C>> {
    let Settings { settings: configured, left_out } =
        settings::read(node, path, problems, &|input| (entry.read)(input))?;
    for (below, message) in &configured.problems {
        let below: Vec<String> =
            below.replace("::", ".").split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect();
        // A default stands in for what was wrong: what is said of that, or of what it stands in, would mislead.
        if left_out.iter().any(|wrong| below.starts_with(wrong) || wrong.starts_with(&below)) {
            continue;
        }
        let mut full = path.to_vec();
        full.extend(below.iter().cloned());
        let at = node.nearest(&below);
        let message = without_hidden(message, &node.hidden_texts());
        problems.push(Problem::at(&at.place, joined(&full), message));
    }
    Some(configured)
}

macro_rules! types {
    ($name:ident, $list:ident, $component:ident, $kind:ident) => {
        /// The types of one kind.
        pub(crate) fn $name(registry: &Registry) -> Types<'_, dyn spanledger_component::$component> {
            Types { kind: Kind::$kind, entries: registry.$list().collect() }
        }
    };
}

types!(receivers, receivers, Receiver, Receiver);
types!(processors, processors, Processor, Processor);
types!(exporters, exporters, Exporter, Exporter);
types!(connectors, connectors, Connector, Connector);
types!(extensions, extensions, Extension, Extension);
