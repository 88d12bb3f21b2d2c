//! The parts of a message: each provider's into those of the conventions.
//!
//! Keys without a place in the conventions' part follow after those that have one. A part of a type that nobody knows
//! stays as it is (the conventions have a generic part); what has no type at all becomes a text with its JSON.

use std::borrow::Cow;

use super::json::{Json, Keys, parse};

mod media;

use media::blob;

/// A text that was said.
pub(crate) fn text<'a>(content: impl Into<Cow<'a, str>>) -> Json<'a> {
    Keys::of_type("text").with("content", Json::text(content)).json()
}

/// What content stands for: a text is one part, a list is one each, null is none.
pub(crate) fn read_all(content: Json<'_>) -> Vec<Json<'_>> {
    match content {
        Json::Null => Vec::new(),
        Json::Array(elements) => elements.into_iter().map(read).collect(),
        // Empty content goes with tool calls and says nothing.
        Json::Text(content) if content.is_empty() => Vec::new(),
        other => vec![read(other)],
    }
}

/// One part, whichever provider's it is.
pub(crate) fn read(json: Json<'_>) -> Json<'_> {
    match json {
        Json::Text(content) => text(content),
        Json::Object(keys) if keys.text("type").is_some() => typed(keys),
        Json::Object(keys) => untyped(keys),
        other => text(other.to_text()),
    }
}

/// Whether this is a part of a provider, so that a list of such is the content of one message.
pub(crate) fn is_part(json: &Json<'_>) -> bool {
    let Some(keys) = json.as_object() else { return false };
    match keys.text("type") {
        Some(kind) => TYPES.contains(&kind) || kind.ends_with("_tool_result"),
        None => UNTYPED.iter().any(|(name, _)| keys.has(name)) && keys.0.len() <= 4 || is_lone_text(keys),
    }
}

/// Types of parts, apart from those that are messages of their own.
const TYPES: [&str; 25] = [
    "text",
    "input_text",
    "output_text",
    "refusal",
    "reasoning",
    "thinking",
    "redacted_thinking",
    "image",
    "image_url",
    "input_image",
    "input_audio",
    "audio",
    "video",
    "document",
    "file",
    "input_file",
    "blob",
    "uri",
    "tool_use",
    "server_tool_use",
    "mcp_tool_use",
    "tool_result",
    "tool-call",
    "tool-result",
    "tool_call_response",
];

fn is_lone_text(keys: &Keys<'_>) -> bool {
    keys.text("text").is_some() && keys.0.iter().all(|(name, _)| is_beside_text(name))
}

fn is_beside_text(name: &str) -> bool {
    matches!(name, "text" | "thought" | "thoughtSignature" | "thought_signature" | "citations" | "metadata")
}

/// Parts that name their type.
fn typed(mut keys: Keys<'_>) -> Json<'_> {
    let kind = keys.take_text("type").unwrap_or_default();
    match kind.as_ref() {
        "text" | "input_text" | "output_text" => content_of("text", keys, &["content", "text"]),
        "refusal" => content_of("refusal", keys, &["content", "refusal"]),
        "reasoning" => reasoning_item(keys),
        "thinking" => content_of("reasoning", keys, &["thinking", "content"]),
        // Anthropic's thoughts that only Anthropic can read: `data` follows.
        "redacted_thinking" => content_of("reasoning", keys, &["content"]),
        "tool_call" | "tool-call" | "tool_use" | "function_call" | "function" | "custom"
        | "custom_tool_call" => tool_call(keys),
        "tool_result" | "tool-result" | "tool_call_response" | "function_call_output" => tool_response(keys),
        "server_tool_use" | "mcp_tool_use" => server_tool_call(keys),
        kind if kind.ends_with("_tool_result") => server_tool_response(kind.to_owned(), keys),
        _ => match media::typed(&kind, keys) {
            Ok(media) => media,
            Err(keys) => Keys::default().with("type", Json::Text(kind)).and_all(keys).json(),
        },
    }
}

type Convert = for<'a> fn(Json<'a>) -> Json<'a>;

/// Parts that are known by a key: Bedrock's Converse, Gemini in both spellings, Genkit.
const UNTYPED: [(&str, Convert); 23] = [
    ("toolUse", |value| with_keys(value, tool_call)),
    ("toolResult", |value| with_keys(value, tool_response)),
    ("reasoningContent", |value| with_keys(value, bedrock_reasoning)),
    ("functionCall", |value| with_keys(value, tool_call)),
    ("function_call", |value| with_keys(value, tool_call)),
    ("functionResponse", |value| with_keys(value, tool_response)),
    ("function_response", |value| with_keys(value, tool_response)),
    ("inlineData", |value| with_keys(value, blob)),
    ("inline_data", |value| with_keys(value, blob)),
    ("fileData", |value| with_keys(value, media::uri)),
    ("file_data", |value| with_keys(value, media::uri)),
    ("toolRequest", |value| with_keys(value, tool_call)),
    ("toolResponse", |value| with_keys(value, tool_response)),
    ("media", |value| with_keys(value, media::uri)),
    ("image", |value| with_keys(value, |keys| media::bedrock("image", keys))),
    ("document", |value| with_keys(value, |keys| media::bedrock("document", keys))),
    ("video", |value| with_keys(value, |keys| media::bedrock("video", keys))),
    ("audio", |value| with_keys(value, |keys| media::bedrock("audio", keys))),
    ("reasoning", |value| Keys::of_type("reasoning").with("content", value).json()),
    ("executableCode", |value| Keys::of_type("executable_code").with("content", value).json()),
    ("executable_code", |value| Keys::of_type("executable_code").with("content", value).json()),
    ("codeExecutionResult", |value| Keys::of_type("code_execution_result").with("content", value).json()),
    ("code_execution_result", |value| Keys::of_type("code_execution_result").with("content", value).json()),
];

fn with_keys<'a>(value: Json<'a>, convert: fn(Keys<'a>) -> Json<'a>) -> Json<'a> {
    match value {
        Json::Object(keys) => convert(keys),
        other => text(other.to_text()),
    }
}

fn untyped(mut keys: Keys<'_>) -> Json<'_> {
    for (name, convert) in UNTYPED {
        let Some(value) = keys.take(name) else { continue };
        return match convert(value) {
            Json::Object(part) => part.and_rest(keys).json(),
            other => other,
        };
    }
    if keys.text("text").is_some() {
        // Gemini marks its thoughts.
        let is_thought = keys.get("thought") == Some(&Json::Bool(true));
        if is_thought || keys.get("thought") == Some(&Json::Bool(false)) {
            keys.take("thought");
        }
        return content_of(if is_thought { "reasoning" } else { "text" }, keys, &["text"]);
    }
    text(Json::Object(keys).to_text())
}

/// A part with a text, which stands under one of these keys.
fn content_of<'a>(kind: &'static str, mut keys: Keys<'a>, names: &[&str]) -> Json<'a> {
    let content = names.iter().find_map(|name| match keys.take(name)? {
        Json::Text(content) => Some(content),
        other => Some(Cow::Owned(other.to_text())),
    });
    let content = Json::Text(content.unwrap_or_default());
    Keys::of_type(kind).with("content", content).and_rest(keys).json()
}

/// Reasoning of the conventions, of Vercel (`text`) and of OpenAI's Responses API (a list of summaries, or of texts).
fn reasoning_item(mut keys: Keys<'_>) -> Json<'_> {
    if keys.text("content").is_some() || keys.text("text").is_some() {
        return content_of("reasoning", keys, &["content", "text"]);
    }
    let texts = ["content", "summary"].iter().find_map(|name| {
        let texts: Option<Vec<_>> =
            keys.get(name)?.as_array()?.iter().map(|part| part.as_object()?.text("text")).collect();
        texts.filter(|texts| !texts.is_empty()).map(|texts| (*name, texts.join("\n\n")))
    });
    let content = match texts {
        Some((name, content)) => {
            keys.take(name);
            content
        }
        None => String::new(),
    };
    Keys::of_type("reasoning").with("content", Json::text(content)).and_rest(keys).json()
}

/// A text that was thought rather than said.
pub(crate) fn thought(part: Json<'_>) -> Json<'_> {
    match part {
        Json::Object(mut keys) if keys.text("type") == Some("text") => {
            keys.take("type");
            content_of("reasoning", keys, &["content"])
        }
        other => other,
    }
}

/// OpenRouter's reasoning beside a message: `{type: reasoning.text, text}`, `{type: reasoning.summary, summary}`.
pub(crate) fn reasoning_detail(detail: Json<'_>) -> Json<'_> {
    match detail {
        Json::Object(mut keys) => {
            keys.take("type");
            content_of("reasoning", keys, &["text", "summary"])
        }
        other => read(other),
    }
}

fn bedrock_reasoning(mut keys: Keys<'_>) -> Json<'_> {
    match keys.take_object("reasoningText") {
        Some(inner) => content_of("reasoning", inner.and_rest(keys), &["text"]),
        None => content_of("reasoning", keys, &["text"]),
    }
}

/// A call of a tool by any provider: `{id, name, arguments}` under many names.
pub(crate) fn tool_call(mut keys: Keys<'_>) -> Json<'_> {
    // OpenAI's chat has the function inside; its type says nothing more.
    let inner = keys.take_object("function").or_else(|| keys.take_object("custom"));
    if let Some(inner) = inner {
        keys.take("type");
        keys = inner.and_rest(keys);
    } else if matches!(keys.text("type"), Some("tool_call" | "tool-call" | "function" | "tool_use")) {
        keys.take("type");
    }
    // In the Responses API, `id` is that of the item, and `call_id` is what the answer refers to.
    let id = keys.take_any(&["call_id", "toolUseId", "toolCallId", "tool_call_id", "ref", "id"]);
    let name = keys.take_any(&["name", "toolName", "tool_name"]);
    let arguments = keys.take_any(&["arguments", "args", "input", "parameters"]).map(decode);
    Keys::of_type("tool_call")
        .with_some("id", id)
        .with("name", name.unwrap_or(Json::text("")))
        .with_some("arguments", arguments)
        .and_rest(keys)
        .json()
}

/// The id of a part that calls a tool.
pub(crate) fn id_of_call<'c, 'a>(part: &'c Json<'a>) -> Option<&'c Json<'a>> {
    let keys = part.as_object().filter(|keys| keys.text("type") == Some("tool_call"))?;
    keys.get("id").filter(|id| id.as_text().is_some())
}

/// What a tool answered: `{id, response}` under many names.
fn tool_response(mut keys: Keys<'_>) -> Json<'_> {
    let id =
        keys.take_any(&["tool_use_id", "toolUseId", "toolCallId", "tool_call_id", "call_id", "ref", "id"]);
    let response = keys.take_any(&["response", "result", "content", "output"]).map(simplify);
    Keys::of_type("tool_call_response")
        .with_some("id", id)
        .with("response", response.unwrap_or(Json::Null))
        .and_rest(keys)
        .json()
}

/// The same for a message that says by its role that it is a tool's answer.
pub(crate) fn response<'a>(id: Option<Json<'a>>, content: Json<'a>) -> Json<'a> {
    Keys::of_type("tool_call_response").with_some("id", id).with("response", simplify(content)).json()
}

/// A list of one text is that text.
fn simplify(content: Json<'_>) -> Json<'_> {
    let lone = match &content {
        Json::Array(elements) => match elements.as_slice() {
            [Json::Object(keys)] => {
                let is_plain = |name: &str| matches!(name, "type" | "text");
                keys.text("text").is_some() && keys.0.iter().all(|(name, _)| is_plain(name))
            }
            _ => false,
        },
        _ => false,
    };
    match content {
        Json::Array(mut elements) if lone => match elements.pop() {
            Some(Json::Object(mut keys)) => keys.take("text").unwrap_or(Json::Null),
            other => other.unwrap_or(Json::Null),
        },
        other => other,
    }
}

/// Arguments are an object in the conventions, and many send its text.
fn decode(arguments: Json<'_>) -> Json<'_> {
    match arguments {
        Json::Text(text) if text.starts_with('{') && matches!(parse(&text), Some(Json::Object(_))) => {
            // As it was sent, unless it is not what everybody reads as JSON.
            if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
                Json::Raw(text)
            } else {
                Json::Text(text)
            }
        }
        other => other,
    }
}

/// A tool that the provider ran.
fn server_tool_call(mut keys: Keys<'_>) -> Json<'_> {
    let (id, name) = (keys.take("id"), keys.take("name").unwrap_or(Json::text("")));
    let call = Keys::default().with("type", name.clone()).and_rest(keys).json();
    Keys::of_type("server_tool_call")
        .with_some("id", id)
        .with("name", name)
        .with("server_tool_call", call)
        .json()
}

fn server_tool_response(kind: String, mut keys: Keys<'_>) -> Json<'_> {
    let id = keys.take("tool_use_id");
    let response = Keys::default().with("type", Json::text(kind)).and_rest(keys).json();
    Keys::of_type("server_tool_call_response")
        .with_some("id", id)
        .with("server_tool_call_response", response)
        .json()
}
