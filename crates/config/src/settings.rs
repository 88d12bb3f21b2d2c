//! Reads settings strictly and says everything that is wrong with them, each thing in words and with its place.

use std::collections::BTreeSet;

use crate::node::{Node, Value};
use crate::place::{Path, Problem, joined};
use crate::read::{Failure, Fault, Progress, Reader};
use crate::words::{did_you_mean, expected_in_words, found_in_words, without_hidden};

/// The most errors looked for in one component.
const ROUNDS_MAX: usize = 200;

/// What a component gives to read its settings with.
pub(crate) type Read<'a, T> =
    &'a dyn Fn(&mut dyn erased_serde::Deserializer<'_>) -> Result<T, erased_serde::Error>;

/// Reads a node. Each error becomes a problem, its value is left out, and the rest is read again. `None`: even
/// without what was wrong the settings cannot be read.
pub(crate) fn read<T>(
    node: &Node,
    path: &[String],
    problems: &mut Vec<Problem>,
    read: Read<'_, T>,
) -> Option<T> {
    let mut node = node.clone();
    let mut left_out = BTreeSet::new();
    for _ in 0..ROUNDS_MAX {
        let progress = Progress::default();
        let error = {
            let mut input = <dyn erased_serde::Deserializer<'_>>::erase(Reader::new(&node, &progress));
            match read(&mut input) {
                Ok(settings) => return Some(settings),
                Err(error) => error,
            }
        };
        let failure = progress
            .failure()
            .unwrap_or_else(|| Failure { path: Path::new(), fault: Fault::Other(error.to_string()) });
        let failure = at_the_field_it_names(failure, &node);
        if !is_null_that_means_default(&failure, &node) && !is_consequence(&failure, &left_out) {
            problems.push(problem(&failure, &node, path));
        }
        if failure.path.is_empty() || !node.remove(&failure.path) {
            return None;
        }
        left_out.insert(failure.path);
    }
    None
}

/// Null where a value belongs: the default is meant.
fn is_null_that_means_default(failure: &Failure, node: &Node) -> bool {
    let is_value = failure.path.last().is_some_and(|key| !key.starts_with('['));
    let is_null = node.at(&failure.path).is_some_and(|node| node.value == Value::Null);
    is_value && is_null && matches!(failure.fault, Fault::Mismatch { .. })
}

/// A field that misses only because its value was wrong.
fn is_consequence(failure: &Failure, left_out: &BTreeSet<Path>) -> bool {
    let Fault::MissingField(field) = failure.fault else { return false };
    let mut path = failure.path.clone();
    path.push(field.to_owned());
    left_out.contains(&path)
}

/// Flattened settings tell of an unknown field only in their message, one level too high.
fn at_the_field_it_names(failure: Failure, node: &Node) -> Failure {
    let Fault::Other(message) = &failure.fault else { return failure };
    let named = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    match named.filter(|field| node.at(&failure.path).is_some_and(|node| node.child(field).is_some())) {
        Some(field) => {
            let mut path = failure.path.clone();
            path.push(field.to_owned());
            Failure { path, fault: Fault::UnknownField { field: field.to_owned(), expected: Vec::new() } }
        }
        None => failure,
    }
}

fn problem(failure: &Failure, node: &Node, above: &[String]) -> Problem {
    let at = node.nearest(&failure.path);
    let mut path = above.to_vec();
    path.extend(failure.path.iter().cloned());
    match &failure.fault {
        Fault::UnknownField { field, expected } => {
            path.pop();
            let place = node.key_place(&failure.path);
            if is_hidden_key(at) {
                return Problem::at(place, joined(&path), "unknown field in what a reference stands for");
            }
            let hint = did_you_mean(field, expected.iter().copied());
            Problem::at(place, joined(&path), format!("unknown field {field:?}{hint}"))
        }
        Fault::UnknownVariant { variant, expected } => {
            let hint =
                if is_hidden(at) { String::new() } else { did_you_mean(variant, expected.iter().copied()) };
            let found = if is_hidden(at) { found_in_words(at) } else { format!("{variant:?}") };
            let expected = expected.join(", ");
            Problem::at(&at.place, joined(&path), format!("found {found}, expected one of {expected}{hint}"))
        }
        Fault::MissingField(field) => {
            Problem::at(&at.place, joined(&path), format!("missing field {field:?}"))
        }
        Fault::Mismatch { expected } => {
            let message = format!("found {}, expected {}", found_in_words(at), expected_in_words(expected));
            Problem::at(&at.place, joined(&path), message)
        }
        Fault::Other(message) => {
            Problem::at(&at.place, joined(&path), without_hidden(message, &at.hidden_texts()))
        }
    }
}

fn is_hidden(node: &Node) -> bool {
    node.reference.is_some() || node.secret
}

/// The keys of a file are a part of the config; those in a variable may be a secret that looks like a map.
fn is_hidden_key(node: &Node) -> bool {
    node.reference.as_ref().is_some_and(|reference| !reference.starts_with("${file:"))
}
