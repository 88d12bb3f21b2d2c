//! What the columns of a GenAI span say, as attributes of the current conventions.
//!
//! The names are those of the OpenTelemetry GenAI conventions; where these have none, the one that most senders have.
//! Whoever reads GenAI spans here reads these names first, so that a span that passes two collectors means the same in
//! both.

use std::borrow::Cow;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{ArrowPrimitiveType, Int64Type};
use arrow_array::{Array as _, PrimitiveArray, StringViewArray};
use spanledger_otlp::{NewAttributes, rewrite_attributes};
use spanledger_schema::{Column, Float, Int, Spans, Table as _, Text, TextList, spans};

/// Says that a span was read already, and what it stands for: its counts include what the conventions include, whatever
/// its instrumentation does.
pub(crate) const CALL_KIND: &str = "spanledger.call_kind";

const OPERATION: &str = "gen_ai.operation.name";
const TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
const STREAM: &str = "gen_ai.request.stream";
const CHOICE_COUNT: &str = "gen_ai.request.choice.count";
const CACHE_WRITE_1H: &str = "anthropic.usage.cache_creation.ephemeral_1h_input_tokens";
const REPORTED_COST: &str = "gen_ai.usage.cost";

#[rustfmt::skip]
const TEXTS: &[(Column<Text>, &str)] = &[
    (spans::CALL_KIND,           CALL_KIND),
    (spans::PROVIDER,            "gen_ai.provider.name"),
    (spans::REQUEST_MODEL,       "gen_ai.request.model"),
    (spans::RESPONSE_MODEL,      "gen_ai.response.model"),
    (spans::RESPONSE_ID,         "gen_ai.response.id"),
    (spans::SERVICE_TIER,        "openai.response.service_tier"),
    (spans::CONVERSATION_ID,     "gen_ai.conversation.id"),
    (spans::AGENT_NAME,          "gen_ai.agent.name"),
    (spans::AGENT_ID,            "gen_ai.agent.id"),
    (spans::WORKFLOW_NAME,       "gen_ai.workflow.name"),
    (spans::TOOL_NAME,           "gen_ai.tool.name"),
    (spans::TOOL_CALL_ID,        "gen_ai.tool.call.id"),
    (spans::PROMPT_NAME,         "gen_ai.prompt.name"),
    (spans::PROMPT_VERSION,      "gen_ai.prompt.version"),
    (spans::SERVER_ADDRESS,      "server.address"),
    (spans::SESSION_ID,          "session.id"),
    (spans::USER_ID,             "user.id"),
    (spans::ERROR_TYPE,          "error.type"),
    (spans::INPUT_MESSAGES,      "gen_ai.input.messages"),
    (spans::OUTPUT_MESSAGES,     "gen_ai.output.messages"),
    (spans::SYSTEM_INSTRUCTIONS, "gen_ai.system_instructions"),
    (spans::TOOL_DEFINITIONS,    "gen_ai.tool.definitions"),
    (spans::TOOL_ARGUMENTS,      "gen_ai.tool.call.arguments"),
    (spans::TOOL_RESULT,         "gen_ai.tool.call.result"),
];

#[rustfmt::skip]
const INTS: &[(Column<Int>, &str)] = &[
    (spans::MAX_TOKENS,                  "gen_ai.request.max_tokens"),
    (spans::INPUT_TOKENS,                "gen_ai.usage.input_tokens"),
    (spans::AGGREGATED_INPUT_TOKENS,     "gen_ai.usage.input_tokens"),
    (spans::OUTPUT_TOKENS,               "gen_ai.usage.output_tokens"),
    (spans::AGGREGATED_OUTPUT_TOKENS,    "gen_ai.usage.output_tokens"),
    (spans::CACHE_READ_INPUT_TOKENS,     "gen_ai.usage.cache_read.input_tokens"),
    (spans::CACHE_WRITE_INPUT_TOKENS,    "gen_ai.usage.cache_write.input_tokens"),
    (spans::CACHE_WRITE_1H_INPUT_TOKENS, CACHE_WRITE_1H),
    (spans::REASONING_OUTPUT_TOKENS,     "gen_ai.usage.reasoning.output_tokens"),
    (spans::AUDIO_INPUT_TOKENS,          "gen_ai.usage.audio.input_tokens"),
    (spans::AUDIO_OUTPUT_TOKENS,         "gen_ai.usage.audio.output_tokens"),
    (spans::TOTAL_TOKENS,                "gen_ai.usage.total_tokens"),
];

const FLOATS: &[(Column<Float>, &str)] =
    &[(spans::TEMPERATURE, "gen_ai.request.temperature"), (spans::TOP_P, "gen_ai.request.top_p")];

const LISTS: &[(Column<TextList>, &str)] =
    &[(spans::FINISH_REASONS, "gen_ai.response.finish_reasons"), (spans::TAGS, "tag.tags")];

/// What the operation of a kind of span is called; other kinds have none.
const OPERATIONS: &[(&str, &str)] = &[
    ("llm", "chat"),
    ("embedding", "embeddings"),
    ("agent", "invoke_agent"),
    ("tool", "execute_tool"),
    ("retriever", "retrieval"),
];

