//! Where something stands in a config, and what is wrong there.

use std::fmt;
use std::sync::Arc;

use crate::words::without_userinfo;

/// The most problems of a kind that are said: a value that stands for itself has endless ones.
pub(crate) const PROBLEMS_MAX: usize = 100;

/// A line and a column of a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file as it was named, `env:NAME`, `--config N` or `--set KEY`.
    pub source: Arc<str>,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
}

impl Place {
    /// The start of a source.
    pub(crate) fn start(source: &Arc<str>) -> Self {
        Self { source: source.clone(), line: 1, column: 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}", self.source, self.line, self.column)
    }
}

/// One thing that is wrong, shown as `place: path: message`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it stands, when it stands anywhere.
    pub place: Option<Place>,
    /// The keys that lead there, joined by `::`; empty at the top.
    pub path: String,
    /// What was found, what was expected, the nearest known name.
    pub message: String,
}

impl Problem {
    /// A problem at a key.
    pub(crate) fn at(place: &Place, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: Some(place.clone()), path: path.into(), message: message.into() }
    }

    /// A problem that has no place in any source.
    pub(crate) fn anywhere(message: impl Into<String>) -> Self {
        Self { place: None, path: String::new(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(out, "{place}: ")?;
        }
        if !self.path.is_empty() {
            write!(out, "{}: ", self.path)?;
        }
        out.write_str(&self.message)
    }
}

/// All that is wrong, one line each, by source and place; then what may be why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Variables that are not set: what is missing may have been meant to come from one.
    pub warnings: Vec<String>,
}

impl Problems {
    /// Sorts by place and says the same thing once, and no password of a URL.
    pub(crate) fn new(mut problems: Vec<Problem>, mut warnings: Vec<String>) -> Self {
        problems.iter_mut().for_each(|problem| problem.message = without_userinfo(&problem.message));
        problems.sort();
        problems.dedup();
        warnings.sort();
        warnings.dedup();
        Self { problems, warnings }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems = self.problems.iter().map(ToString::to_string);
        let warnings = self.warnings.iter().map(|warning| format!("warning: {warning}"));
        let lines: Vec<String> = problems.chain(warnings).collect();
        out.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// Keys below the top, outermost first; an index of a list is written `[3]`.
pub(crate) type Path = Vec<String>;

/// The keys joined as the Collector joins them.
pub(crate) fn joined(path: &[String]) -> String {
    let mut text = String::new();
    for key in path {
        if !text.is_empty() && !key.starts_with('[') {
            text.push_str("::");
        }
        text.push_str(key);
    }
    text
}

/// A path made of words.
pub(crate) fn path<const N: usize>(keys: [&str; N]) -> Path {
    keys.iter().map(|key| (*key).to_owned()).collect()
}
