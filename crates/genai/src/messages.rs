//! What was said in a call: messages, instructions, tools, in the one shape of the conventions, whichever of some
//! thirty encodings they came in.
//!
//! `sources` is the table of attributes; `events` reads the events of a span and log records, `indexed` attributes with
//! numbers in their names. They give JSON, in which `conversation` finds the messages, `message` makes one of each, and
//! `parts` its parts. What a provider's message has beyond the conventions' follows as further keys; keys that are null
//! or empty are left out. A text that is in the shape already is not read at all: see `canonical`.

mod canonical;
mod conversation;
mod events;
mod indexed;
pub(crate) mod json;
mod message;
mod parts;
mod record;
pub(crate) mod sources;
mod tools;

use std::borrow::Cow;

use self::conversation::Conversation;
use self::json::{Json, parse, parse_cut, parse_python};
pub use self::record::{RecordView, read_record};
use self::sources::{Candidate, Fills, Row};
use crate::{CallKind, SpanView};

/// Longer texts are left where they are unless they need no rebuilding.
const REBUILT_BYTES_MAX: usize = 16 << 20;
/// So often JSON is looked for in the text of JSON.
const ENCODINGS_MAX: usize = 3;

/// What was said in a call. Messages are JSON, `[{role, parts: [{type, …}], finish_reason}]`; instructions are a list of
/// parts, tools a list of `{type, name, description, parameters}`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content<'a> {
    /// What the model was told.
    pub input_messages: Option<Said<'a>>,
    /// What it answered.
    pub output_messages: Option<Said<'a>>,
    /// What the system was told apart from the messages. What is one of the messages stays there.
    pub system_instructions: Option<Said<'a>>,
    /// The tools that the model could call.
    pub tool_definitions: Option<Said<'a>>,
    /// What a tool was called with, on its own span.
    pub tool_arguments: Option<Said<'a>>,
    /// What it answered.
    pub tool_result: Option<Said<'a>>,
    /// Places in [`SpanView::attributes`] of what stands here whole, so that it need not be kept twice.
    pub moved: Vec<usize>,
    /// The sender cut a text that was rebuilt here.
    pub is_truncated: bool,
}

/// A text of a call's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said<'a> {
    /// The exact text of the attribute at this place.
    Sent {
        /// The place in [`SpanView::attributes`].
        attribute: usize,
        /// Its text.
        text: &'a str,
    },
    /// Put together from what was sent.
    Rebuilt(String),
}

impl Said<'_> {
    /// The text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sent { text, .. } => text,
            Self::Rebuilt(text) => text,
        }
    }
}

impl Content<'_> {
    /// Size of all that was said; none where nothing was recorded.
    pub fn bytes(&self) -> Option<usize> {
        let all = [
            &self.input_messages,
            &self.output_messages,
            &self.system_instructions,
            &self.tool_definitions,
            &self.tool_arguments,
            &self.tool_result,
        ];
        all.into_iter().flatten().map(|said| said.as_str().len()).reduce(|sum, size| sum + size)
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Input,
    Output,
}

impl Side {
    /// The role of who says something without saying who it is.
    fn role(self) -> &'static str {
        match self {
            Self::Input => "user",
            Self::Output => "assistant",
        }
    }
}

/// Reads what was said in a span. What is said is the same in whichever order its attributes come.
pub fn read<'a>(span: &SpanView<'a>, kind: CallKind) -> Content<'a> {
    let names = span.attributes.iter().map(|(name, _)| *name);
    read_from(&sources::candidates(names), span, kind)
}

/// Reads what was said in a span whose attributes have these candidates among them.
pub(crate) fn read_from<'a>(candidates: &[Candidate], span: &SpanView<'a>, kind: CallKind) -> Content<'a> {
    if candidates.is_empty() && span.events.is_empty() {
        return Content::default();
    }
    let mut reader = Reader { span, kind, content: Content::default() };
    let found = sources::find(candidates, span.attributes);
    let first_value = found.partition_point(|(row, _)| !row.fills.is_value());
    let (own, values) = found.split_at(first_value);
    own.iter().for_each(|(row, attribute)| reader.take(row, *attribute));
    if own.iter().any(|(row, _)| row.fills == Fills::Answer) {
        reader.take_answer(own);
    }
    reader.take_events();
    values.iter().for_each(|(row, attribute)| reader.take(row, *attribute));
    reader.content
}

/// A field of the content.
type Slot<'a> = for<'c> fn(&'c mut Content<'a>) -> &'c mut Option<Said<'a>>;

struct Reader<'s, 'a> {
    span: &'s SpanView<'a>,
    kind: CallKind,
    content: Content<'a>,
}

