//! What a client asked for: which API, which model, and what the words before the prompt's first colon want.

use serde_json::Value;

/// The APIs that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Chat,
    Responses,
    Embeddings,
    Messages,
}

/// One request.
pub struct Asked {
    pub api: Api,
    pub body: Value,
    /// The words before the first colon of the last thing that the user said, such as `stream cached`.
    pub scenario: String,
}

impl Api {
    fn of(path: &str) -> Self {
        match path {
            "/v1/chat/completions" => Self::Chat,
            "/v1/responses" => Self::Responses,
            "/v1/embeddings" => Self::Embeddings,
            "/v1/messages" => Self::Messages,
            other => panic!("no such API: {other}"),
        }
    }

    /// The name that the truth of captures has for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat.completions",
            Self::Responses => "responses",
            Self::Embeddings => "embeddings",
            Self::Messages => "messages",
        }
    }

    pub fn provider(self) -> &'static str {
        if self == Self::Messages { "anthropic" } else { "openai" }
    }
}

impl Asked {
    pub fn parse(path: &str, body: Value) -> Self {
        let api = Api::of(path);
        let prompt = prompt(&body).unwrap_or_else(|| panic!("{path} without a prompt: {body}"));
        let scenario = prompt.split_once(':').map(|(words, _)| words.to_owned());
        let scenario =
            scenario.unwrap_or_else(|| panic!("a prompt that does not say what it wants: {prompt}"));
        Self { api, body, scenario }
    }

    /// Whether the prompt wants this:
    /// `cached`, `reasoning`, `tools`, `length`, `flex`, `busy` (429) or `broken` (500). Other words only name a call.
    pub fn wants(&self, word: &str) -> bool {
        self.scenario.split(' ').any(|wanted| wanted == word)
    }

    pub fn model(&self) -> &str {
        self.body["model"].as_str().unwrap()
    }

    pub fn streams(&self) -> bool {
        self.body["stream"] == true
    }

    /// OpenAI's chat completions tell the usage of a stream only to those who ask for it.
    pub fn wants_usage(&self) -> bool {
        self.api != Api::Chat || !self.streams() || self.body["stream_options"]["include_usage"] == true
    }

    /// Whether the answer is a call of a tool: when one is wanted and none has been made yet.
    pub fn calls_tool(&self) -> bool {
        let turns = self.body.get("messages").or_else(|| self.body.get("input"));
        self.wants("tools") && !turns.is_some_and(holds_tool_result)
    }
}

fn holds_tool_result(turns: &Value) -> bool {
    let text = turns.to_string();
    ["\"role\":\"tool\"", "\"function_call_output\"", "\"tool_result\""]
        .iter()
        .any(|mark| text.contains(mark))
}

/// The text of the last turn of the user that wants something.
fn prompt(body: &Value) -> Option<&str> {
    let turns = body.get("messages").or_else(|| body.get("input"))?;
    match turns {
        Value::Array(turns) => turns.iter().rev().find_map(user_text),
        text => text.as_str(),
    }
}

fn user_text(turn: &Value) -> Option<&str> {
    if turn.get("role").is_some_and(|role| role != "user") {
        return None;
    }
    match turn.get("content").unwrap_or(turn) {
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).find(wants_something),
        text => text.as_str().filter(wants_something),
    }
}

fn wants_something(text: &&str) -> bool {
    text.contains(':')
}
