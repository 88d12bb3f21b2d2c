//! The GenAI columns, and what of a call goes into each.

use std::sync::Arc;

use arrow_array::StringViewArray;
use arrow_array::builder::{
    BooleanBuilder, Decimal128Builder, Float64Builder, Int32Builder, Int64Builder, ListBuilder,
    StringViewBuilder,
};
use arrow_schema::{ArrowError, DataType};
use spanledger_genai::{Call, CostStatus, Field};
use spanledger_schema::{Column, Float, Int, Spans, Table, Text, Usd, Value, spans};

use crate::texts;

/// Columns that hold the text of an attribute.
const SENT: [(Column<Text>, Field); 17] = [
    (spans::OPERATION, Field::Operation),
    (spans::PROVIDER_RAW, Field::Provider),
    (spans::SERVER_ADDRESS, Field::ServerAddress),
    (spans::REQUEST_MODEL, Field::RequestModel),
    (spans::RESPONSE_MODEL, Field::ResponseModel),
    (spans::RESPONSE_ID, Field::ResponseId),
    (spans::SERVICE_TIER, Field::ServiceTier),
    (spans::SESSION_ID, Field::SessionId),
    (spans::CONVERSATION_ID, Field::ConversationId),
    (spans::USER_ID, Field::UserId),
    (spans::AGENT_NAME, Field::AgentName),
    (spans::AGENT_ID, Field::AgentId),
    (spans::WORKFLOW_NAME, Field::WorkflowName),
    (spans::TOOL_NAME, Field::ToolName),
    (spans::TOOL_CALL_ID, Field::ToolCallId),
    (spans::PROMPT_NAME, Field::PromptName),
    (spans::PROMPT_VERSION, Field::PromptVersion),
];

/// Columns that hold the text of an attribute that may be long.
const SENT_HEAVY: [(Column<Text>, Field); 6] = [
    (spans::INPUT_MESSAGES, Field::InputMessages),
    (spans::OUTPUT_MESSAGES, Field::OutputMessages),
    (spans::SYSTEM_INSTRUCTIONS, Field::SystemInstructions),
    (spans::TOOL_DEFINITIONS, Field::ToolDefinitions),
    (spans::TOOL_ARGUMENTS, Field::ToolArguments),
    (spans::TOOL_RESULT, Field::ToolResult),
];

