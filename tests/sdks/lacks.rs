//! What an SDK, in the version that is pinned, does not send or says in other words: every exception that the judge
//! makes. A row that is not needed fails the test.

use super::provider::Call;

/// One exception: these columns of these calls.
pub struct Lack {
    sdk: &'static str,
    calls: fn(&Call) -> bool,
    columns: &'static [&'static str],
    pub sends: Sends,
    pub reason: &'static str,
}

/// What is on the wire instead of the truth.
#[derive(Debug, PartialEq, Eq)]
pub enum Sends {
    /// It is not sent.
    Nothing,
    /// It is sent in this word.
    Word(&'static str),
    /// Something that the SDK made up.
    MadeUp,
}

use Sends::{MadeUp, Nothing, Word};

const LACKS: &[Lack] = &[
    lack(
        "openai-v2",
        is_chat,
        &["cache_read_input_tokens", "reasoning_output_tokens"],
        Nothing,
        "2.4b0 has no attribute for them",
    ),
    lack(
        "openai-v2",
        |call| is_chat(call) && call.streaming,
        &["is_stream", "finish_reasons"],
        Nothing,
        "a stream's span looks like any other, and its last chunk with a choice is not kept",
    ),
    lack(
        "openlit",
        is_chat,
        &["reasoning_output_tokens"],
        Nothing,
        "it is read from the usage of responses only",
    ),
    lack(
        "openlit",
        |call| call.streaming && !call.usage_sent && !call.is_error(),
        &["input_tokens", "output_tokens"],
        MadeUp,
        "it counts the tokens of a stream without usage itself",
    ),
    lack("openlit", is_of_anthropic, &["service_tier"], Nothing, "there is no attribute for it"),
    lack(
        "openlit",
        |call| {
            is_of_anthropic(call) && call.streaming && call.usage.is_some_and(|usage| usage.cache_read > 0)
        },
        &["input_tokens", "cache_read_input_tokens", "cache_write_input_tokens"],
        MadeUp,
        "an event at the end without cached tokens resets them to 0",
    ),
    lack(
        "pydantic-ai",
        |call| call.provider == "openai",
        &["service_tier"],
        Nothing,
        "it stays in the response's details, which are not traced",
    ),
    lack("pydantic-ai", |call| ends(call, "tool_calls"), FINISH, Word("tool_call"), "its own vocabulary"),
    lack("pydantic-ai", |call| ends(call, "completed"), FINISH, Word("stop"), "its own vocabulary"),
    lack(
        "traceloop",
        |call| is_chat(call) && call.streaming,
        &["reasoning_output_tokens"],
        Nothing,
        "of a stream's usage only the cached tokens are detailed",
    ),
    lack(
        "traceloop",
        |call| call.provider == "openai" && call.streaming,
        &["service_tier"],
        Nothing,
        "it is read from whole answers only",
    ),
    lack("traceloop", |call| ends(call, "tool_calls"), FINISH, Word("tool_call"), "its own vocabulary"),
    lack("traceloop", |call| calls_tool(call, "responses"), FINISH, Word("tool_call"), "its own vocabulary"),
    lack("traceloop", |call| ends(call, "completed"), FINISH, Word("stop"), "its own vocabulary"),
    lack("vercel", is_chat, &["service_tier"], Nothing, "the adapter of chat does not keep it"),
    lack("vercel", is_embedding, &["response_model"], Nothing, "only the model asked for"),
    lack("vercel", |call| ends(call, "tool_calls"), FINISH, Word("tool-calls"), "its own vocabulary"),
    lack("vercel", |call| calls_tool(call, "responses"), FINISH, Word("tool-calls"), "its own vocabulary"),
    lack("vercel", |call| ends(call, "completed"), FINISH, Word("stop"), "its own vocabulary"),
    lack("vercel", |call| ends(call, "end_turn"), FINISH, Word("stop"), "its own vocabulary"),
    lack("vercel", |call| ends(call, "tool_use"), FINISH, Word("tool-calls"), "its own vocabulary"),
    lack(
        "vercel-7",
        |_| true,
        &["service_tier"],
        Nothing,
        "the provider's metadata are not traced unless that is asked for",
    ),
    lack("vercel-7", |_| true, &["reasoning_output_tokens"], Nothing, "there is no attribute for them"),
    lack("vercel-7", is_embedding, &["response_model"], Nothing, "only the model asked for"),
    lack("vercel-7", |call| ends(call, "tool_calls"), FINISH, Word("tool-calls"), "its own vocabulary"),
    lack("vercel-7", |call| calls_tool(call, "responses"), FINISH, Word("tool-calls"), "its own vocabulary"),
    lack("vercel-7", |call| ends(call, "completed"), FINISH, Word("stop"), "its own vocabulary"),
    lack("vercel-7", |call| ends(call, "end_turn"), FINISH, Word("stop"), "its own vocabulary"),
    lack("vercel-7", |call| ends(call, "tool_use"), FINISH, Word("tool-calls"), "its own vocabulary"),
    lack(
        "langfuse",
        |call| !call.is_error(),
        &["request_model"],
        Nothing,
        "the model that answered takes its place",
    ),
    lack(
        "langfuse",
        |call| call.is_error() && call.streaming,
        &["is_stream"],
        Nothing,
        "only the time of a first chunk tells",
    ),
    lack(
        "langfuse",
        |call| is_chat(call) || !call.streaming,
        &["response_id"],
        Nothing,
        "only the metadata of a stream of responses has it",
    ),
    lack(
        "langfuse",
        |call| is_chat(call) && !call.streaming,
        FINISH,
        Nothing,
        "only the metadata of a stream has it",
    ),
    lack(
        "litellm",
        |call| call.streaming && !is_of_anthropic(call),
        &["response_model"],
        Word("gpt-5-mini"),
        "the model that was asked, also where the chunks name the one that answered",
    ),
    lack(
        "litellm",
        |call| call.streaming && is_of_anthropic(call),
        &["response_model"],
        Word("claude-sonnet-4-5"),
        "the model that was asked, also where the first event names the one that answered",
    ),
    lack(
        "litellm",
        |call| call.streaming && is_of_anthropic(call),
        &["service_tier"],
        Nothing,
        "it is read from whole answers only",
    ),
    lack(
        "litellm",
        |call| !is_chat(call) || call.is_error(),
        &["response_id"],
        MadeUp,
        "only answers of OpenAI's chat have and keep their id",
    ),
    lack(
        "litellm",
        |call| is_of_anthropic(call) && !call.is_error(),
        &["reasoning_output_tokens"],
        MadeUp,
        "0, where the provider does not tell",
    ),
    lack("litellm", |call| ends(call, "end_turn"), FINISH, Word("stop"), "in the vocabulary of OpenAI"),
];

/// In place of a column: the whole span.
pub const SPAN: &str = "span";

const FINISH: &[&str] = &["finish_reasons"];

const fn lack(
    sdk: &'static str,
    calls: fn(&Call) -> bool,
    columns: &'static [&'static str],
    sends: Sends,
    reason: &'static str,
) -> Lack {
    Lack { sdk, calls, columns, sends, reason }
}

