//! `${env:NAME}`, `${env:NAME:-default}`, `${file:path}`, `${NAME}`: values that stand somewhere else.

use std::path::Path;
use std::sync::Arc;

use crate::node::{DEPTH_MAX, Node, Value};
use crate::place::{PROBLEMS_MAX, Place, Problem, joined};
use crate::scalar::resolve;
use crate::source::{Env, scheme};
use crate::yaml::{self, NODES_MAX};

/// The most replacements in one value, as in the Collector.
const ROUNDS_MAX: usize = 1_000;
/// The most replacements in a whole config.
const TOTAL_MAX: usize = 10_000;
/// The most text that replacements may make of one value.
const TEXT_BYTES_MAX: usize = 16 << 20;
/// The most text that all replacements together may bring in.
const TOTAL_BYTES_MAX: usize = 64 << 20;

/// Replaces references in the values of a tree; keys stay as they are.
pub(crate) struct Expander<'a> {
    env: &'a dyn Env,
    replaced: usize,
    bytes: usize,
    nodes: usize,
    path: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) problems: Vec<Problem>,
}

/// What a reference stands for: `None` when the variable is not set.
type Found = Option<String>;

/// What a text becomes.
enum Expanded {
    Text(String),
    /// All of it was one reference, and that stands for something that is no text.
    Node(Node),
    /// All of it was one reference to a variable that is not set.
    Unset,
}

impl<'a> Expander<'a> {
    pub(crate) fn new(env: &'a dyn Env) -> Self {
        Self {
            env,
            replaced: 0,
            bytes: 0,
            nodes: 0,
            path: Vec::new(),
            warnings: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Replaces all references at and below the node. What cannot be replaced becomes a problem.
    pub(crate) fn expand(&mut self, node: &mut Node) {
        let place = node.place.clone();
        match &mut node.value {
            Value::Text(text) if text.contains('$') => {
                let reference = text.clone();
                match self.text(&reference, &place) {
                    Ok(expanded) => *node = self.replaced(&place, &reference, expanded),
                    Err(message) => {
                        if self.problems.len() < PROBLEMS_MAX {
                            self.problems.push(Problem::at(&place, joined(&self.path), message));
                        }
                        node.value = Value::Removed;
                    }
                }
            }
            Value::List(list) => {
                for (index, node) in list.iter_mut().enumerate() {
                    self.below(format!("[{index}]"), node);
                }
            }
            Value::Map(map) => {
                for (key, entry) in map {
                    self.below(key.clone(), &mut entry.node);
                }
            }
            _ => {}
        }
    }

    fn below(&mut self, key: String, node: &mut Node) {
        self.path.push(key);
        self.expand(node);
        self.path.pop();
    }

    /// The node that takes the place of an expanded text.
    fn replaced(&mut self, place: &Place, reference: &Arc<str>, expanded: Expanded) -> Node {
        let mut node = match expanded {
            Expanded::Text(text) => Node::new(place.clone(), Value::Text(unescape(&text).into())),
            Expanded::Unset => Node::new(place.clone(), Value::Null),
            Expanded::Node(mut node) => {
                self.expand(&mut node);
                node.original = node.original.map(|text| self.original(&text, place));
                Node { place: place.clone(), ..node }
            }
        };
        if next_reference(reference).is_some() {
            node.mark_expanded(reference);
        } else {
            // Only an escape: nothing to hide, but the text as written is what an epoch stores.
            node.reference = None;
        }
        node
    }

    /// The text that a field of text gets for a value that is none.
    fn original(&mut self, text: &Arc<str>, place: &Place) -> Arc<str> {
        if !text.contains('$') {
            return text.clone();
        }
        let warnings = self.warnings.len();
        let spliced = self.spliced(text, place);
        // What is wrong is said where the same reference stands in the value itself.
        self.warnings.truncate(warnings);
        spliced.map_or_else(|_| text.clone(), |text| unescape(&text).into())
    }

    fn text(&mut self, written: &str, place: &Place) -> Result<Expanded, String> {
        let mut text = written.to_owned();
        for _ in 0..ROUNDS_MAX {
            let Some((start, end)) = next_reference(&text) else {
                return Ok(Expanded::Text(text));
            };
            let address = text.get(start + 2..end - 1).unwrap_or_default();
            let is_all = (start, end) == (0, text.len());
            let unset = if is_all { "the value is null" } else { "nothing stands in its place" };
            let found = self.find_shown(address, written, place, unset)?;
            if is_all {
                let Some(found) = found else { return Ok(Expanded::Unset) };
                match self.parsed(&found, address)? {
                    Some(node) => return Ok(Expanded::Node(node)),
                    None => text = found,
                }
            } else {
                text.replace_range(start..end, &found.unwrap_or_default());
            }
            within_limits(&text)?;
        }
        Err(format!("more than {ROUNDS_MAX} references in one value: does one stand for itself?"))
    }

    /// Replaces every reference in a text that stays a text.
    fn spliced(&mut self, written: &str, place: &Place) -> Result<String, String> {
        let mut text = written.to_owned();
        for _ in 0..ROUNDS_MAX {
            let Some((start, end)) = next_reference(&text) else { return Ok(text) };
            let address = text.get(start + 2..end - 1).unwrap_or_default();
            let found = self.find_shown(address, written, place, "nothing stands in its place")?;
            text.replace_range(start..end, &found.unwrap_or_default());
            within_limits(&text)?;
        }
        Err(format!("more than {ROUNDS_MAX} references in one value"))
    }

    /// What a whole value means as YAML: a node, or `None` when it is the text itself.
    fn parsed(&mut self, text: &str, address: &str) -> Result<Option<Node>, String> {
        let source: Arc<str> = match scheme(address) {
            Some(("file", path)) => path.into(),
            _ => address.into(),
        };
        let mut problems = Vec::new();
        let mut node = match yaml::parse(text, &source, &self.path, &mut problems) {
            Some(node) if problems.is_empty() => node,
            _ => return Ok(None), // no YAML: taken word for word, as the Collector does
        };
        let depth = self.path.len();
        if depth + node.depth() > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} levels deep"));
        }
        if matches!(node.value, Value::Text(_)) {
            return Ok(None);
        }
        self.nodes += node.count();
        if self.nodes > NODES_MAX {
            return Err(format!("references bring in more than {NODES_MAX} values"));
        }
        node.original = Some(text.into());
        Ok(Some(node))
    }

