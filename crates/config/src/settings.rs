//! Reads settings strictly and says everything that is wrong with them, each thing in words and with its place.

use crate::node::{Node, Value};
use crate::place::{Path, Problem, joined};
use crate::read::{Failure, Fault, Progress, Reader};
use crate::words::{
    choices, did_you_mean, expected_in_words, found_in_words, found_value_in_words, listed, nearest_name,
    without_hidden,
};

/// The most errors looked for in one component.
const ROUNDS_MAX: usize = 200;

/// What a component gives to read its settings with.
pub(crate) type Read<'a, T> =
    &'a dyn Fn(&mut dyn erased_serde::Deserializer<'_>) -> Result<T, erased_serde::Error>;

/// Settings, and the paths of what was wrong and left out of them.
pub(crate) struct Settings<T> {
    pub(crate) settings: T,
    pub(crate) left_out: Vec<Path>,
}

/// Reads a node. Each error becomes a problem, its value is left out, and the rest is read again. `None`: even
/// without what was wrong the settings cannot be read.
pub(crate) fn read<T>(
    node: &Node,
    path: &[String],
    problems: &mut Vec<Problem>,
    read: Read<'_, T>,
) -> Option<Settings<T>> {
    let mut node = node.clone();
    let mut left_out = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let progress = Progress::default();
        let error = {
            let mut input = <dyn erased_serde::Deserializer<'_>>::erase(Reader::new(&node, &progress));
            match read(&mut input) {
                Ok(settings) => return Some(Settings { settings, left_out }),
                Err(error) => error,
            }
        };
        let failure = progress
            .failure()
            .unwrap_or_else(|| Failure { path: Path::new(), fault: Fault::Other(error.to_string()) });
        let failure = at_the_field_it_names(failure, &node);
        let is_new = !node.at(&failure.path).is_some_and(is_left_out)
            && !is_null_that_means_default(&failure, &node)
            && !is_consequence(&failure, &node);
        if is_new {
            problems.push(problem(&failure, &node, path));
            left_out.push(failure.path.clone());
        }
        leave_out(&mut node, failure.path)?;
    }
    None
}

/// Leaves out what is at the path, or, where that is left out already and misses, what it stands in. `None`: nothing
/// is left.
fn leave_out(node: &mut Node, mut path: Path) -> Option<()> {
    while !path.is_empty() {
        if node.remove(&path) {
            return Some(());
        }
        path.pop();
    }
    None
}

/// Null where a value belongs: the default is meant.
fn is_null_that_means_default(failure: &Failure, node: &Node) -> bool {
    let is_value = failure.path.last().is_some_and(|key| !key.starts_with('['));
    let is_null = node.at(&failure.path).is_some_and(|node| node.value == Value::Null);
    is_value && is_null && matches!(failure.fault, Fault::Mismatch { .. })
}

/// A field that misses only because its value was wrong and is left out.
fn is_consequence(failure: &Failure, node: &Node) -> bool {
    let Fault::MissingField(field) = failure.fault else { return false };
    node.at(&failure.path).and_then(|node| node.child(field)).is_some_and(is_left_out)
}

fn is_left_out(node: &Node) -> bool {
    node.value == Value::Removed
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
            let expected = choices(expected);
            let hint = if is_hidden(at) { String::new() } else { nearest_name(variant, &expected) };
            let found = if is_hidden(at) { found_in_words(at) } else { format!("{variant:?}") };
            let expected = listed(&expected);
            Problem::at(&at.place, joined(&path), format!("found {found}, expected one of {expected}{hint}"))
        }
        Fault::MissingField(field) => {
            Problem::at(&at.place, joined(&path), format!("missing field {field:?}"))
        }
        Fault::Mismatch { expected } => {
            let expected = expected_in_words(expected);
            // A text in the place of a map may be anything, even what belongs under a secret key of it.
            let found = match expected.as_str() {
                "a map" | "a list" => found_in_words(at),
                _ => found_value_in_words(at),
            };
            Problem::at(&at.place, joined(&path), format!("found {found}, expected {expected}"))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::yaml::parse;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(default)]
        text: String,
        #[serde(default = "seven")]
        number: u64,
        #[serde(default)]
        maybe: Option<String>,
        #[serde(default)]
        list: Vec<u8>,
        #[serde(default)]
        map: BTreeMap<String, f64>,
        #[serde(default)]
        choice: Choice,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Choice {
        #[default]
        Nothing,
        Width(u8),
        Named {
            name: String,
        },
    }

    fn seven() -> u64 {
        7
    }

    fn sample(yaml: &str) -> (Option<Sample>, Vec<String>) {
        let node = parse(yaml, &"c.yaml".into(), &[], &mut Vec::new()).unwrap();
        let mut problems = Vec::new();
        let sample = read(&node, &[], &mut problems, &|input| erased_serde::deserialize(input));
        (sample.map(|read| read.settings), problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_field_of_text_gets_what_was_written() {
        for (written, text) in
            [("0123", "0123"), ("1.10", "1.10"), ("true", "true"), ("yes", "yes"), ("''", "")]
        {
            let (sample, problems) = sample(&format!("text: {written}"));
            assert_eq!((sample.unwrap().text.as_str(), problems), (text, vec![]), "{written}");
        }
    }

    #[test]
    fn null_means_the_default_and_null_in_a_list_is_an_error() {
        let (sample_read, problems) = sample("{text: , number: , maybe: , list: , map: , choice: }");
        assert_eq!(problems, Vec::<String>::new());
        let sample_read = sample_read.unwrap();
        assert_eq!((sample_read.number, sample_read.maybe, sample_read.choice), (7, None, Choice::Nothing));
        let (sample_read, problems) = sample("list: [1, ~, 300, 2]");
        assert_eq!(sample_read.unwrap().list, [1, 2]);
        assert_eq!(
            problems,
            [
                "c.yaml:1:11: list[1]: found null, expected a whole number from 0 to 255",
                "c.yaml:1:14: list[2]: found the number 300, expected a whole number from 0 to 255",
            ]
        );
    }

    #[test]
    fn enums_are_words_or_maps_of_one_key() {
        let choice = |yaml: &str| sample(&format!("choice: {yaml}")).0.unwrap().choice;
        assert_eq!(choice("nothing"), Choice::Nothing);
        assert_eq!(choice("{width: 3}"), Choice::Width(3));
        assert_eq!(choice("{named: {name: x}}"), Choice::Named { name: "x".to_owned() });
        assert_eq!(
            sample("choice: {width: x}").1,
            ["c.yaml:1:17: choice::width: found \"x\", expected a whole number from 0 to 255"]
        );
        assert_eq!(sample("choice: [1]").1, ["c.yaml:1:9: choice: found a list, expected a word"]);
    }
}
