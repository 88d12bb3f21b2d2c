//! Messages in events: those of a span, and pydantic-ai's, which are one attribute.

use super::conversation::{self, Conversation};
use super::indexed::parts_in_text;
use super::json::{Json, Keys, parse};
use super::{Said, Side, read_text};
use super::{message, tools};
use crate::EventView;
use crate::json::find;

/// An event that holds everything at once, since conventions 1.37.
pub(super) const DETAILS: &str = "gen_ai.client.inference.operation.details";

/// What was said in the events of a span: to the model, and by it.
pub(crate) fn read<'a>(events: &[EventView<'a>]) -> (Conversation<'a>, Conversation<'a>) {
    let (mut input, mut output) = (Conversation::default(), Conversation::default());
    for event in events {
        let keys = || keys_of(event);
        match event.name {
            "gen_ai.choice" => output.messages.extend(choice(keys())),
            // Conventions before 1.28, and those who stayed there.
            "gen_ai.content.prompt" => add_text(&mut input, event, "gen_ai.prompt", Side::Input),
            "gen_ai.content.completion" => add_text(&mut output, event, "gen_ai.completion", Side::Output),
            DETAILS => {
                add_text(&mut input, event, "gen_ai.input.messages", Side::Input);
                add_text(&mut output, event, "gen_ai.output.messages", Side::Output);
                let system = attribute(event, "gen_ai.system_instructions");
                input.system.extend(system.into_iter().flat_map(conversation::system_of_text));
                let tools = attribute(event, "gen_ai.tool.definitions");
                input.tools.extend(tools.into_iter().flat_map(|text| tools::read(Json::text(text))));
            }
            name => input.messages.extend(role_of_event(name).map(|role| of_role(role, keys()))),
        }
    }
    (input, output)
}

/// A tool's arguments and result, as strands sends them: the message to the tool, and its choice; or, by conventions
/// since 1.37, the part that calls it, and the part that answers.
pub(crate) fn tool<'a>(events: &[EventView<'_>]) -> (Option<Said<'a>>, Option<Said<'a>>) {
    let text = |event: &str, name: &str| {
        let event = events.iter().find(|known| known.name == event)?;
        attribute(event, name).map(|text| Said::Rebuilt(text.to_owned()))
    };
    let part = |name: &str, path| {
        let mut details = events.iter().filter(|event| event.name == DETAILS);
        let messages = details.find_map(|event| attribute(event, name))?;
        Some(Said::Rebuilt(find(messages, &[path]).pop()??.into_owned()))
    };
    let arguments = text("gen_ai.tool.message", "content");
    let result = text("gen_ai.choice", "message");
    (
        arguments.or_else(|| part("gen_ai.input.messages", "0.parts.0.arguments")),
        result.or_else(|| part("gen_ai.output.messages", "0.parts.0.response")),
    )
}

fn attribute<'a>(event: &EventView<'a>, name: &str) -> Option<&'a str> {
    event.attributes.iter().find(|(key, _)| *key == name).map(|(_, text)| *text)
}

fn add_text<'a>(conversation: &mut Conversation<'a>, event: &EventView<'a>, name: &str, side: Side) {
    if let Some(text) = attribute(event, name) {
        let (found, _) = read_text(text, side, 0);
        conversation.messages.extend(found.messages);
    }
}

/// The attributes of an event as an object. Azure's SDK has a body as the text of one.
fn keys_of<'a>(event: &EventView<'a>) -> Keys<'a> {
    if let Some(Json::Object(body)) = attribute(event, "gen_ai.event.content").and_then(parse) {
        return body;
    }
    let of_message = |(name, _): &&(&str, &str)| !name.starts_with("gen_ai.") && *name != "event.name";
    let keys = event.attributes.iter().filter(of_message);
    Keys(keys.map(|(name, text)| ((*name).into(), Json::text(*text))).collect())
}

