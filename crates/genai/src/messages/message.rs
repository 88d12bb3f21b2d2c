//! One message: OpenAI's chat and Responses API, Anthropic, Gemini, Bedrock, Vercel, LangChain, Genkit, and the
//! conventions' own, into `{role, parts, name, finish_reason}`. Other keys follow.

use super::Side;
use super::json::{Json, Keys, parse};
use super::parts;

/// Where a message can have its content.
const CONTENTS: [&str; 9] = [
    "parts",
    "contents",
    "content",
    "tool_calls",
    "toolCalls",
    "function_call",
    "refusal",
    "audio",
    "reasoning_content",
];

/// Why an answer ended, in the words of OpenAI, Gemini and Genkit, Anthropic, Bedrock.
const FINISH_REASONS: [&str; 4] = ["finish_reason", "finishReason", "stop_reason", "stopReason"];

/// Whether this is a message, rather than something that has messages inside.
pub(crate) fn is_message(json: &Json<'_>) -> bool {
    let Some(keys) = json.as_object() else { return false };
    let has_content = || keys.0.iter().any(|(name, _)| CONTENTS.contains(&name.as_ref()));
    match keys.text("type") {
        _ if keys.text("role").is_some() && has_content() => true,
        Some("constructor") => keys.get("kwargs").is_some_and(|kwargs| kwargs.as_object().is_some()),
        Some(kind) if role_of_class(kind).is_some() => has_content() || keys.has("data"),
        Some("reasoning") => keys.has("summary") || keys.has("encrypted_content"),
        Some(kind) => is_item(kind),
        None => keys.has("content") && (keys.has("additional_kwargs") || keys.has("tool_calls")),
    }
}

/// Items of OpenAI's Responses API that are no messages by name: calls of tools and what came of them, and others.
fn is_item(kind: &str) -> bool {
    kind.ends_with("_call_output") || kind.ends_with("_call") && kind != "tool_call" || is_remark(kind)
}

/// Items that are neither: they stay as they are.
fn is_remark(kind: &str) -> bool {
    matches!(
        kind,
        "item_reference" | "mcp_list_tools" | "mcp_approval_request" | "mcp_approval_response" | "compaction"
    )
}

/// The message. `side` says whose it is when nothing else does.
pub(crate) fn read(json: Json<'_>, side: Side) -> Json<'_> {
    match json {
        Json::Object(keys) => read_keys(unwrap(keys), side),
        other => of_parts(side.role(), parts::read_all(other)).json(),
    }
}

/// A message of these parts.
pub(crate) fn of_parts<'a>(role: &'static str, parts: Vec<Json<'a>>) -> Keys<'a> {
    Keys::default().with("role", Json::text(role)).with("parts", Json::Array(parts))
}

/// Whether anything is said in a message.
pub(crate) fn has_parts(message: &Json<'_>) -> bool {
    let parts = message.as_object().and_then(|keys| keys.get("parts"));
    parts.is_some_and(|parts| !parts.is_empty())
}

/// Takes out why the answer ended.
pub(crate) fn take_finish_reason<'a>(keys: &mut Keys<'a>) -> Option<Json<'a>> {
    keys.take_any(&FINISH_REASONS)
}

