//! Messages that come as log records of a span: one each by conventions 1.28 to 1.36, all of a call at once since then.

use super::json::{Json, Keys, parse};
use super::{Content, Side, events, message, rebuilt};
use crate::{CallKind, SpanView};

/// What is to be known of a log record.
#[derive(Debug, Clone, Copy, Default)]
pub struct RecordView<'a> {
    /// Name of the event; older SDKs have it in the attribute `event.name`.
    pub event_name: Option<&'a str>,
    /// Its body; JSON when it has a structure.
    pub body: Option<&'a str>,
    /// Its attributes, like those of a span.
    pub attributes: &'a [(&'a str, &'a str)],
}

/// Reads what was said in a log record; `None` when it is about something else, or nothing was recorded.
pub fn read_record<'a>(record: &RecordView<'a>) -> Option<Content<'a>> {
    let attribute =
        || record.attributes.iter().find(|(name, _)| *name == "event.name").map(|(_, text)| *text);
    let name = record.event_name.filter(|name| !name.is_empty()).or_else(attribute)?;
    let content = match name {
        events::DETAILS => {
            super::read(&SpanView { attributes: record.attributes, ..SpanView::default() }, CallKind::Llm)
        }
        "gen_ai.choice" => of_messages(Side::Output, events::choice(body(record)?)),
        name => {
            let role = events::role_of_event(name)?;
            of_messages(Side::Input, vec![events::of_role(role, body(record)?)])
        }
    };
    content.bytes().is_some().then_some(content)
}

fn of_messages<'a>(side: Side, messages: Vec<Json<'_>>) -> Content<'a> {
    let mut content = Content::default();
    if messages.iter().any(message::has_parts) {
        let said = Some(rebuilt(messages));
        match side {
            Side::Input => content.input_messages = said,
            Side::Output => content.output_messages = said,
        }
    }
    content
}

/// The body as an object. What is none is the message itself.
fn body<'a>(record: &RecordView<'a>) -> Option<Keys<'a>> {
    let text = record.body.filter(|body| body.len() <= super::REBUILT_BYTES_MAX)?;
    Some(match parse(text) {
        Some(Json::Object(keys)) => keys,
        _ => Keys::default().with("content", Json::text(text)),
    })
}