    /// Finds what an address stands for; shows an address only when it was written so, as it may hold what another
    /// reference stands for. `unset` is what becomes of a variable that is not set.
    fn find_shown(
        &mut self,
        address: &str,
        written: &str,
        place: &Place,
        unset: &str,
    ) -> Result<Found, String> {
        let found = self.find(address);
        let is_written = written.contains(address);
        if let Ok(None) = found {
            let path = joined(&self.path);
            let what = match is_written {
                true => format!("environment variable {:?}", variable_name(address)),
                false => "a variable that another reference names".to_owned(),
            };
            self.warnings.push(format!("{place}: {path}: {what} is not set and has no default, so {unset}"));
        }
        match is_written {
            true => found,
            false => found.map_err(|_| "a reference inside another one cannot be read".to_owned()),
        }
    }

    fn find(&mut self, address: &str) -> Result<Found, String> {
        self.replaced += 1;
        if self.replaced > TOTAL_MAX || self.bytes > TOTAL_BYTES_MAX {
            return Err(format!("more than {TOTAL_MAX} references, or 64 MiB: does one stand for itself?"));
        }
        let found = self.look_up(address)?;
        self.bytes += found.as_ref().map_or(0, String::len);
        Ok(found)
    }

    fn look_up(&self, address: &str) -> Result<Found, String> {
        match scheme(address) {
            Some(("env", rest)) => self.variable(rest),
            Some(("file", path)) => match self.env.file(Path::new(path)) {
                Ok(text) => Ok(Some(without_last_line_break(&text).to_owned())),
                Err(error) => Err(format!("read ${{file:{path}}}: {error}")),
            },
            Some(("yaml", text)) => Ok(Some(text.to_owned())),
            Some((scheme, rest)) if !rest.starts_with('-') => {
                Err(format!("scheme {scheme:?} is not supported in ${{…}}, expected env, file or yaml"))
            }
            _ => self.variable(address),
        }
    }