/// What the table says about a column of a call, and in which of its rows.
pub fn of(sdk: &str, call: &Call, column: &str) -> Option<(usize, &'static Lack)> {
    let fits = |lack: &Lack| lack.sdk == sdk && lack.columns.contains(&column) && (lack.calls)(call);
    LACKS.iter().enumerate().find(|(_, lack)| fits(lack))
}

/// All that the table says about an SDK: the row, its number, and one of its columns.
pub fn columns(sdk: &str) -> impl Iterator<Item = (usize, &'static str, &'static Lack)> {
    let rows = LACKS.iter().enumerate().filter(move |(_, lack)| lack.sdk == sdk);
    rows.flat_map(|(number, lack)| lack.columns.iter().map(move |column| (number, *column, lack)))
}

fn is_chat(call: &Call) -> bool {
    call.api == "chat.completions"
}

fn is_of_anthropic(call: &Call) -> bool {
    call.provider == "anthropic"
}

fn is_embedding(call: &Call) -> bool {
    call.api == "embeddings"
}

fn ends(call: &Call, reason: &str) -> bool {
    call.finish_reason == Some(reason)
}

/// A tool was called. Responses end in the same way whether or not one was.
fn calls_tool(call: &Call, api: &str) -> bool {
    call.api == api && call.calls_tool
}
