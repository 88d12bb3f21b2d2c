//! Messages in attributes with numbers in their names, as `llm.input_messages.0.message.role`.

use super::Side;
use super::json::{Json, Keys, parse};
use super::{message, parts, tools};

/// Names with more pieces are not taken apart any further.
const PIECES_MAX: usize = 16;

/// OpenInference wraps what stands in a list: `llm.input_messages.0.message…`, `…contents.0.message_content…`.
const WRAPPERS: [&str; 7] =
    ["message", "message_content", "tool_call", "tool", "prompt", "completion", "embedding"];

/// A piece of a name. Numbers come in their order, whatever their distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    Number(u64),
    Name(&'a str),
}

type Entry<'a> = (Vec<Piece<'a>>, &'a str);

/// The elements of the list whose names begin with `head` and end with `tail`, and the places of the attributes.
pub(crate) fn gather<'a>(
    attributes: &[(&'a str, &'a str)],
    head: &str,
    tail: &str,
) -> (Vec<Json<'a>>, Vec<usize>) {
    let mut entries: Vec<Entry<'a>> = Vec::new();
    let mut places = Vec::new();
    for (place, (name, text)) in attributes.iter().enumerate() {
        let Some(rest) = name.strip_prefix(head).filter(|_| name.ends_with(tail)) else { continue };
        let pieces: Vec<_> = rest.splitn(PIECES_MAX, '.').map(piece).collect();
        if matches!(pieces.first(), Some(Piece::Number(_))) {
            entries.push((pieces, text));
            places.push(place);
        }
    }
    entries.sort();
    let elements = groups(&entries, 0).map(|(_, group)| unwrap(build(group, 1))).collect();
    (elements, places)
}

fn piece(piece: &str) -> Piece<'_> {
    let is_number = piece.bytes().all(|byte| byte.is_ascii_digit());
    match piece.parse() {
        Ok(number) if is_number => Piece::Number(number),
        _ => Piece::Name(piece),
    }
}

/// Entries that share the piece at this depth; entries that have none come as `None`.
fn groups<'e, 'a>(
    entries: &'e [Entry<'a>],
    depth: usize,
) -> impl Iterator<Item = (Option<Piece<'a>>, &'e [Entry<'a>])> {
    let of = move |entry: &Entry<'a>| entry.0.get(depth).copied();
    let groups = entries.chunk_by(move |one, next| of(one) == of(next));
    groups.filter_map(move |group| Some((of(group.first()?), group)))
}

/// The value of entries that have all their pieces before this depth in common.
fn build<'a>(entries: &[Entry<'a>], depth: usize) -> Json<'a> {
    if let [(pieces, text)] = entries
        && pieces.len() <= depth
    {
        return Json::text(*text);
    }
    let is_list = entries.iter().all(|(pieces, _)| matches!(pieces.get(depth), Some(Piece::Number(_))));
    if is_list {
        return Json::Array(
            groups(entries, depth).map(|(_, group)| unwrap(build(group, depth + 1))).collect(),
        );
    }
    let mut keys = Keys::default();
    for (piece, group) in groups(entries, depth) {
        let name = match piece {
            Some(Piece::Name(name)) => name.into(),
            Some(Piece::Number(number)) => number.to_string().into(),
            // A name that goes on elsewhere; a name that is repeated keeps its last value.
            None => {
                let value = group.last().map_or(Json::Null, |(_, text)| Json::text(*text));
                if entries.len() == group.len() {
                    return value;
                }
                keys.0.push(("".into(), value));
                continue;
            }
        };
        keys.0.push((name, build(group, depth + 1)));
    }
    keys.json()
}

fn unwrap(json: Json<'_>) -> Json<'_> {
    match json {
        Json::Object(mut keys) if keys.0.len() == 1 => match keys.0.pop() {
            Some((name, inner @ Json::Object(_))) if WRAPPERS.contains(&name.as_ref()) => inner,
            Some(key) => Json::Object(Keys(vec![key])),
            None => Json::Null,
        },
        other => other,
    }
}

/// An element as a message. Content that is a list of parts comes as the text of that list.
pub(crate) fn message(element: Json<'_>, side: Side) -> Json<'_> {
    let Json::Object(mut keys) = element else { return message::read(element, side) };
    // Text completion has a text, and an embedding is one.
    if keys.0.len() == 1
        && let Some(text) = keys.take_text("text")
    {
        return message::read(Json::Text(text), side);
    }
    if let Some(content) = keys.text("content").and_then(parts_in_text) {
        keys.take("content");
        keys = keys.with("content", content);
    }
    message::read(keys.json(), side)
}

/// The parts in a text that is the JSON of a list of parts.
pub(crate) fn parts_in_text<'b>(text: &str) -> Option<Json<'b>> {
    if !text.starts_with('[') {
        return None;
    }
    let json = parse(text)?;
    let is_parts = json.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(parts::is_part));
    is_parts.then(|| json.into_owned())
}

/// An element as tools. OpenInference sends the JSON of each.
pub(crate) fn tools(element: Json<'_>) -> Vec<Json<'_>> {
    match element {
        Json::Object(mut keys) if keys.has("json_schema") => {
            tools::read(keys.take("json_schema").unwrap_or(Json::Null))
        }
        other => tools::read(other),
    }
}