type Read<T> = fn(&Call<'_>) -> Option<T>;
type ReadText = for<'a> fn(&'a Call<'_>) -> Option<&'a str>;

/// Columns of texts that are found out.
const FOUND: [(Column<Text>, ReadText); 8] = [
    (spans::DIALECT, |call| Some(call.dialect)),
    (spans::CALL_KIND, |call| Some(call.kind.as_str())),
    (spans::PROVIDER, |call| call.provider.as_deref()),
    (spans::MODEL, |call| call.model.as_deref()),
    (spans::USAGE_SEMANTICS, |call| call.usage_semantics.map(|semantics| semantics.as_str())),
    (spans::COST_STATUS, |call| Some(call.cost.status.as_str())),
    (spans::PRICE_MODEL_ID, |call| call.cost.entry.as_ref().map(|entry| entry.model_id.as_ref())),
    (spans::CONTENT_STATE, |call| call.content_bytes.map(|_| "stored")),
];

/// Columns of counts and times.
const INTS: [(Column<Int>, Read<i64>); 15] = [
    (spans::MAX_TOKENS, |call| call.max_tokens),
    (spans::INPUT_TOKENS, |call| call.usage.input_tokens),
    (spans::OUTPUT_TOKENS, |call| call.usage.output_tokens),
    (spans::CACHE_READ_INPUT_TOKENS, |call| call.usage.cache_read_input_tokens),
    (spans::CACHE_WRITE_INPUT_TOKENS, |call| call.usage.cache_write_input_tokens),
    (spans::CACHE_WRITE_1H_INPUT_TOKENS, |call| call.usage.cache_write_1h_input_tokens),
    (spans::REASONING_OUTPUT_TOKENS, |call| call.usage.reasoning_output_tokens),
    (spans::AUDIO_INPUT_TOKENS, |call| call.usage.audio_input_tokens),
    (spans::AUDIO_OUTPUT_TOKENS, |call| call.usage.audio_output_tokens),
    (spans::TOTAL_TOKENS, |call| call.total_tokens),
    (spans::AGGREGATED_INPUT_TOKENS, |call| call.aggregated_input_tokens),
    (spans::AGGREGATED_OUTPUT_TOKENS, |call| call.aggregated_output_tokens),
    (spans::TTFT_NS, |call| call.ttft_ns),
    (spans::TPOT_NS, |call| call.tpot_ns),
    (spans::CONTENT_BYTES, |call| call.content_bytes),
];

/// Columns of money.
const USDS: [(Column<Usd>, Read<i128>); 4] = [
    (spans::COST_INPUT, |call| call.cost.input),
    (spans::COST_OUTPUT, |call| call.cost.output),
    (spans::COST_TOTAL, |call| call.cost.total),
    (spans::REPORTED_COST, |call| call.reported_cost),
];

/// Columns of other numbers.
const FLOATS: [(Column<Float>, Read<f64>); 2] =
    [(spans::TEMPERATURE, |call| call.temperature), (spans::TOP_P, |call| call.top_p)];

/// The GenAI columns of a batch, built row by row.
#[derive(Debug)]
pub(crate) struct Columns {
    calls: usize,
    price_version: String,
    sent: [Vec<Option<u32>>; SENT.len()],
    sent_heavy: [Vec<Option<u32>>; SENT_HEAVY.len()],
    found: [StringViewBuilder; FOUND.len()],
    price_versions: StringViewBuilder,
    ints: [Int64Builder; INTS.len()],
    usds: [Decimal128Builder; USDS.len()],
    floats: [Float64Builder; FLOATS.len()],
    choice_count: Int32Builder,
    is_stream: BooleanBuilder,
    billable: BooleanBuilder,
    finish_reasons: ListBuilder<StringViewBuilder>,
}

impl Columns {
    pub(crate) fn new(rows: usize, price_version: &str) -> Self {
        let texts = || StringViewBuilder::with_capacity(rows).with_deduplicate_strings();
        let finish_reasons = ListBuilder::with_capacity(texts(), rows);
        let finish_reasons = match Spans::schema().field(spans::FINISH_REASONS.index).data_type() {
            DataType::List(element) => finish_reasons.with_field(Arc::clone(element)),
            _ => finish_reasons,
        };
        Self {
            calls: 0,
            price_version: price_version.to_owned(),
            sent: std::array::from_fn(|_| Vec::with_capacity(rows)),
            sent_heavy: std::array::from_fn(|_| Vec::with_capacity(rows)),
            found: std::array::from_fn(|_| texts()),
            price_versions: texts(),
            ints: std::array::from_fn(|_| Int64Builder::with_capacity(rows)),
            usds: std::array::from_fn(|_| Decimal128Builder::with_capacity(rows)),
            floats: std::array::from_fn(|_| Float64Builder::with_capacity(rows)),
            choice_count: Int32Builder::with_capacity(rows),
            is_stream: BooleanBuilder::with_capacity(rows),
            billable: BooleanBuilder::with_capacity(rows),
            finish_reasons,
        }
    }

    /// Whether no row was a call.
    pub(crate) fn is_empty(&self) -> bool {
        self.calls == 0
    }

    /// Appends a row. Its attributes begin at `first` among those of all rows.
    pub(crate) fn append(&mut self, call: Option<&Call<'_>>, first: usize) {
        self.calls += usize::from(call.is_some());
        let place = |field| u32::try_from(first + call?.source(field)?.attribute).ok();
        for ((_, field), places) in SENT.iter().zip(&mut self.sent) {
            places.push(place(*field));
        }
        for ((_, field), places) in SENT_HEAVY.iter().zip(&mut self.sent_heavy) {
            places.push(place(*field));
        }
        for ((_, read), builder) in FOUND.iter().zip(&mut self.found) {
            builder.append_option(call.and_then(read));
        }
        for ((_, read), builder) in INTS.iter().zip(&mut self.ints) {
            builder.append_option(call.and_then(read));
        }
        for ((_, read), builder) in USDS.iter().zip(&mut self.usds) {
            builder.append_option(call.and_then(read));
        }
        for ((_, read), builder) in FLOATS.iter().zip(&mut self.floats) {
            builder.append_option(call.and_then(read));
        }
        let is_priced = call.is_some_and(|call| call.cost.status == CostStatus::Priced);
        self.price_versions.append_option(is_priced.then_some(&self.price_version));
        self.choice_count.append_option(call.and_then(|call| call.choice_count));
        self.is_stream.append_option(call.and_then(|call| call.is_stream));
        self.billable.append_value(call.is_some_and(|call| call.is_billable));
        let reasons = call.and_then(|call| call.finish_reasons.as_ref());
        self.finish_reasons.append_option(reasons.map(|reasons| reasons.iter().map(Some)));
    }

    /// The columns; `attributes` are the texts that places count.
    pub(crate) fn finish(mut self, attributes: &StringViewArray) -> Result<Vec<Value>, ArrowError> {
        let mut values = Vec::new();
        for ((column, _), places) in SENT.iter().zip(&self.sent) {
            values.push(column.set(texts::pick(attributes, places)?));
        }
        for ((column, _), places) in SENT_HEAVY.iter().zip(&self.sent_heavy) {
            values.push(column.set(texts::pick_heavy(attributes, places)?));
        }
        values.extend(
            FOUND.iter().zip(&mut self.found).map(|((column, _), builder)| column.set(builder.finish())),
        );
        values.extend(
            INTS.iter().zip(&mut self.ints).map(|((column, _), builder)| column.set(builder.finish())),
        );
        for ((column, _), builder) in USDS.iter().zip(&mut self.usds) {
            values.push(column.set(builder.finish().with_precision_and_scale(18, 12)?));
        }
        values.extend(
            FLOATS.iter().zip(&mut self.floats).map(|((column, _), builder)| column.set(builder.finish())),
        );
        values.extend([
            spans::PRICE_VERSION.set(self.price_versions.finish()),
            spans::CHOICE_COUNT.set(self.choice_count.finish()),
            spans::IS_STREAM.set(self.is_stream.finish()),
            spans::BILLABLE.set(self.billable.finish()),
            spans::FINISH_REASONS.set(self.finish_reasons.finish()),
        ]);
        Ok(values)
    }
}
