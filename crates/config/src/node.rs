//! A YAML value that knows where it stands and what it was before expansion.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::place::Place;

/// The most levels a config may have.
pub(crate) const DEPTH_MAX: usize = 64;

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
    /// The text it was read from, when that is not the value itself: what a field of text takes.
    pub(crate) original: Option<Arc<str>>,
    /// The text before expansion, when the value, or what it stands in, came from `${env:…}` or `${file:…}`.
    pub(crate) reference: Option<Arc<str>>,
    /// Whether its component declares it a secret.
    pub(crate) secret: bool,
}

/// What YAML can say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(Arc<str>),
    List(Vec<Node>),
    Map(Map),
    /// Was wrong and is reported: skipped by whoever reads on.
    Removed,
}

/// Keys with the place of each.
pub(crate) type Map = BTreeMap<String, Entry>;

/// One key of a map.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) place: Place,
    pub(crate) node: Node,
}

impl PartialEq for Node {
    /// The same value, wherever it stands.
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl Node {
    pub(crate) fn new(place: Place, value: Value) -> Self {
        Self { place, value, original: None, reference: None, secret: false }
    }

    pub(crate) fn map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The child of that key, or of that index when this is a list.
    pub(crate) fn child(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(map) => map.get(key).map(|entry| &entry.node),
            Value::List(list) => list.get(index(key)?),
            _ => None,
        }
    }

    fn child_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.value {
            Value::Map(map) => map.get_mut(key).map(|entry| &mut entry.node),
            Value::List(list) => list.get_mut(index(key)?),
            _ => None,
        }
    }

    /// What is at the path.
    pub(crate) fn at(&self, path: &[String]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.child(key))
    }

    /// What is at the path, or what is nearest above it.
    pub(crate) fn nearest(&self, path: &[String]) -> &Self {
        let mut node = self;
        for key in path {
            match node.child(key) {
                Some(child) => node = child,
                None => break,
            }
        }
        node
    }

    /// The place of the last key of the path, or of what is nearest above it.
    pub(crate) fn key_place(&self, path: &[String]) -> &Place {
        let parent = path.split_last().and_then(|(key, above)| Some((key, self.at(above)?)));
        match parent.and_then(|(key, parent)| parent.map()?.get(key)) {
            Some(entry) => &entry.place,
            None => &self.nearest(path).place,
        }
    }

    /// Makes who reads on skip what is at the path. Says whether there was something.
    pub(crate) fn remove(&mut self, path: &[String]) -> bool {
        let node = path.iter().try_fold(self, |node, key| node.child_mut(key));
        match node {
            Some(node) if node.value != Value::Removed => {
                node.value = Value::Removed;
                true
            }
            _ => false,
        }
    }

    /// Takes in what a later source says: maps merge, everything else is replaced.
    pub(crate) fn merge(&mut self, later: Self) {
        match (&mut self.value, later.value) {
            (Value::Map(ours), Value::Map(theirs)) => {
                for (key, entry) in theirs {
                    match ours.get_mut(&key) {
                        Some(ours) => {
                            ours.place = entry.place;
                            ours.node.merge(entry.node);
                        }
                        None => drop(ours.insert(key, entry)),
                    }
                }
            }
            (_, value) => *self = Self { value, ..later },
        }
    }

    /// Both merged.
    pub(crate) fn merged(mut self, later: Self) -> Self {
        self.merge(later);
        self
    }

    /// How many nodes there are, itself counted.
    pub(crate) fn count(&self) -> usize {
        1 + self.children().map(Self::count).sum::<usize>()
    }

    /// How many levels there are, itself counted.
    pub(crate) fn depth(&self) -> usize {
        1 + self.children().map(Self::depth).max().unwrap_or(0)
    }

    pub(crate) fn children(&self) -> Box<dyn Iterator<Item = &Self> + '_> {
        match &self.value {
            Value::List(list) => Box::new(list.iter()),
            Value::Map(map) => Box::new(map.values().map(|entry| &entry.node)),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// Remembers, here and below, that all this came from an expansion.
    pub(crate) fn mark_expanded(&mut self, reference: &Arc<str>) {
        self.reference = Some(reference.clone());
        match &mut self.value {
            Value::List(list) => list.iter_mut().for_each(|node| node.mark_expanded(reference)),
            Value::Map(map) => map.values_mut().for_each(|entry| entry.node.mark_expanded(reference)),
            _ => {}
        }
    }

    /// Whether it, or anything below it, is declared a secret.
    pub(crate) fn has_secret(&self) -> bool {
        self.secret || self.children().any(Self::has_secret)
    }

    /// The text a message must not show: the node's own and those below it.
    pub(crate) fn hidden_texts(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = self.children().flat_map(Self::hidden_texts).collect();
        if self.reference.is_some() || self.secret {
            texts.extend(self.original.as_deref());
            if let Value::Text(text) = &self.value {
                texts.push(text);
            }
        }
        texts
    }

    /// The node that JSON of our own making stands for; unexpanded.
    pub(crate) fn from_json(json: Json, place: &Place) -> Self {
        let original = match &json {
            Json::Bool(_) | Json::Number(_) => Some(json.to_string().into()),
            _ => None,
        };
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(bool) => Value::Bool(bool),
            Json::Number(number) => match number.as_i128() {
                Some(integer) => Value::Integer(integer),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::Text(text.into()),
            Json::Array(list) => {
                Value::List(list.into_iter().map(|json| Self::from_json(json, place)).collect())
            }
            Json::Object(map) => Value::Map(
                map.into_iter()
                    .map(|(key, json)| {
                        (key, Entry { place: place.clone(), node: Self::from_json(json, place) })
                    })
                    .collect(),
            ),
        };
        Self { original, ..Self::new(place.clone(), value) }
    }
}

fn index(key: &str) -> Option<usize> {
    key.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}
