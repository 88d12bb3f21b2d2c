//! YAML text to nodes: bounded in depth and size, every node with its place.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, StrInput, Tag};

use crate::node::{DEPTH_MAX, Entry, Map, Node, Value};
use crate::place::{PROBLEMS_MAX, Path, Place, Problem, joined};
use crate::scalar::resolve;

/// The most nodes a config may have, aliases counted as often as they are used.
pub(crate) const NODES_MAX: usize = 100_000;

/// Reads the one document of a text that is going to stand at the path in the config. What is wrong becomes problems;
/// `None`: it is no YAML, or too large.
pub(crate) fn parse(
    text: &str,
    source: &Arc<str>,
    path: &[String],
    problems: &mut Vec<Problem>,
) -> Option<Node> {
    let mut builder = Builder {
        events: Parser::new_from_str(text),
        source: source.clone(),
        anchors: HashMap::new(),
        nodes: 0,
        path: path.to_vec(),
        problems: Vec::new(),
    };
    let root = builder.document(path.len());
    problems.append(&mut builder.problems);
    root.map_err(|problem| problems.push(problem)).ok()
}

struct Builder<'a> {
    events: Parser<'a, StrInput<'a>>,
    source: Arc<str>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    path: Path,
    /// What is wrong and hinders nobody from reading on.
    problems: Vec<Problem>,
}

impl<'a> Builder<'a> {
    fn document(&mut self, depth: usize) -> Result<Node, Problem> {
        let mut root = Node::new(Place::start(&self.source), Value::Null);
        let mut documents = 0;
        loop {
            let (event, place) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(Problem::at(&place, "", "a second document: expected only one"));
                    }
                    let (event, place) = self.next()?;
                    root = self.node(event, place, depth)?;
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Place), Problem> {
        let mut event = self.events.next_event();
        // Another crate of the build may switch on the parser's feature that tells of comments; so it is always on.
        while matches!(event, Some(Ok((Event::Comment(..), _)))) {
            event = self.events.next_event();
        }
        match event {
            Some(Ok((event, span))) => {
                let place = self.place(&span.start);
                Ok((event, place))
            }
            Some(Err(error)) => {
                Err(Problem::at(&self.place(error.marker()), "", format!("not YAML: {}", error.info())))
            }
            None => Ok((Event::StreamEnd, Place::start(&self.source))),
        }
    }

    fn place(&self, marker: &Marker) -> Place {
        Place { source: self.source.clone(), line: marker.line().max(1), column: marker.col() + 1 }
    }

    fn node(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<Node, Problem> {
        if depth > DEPTH_MAX {
            return Err(Problem::at(&place, "", format!("more than {DEPTH_MAX} levels deep")));
        }
        self.take(1, &place)?;
        let (anchor, node) = match event {
            Event::Alias(anchor) => return self.alias(anchor, place, depth),
            Event::Scalar(text, style, anchor, tag) => (anchor, scalar(&text, style, tag.as_deref(), place)),
            Event::SequenceStart(_, anchor, _) => (anchor, self.list(place, depth)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.map(place, depth)?),
            _ => (0, Node::new(place, Value::Null)),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn take(&mut self, nodes: usize, place: &Place) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > NODES_MAX {
            return Err(Problem::at(place, "", format!("more than {NODES_MAX} values, aliases included")));
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, place: Place, depth: usize) -> Result<Node, Problem> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(Problem::at(&place, "", "an alias inside of what it stands for"));
        };
        if depth + node.depth() > DEPTH_MAX {
            return Err(Problem::at(&place, "", format!("more than {DEPTH_MAX} levels deep")));
        }
        let (nodes, node) = (node.count(), Node { place: place.clone(), ..node.clone() });
        self.take(nodes, &place)?;
        Ok(node)
    }

    fn list(&mut self, place: Place, depth: usize) -> Result<Node, Problem> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Node::new(place, Value::List(list))),
                (event, place) => {
                    self.path.push(format!("[{}]", list.len()));
                    list.push(self.node(event, place, depth + 1)?);
                    self.path.pop();
                }
            }
        }
    }

    fn map(&mut self, place: Place, depth: usize) -> Result<Node, Problem> {
        let mut map = Map::new();
        let mut merged = Vec::new();
        loop {
            let (key, key_place) = match self.next()? {
                (Event::MappingEnd, _) => break,
                (Event::Scalar(text, ..), place) => (text.into_owned(), place),
                (_, place) => return Err(Problem::at(&place, "", "a key that is no text")),
            };
            let above = self.path.len();
            self.path.extend(key.split("::").map(str::to_owned));
            let (event, place) = self.next()?;
            let node = self.node(event, place, depth + self.path.len() - above)?;
            self.path.truncate(above);
            match key.as_str() {
                "<<" => merged.push((key_place, node)),
                _ => self.insert(&mut map, &key, key_place, node),
            }
        }
        for (key_place, node) in merged {
            self.merge_key(&mut map, &key_place, node);
        }
        Ok(Node::new(place, Value::Map(map)))
    }

    /// Inserts at a key, which may name several levels: `a::b`. Of a key that stands twice both values are read on, so
    /// that nothing in either is taken to be missing.
    fn insert(&mut self, map: &mut Map, key: &str, place: Place, node: Node) {
        let (first, node) = match key.split_once("::") {
            Some((first, rest)) => {
                let mut below = Map::new();
                self.insert(&mut below, rest, place.clone(), node);
                (first, Node::new(place.clone(), Value::Map(below)))
            }
            None => (key, node),
        };
        let Some(entry) = map.get_mut(first) else {
            map.insert(first.to_owned(), Entry { place, node });
            return;
        };
        if first == key {
            let message = format!("{key:?} stands twice, first in line {}", entry.place.line);
            self.problem(&place, message);
        }
        if node.value != Value::Null {
            entry.node.merge(node);
        }
    }

    /// `<<: *anchor`, or a list of them: keys that the map does not have itself.
    fn merge_key(&mut self, map: &mut Map, place: &Place, node: Node) {
        let nodes = match node.value {
            Value::List(list) => list,
            _ => vec![node],
        };
        for node in nodes {
            match node.value {
                Value::Map(theirs) => {
                    for (key, entry) in theirs {
                        map.entry(key).or_insert(entry);
                    }
                }
                _ => self.problem(place, "\"<<\" takes a map, or a list of maps"),
            }
        }
    }

    fn problem(&mut self, place: &Place, message: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem::at(place, joined(&self.path), message));
        }
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, place: Place) -> Node {
    let is_text = style != ScalarStyle::Plain || tag.and_then(Tag::core_suffix) == Some("str");
    let value = if is_text { Value::Text(text.into()) } else { resolve(text) };
    let original = match value {
        Value::Text(_) | Value::Null => None,
        _ => Some(text.into()),
    };
    Node { original, ..Node::new(place, value) }
}

