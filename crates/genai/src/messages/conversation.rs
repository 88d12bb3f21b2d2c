//! Messages inside requests, answers and states: where they stand, by whose API.

use std::borrow::Cow;

use super::json::{Json, Keys, parse};
use super::message::{self, is_message};
use super::{Side, parts, tools};

/// Requests inside of requests deeper than this are not looked into.
const NESTED_MAX: usize = 6;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Conversation<'a> {
    /// In order.
    pub(crate) messages: Vec<Json<'a>>,
    /// What the system was told apart from the messages, as parts.
    pub(crate) system: Vec<Json<'a>>,
    /// The tools that the model could call.
    pub(crate) tools: Vec<Json<'a>>,
    /// Something of the source is not in here.
    pub(crate) is_part_of_source: bool,
}

/// Looks for messages; gives back what is none and has none inside.
pub(crate) fn find(json: Json<'_>, side: Side) -> Result<Conversation<'_>, Json<'_>> {
    find_in(json, side, 0)
}

/// A message of one text.
pub(crate) fn of_text<'a>(text: impl Into<Cow<'a, str>>, side: Side) -> Conversation<'a> {
    of_messages(vec![message::of_parts(side.role(), vec![parts::text(text)]).json()])
}

fn of_messages(messages: Vec<Json<'_>>) -> Conversation<'_> {
    Conversation { messages, ..Conversation::default() }
}

fn find_in(json: Json<'_>, side: Side, nested: usize) -> Result<Conversation<'_>, Json<'_>> {
    if !is_conversation(&json, side, nested) {
        return Err(json);
    }
    Ok(match json {
        Json::Array(elements) => find_in_list(elements, side, nested),
        json if is_message(&json) => of_messages(vec![message::read(json, side)]),
        Json::Object(keys) if is_completion(&keys, side) => completion(keys),
        Json::Object(keys) => match side {
            Side::Input => request(keys, nested),
            Side::Output => answer(keys, nested),
        },
        other => of_messages(vec![message::read(other, side)]),
    })
}

/// Whether messages are to be found. Looks only as deep as needed.
fn is_conversation(json: &Json<'_>, side: Side, nested: usize) -> bool {
    if nested > NESTED_MAX {
        return false;
    }
    match json {
        Json::Array(elements) => {
            elements.iter().all(is_message)
                || elements.iter().all(parts::is_part)
                || elements.iter().all(|element| element.as_text().is_some())
                || elements
                    .iter()
                    .all(|element| !element.is_empty() && is_conversation(element, side, nested + 1))
        }
        Json::Object(_) if is_message(json) => true,
        Json::Object(keys) if is_completion(keys, side) => true,
        Json::Object(keys) => match side {
            Side::Input => request_key(keys, nested).is_some(),
            Side::Output => answer_key(keys, nested).is_some(),
        },
        _ => false,
    }
}

/// Whether this is an answer as OpenRouter tells it: `{completion, reasoning, toolCalls}`.
fn is_completion(keys: &Keys<'_>, side: Side) -> bool {
    let is_named = keys.names().any(|name| name == "completion");
    side == Side::Output && is_named && (keys.has("toolCalls") || keys.has("reasoning"))
}

fn completion(mut keys: Keys<'_>) -> Conversation<'_> {
    let message = Keys::default()
        .with("role", Json::text(Side::Output.role()))
        .with_some("content", keys.take("completion"))
        .with_some("reasoning", keys.take("reasoning"))
        .with_some("toolCalls", keys.take("toolCalls"));
    let mut found = of_messages(vec![message::read(message.json(), Side::Output)]);
    found.leave(&keys);
    found
}

fn find_in_list(elements: Vec<Json<'_>>, side: Side, nested: usize) -> Conversation<'_> {
    if elements.iter().all(is_message) {
        return of_messages(elements.into_iter().map(|element| message::read(element, side)).collect());
    }
    if elements.iter().all(parts::is_part) {
        let parts = elements.into_iter().map(parts::read).collect();
        return of_messages(vec![message::of_parts(side.role(), parts).json()]);
    }
    let mut found = Conversation::default();
    for element in elements {
        match find_in(element, side, nested + 1) {
            Ok(inner) => found.append(inner),
            Err(text) => found.messages.push(message::read(text, side)),
        }
    }
    found
}

impl<'a> Conversation<'a> {
    /// Without its ties to the source.
    pub(crate) fn into_owned<'b>(self) -> Conversation<'b> {
        let own = |list: Vec<Json<'a>>| list.into_iter().map(Json::into_owned).collect();
        Conversation {
            messages: own(self.messages),
            system: own(self.system),
            tools: own(self.tools),
            is_part_of_source: self.is_part_of_source,
        }
    }

    fn append(&mut self, other: Self) {
        self.messages.extend(other.messages);
        self.system.extend(other.system);
        self.tools.extend(other.tools);
        self.is_part_of_source |= other.is_part_of_source;
    }

    /// Says why the answer ended, if its message does not.
    fn end(&mut self, finish_reason: Option<Json<'a>>) {
        if let (Some(reason), Some(Json::Object(last))) = (finish_reason, self.messages.last_mut())
            && !last.has("finish_reason")
        {
            last.0.push((Cow::Borrowed("finish_reason"), reason));
        }
    }

    /// Notes that these keys stay behind, if they say anything.
    fn leave(&mut self, rest: &Keys<'a>) {
        self.is_part_of_source |= rest.0.iter().any(|(_, value)| !value.is_empty());
    }
}

/// The keys under which requests have their messages: OpenAI, Anthropic, Bedrock, LangChain `messages`; Gemini
/// `contents`; Responses API, embeddings `input`; completions and Vercel `prompt`; LangChain `prompts`, `inputs`.
const REQUESTS: [&str; 6] = ["messages", "contents", "input", "inputs", "prompt", "prompts"];

fn request_key(keys: &Keys<'_>, nested: usize) -> Option<&'static str> {
    REQUESTS.into_iter().find(|name| {
        let value = keys.get(name);
        value
            .is_some_and(|value| value.as_text().is_some() || is_conversation(value, Side::Input, nested + 1))
    })
}

fn request(mut keys: Keys<'_>, nested: usize) -> Conversation<'_> {
    let Some(value) = request_key(&keys, nested).and_then(|name| keys.take(name)) else {
        return Conversation::default();
    };
    let mut found = find_in(value, Side::Input, nested + 1)
        .unwrap_or_else(|text| of_messages(vec![message::read(text, Side::Input)]));
    let mut inner = keys.take_object("config").unwrap_or_default();
    for keys in [&mut keys, &mut inner] {
        if let Some(system) = take_system(keys) {
            found.system.extend(system);
        }
        let tools = keys
            .take_any(&["tools", "functions"])
            .or_else(|| keys.take_object("toolConfig").and_then(|mut config| config.take("tools")));
        found.tools.extend(tools.into_iter().flat_map(tools::read));
    }
    found.leave(&keys);
    found.leave(&inner);
    found
}

/// Anthropic and Bedrock `system`, Responses API `instructions`, Gemini `systemInstruction`.
fn take_system<'a>(keys: &mut Keys<'a>) -> Option<Vec<Json<'a>>> {
    let system = keys.take_any(&["system", "instructions", "systemInstruction", "system_instruction"])?;
    Some(system_parts(system))
}

/// System instructions in a text, which may be the JSON of parts.
pub(crate) fn system_of_text(text: &str) -> Vec<Json<'_>> {
    match parse(text) {
        Some(json @ (Json::Array(_) | Json::Object(_) | Json::Text(_))) => system_parts(json),
        _ => vec![parts::text(text)],
    }
}

/// System instructions as parts: a text, a list of parts, or a message.
pub(crate) fn system_parts(system: Json<'_>) -> Vec<Json<'_>> {
    match system {
        Json::Object(mut keys) if keys.has("parts") && is_plain_message(&keys) => {
            parts::read_all(keys.take("parts").unwrap_or(Json::Null))
        }
        Json::Object(mut keys) if keys.has("role") && keys.has("content") && is_plain_message(&keys) => {
            parts::read_all(keys.take("content").unwrap_or(Json::Null))
        }
        Json::Array(elements) if !elements.is_empty() && elements.iter().all(is_message) => {
            elements.into_iter().flat_map(system_parts).collect()
        }
        other => parts::read_all(other),
    }
}

/// Whether a message of the system has nothing but a role that says no more, and what is said; Gemini calls it `user`.
fn is_plain_message(keys: &Keys<'_>) -> bool {
    let is_usual_role =
        !keys.has("role") || matches!(keys.text("role"), Some("system" | "developer" | "user"));
    is_usual_role && keys.names().all(|name| matches!(name, "role" | "content" | "parts"))
}

/// The keys under which answers have their messages: OpenAI `choices`; Gemini `candidates`; LangChain `generations`;
/// Responses API, Bedrock, LangSmith `output`; Genkit, Ollama, Cohere, logfire `message`; ADK, Anthropic `content`;
/// LangGraph `messages`, `update`; CrewAI `raw`; and texts.
const ANSWERS: [&str; 15] = [
    "choices",
    "candidates",
    "generations",
    "output",
    "message",
    "content",
    "raw",
    "messages",
    "update",
    "outputs",
    "text",
    "response",
    "completion",
    "combined_chunk_content",
    "output_text",
];

fn answer_key(keys: &Keys<'_>, nested: usize) -> Option<&'static str> {
    ANSWERS.into_iter().find(|name| {
        let Some(value) = keys.get(name) else { return false };
        match (*name, value) {
            ("choices" | "candidates", Json::Array(choices)) => {
                choices.iter().all(|choice| choice.as_object().is_some())
            }
            ("generations", Json::Array(_)) => true,
            ("messages" | "update" | "outputs", Json::Text(_)) => false,
            // Of a task or a crew, which are told by what else they have.
            ("raw", Json::Text(_)) => keys.0.iter().any(|(name, _)| name == "json_dict"),
            ("raw", _) => false,
            (_, Json::Text(_)) => true,
            ("message" | "content", Json::Object(inner)) => {
                is_message(value) || inner.has("parts") || inner.has("content")
            }
            _ => is_conversation(value, Side::Output, nested + 1),
        }
    })
}

fn answer(mut keys: Keys<'_>, nested: usize) -> Conversation<'_> {
    let name = answer_key(&keys, nested);
    let Some((name, value)) = name.and_then(|name| Some((name, keys.take(name)?))) else {
        return Conversation::default();
    };
    let finish_reason = message::take_finish_reason(&mut keys);
    let mut found = match (name, value) {
        ("choices" | "candidates", Json::Array(choices)) => each(choices, choice),
        ("generations", generations) => generated(generations, nested),
        (_, value @ Json::Object(_)) if matches!(name, "message" | "content") => {
            of_messages(vec![message::read(value, Side::Output)])
        }
        (_, value) => find_in(value, Side::Output, nested + 1)
            .unwrap_or_else(|text| of_messages(vec![message::read(text, Side::Output)])),
    };
    found.end(finish_reason);
    found.leave(&keys);
    found
}

fn each<'a>(elements: Vec<Json<'a>>, read: fn(Keys<'a>) -> Conversation<'a>) -> Conversation<'a> {
    let mut found = Conversation::default();
    for element in elements {
        match element {
            Json::Object(keys) => found.append(read(keys)),
            other => found.messages.push(message::read(other, Side::Output)),
        }
    }
    found
}

/// One of several answers: OpenAI's `{message | delta | text, finish_reason}`, Gemini's `{content, finishReason}`.
fn choice(mut keys: Keys<'_>) -> Conversation<'_> {
    let said = keys.take_any(&["message", "delta", "content", "text"]).unwrap_or(Json::Null);
    let mut found = of_messages(vec![message::read(said, Side::Output)]);
    found.end(message::take_finish_reason(&mut keys));
    keys.take("index");
    found.leave(&keys);
    found
}

/// LangChain's lists of lists of `{text, message, generation_info}`; the text repeats the message.
fn generated(generations: Json<'_>, nested: usize) -> Conversation<'_> {
    match generations {
        Json::Array(elements) if nested <= NESTED_MAX => {
            let mut found = Conversation::default();
            for element in elements {
                found.append(generated(element, nested + 1));
            }
            found
        }
        Json::Object(mut keys) => {
            // The text repeats that of the message, which may have other parts.
            let text = keys.take("text").filter(|text| *text != Json::text(""));
            let said = keys.take("message");
            let is_repeated =
                said.as_ref().is_none_or(|said| text.as_ref().is_none_or(|text| repeats(said, text)));
            let said = said.or(text).unwrap_or(Json::Null);
            let info = keys.take_object("generation_info");
            let mut found = of_messages(vec![message::read(said, Side::Output)]);
            if let Some(mut info) = info {
                found.end(message::take_finish_reason(&mut info));
                found.leave(&info);
            }
            keys.take("type");
            found.leave(&keys);
            found.is_part_of_source |= !is_repeated;
            found
        }
        other => of_messages(vec![message::read(other, Side::Output)]),
    }
}

/// Whether this text is the content of a message of LangChain.
fn repeats(message: &Json<'_>, text: &Json<'_>) -> bool {
    let keys = message.as_object();
    let inner =
        keys.and_then(|keys| keys.get("kwargs").or_else(|| keys.get("data")).and_then(Json::as_object));
    inner.or(keys).and_then(|keys| keys.get("content")) == Some(text)
}