    fn variable(&self, text: &str) -> Result<Found, String> {
        let (name, default) = match text.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (text, None),
        };
        if !is_variable(name) {
            return Err(format!(
                "environment variable {name:?} has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$ \
                 (to keep the text as it is, write $${{{name}}})"
            ));
        }
        Ok(self.env.variable(name).or_else(|| default.map(str::to_owned)))
    }
}

/// The name in an address that has no default.
fn variable_name(address: &str) -> &str {
    address.strip_prefix("env:").unwrap_or(address)
}

fn within_limits(text: &str) -> Result<(), String> {
    match text.len() > TEXT_BYTES_MAX {
        true => Err("references make the value larger than 16 MiB".to_owned()),
        false => Ok(()),
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

/// The first innermost `${…}` that no `$` before it escapes: its first byte and the one after it.
fn next_reference(text: &str) -> Option<(usize, usize)> {
    let mut dollars = 0;
    let mut open = None;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if dollars > 0 => open = Some((index - 1, dollars % 2 == 1)),
            b'}' => match open.take() {
                Some((start, true)) => return Some((start, index + 1)),
                _ => open = None,
            },
            _ => {}
        }
        dollars = if byte == b'$' { dollars + 1 } else { 0 };
    }
    None
}

/// Whether a text is one reference that says only where something stands: `${env:NAME}`, `${NAME}`, `${NAME:-}`,
/// `${file:PATH}`.
pub(crate) fn is_only_an_address(text: &str) -> bool {
    let inner = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    match scheme(inner) {
        Some(("file", path)) => !path.contains(['$', '{', '}']),
        Some(("env", variable)) => is_variable_alone(variable),
        _ => is_variable_alone(inner),
    }
}

fn is_variable_alone(text: &str) -> bool {
    is_variable(text.strip_suffix(":-").unwrap_or(text))
}

/// `$$` is how a `$` is written.
fn unescape(text: &str) -> String {
    text.replace("$$", "$")
}