/// Whose message an event is.
pub(crate) fn role_of_event(name: &str) -> Option<&'static str> {
    match name {
        "gen_ai.system.message" => Some("system"),
        "gen_ai.user.message" => Some("user"),
        "gen_ai.assistant.message" => Some("assistant"),
        "gen_ai.tool.message" => Some("tool"),
        _ => None,
    }
}

/// The message of an event, whose name says whose it is.
pub(crate) fn of_role<'a>(role: &'static str, mut keys: Keys<'a>) -> Json<'a> {
    decode(&mut keys, "content");
    if !keys.has("role") {
        keys = Keys::default().with("role", Json::text(role)).and_rest(keys);
    }
    message::read(keys.json(), Side::Input)
}

/// The answer of a choice, and what a tool said to it (strands).
pub(crate) fn choice<'a>(mut keys: Keys<'a>) -> Vec<Json<'a>> {
    decode(&mut keys, "message");
    let finish_reason = message::take_finish_reason(&mut keys);
    let said = keys.take("message").unwrap_or_else(|| said_itself(&mut keys));
    decode(&mut keys, "tool.result");
    let result = keys.take("tool.result");
    let mut answer = match said {
        said @ Json::Object(_) => message::read(said, Side::Output),
        said => message::read(
            Keys::default().with("role", Json::text("assistant")).with("content", said).json(),
            Side::Output,
        ),
    };
    keys.take("index");
    if let Json::Object(answer) = &mut answer {
        let known = std::mem::take(answer).with_some("finish_reason", finish_reason);
        *answer = known.and_rest(keys);
    }
    let result = result.map(|result| {
        message::read(
            Keys::default().with("role", Json::text("tool")).with("content", result).json(),
            Side::Output,
        )
    });
    [Some(answer), result].into_iter().flatten().collect()
}

/// The message that a choice is itself (LiveKit).
fn said_itself<'a>(keys: &mut Keys<'a>) -> Json<'a> {
    if !keys.has("content") && !keys.has("tool_calls") {
        return Json::Null;
    }
    let names = ["role", "content", "tool_calls"];
    names.into_iter().fold(Keys::default(), |said, name| said.with_some(name, keys.take(name))).json()
}

/// Replaces a text by the message or the parts that it is the JSON of.
fn decode(keys: &mut Keys<'_>, name: &'static str) {
    let Some(text) = keys.text(name) else { return };
    let message = || parse(text).filter(message::is_message).map(Json::into_owned);
    if let Some(json) = parts_in_text(text).or_else(message) {
        keys.take(name);
        keys.0.push((name.into(), json));
    }
}

/// Events as one list (pydantic-ai), or all messages of an agent: the answer is what comes after the last that is none.
pub(crate) fn split(json: Json<'_>) -> Option<(Conversation<'_>, Conversation<'_>)> {
    let name_of =
        |json: &Json<'_>| json.as_object().and_then(|keys| keys.text("event.name")).map(str::to_owned);
    match json {
        Json::Array(elements)
            if !elements.is_empty() && elements.iter().all(|event| name_of(event).is_some()) =>
        {
            let (mut input, mut output) = (Conversation::default(), Conversation::default());
            for element in elements {
                let name = name_of(&element).unwrap_or_default();
                let Json::Object(mut keys) = element else { continue };
                keys.take("event.name");
                keys.take("gen_ai.message.index");
                match role_of_event(&name) {
                    Some(role) => input.messages.push(of_role(role, keys)),
                    None => output.messages.extend(choice(keys)),
                }
            }
            Some((input, output))
        }
        json => {
            let mut input = conversation::find(json, Side::Input).ok()?;
            let is_answer = |message: &Json<'_>| {
                message.as_object().and_then(|keys| keys.text("role")) == Some("assistant")
            };
            let questions =
                input.messages.iter().rposition(|message| !is_answer(message)).map_or(0, |last| last + 1);
            let messages = input.messages.split_off(questions);
            Some((input, Conversation { messages, ..Conversation::default() }))
        }
    }
}
