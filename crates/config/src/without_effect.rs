//! Keys that are accepted for the Collector's sake and do nothing here: `validate` says a line for each that is set.

use crate::node::{Node, Value};
use crate::place::{Place, joined};

/// A line for each of `keys` that `settings`, which stands at `path`, sets. In a key `[]` is every element of a list.
pub(crate) fn lines(settings: &Node, path: &[String], keys: &[(&str, &str)]) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, became) in keys {
        let rest: Vec<&str> = key.split('.').collect();
        walk(settings, &rest, &mut path.to_vec(), &mut |place, path| {
            lines.push(format!("{place}: {path}: accepted, and without effect: {became}"));
        });
    }
    lines
}

fn walk(node: &Node, rest: &[&str], path: &mut Vec<String>, found: &mut dyn FnMut(&Place, String)) {
    let Some((key, rest)) = rest.split_first() else { return found(&node.place, joined(path)) };
    let children: Vec<(String, &Node)> = match (&node.value, *key) {
        (Value::List(list), "[]") => {
            list.iter().enumerate().map(|(index, node)| (format!("[{index}]"), node)).collect()
        }
        _ => node.child(key).map(|node| ((*key).to_owned(), node)).into_iter().collect(),
    };
    for (key, node) in children {
        path.push(key);
        walk(node, rest, path, found);
        path.pop();
    }
}