/// LangChain wraps its messages: `{lc, type: constructor, id: [..., class], kwargs}` or `{type, data}`.
fn unwrap(mut keys: Keys<'_>) -> Keys<'_> {
    if keys.text("type") == Some("constructor") {
        let Some(mut inner) = keys.take_object("kwargs") else { return keys };
        if !inner.has("type") && !inner.has("role") {
            let class = keys.get("id").and_then(Json::as_array).and_then(<[_]>::last).cloned();
            inner = inner.with_some("type", class);
        }
        return inner;
    }
    let is_wrapped = keys.text("type").is_some_and(|kind| role_of_class(kind).is_some());
    match is_wrapped.then(|| keys.take_object("data")).flatten() {
        Some(mut inner) => {
            inner.take("type");
            inner.and_rest(keys)
        }
        None => keys,
    }
}

fn read_keys(mut keys: Keys<'_>, side: Side) -> Json<'_> {
    let kind = keys.text("type").unwrap_or_default().to_owned();
    if !keys.has("role") && (is_item(&kind) || kind == "reasoning") {
        return item(&kind, keys);
    }
    let role = keys.take_text("role").map(|role| canonical_role(&role));
    let class = role_of_class(&kind);
    if class.is_some() || kind == "message" {
        keys.take("type");
    }
    let role = role.unwrap_or_else(|| class.unwrap_or(side.role()).to_owned());
    let finish_reason = take_finish_reason(&mut keys).or_else(|| langchain_finish_reason(&keys));
    let mut parts = read_parts(&mut keys, &role);
    let name = keys.take("name");
    // OpenLLMetry makes a message of its own of what Claude thought.
    let is_thought = role == "thinking";
    if is_thought {
        parts = parts.into_iter().map(parts::thought).collect();
    }
    let role = if is_thought { side.role().to_owned() } else { role };
    Keys::default()
        .with("role", Json::text(role))
        .with("parts", Json::Array(parts))
        .with_some("name", name)
        .with_some("finish_reason", finish_reason)
        .and_rest(keys)
        .json()
}

/// All that the message says, in the order in which it was thought, said and called for.
fn read_parts<'a>(keys: &mut Keys<'a>, role: &str) -> Vec<Json<'a>> {
    let mut parts = Vec::new();
    for name in ["reasoning_content", "reasoning"] {
        if let Some(reasoning) = keys.take_text(name) {
            parts.push(Keys::of_type("reasoning").with("content", Json::Text(reasoning)).json());
        }
    }
    if parts.is_empty() && keys.get("reasoning_details").is_some_and(|details| details.as_array().is_some()) {
        let details = keys.take("reasoning_details").map(each);
        parts.extend(details.into_iter().flatten().map(parts::reasoning_detail));
    }
    let content = keys.take_any(&["parts", "contents", "content"]);
    // Conventions before 1.37 call it `id`.
    let answers = ["tool_call_id", "toolCallId", "id"].iter().find(|name| role == "tool" && keys.has(name));
    let is_answer = content.as_ref().is_some_and(|content| !has_answers(content));
    match (content, answers) {
        (Some(content), Some(id)) if is_answer => parts.push(parts::response(keys.take(id), content)),
        (Some(content), _) => parts.extend(parts::read_all(content)),
        (None, _) => {}
    }
    if let Some(refusal) = keys.take_text("refusal") {
        parts.push(Keys::of_type("refusal").with("content", Json::Text(refusal)).json());
    }
    if let Some(mut audio) = keys.take_object("audio") {
        let content = audio.take("data").unwrap_or(Json::text(""));
        let blob = Keys::of_type("blob").with("modality", Json::text("audio")).with("content", content);
        parts.push(blob.and_rest(audio).json());
    }
    for calls in [keys.take("tool_calls"), keys.take("toolCalls")].into_iter().flatten() {
        // LangChain repeats the calls that are among the content.
        let said: Vec<_> = parts.iter().filter_map(parts::id_of_call).cloned().collect();
        let is_repeated = |call: &Json<'_>| parts::id_of_call(call).is_some_and(|id| said.contains(id));
        parts.extend(tool_calls(calls).into_iter().filter(|call| !is_repeated(call)));
    }
    match keys.take("function_call") {
        Some(Json::Object(call)) => parts.push(parts::tool_call(call)),
        Some(other) => parts.push(parts::read(other)),
        None => {}
    }
    // OpenInference, of functions as OpenAI had them before tools.
    if let Some(name) = keys.take("function_call_name") {
        let arguments = keys.take("function_call_arguments_json");
        parts.push(parts::tool_call(Keys::default().with("name", name).with_some("arguments", arguments)));
    }
    parts
}

