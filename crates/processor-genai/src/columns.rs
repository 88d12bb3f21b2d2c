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

/// Columns of what was said.
const SAID: [Column<Text>; 6] = [
    spans::INPUT_MESSAGES,
    spans::OUTPUT_MESSAGES,
    spans::SYSTEM_INSTRUCTIONS,
    spans::TOOL_DEFINITIONS,
    spans::TOOL_ARGUMENTS,
    spans::TOOL_RESULT,
];

// One function for all columns of a kind, in their order, and not one for each: most have no value in most rows.
fn said<'c, 'a>(content: &'c Content<'a>) -> [Option<&'c Said<'a>>; SAID.len()] {
    [
        content.input_messages.as_ref(),
        content.output_messages.as_ref(),
        content.system_instructions.as_ref(),
        content.tool_definitions.as_ref(),
        content.tool_arguments.as_ref(),
        content.tool_result.as_ref(),
    ]
}

/// Columns of the program's own words.
const OWN: [Column<Text>; 5] =
    [spans::DIALECT, spans::CALL_KIND, spans::USAGE_SEMANTICS, spans::COST_STATUS, spans::CONTENT_STATE];

fn own(call: &Call<'_>, content_bytes: Option<usize>) -> [Option<&'static str>; OWN.len()] {
    [
        Some(call.dialect),
        Some(call.kind.as_str()),
        call.usage_semantics.map(|semantics| semantics.as_str()),
        Some(call.cost.status.as_str()),
        content_bytes.map(|_| content_state(call)),
    ]
}

/// Columns of names that are found out.
const NAMES: [Column<Text>; 3] = [spans::PROVIDER, spans::MODEL, spans::PRICE_MODEL_ID];

fn names<'c>(call: &'c Call<'_>) -> [Option<&'c str>; NAMES.len()] {
    [
        call.provider.as_deref(),
        call.model.as_deref(),
        call.cost.entry.as_ref().map(|entry| entry.model_id.as_ref()),
    ]
}

/// Columns of counts and times.
const INTS: [Column<Int>; 15] = [
    spans::MAX_TOKENS,
    spans::INPUT_TOKENS,
    spans::OUTPUT_TOKENS,
    spans::CACHE_READ_INPUT_TOKENS,
    spans::CACHE_WRITE_INPUT_TOKENS,
    spans::CACHE_WRITE_1H_INPUT_TOKENS,
    spans::REASONING_OUTPUT_TOKENS,
    spans::AUDIO_INPUT_TOKENS,
    spans::AUDIO_OUTPUT_TOKENS,
    spans::TOTAL_TOKENS,
    spans::AGGREGATED_INPUT_TOKENS,
    spans::AGGREGATED_OUTPUT_TOKENS,
    spans::TTFT_NS,
    spans::TPOT_NS,
    spans::CONTENT_BYTES,
];

fn ints(call: &Call<'_>, content_bytes: Option<usize>) -> [Option<i64>; INTS.len()] {
    [
        call.max_tokens,
        call.usage.input_tokens,
        call.usage.output_tokens,
        call.usage.cache_read_input_tokens,
        call.usage.cache_write_input_tokens,
        call.usage.cache_write_1h_input_tokens,
        call.usage.reasoning_output_tokens,
        call.usage.audio_input_tokens,
        call.usage.audio_output_tokens,
        call.total_tokens,
        call.aggregated_input_tokens,
        call.aggregated_output_tokens,
        call.ttft_ns,
        call.tpot_ns,
        content_bytes.and_then(|bytes| i64::try_from(bytes).ok()),
    ]
}

/// Columns of money.
const USDS: [Column<Usd>; 5] =
    [spans::COST_INPUT, spans::COST_OUTPUT, spans::COST_TOTAL, spans::REPORTED_COST, spans::AGGREGATED_COST];

fn usds(call: &Call<'_>) -> [Option<i128>; USDS.len()] {
    [call.cost.input, call.cost.output, call.cost.total, call.reported_cost, call.aggregated_cost]
}

/// Columns of other numbers.
const FLOATS: [Column<Float>; 2] = [spans::TEMPERATURE, spans::TOP_P];

fn floats(call: &Call<'_>) -> [Option<f64>; FLOATS.len()] {
    [call.temperature, call.top_p]
}

