//! The GenAI columns, and what of a call goes into each.

use arrow_array::builder::{ArrayBuilder as _, StringViewBuilder};
use arrow_array::{BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, StringViewArray};
use arrow_schema::{ArrowError, DataType};
use spanledger_genai::messages::{Content, Said};
use spanledger_genai::{Call, Field, Source};
use spanledger_schema::{Column, Float, Int, Spans, Table, Text, Usd, Value, spans};

use crate::sparse::{Counts, Lists, Sparse, Words};
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

type ReadSaid = for<'c, 'a> fn(&'c Content<'a>) -> Option<&'c Said<'a>>;

/// Columns of what was said.
const SAID: [(Column<Text>, ReadSaid); 6] = [
    (spans::INPUT_MESSAGES, |content| content.input_messages.as_ref()),
    (spans::OUTPUT_MESSAGES, |content| content.output_messages.as_ref()),
    (spans::SYSTEM_INSTRUCTIONS, |content| content.system_instructions.as_ref()),
    (spans::TOOL_DEFINITIONS, |content| content.tool_definitions.as_ref()),
    (spans::TOOL_ARGUMENTS, |content| content.tool_arguments.as_ref()),
    (spans::TOOL_RESULT, |content| content.tool_result.as_ref()),
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
    (spans::CONTENT_STATE, |call| call.content.bytes().map(|_| content_state(call))),
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
    (spans::CONTENT_BYTES, |call| call.content.bytes().and_then(|bytes| i64::try_from(bytes).ok())),
];

/// Columns of money.
const USDS: [(Column<Usd>, Read<i128>); 5] = [
    (spans::COST_INPUT, |call| call.cost.input),
    (spans::COST_OUTPUT, |call| call.cost.output),
    (spans::COST_TOTAL, |call| call.cost.total),
    (spans::REPORTED_COST, |call| call.reported_cost),
    (spans::AGGREGATED_COST, |call| call.aggregated_cost),
];

/// Columns of other numbers.
const FLOATS: [(Column<Float>, Read<f64>); 2] =
    [(spans::TEMPERATURE, |call| call.temperature), (spans::TOP_P, |call| call.top_p)];