/// An empty config.
pub(crate) fn empty(source: &Arc<str>) -> Node {
    Node::new(Place::start(source), Value::Map(BTreeMap::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Node, String> {
        let mut problems = Vec::new();
        let node = parse(text, &"c.yaml".into(), &[], &mut problems);
        match node {
            Some(node) if problems.is_empty() => Ok(node),
            _ => Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
        }
    }

    #[test]
    fn every_value_and_key_knows_its_line_and_column() {
        let root = read("a:\n  b: [1, two]\n").unwrap();
        let path = ["a", "b", "[1]"].map(str::to_owned);
        assert_eq!(root.at(&path).unwrap().place.to_string(), "c.yaml:2:10");
        assert_eq!(root.key_place(&path[..2]).to_string(), "c.yaml:2:3");
    }

    #[test]
    fn a_key_with_colons_names_several_levels() {
        assert_eq!(
            read("a::b: 1\na::c: 2\nd: {e::f: 3}").unwrap(),
            read("a: {b: 1, c: 2}\nd: {e: {f: 3}}").unwrap()
        );
    }

    #[test]
    fn aliases_and_merge_keys_are_read() {
        let text = "base: &base {a: 1, b: 2}\nother: {<<: *base, b: 3}\nthird: *base\n";
        let plain = "base: {a: 1, b: 2}\nother: {a: 1, b: 3}\nthird: {a: 1, b: 2}\n";
        assert_eq!(read(text).unwrap(), read(plain).unwrap());
    }

    #[test]
    fn broken_text_is_refused_with_its_place() {
        for (text, message) in [
            ("a: 1\na: 2\n", "c.yaml:2:1: \"a\" stands twice, first in line 1"),
            ("a: {b: [{c: 1, c: 2}]}\n", "c.yaml:1:16: a::b[0]: \"c\" stands twice, first in line 1"),
            (
                "a: 1\nb::c: 1\nb::d: 2\na: 2\na: 3\n",
                "c.yaml:4:1: \"a\" stands twice, first in line 1\nc.yaml:5:1: \"a\" stands twice, first in line 1",
            ),
            ("a: 1\n---\nb: 2\n", "c.yaml:2:1: a second document: expected only one"),
            ("a: &a [*a]\n", "c.yaml:1:8: an alias inside of what it stands for"),
            ("? [a]\n: b\n", "c.yaml:1:3: a key that is no text"),
            ("<<: 1\n", "c.yaml:1:1: \"<<\" takes a map, or a list of maps"),
        ] {
            assert_eq!(read(text).unwrap_err(), message, "{text:?}");
        }
    }

    #[test]
    fn a_bomb_of_aliases_and_a_deep_nest_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let row = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb += &format!("a{level}: &a{level} [{row}]\n");
        }
        assert!(read(&bomb).unwrap_err().contains("more than 100000 values"));
        let nest = format!("a: {}{}", "[".repeat(100), "]".repeat(100));
        assert!(read(&nest).unwrap_err().contains("more than 64 levels"));
        assert!(read(&format!("{}b: 1", "a::".repeat(200))).unwrap_err().contains("more than 64 levels"));
    }
}
