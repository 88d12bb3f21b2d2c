//! An answer, whole or as server-sent events.

use std::time::Duration;

use serde_json::{Value, json};

use super::Call;

/// Between a request and its answer, and between the events of a stream, so that none of their times are equal.
pub const PAUSE: Duration = Duration::from_millis(5);

/// What every answer says, in pieces as a stream has them.
pub const TEXT: [&str; 4] = ["Every ", "call ", "is ", "kept."];
pub const TOOL: &str = "look_up";
pub const ARGUMENTS: [&str; 2] = ["{\"word\":", "\"ledger\"}"];

pub enum Answer {
    Whole { status: u16, body: Value },
    Streamed(Vec<String>),
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self::Whole { status: 200, body }
    }

    /// The events as OpenAI's chat writes them, without names and with a word at the end.
    pub fn of_chunks(chunks: impl IntoIterator<Item = Value>) -> Self {
        let events = chunks.into_iter().map(|chunk| format!("data: {chunk}\n\n"));
        Self::Streamed(events.chain(["data: [DONE]\n\n".to_owned()]).collect())
    }

    /// Events that are named after the `type` in them.
    pub fn of_events(events: impl IntoIterator<Item = Value>) -> Self {
        let name = |event: &Value| event["type"].as_str().unwrap().to_owned();
        let events = events.into_iter().map(|event| format!("event: {}\ndata: {event}\n\n", name(&event)));
        Self::Streamed(events.collect())
    }

    /// The error of this call in its provider's words.
    pub fn error(call: &Call) -> Self {
        let (kind, message) = match call.http_status {
            429 => ("rate_limit_error", "Rate limit reached."),
            _ => ("server_error", "The server had an error."),
        };
        let body = if call.provider == "anthropic" {
            json!({"type": "error", "error": {"type": kind, "message": message}})
        } else {
            json!({"error": {"type": kind, "message": message, "param": null, "code": null}})
        };
        Self::Whole { status: call.http_status, body }
    }
}

/// The whole text.
pub fn text() -> String {
    TEXT.concat()
}

/// The id of the tool call in this answer.
pub fn tool_call_id(call: &Call) -> String {
    format!("call_{}", call.response_id.as_deref().unwrap_or_default())
}

/// When the answer was made, in seconds.
pub fn created(call: &Call) -> u64 {
    call.received_unix_nano / 1_000_000_000
}
