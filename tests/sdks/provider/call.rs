//! The truth of one call, in the terms of the captures' `meta.json`.

use std::time::UNIX_EPOCH;

use super::asked::{Api, Asked};

/// What really happened.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Call {
    pub scenario: String,
    pub provider: &'static str,
    pub api: &'static str,
    pub request_model: String,
    /// An error has none, nor a usage, an id or a reason to finish.
    pub response_model: Option<String>,
    pub response_id: Option<String>,
    pub streaming: bool,
    pub http_status: u16,
    pub finish_reason: Option<&'static str>,
    pub calls_tool: bool,
    pub usage: Option<Usage>,
    /// A stream of chat completions ends without its usage, unless it was asked for.
    pub usage_sent: bool,
    pub service_tier: Option<&'static str>,
    pub received_unix_nano: u64,
    pub first_given_unix_nano: Option<u64>,
    pub ended_unix_nano: Option<u64>,
}

/// Tokens: input contains what was read from and written to a cache, output contains reasoning.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Usage {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    /// Anthropic does not tell.
    pub reasoning: Option<u64>,
}

impl Call {
    /// The call of this number, as it will be answered.
    pub fn new(number: usize, name: &str, asked: &Asked, received_unix_nano: u64) -> Self {
        let http_status = if asked.wants("busy") {
            429
        } else if asked.wants("broken") {
            500
        } else {
            200
        };
        let mut call = Self {
            scenario: asked.scenario.clone(),
            provider: asked.api.provider(),
            api: asked.api.name(),
            request_model: asked.model().to_owned(),
            response_model: None,
            response_id: None,
            streaming: asked.streams(),
            http_status,
            finish_reason: None,
            calls_tool: asked.calls_tool(),
            usage: None,
            usage_sent: asked.wants_usage(),
            service_tier: None,
            received_unix_nano,
            first_given_unix_nano: None,
            ended_unix_nano: None,
        };
        if http_status == 200 {
            call.response_model = Some(answering_model(asked.model()));
            call.response_id = response_id(asked.api, name, number);
            call.finish_reason = finish_reason(asked);
            call.usage = Some(Usage::of(number as u64, asked));
            call.service_tier = service_tier(asked);
        }
        call
    }

    /// Something of the answer goes out.
    pub fn give(&mut self) {
        self.first_given_unix_nano.get_or_insert_with(now);
    }

    /// The last of the answer goes out.
    pub fn end(&mut self) {
        self.ended_unix_nano = Some(now());
    }

    pub fn is_error(&self) -> bool {
        self.http_status != 200
    }
}

impl Usage {
    /// No two calls have the same numbers, and no number is one that others of the call could be taken for.
    fn of(number: u64, asked: &Asked) -> Self {
        let count =
            |word: &str, first: u64, step: u64| if asked.wants(word) { first + step * number } else { 0 };
        let is_anthropic = asked.api == Api::Messages;
        let embeds = asked.api == Api::Embeddings;
        Self {
            input: 2000 + 17 * number,
            output: if embeds { 0 } else { 300 + 7 * number },
            cache_read: count("cached", 1024, 13),
            cache_write: if is_anthropic { count("cached", 512, 3) } else { 0 },
            reasoning: (!is_anthropic).then(|| count("reasoning", 128, 5)),
        }
    }
}

/// Aliases are answered by a dated version, as both providers do.
fn answering_model(asked: &str) -> String {
    let date = match asked {
        "gpt-4o-mini" => "-2024-07-18",
        "gpt-5-mini" => "-2025-08-07",
        "claude-sonnet-4-5" => "-20250929",
        _ => "",
    };
    format!("{asked}{date}")
}

fn response_id(api: Api, name: &str, number: usize) -> Option<String> {
    let prefix = match api {
        Api::Chat => "chatcmpl-",
        Api::Responses => "resp_",
        Api::Messages => "msg_",
        Api::Embeddings => return None,
    };
    Some(format!("{prefix}{}{number:04}", name.replace('-', "")))
}

fn finish_reason(asked: &Asked) -> Option<&'static str> {
    let (tool, length, end) = match asked.api {
        Api::Chat => ("tool_calls", "length", "stop"),
        Api::Messages => ("tool_use", "max_tokens", "end_turn"),
        Api::Responses => ("completed", "completed", "completed"),
        Api::Embeddings => return None,
    };
    Some(if asked.calls_tool() {
        tool
    } else if asked.wants("length") {
        length
    } else {
        end
    })
}

fn service_tier(asked: &Asked) -> Option<&'static str> {
    match asked.api {
        Api::Embeddings => None,
        Api::Messages => Some("standard"),
        _ if asked.wants("flex") => Some("flex"),
        _ => Some("default"),
    }
}

/// By the wall clock, which the SDKs' processes read as well.
pub fn now() -> u64 {
    UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64
}