/// A file ends with a line break that is not part of what it says.
fn without_last_line_break(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// The text that expands to the given one and means the same as YAML.
pub(crate) fn escaped_text(text: &str) -> String {
    text.replace('$', "$$")
}

/// A reference that stands for a scalar without quotes.
pub(crate) fn plain_reference(text: &str) -> Option<String> {
    let is_plain = !matches!(resolve(text), Value::Text(_)) && !text.contains(['$', '{', '}']);
    is_plain.then(|| format!("${{yaml:{text}}}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io;

    use super::*;

    struct Fake(BTreeMap<&'static str, &'static str>);

    impl Env for Fake {
        fn variable(&self, name: &str) -> Option<String> {
            self.0.get(name).map(|value| (*value).to_owned())
        }

        fn file(&self, path: &Path) -> io::Result<String> {
            self.variable(&path.to_string_lossy()).ok_or_else(|| io::Error::other("none"))
        }
    }

    /// The value, the text of a field of text, and what is wrong.
    fn expanded_with_problems(text: &str) -> (Value, String, Vec<Problem>) {
        let env = Fake(BTreeMap::from([
            ("PORT", "4317"),
            ("OCTAL", "0123"),
            ("YES", "yes"),
            ("QUOTED", "\"x\""),
            ("BROKEN", "[1"),
            ("EMPTY", ""),
            ("NAME", "PORT"),
            ("NESTED", "${env:PORT}"),
            ("SOME", "a${env:NAME}b"),
            ("LIST", "[1, '${env:PORT}']"),
            ("/run/token", "s3cret\n"),
            ("BOMB", "['${env:BOMB}', '${env:BOMB}', '${env:BOMB}']"),
            ("tree.yaml", "a: {b: 1}\n"),
        ]));
        let mut node = Node::new(Place::start(&"c.yaml".into()), Value::Text(text.into()));
        let mut expander = Expander::new(&env);
        expander.expand(&mut node);
        let as_text = match (&node.original, &node.value) {
            (Some(text), _) | (None, Value::Text(text)) => text.to_string(),
            _ => String::new(),
        };
        (node.value, as_text, expander.problems)
    }

    fn expanded(text: &str) -> (Value, String) {
        let (value, as_text, problems) = expanded_with_problems(text);
        assert_eq!(problems, [], "{text}");
        (value, as_text)
    }

    #[test]
    fn references_are_replaced_as_in_the_collector() {
        let text = |text: &str| Value::Text(text.into());
        let cases = [
            ("${env:PORT}", Value::Integer(4317), "4317"),
            ("${PORT}", Value::Integer(4317), "4317"),
            ("${env:OCTAL}", Value::Integer(83), "0123"),
            ("${env:YES}", text("yes"), "yes"),
            ("${env:QUOTED}", text("\"x\""), "\"x\""),
            ("${env:BROKEN}", text("[1"), "[1"),
            ("${env:EMPTY}", Value::Null, ""),
            ("${env:UNSET}", Value::Null, ""),
            ("${env:UNSET:-7}", Value::Integer(7), "7"),
            ("${env:UNSET:-}", Value::Null, ""),
            ("${UNSET:-d}", text("d"), "d"),
            ("${env:EMPTY:-7}", Value::Null, ""),
            ("${env:${env:NAME}}", Value::Integer(4317), "4317"),
            ("${env:NESTED}", Value::Integer(4317), "4317"),
            ("127.0.0.1:${env:PORT}", text("127.0.0.1:4317"), "127.0.0.1:4317"),
            ("${env:PORT}${env:PORT}", text("43174317"), "43174317"),
            ("${env:SOME}", text("aPORTb"), "aPORTb"),
            ("x${env:UNSET}y", text("xy"), "xy"),
            ("$PORT", text("$PORT"), "$PORT"),
            ("$$", text("$"), "$"),
            ("$${env:PORT}", text("${env:PORT}"), "${env:PORT}"),
            ("$$${env:PORT}", text("$4317"), "$4317"),
            ("$${1} ${env:PORT}", text("${1} 4317"), "${1} 4317"),
            ("${env:PORT", text("${env:PORT"), "${env:PORT"),
            ("${yaml:1.10}", Value::Float(1.1), "1.10"),
            ("${file:/run/token}", text("s3cret"), "s3cret"),
        ];
        for (reference, value, as_text) in cases {
            assert_eq!(expanded(reference), (value, as_text.to_owned()), "{reference}");
        }
    }

    #[test]
    fn a_reference_may_stand_for_a_tree_with_references() {
        let (list, as_text) = expanded("${env:LIST}");
        let Value::List(list) = list else { panic!("a list") };
        let values: Vec<Value> = list.into_iter().map(|node| node.value).collect();
        assert_eq!(values, [Value::Integer(1), Value::Integer(4317)]);
        assert_eq!(as_text, "[1, '4317']");
        let (tree, _) = expanded("${file:tree.yaml}");
        let Value::Map(tree) = tree else { panic!("a map") };
        let inner = tree["a"].node.child("b").unwrap();
        assert_eq!(inner.place.to_string(), "tree.yaml:1:8");
        assert_eq!(inner.reference.as_deref(), Some("${file:tree.yaml}"));
    }

    #[test]
    fn a_list_that_stands_for_itself_ends_with_a_problem() {
        let (_, _, problems) = expanded_with_problems("${env:BOMB}");
        assert!(problems[0].message.contains("more than 64 levels deep"), "{}", problems[0]);
        assert!(problems.len() <= PROBLEMS_MAX, "{}", problems.len());
    }
}