impl<'a> Reader<'_, 'a> {
    fn text(&self, attribute: usize) -> &'a str {
        self.span.attributes.get(attribute).map_or("", |(_, text)| text)
    }

    fn attribute(&self, name: &str) -> Option<&'a str> {
        self.span.attributes.iter().find(|(key, _)| *key == name).map(|(_, text)| *text)
    }

    /// Reads the attribute of a row into the field that the row fills, unless that has something better.
    fn take(&mut self, row: &Row, attribute: usize) {
        let text = self.text(attribute);
        let is_tool = self.kind == CallKind::Tool;
        match row.fills {
            Fills::InputValue if is_tool => self.put_exact(|content| &mut content.tool_arguments, attribute),
            Fills::OutputValue if is_tool => self.put_exact(|content| &mut content.tool_result, attribute),
            Fills::Arguments => self.put_exact(|content| &mut content.tool_arguments, attribute),
            Fills::Result => self.put_exact(|content| &mut content.tool_result, attribute),
            Fills::Input | Fills::InputValue => self.take_messages(Side::Input, row, attribute),
            Fills::Output | Fills::OutputValue => self.take_messages(Side::Output, row, attribute),
            Fills::InputTexts => self.take_texts(attribute),
            Fills::InputIndexed => self.take_indexed(Side::Input, row),
            Fills::OutputIndexed => self.take_indexed(Side::Output, row),
            Fills::ToolsIndexed => self.take_indexed_tools(row),
            Fills::Both => self.take_both(attribute),
            Fills::System => self.take_system(attribute),
            Fills::Tools if canonical::is_tools(text) => {
                self.put_exact(|content| &mut content.tool_definitions, attribute);
            }
            Fills::Tools => self.take_tools(attribute),
            // Several of them are one message.
            Fills::Answer => {}
        }
    }

    fn put_exact(&mut self, field: Slot<'a>, attribute: usize) {
        let text = self.text(attribute);
        let slot = field(&mut self.content);
        if slot.is_none() {
            *slot = Some(Said::Sent { attribute, text });
            self.content.moved.push(attribute);
        }
    }

    fn side(&mut self, side: Side) -> &mut Option<Said<'a>> {
        match side {
            Side::Input => &mut self.content.input_messages,
            Side::Output => &mut self.content.output_messages,
        }
    }

    fn take_messages(&mut self, side: Side, row: &Row, attribute: usize) {
        // What an embedding's model answers are vectors.
        let is_vectors = side == Side::Output && self.kind == CallKind::Embedding;
        if self.side(side).is_some() || is_vectors {
            return;
        }
        let text = self.text(attribute);
        if canonical::is_messages(text) {
            return match side {
                Side::Input => self.put_exact(|content| &mut content.input_messages, attribute),
                Side::Output => self.put_exact(|content| &mut content.output_messages, attribute),
            };
        }
        if text.len() > REBUILT_BYTES_MAX {
            return;
        }
        let is_plain = row.mime_type.and_then(|name| self.attribute(name)) == Some("text/plain");
        let (found, is_cut) =
            if is_plain { (conversation::of_text(text, side), false) } else { read_text(text, side, 0) };
        let is_whole = self.put(side, found);
        self.content.is_truncated |= is_cut;
        if is_whole && !is_cut {
            self.content.moved.push(attribute);
        }
    }

    /// Vercel's values to embed: a list of texts, each the JSON of one.
    fn take_texts(&mut self, attribute: usize) {
        if self.content.input_messages.is_some() {
            return;
        }
        let Some(Json::Array(texts)) = parse(self.text(attribute)) else { return };
        let text = |json: &Json<'_>| match json.as_text().map(|text| (text, parse(text))) {
            Some((_, Some(Json::Text(inner)))) => inner.into_owned(),
            Some((text, _)) => text.to_owned(),
            None => json.to_text(),
        };
        let messages = texts.iter().flat_map(|json| conversation::of_text(text(json), Side::Input).messages);
        self.content.input_messages = Some(rebuilt(messages.collect()));
        self.content.moved.push(attribute);
    }

    /// Puts what was found into the fields that are free, and says whether that is all of it.
    fn put(&mut self, side: Side, found: Conversation<'_>) -> bool {
        let Conversation { messages, system, tools, is_part_of_source } = found;
        let mut is_whole = !is_part_of_source;
        for (said, slot) in
            [(system, &mut self.content.system_instructions), (tools, &mut self.content.tool_definitions)]
        {
            if said.is_empty() {
                continue;
            }
            is_whole &= slot.is_none();
            slot.get_or_insert_with(|| rebuilt(said));
        }
        let slot = self.side(side);
        // A message without any part says nothing, as when an SDK records no content.
        let is_said = messages.iter().any(message::has_parts);
        is_whole &= is_said && slot.is_none() || messages.is_empty();
        if is_said {
            slot.get_or_insert_with(|| rebuilt(messages));
        }
        is_whole
    }

    fn take_indexed(&mut self, side: Side, row: &Row) {
        if self.side(side).is_some() {
            return;
        }
        let (elements, places) = indexed::gather(self.span.attributes, row.attribute, row.only);
        let messages: Vec<_> = elements.into_iter().map(|element| indexed::message(element, side)).collect();
        // Some senders give the roles here, and the content elsewhere.
        if messages.iter().any(message::has_parts) {
            self.put(side, Conversation { messages, ..Conversation::default() });
            self.content.moved.extend(places);
        }
    }

    fn take_indexed_tools(&mut self, row: &Row) {
        if self.content.tool_definitions.is_some() {
            return;
        }
        let (elements, places) = indexed::gather(self.span.attributes, row.attribute, row.only);
        let tools: Vec<_> = elements.into_iter().flat_map(indexed::tools).collect();
        if !tools.is_empty() {
            self.content.tool_definitions = Some(rebuilt(tools));
            self.content.moved.extend(places);
        }
    }

    /// All messages of an agent, or events as one text: what comes after the last question is the answer.
    fn take_both(&mut self, attribute: usize) {
        let text = self.text(attribute);
        if text.len() > REBUILT_BYTES_MAX {
            return;
        }
        let Some((input, output)) = parse(text).and_then(events::split) else { return };
        let has_both = self.content.input_messages.is_none() && self.content.output_messages.is_none();
        let is_whole = self.put(Side::Input, input) & self.put(Side::Output, output);
        if has_both && is_whole {
            self.content.moved.push(attribute);
        }
    }

    fn take_system(&mut self, attribute: usize) {
        let text = self.text(attribute);
        if canonical::is_parts(text) {
            return self.put_exact(|content| &mut content.system_instructions, attribute);
        }
        if self.content.system_instructions.is_some() || text.len() > REBUILT_BYTES_MAX {
            return;
        }
        let system = conversation::system_of_text(text);
        if !system.is_empty() {
            self.content.system_instructions = Some(rebuilt(system));
            self.content.moved.push(attribute);
        }
    }

    fn take_tools(&mut self, attribute: usize) {
        let text = self.text(attribute);
        if self.content.tool_definitions.is_some() || text.len() > REBUILT_BYTES_MAX {
            return;
        }
        let json = parse(text).or_else(|| parse_python(text)).unwrap_or(Json::text(text));
        let tools = tools::read(json);
        if !tools.is_empty() {
            self.content.tool_definitions = Some(rebuilt(tools));
            self.content.moved.push(attribute);
        }
    }

    /// Vercel's answer: its reasoning, its text, its calls and its object in attributes of their own.
    fn take_answer(&mut self, found: &[(&'static Row, usize)]) {
        if self.content.output_messages.is_some() {
            return;
        }
        let (mut parts, mut places) = (Vec::new(), Vec::new());
        for (row, attribute) in found.iter().filter(|(row, _)| row.fills == Fills::Answer) {
            let text = self.text(*attribute);
            let before = parts.len();
            match row.attribute.rsplit('.').next().unwrap_or_default() {
                "toolCalls" => parts.extend(message::tool_calls(Json::text(text))),
                "reasoning" => parts.push(sources::reasoning(text)),
                "files" => parts.extend(message::files(text)),
                _ => parts.push(parts::text(text)),
            }
            if parts.len() > before {
                places.push(*attribute);
            }
        }
        if parts.is_empty() {
            return;
        }
        let finish_reason =
            ["ai.response.finishReason", "ai.finishReason"].iter().find_map(|name| self.attribute(name));
        let message =
            message::of_parts("assistant", parts).with_some("finish_reason", finish_reason.map(Json::text));
        self.content.output_messages = Some(rebuilt(vec![message.json()]));
        self.content.moved.extend(places);
    }

    fn take_events(&mut self) {
        if self.span.events.is_empty() {
            return;
        }
        if self.kind == CallKind::Tool {
            let (arguments, result) = events::tool(self.span.events);
            self.content.tool_arguments = self.content.tool_arguments.take().or(arguments);
            self.content.tool_result = self.content.tool_result.take().or(result);
            return;
        }
        let (input, output) = events::read(self.span.events);
        self.put(Side::Input, input);
        self.put(Side::Output, output);
    }
}

fn rebuilt<'a>(elements: Vec<Json<'_>>) -> Said<'a> {
    Said::Rebuilt(Json::Array(elements).to_text())
}

/// The conversation in a text, which may be JSON, JSON in JSON, a Python repr, JSON that was cut, or simply a text; and
/// whether it was cut.
fn read_text(text: &str, side: Side, encodings: usize) -> (Conversation<'_>, bool) {
    let begins_with = |symbols: &[char]| text.trim_start().starts_with(symbols);
    if !begins_with(&['[', '{', '"', '(']) {
        return (conversation::of_text(text, side), false);
    }
    match parse(text).or_else(|| parse_python(text)) {
        Some(Json::Text(inner)) if encodings < ENCODINGS_MAX => match inner {
            Cow::Borrowed(inner) => read_text(inner, side, encodings + 1),
            Cow::Owned(inner) => {
                let (found, is_cut) = read_text(&inner, side, encodings + 1);
                (found.into_owned(), is_cut)
            }
        },
        Some(json) => {
            (conversation::find(json, side).unwrap_or_else(|_| conversation::of_text(text, side)), false)
        }
        None => match parse_cut(text).filter(|_| begins_with(&['[', '{'])) {
            Some(json) => match conversation::find(json, side) {
                Ok(found) => (found, true),
                Err(_) => (conversation::of_text(text, side), false),
            },
            None => (conversation::of_text(text, side), false),
        },
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
