//! Where a config comes from: `--config` and `--set` arguments, and the environment they are read in.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use crate::node::{Node, Value};
use crate::place::{Place, Problem};
use crate::yaml;

/// The most bytes a file, a variable or an inline text may have.
const SOURCE_BYTES_MAX: u64 = 16 << 20;

/// What a config may ask of the process: variables and files. Tests bring their own.
pub trait Env: Send + Sync {
    /// The environment variable of that name, when it is set.
    fn variable(&self, name: &str) -> Option<String>;

    /// The text of a file; an error when it is larger than 16 MiB, or no UTF-8.
    fn file(&self, path: &Path) -> io::Result<String> {
        let mut bytes = Vec::new();
        File::open(path)?.take(SOURCE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > SOURCE_BYTES_MAX {
            true => Err(io::Error::other("larger than 16 MiB")),
            false => text(bytes),
        }
    }
}

/// The bytes as text; the error says where they are none.
fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let last_line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let column = String::from_utf8_lossy(last_line).chars().count() + 1;
        let message = format!("not UTF-8 in line {line}, column {column}");
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

/// The environment of this process.
#[derive(Debug, Clone, Copy)]
pub struct SystemEnv;

impl Env for SystemEnv {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }
}

/// One source of a config. A later one overrides an earlier one, key by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    from: From,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    File(String),
    Variable(String),
    Text { name: Arc<str>, text: String },
    Set { key: String, value: String },
    Wrong(String),
}

impl Source {
    /// What a `--config` argument names: `file:PATH` or a path, `env:NAME`, `yaml:TEXT`. The number is shown as the
    /// name of an inline text.
    pub fn config(argument: &str, number: usize) -> Self {
        let from = match scheme(argument) {
            _ if matches!(argument, "" | "file:") => {
                From::Wrong("--config: the location is empty, expected a path".to_owned())
            }
            Some(("file", path)) => From::File(path.to_owned()),
            Some(("env", name)) => From::Variable(name.to_owned()),
            Some(("yaml", text)) => {
                From::Text { name: format!("--config {number}").into(), text: text.to_owned() }
            }
            Some((scheme, _)) => From::Wrong(format!(
                "--config: scheme {scheme:?} is not supported, expected file, env or yaml"
            )),
            None => From::File(argument.to_owned()),
        };
        Self { from }
    }

    /// A text that the program brings along, such as its default.
    pub fn text(name: &str, text: &str) -> Self {
        Self { from: From::Text { name: name.into(), text: text.to_owned() } }
    }

    /// What a `--set` argument says: `a.b=value`, the value in YAML.
    pub fn set(argument: &str) -> Self {
        let from = match argument.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                From::Set { key: key.trim().to_owned(), value: value.to_owned() }
            }
            _ => From::Wrong("--set: expected key=value, as in service.memory=1GiB".to_owned()),
        };
        Self { from }
    }

    /// Reads the source into a tree. What is wrong becomes problems; `None`: there is nothing to read on with.
    pub(crate) fn read(&self, env: &dyn Env, problems: &mut Vec<Problem>) -> Option<Node> {
        let unreadable = match &self.from {
            From::File(path) => match env.file(Path::new(path)) {
                Ok(text) => return parse(&text, &path.as_str().into(), problems),
                Err(error) => format!("read config {path}: {error}"),
            },
            From::Variable(name) => match env.variable(name) {
                Some(text) => return parse(&text, &format!("env:{name}").into(), problems),
                None => format!("--config env:{name}: the variable is not set"),
            },
            From::Text { name, text } => return parse(text, name, problems),
            From::Set { key, value } => return set(key, value, problems),
            From::Wrong(message) => message.clone(),
        };
        problems.push(Problem::anywhere(unreadable));
        None
    }
}

fn set(key: &str, value: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let name: Arc<str> = format!("--set {key}").into();
    let keys: Vec<String> = key.split('.').map(str::to_owned).collect();
    let value = yaml::parse(value, &name, &keys, problems)?;
    Some(keys.into_iter().rev().fold(value, |below, key| nested(&name, key, below)))
}

fn nested(source: &Arc<str>, key: String, node: Node) -> Node {
    let place = Place::start(source);
    let entry = crate::node::Entry { place: place.clone(), node };
    Node::new(place, Value::Map([(key, entry)].into()))
}

fn parse(text: &str, source: &Arc<str>, problems: &mut Vec<Problem>) -> Option<Node> {
    if text.len() as u64 > SOURCE_BYTES_MAX {
        problems.push(Problem::at(&Place::start(source), "", "larger than 16 MiB"));
        return None;
    }
    let root = yaml::parse(text, source, &[], problems)?;
    match &root.value {
        Value::Map(_) => Some(root),
        Value::Null => Some(yaml::empty(source)),
        _ => {
            let message = "expected a map with receivers, exporters and service";
            problems.push(Problem::at(&root.place, "", message));
            None
        }
    }
}

/// The scheme of an address and what follows it. One letter is a drive, not a scheme.
pub(crate) fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.len() >= 2
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+.-".contains(char));
    is_scheme.then_some((scheme, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_text_is_refused_with_the_place() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"a: 1\nb: \xc3\xa4 \xff\n").unwrap();
        let error = SystemEnv.file(file.path()).unwrap_err();
        assert_eq!(error.to_string(), "not UTF-8 in line 2, column 6");
    }
}