/// The operations that the conventions name.
const KNOWN_OPERATIONS: &[&str] = &[
    "chat",
    "create_agent",
    "embeddings",
    "execute_tool",
    "generate_content",
    "invoke_agent",
    "invoke_workflow",
    "retrieval",
    "text_completion",
];

/// The bytes of a row's span as they go out.
pub(crate) fn span(rows: &Spans, row: usize) -> Cow<'_, [u8]> {
    let wire = rows.get(spans::WIRE_SPAN).value(row);
    let emit = rows.get(spans::EMIT);
    if emit.is_null(row) {
        return Cow::Borrowed(wire);
    }
    let attributes = attributes(rows, row);
    let rewritten = match emit.value(row) {
        "current" => {
            let left = Left::of(rows, row);
            rewrite_attributes(wire, attributes, |name| left.has(name))
        }
        _ => rewrite_attributes(wire, attributes, |_| true),
    };
    // What was decoded is a span.
    rewritten.map_or(Cow::Borrowed(wire), Cow::Owned)
}

/// About how many bytes more than on the wire a row's span may have.
pub(crate) fn more_bytes(rows: &Spans, row: usize) -> usize {
    if rows.get(spans::EMIT).is_null(row) {
        return 0;
    }
    let content = number(rows.get(spans::CONTENT_BYTES), row);
    content.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0)
}

fn attributes(rows: &Spans, row: usize) -> NewAttributes {
    let mut new = NewAttributes::default();
    let text = |column: Column<Text>| value(rows.get(column), row);
    if let Some(name) = operation(text(spans::OPERATION), text(spans::CALL_KIND)) {
        new.text(OPERATION, name);
    }
    for (column, name) in TEXTS {
        if let Some(text) = text(*column) {
            new.text(name, text);
        }
    }
    for (column, name) in INTS {
        if let Some(count) = number(rows.get(*column), row) {
            new.int(name, count);
        }
    }
    for (column, name) in FLOATS {
        if let Some(float) = number(rows.get(*column), row) {
            new.float(name, float);
        }
    }
    if let Some(count) = number(rows.get(spans::CHOICE_COUNT), row) {
        new.int(CHOICE_COUNT, i64::from(count));
    }
    if rows.get(spans::IS_STREAM).is_valid(row) {
        new.flag(STREAM, rows.get(spans::IS_STREAM).value(row));
    }
    if let Some(nanoseconds) = number(rows.get(spans::TTFT_NS), row) {
        new.float(TIME_TO_FIRST_CHUNK, nanoseconds as f64 / 1e9);
    }
    if let Some(cost) = number(rows.get(spans::REPORTED_COST), row) {
        new.float(REPORTED_COST, cost as f64 / 1e12);
    }
    for (column, name) in LISTS {
        let lists = rows.get(*column);
        if lists.is_valid(row) {
            new.texts(name, lists.value(row).as_string_view().iter().flatten());
        }
    }
    add_details(rows, row, &mut new);
    new
}

/// Counts by modality, and of what nobody bills all parts of the sums.
fn add_details(rows: &Spans, row: usize, new: &mut NewAttributes) {
    let details = rows.get(spans::USAGE_DETAILS);
    if details.is_null(row) {
        return;
    }
    let entries = details.value(row);
    let counts = entries.column(1).as_primitive::<Int64Type>();
    for (key, count) in entries.column(0).as_string_view().iter().zip(counts) {
        if let Some((key, count)) = key.zip(count) {
            new.int(&detail_name(key), count);
        }
    }
}

fn detail_name(key: &str) -> String {
    match key {
        "cache_write_1h.input_tokens" => CACHE_WRITE_1H.to_owned(),
        key => format!("gen_ai.usage.{key}"),
    }
}

/// What was sent, where the conventions know it, else what they call the kind of span.
fn operation<'a>(sent: Option<&'a str>, kind: Option<&str>) -> Option<&'a str> {
    let of_kind = || OPERATIONS.iter().find(|(of, _)| Some(*of) == kind).map(|(_, name)| *name);
    sent.filter(|sent| KNOWN_OPERATIONS.contains(sent)).or_else(of_kind).or(sent)
}

fn value(texts: &StringViewArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

fn number<T: ArrowPrimitiveType>(numbers: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    numbers.is_valid(row).then(|| numbers.value(row))
}

/// The names of the attributes that no column holds.
struct Left<'a> {
    names: &'a StringViewArray,
    first: usize,
    end: usize,
}

impl<'a> Left<'a> {
    fn of(rows: &'a Spans, row: usize) -> Self {
        let map = rows.get(spans::SPAN_ATTRIBUTES);
        let place = |row: usize| map.value_offsets().get(row).map_or(0, |place| *place as usize);
        Self { names: map.keys().as_string_view(), first: place(row), end: place(row + 1) }
    }

    fn has(&self, name: &str) -> bool {
        (self.first..self.end).any(|place| self.names.value(place) == name)
    }
}