/// What became of what was said.
fn content_state(call: &Call<'_>) -> &'static str {
    if call.content.is_truncated { "truncated" } else { "stored" }
}

/// The place of a text, of a row whose attributes begin at `first`. What is no attribute's is put among the derived ones.
#[inline]
fn place(derived: &mut StringViewBuilder, first: usize, source: Source<'_>) -> u32 {
    match source {
        Source::Attribute(place) => u32::try_from(first + place).unwrap_or(u32::MAX),
        Source::Derived(text) => derive(derived, text),
    }
}

#[inline(never)]
fn derive(derived: &mut StringViewBuilder, text: &str) -> u32 {
    derived.append_value(text);
    texts::derived_place(derived.len() - 1)
}

/// Puts those values of a row that there are.
fn put<T: Copy + Default, const N: usize>(row: usize, values: [Option<T>; N], columns: &mut [Sparse<T>; N]) {
    for (value, column) in values.iter().zip(columns) {
        value.iter().for_each(|value| column.put(row, *value));
    }
}

/// The GenAI columns of a batch, built row by row. What is in no row of a batch is no column of it yet either.
#[derive(Debug)]
pub(crate) struct Columns {
    rows: usize,
    price_version: String,
    /// Places among the attributes of all rows, or among the derived texts; by field.
    sent: [Sparse<u32>; Field::COUNT],
    said: [Sparse<u32>; SAID.len()],
    truncated: Sparse<bool>,
    derived: StringViewBuilder,
    own: [Words; OWN.len()],
    names: [Words; NAMES.len()],
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
            sent: std::array::from_fn(|_| Sparse::default()),
            said: Default::default(),
            truncated: Sparse::default(),
            derived: StringViewBuilder::new(),
            own: Default::default(),
            names: Default::default(),
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
        for (field, source) in call.texts() {
            if let Some(places) = self.sent.get_mut(field as usize) {
                places.put(row, place(&mut self.derived, first, source));
            }
        }
        for (said, places) in said(&call.content).into_iter().zip(&mut self.said) {
            let source = said.map(|said| match said {
                Said::Sent { attribute, .. } => Source::Attribute(*attribute),
                Said::Rebuilt(text) => Source::Derived(text),
            });
            source.into_iter().for_each(|source| places.put(row, place(&mut self.derived, first, source)));
        }
        if call.content.is_truncated {
            self.truncated.put(row, true);
        }
        let content_bytes = call.content.bytes();
        for (word, words) in own(call, content_bytes).into_iter().zip(&mut self.own) {
            word.into_iter().for_each(|word| words.put_own(row, word));
        }
        for (name, words) in names(call).into_iter().zip(&mut self.names) {
            name.into_iter().for_each(|name| words.put(row, name));
        }
        put(row, ints(call, content_bytes), &mut self.ints);
        put(row, usds(call), &mut self.usds);
        put(row, floats(call), &mut self.floats);
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
        let mut places_of =
            |field: Field| self.sent.get_mut(field as usize).map(std::mem::take).unwrap_or_default();
        let sent = SENT.map(|(column, field)| (column, places_of(field))).into_iter();
        let said = SAID.into_iter().zip(self.said);
        for (column, places) in sent.chain(said) {
            if let Some((places, nulls)) = places.finish(rows) {
                values.push(column.set(texts::pick(attributes, &derived, places, nulls)?));
            }
        }
        let versions = (spans::PRICE_VERSION, self.price_versions);
        let words = OWN.into_iter().zip(self.own).chain(NAMES.into_iter().zip(self.names));
        for (column, words) in words.chain([versions]) {
            values.extend(words.finish(rows)?.map(|words| column.set(words)));
        }
        for (column, ints) in INTS.into_iter().zip(self.ints) {
            values.extend(
                ints.finish(rows).map(|(ints, nulls)| column.set(Int64Array::new(ints.into(), nulls))),
            );
        }
        for (column, usds) in USDS.into_iter().zip(self.usds) {
            if let Some((usds, nulls)) = usds.finish(rows) {
                let usds = Decimal128Array::new(usds.into(), nulls).with_precision_and_scale(18, 12)?;
                values.push(column.set(usds));
            }
        }
        for (column, floats) in FLOATS.into_iter().zip(self.floats) {
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