fn each(list: Json<'_>) -> Vec<Json<'_>> {
    match list {
        Json::Array(elements) => elements,
        other => vec![other],
    }
}

/// Calls of tools as a list, or as the text of a list.
pub(crate) fn tool_calls(calls: Json<'_>) -> Vec<Json<'_>> {
    let calls = match calls {
        Json::Text(text) => match parse(&text) {
            Some(Json::Array(calls)) => Json::Array(calls).into_owned(),
            _ => Json::Text(text),
        },
        calls => calls,
    };
    each(calls).into_iter().map(tool_call).collect()
}

/// Files as the text of a list.
pub(crate) fn files(text: &str) -> Vec<Json<'_>> {
    let files = parse(text).filter(|json| json.as_array().is_some());
    files.map(each).into_iter().flatten().map(parts::read).collect()
}

/// A call of a tool. LiveKit sends the text of each.
fn tool_call(call: Json<'_>) -> Json<'_> {
    match call {
        Json::Object(call) => parts::tool_call(call),
        Json::Text(text) => match parse(&text) {
            Some(Json::Object(call)) => parts::tool_call(call).into_owned(),
            _ => parts::read(Json::Text(text)),
        },
        other => parts::read(other),
    }
}

/// Whether the parts say themselves that they are answers of tools.
fn has_answers(content: &Json<'_>) -> bool {
    let is_answer = |part: &Json<'_>| {
        let Some(keys) = part.as_object() else { return false };
        let kind = keys.text("type").unwrap_or_default();
        matches!(kind, "tool_call_response" | "tool_result" | "tool-result")
            || ["toolResult", "functionResponse", "function_response", "toolResponse"]
                .iter()
                .any(|name| keys.has(name))
    };
    content.as_array().is_some_and(|parts| parts.iter().any(is_answer))
}

/// LangChain puts it beside the message's other metadata, where it stays.
fn langchain_finish_reason<'a>(keys: &Keys<'a>) -> Option<Json<'a>> {
    let metadata = keys.get("response_metadata")?.as_object()?;
    FINISH_REASONS.iter().find_map(|name| metadata.get(name)).cloned()
}

/// An item of the Responses API as a message of one part.
fn item<'a>(kind: &str, mut keys: Keys<'a>) -> Json<'a> {
    let is_answer = kind.ends_with("_output");
    let role = if is_answer { "tool" } else { "assistant" };
    let part = match kind {
        "reasoning" | "function_call" | "custom_tool_call" => parts::read(keys.json()),
        _ if is_remark(kind) => parts::read(keys.json()),
        _ if is_answer => {
            keys.take("type");
            parts::read(Keys::of_type("function_call_output").and_all(keys).json())
        }
        // What the provider ran itself.
        _ => {
            let id = keys.take("id");
            let name = Json::text(kind.strip_suffix("_call").unwrap_or(kind).to_owned());
            Keys::of_type("server_tool_call")
                .with_some("id", id)
                .with("name", name)
                .with("server_tool_call", keys.json())
                .json()
        }
    };
    of_parts(role, vec![part]).json()
}

/// The conventions' roles are system, user, assistant and tool; others stay as they are.
fn canonical_role(role: &str) -> String {
    let lower = role.to_ascii_lowercase();
    match lower.as_str() {
        "human" => "user".to_owned(),
        "ai" | "model" | "chatbot" | "bot" => "assistant".to_owned(),
        "function" => "tool".to_owned(),
        "user" | "assistant" | "system" | "tool" => lower,
        _ => role.to_owned(),
    }
}

/// LangChain's classes and types of messages: `HumanMessage`, `AIMessageChunk`, `human`, `ai`.
fn role_of_class(class: &str) -> Option<&'static str> {
    let class = class.strip_suffix("Chunk").unwrap_or(class);
    match class.strip_suffix("Message").unwrap_or(class) {
        "human" | "Human" => Some("user"),
        "ai" | "AI" => Some("assistant"),
        "system" | "System" => Some("system"),
        "tool" | "Tool" | "Function" => Some("tool"),
        "Chat" => Some("user"),
        _ => None,
    }
}