/// What became of what was said.
fn content_state(call: &Call<'_>) -> &'static str {
    if call.content.is_truncated { "truncated" } else { "stored" }
}

/// The place of a text, of a row whose attributes begin at `first`. What is no attribute's is put among the derived ones.
fn place(derived: &mut StringViewBuilder, first: usize, source: Source<'_>) -> u32 {
    match source {
        Source::Attribute(place) => u32::try_from(first + place).unwrap_or(u32::MAX),
        Source::Derived(text) => {
            derived.append_value(text);
            texts::derived_place(derived.len() - 1)
        }
    }
}

/// The GenAI columns of a batch, built row by row. What is in no row of a batch is no column of it yet either.
#[derive(Debug)]
pub(crate) struct Columns {
    rows: usize,
    price_version: String,
    /// Places among the attributes of all rows, or among the derived texts.
    sent: [Sparse<u32>; SENT.len()],
    said: [Sparse<u32>; SAID.len()],
    truncated: Sparse<bool>,
    derived: StringViewBuilder,
    found: [Words; FOUND.len()],
    price_versions: Words,
    ints: [Sparse<i64>; INTS.len()],
    usds: [Sparse<i128>; USDS.len()],
    floats: [Sparse<f64>; FLOATS.len()],
    choice_count: Sparse<i32>,
    is_stream: Sparse<bool>,
    billable: Vec<bool>,
    finish_reasons: Option<Lists>,
    tags: Option<Lists>,
    usage_details: Counts,
}

impl Columns {
    pub(crate) fn new(rows: usize, price_version: &str) -> Self {
        let lists = |index| match Spans::schema().field(index).data_type() {
            DataType::List(element) => Some(Lists::new(element)),
            _ => None,
        };
        Self {
            rows,
            price_version: price_version.to_owned(),
            sent: Default::default(),
            said: Default::default(),
            truncated: Sparse::default(),
            derived: StringViewBuilder::new(),
            found: Default::default(),
            price_versions: Words::default(),
            ints: Default::default(),
            usds: Default::default(),
            floats: Default::default(),
            choice_count: Sparse::default(),
            is_stream: Sparse::default(),
            billable: vec![false; rows],
            finish_reasons: lists(spans::FINISH_REASONS.index),
            tags: lists(spans::TAGS.index),
            usage_details: Counts::default(),
        }
    }

    /// Puts the call of a row, whose attributes begin at `first` among those of all rows. Rows come in order.
    pub(crate) fn put(&mut self, row: usize, call: &Call<'_>, first: usize) {
        for ((_, field), places) in SENT.iter().zip(&mut self.sent) {
            let source = call.source(*field);
            source.into_iter().for_each(|source| places.put(row, place(&mut self.derived, first, source)));
        }
        for ((_, read), places) in SAID.iter().zip(&mut self.said) {
            let source = read(&call.content).map(|said| match said {
                Said::Sent { attribute, .. } => Source::Attribute(*attribute),
                Said::Rebuilt(text) => Source::Derived(text),
            });
            source.into_iter().for_each(|source| places.put(row, place(&mut self.derived, first, source)));
        }
        if call.content.is_truncated {
            self.truncated.put(row, true);
        }
        for ((_, read), words) in FOUND.iter().zip(&mut self.found) {
            read(call).into_iter().for_each(|word| words.put(row, word));
        }
        for ((_, read), ints) in INTS.iter().zip(&mut self.ints) {
            read(call).into_iter().for_each(|int| ints.put(row, int));
        }
        for ((_, read), usds) in USDS.iter().zip(&mut self.usds) {
            read(call).into_iter().for_each(|usd| usds.put(row, usd));
        }
        for ((_, read), floats) in FLOATS.iter().zip(&mut self.floats) {
            read(call).into_iter().for_each(|float| floats.put(row, float));
        }
        self.price_versions.put(row, &self.price_version);
        call.choice_count.into_iter().for_each(|count| self.choice_count.put(row, count));
        call.is_stream.into_iter().for_each(|is_stream| self.is_stream.put(row, is_stream));
        if let Some(billable) = self.billable.get_mut(row) {
            *billable = call.is_billable;
        }
        for (lists, texts) in [(&mut self.finish_reasons, &call.finish_reasons), (&mut self.tags, &call.tags)]
        {
            if let (Some(lists), Some(texts)) = (lists, texts) {
                lists.put(row, texts);
            }
        }
        if !call.usage_details.is_empty() {
            self.usage_details.put(row, &call.usage_details);
        }
    }

    /// The columns that have values; `attributes` are the texts that places count.
    pub(crate) fn finish(mut self, attributes: &StringViewArray) -> Result<Vec<Value>, ArrowError> {
        let rows = self.rows;
        let derived = self.derived.finish();
        let mut values = vec![spans::BILLABLE.set(BooleanArray::from(self.billable))];
        let columns = SENT.iter().map(|(column, _)| column).chain(SAID.iter().map(|(column, _)| column));
        for (column, places) in columns.zip(self.sent.into_iter().chain(self.said)) {
            if let Some((places, nulls)) = places.finish(rows) {
                values.push(column.set(texts::pick(attributes, &derived, places, nulls)?));
            }
        }
        let versions = (spans::PRICE_VERSION, self.price_versions);
        let found = FOUND.iter().zip(self.found).map(|((column, _), words)| (*column, words));
        for (column, words) in found.chain([versions]) {
            values.extend(words.finish(rows)?.map(|words| column.set(words)));
        }
        for ((column, _), ints) in INTS.iter().zip(self.ints) {
            values.extend(
                ints.finish(rows).map(|(ints, nulls)| column.set(Int64Array::new(ints.into(), nulls))),
            );
        }
        for ((column, _), usds) in USDS.iter().zip(self.usds) {
            if let Some((usds, nulls)) = usds.finish(rows) {
                let usds = Decimal128Array::new(usds.into(), nulls).with_precision_and_scale(18, 12)?;
                values.push(column.set(usds));
            }
        }
        for ((column, _), floats) in FLOATS.iter().zip(self.floats) {
            let floats = floats.finish(rows);
            values.extend(floats.map(|(floats, nulls)| column.set(Float64Array::new(floats.into(), nulls))));
        }
        let counts = self.choice_count.finish(rows);
        values.extend(
            counts.map(|(counts, nulls)| spans::CHOICE_COUNT.set(Int32Array::new(counts.into(), nulls))),
        );
        let truncated = self.truncated.finish(rows);
        values.extend(
            truncated.map(|(flags, nulls)| spans::TRUNCATED.set(BooleanArray::new(flags.into(), nulls))),
        );
        let streams = self.is_stream.finish(rows);
        values.extend(
            streams.map(|(flags, nulls)| spans::IS_STREAM.set(BooleanArray::new(flags.into(), nulls))),
        );
        let reasons = self.finish_reasons.and_then(|lists| lists.finish(rows));
        values.extend(reasons.map(|reasons| spans::FINISH_REASONS.set(reasons)));
        let tags = self.tags.and_then(|lists| lists.finish(rows));
        values.extend(tags.map(|tags| spans::TAGS.set(tags)));
        let data_type = Spans::schema().field(spans::USAGE_DETAILS.index).data_type();
        let details = self.usage_details.finish(rows, data_type)?;
        values.extend(details.map(|details| spans::USAGE_DETAILS.set(details)));
        Ok(values)
    }
}
