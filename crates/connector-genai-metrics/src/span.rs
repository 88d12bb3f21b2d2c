//! Rows of spans, read for what the connector needs of them.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{ArrowPrimitiveType, Int64Type};
use arrow_array::{Array, PrimitiveArray, StringViewArray};
use spanledger_schema::{Column, Int, Spans, Table as _, Text, spans};
use xxhash_rust::xxh3::xxh3_64;

use crate::call::{Compared, Cost, UNPRICED};
use crate::series::write_key;
use crate::waiting::{DETAILS, Identity, NO_MODEL, Usage, Waiting, Wrapper};

/// What the conventions say for an error that has no type.
const ERROR_OTHER: &str = "_OTHER";

/// Spaces around a response's id are no part of it.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// The columns of a call's details, in the order of [`DETAILS`].
const DETAIL_COLUMNS: [Column<Int>; DETAILS.len()] = [
    spans::CACHE_READ_INPUT_TOKENS,
    spans::CACHE_WRITE_INPUT_TOKENS,
    spans::CACHE_WRITE_1H_INPUT_TOKENS,
    spans::REASONING_OUTPUT_TOKENS,
    spans::AUDIO_INPUT_TOKENS,
    spans::AUDIO_OUTPUT_TOKENS,
];

/// The rows of a batch.
pub(crate) struct Reader<'a> {
    spans: &'a Spans,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(spans: &'a Spans) -> Self {
        Self { spans }
    }

    pub(crate) fn rows(&self) -> std::ops::Range<usize> {
        0..self.spans.len()
    }

    pub(crate) fn is_billable(&self, row: usize) -> bool {
        self.spans.get(spans::BILLABLE).value(row)
    }

    pub(crate) fn identity(&self, row: usize) -> Identity {
        let (trace, span) = (self.text(spans::TRACE_ID, row), self.text(spans::SPAN_ID, row));
        let parent = self.text(spans::PARENT_SPAN_ID, row);
        let received_micros = number(self.spans.get(spans::INGESTED_AT), row).unwrap_or_default();
        let received_unix_nano = received_micros.saturating_mul(1000);
        Identity {
            trace: hash(&[trace]),
            span: hash(&[trace, span]),
            parent: (!parent.is_empty()).then(|| hash(&[trace, parent])),
            ids: (
                u128::from_str_radix(trace, 16).unwrap_or_default(),
                u64::from_str_radix(span, 16).unwrap_or_default(),
            ),
            received_unix_nano,
            arrived_unix_nano: received_unix_nano,
        }
    }

    /// The call that a row stands for, whose identity this is; `key` is room for its labels.
    pub(crate) fn call(&self, row: usize, identity: Identity, key: &mut Vec<u8>) -> Waiting {
        let text = |column| self.text(column, row);
        let status = match text(spans::STATUS_CODE) {
            // The conventions leave the label out then.
            "UNSET" => "",
            status => status,
        };
        let error_type = match text(spans::ERROR_TYPE) {
            "" if status == "ERROR" => ERROR_OTHER,
            error_type => error_type,
        };
        let labels = [
            text(spans::OPERATION),
            text(spans::PROVIDER),
            text(spans::REQUEST_MODEL),
            text(spans::RESPONSE_MODEL),
            text(spans::SERVICE_NAME),
            status,
            error_type,
        ];
        write_key(labels, key);
        let details = DETAIL_COLUMNS.map(|column| number(self.spans.get(column), row));
        let usage = self.usage(spans::INPUT_TOKENS, spans::OUTPUT_TOKENS, details, row);
        Waiting {
            identity,
            labels: key.as_slice().into(),
            response: response_key(text(spans::RESPONSE_ID), &usage),
            model: self.model(row),
            instance: self.instance(row),
            scope: hash(&[text(spans::SCOPE_NAME)]),
            kind: hash(&[text(spans::CALL_KIND)]),
            is_error: !error_type.is_empty(),
            is_estimated: text(spans::USAGE_SEMANTICS) == "estimated",
            start_unix_nano: self.spans.get(spans::START_TIME_UNIX_NANO).value(row),
            duration_ns: self.spans.get(spans::DURATION_NS).value(row),
            usage,
            cost: self.cost(row),
            compared: self.compared(row),
        }
    }

    /// What a row that is no call says was used below it; `None` when it says nothing.
    pub(crate) fn wrapper(&self, row: usize, identity: Identity) -> Option<Wrapper> {
        let (input, output) = (spans::AGGREGATED_INPUT_TOKENS, spans::AGGREGATED_OUTPUT_TOKENS);
        if self.spans.get(input).is_null(row) && self.spans.get(output).is_null(row) {
            return None;
        }
        let usage = self.usage(input, output, self.details(row), row);
        let cost = number(self.spans.get(spans::AGGREGATED_COST), row);
        Some(Wrapper { identity, usage, cost })
    }

    fn usage(
        &self,
        input: Column<Int>,
        output: Column<Int>,
        details: [Option<i64>; DETAILS.len()],
        row: usize,
    ) -> Usage {
        let count = |column| number(self.spans.get(column), row);
        Usage { input_tokens: count(input), output_tokens: count(output), details }
    }

    /// What `usage_details` says under the keys of details.
    fn details(&self, row: usize) -> [Option<i64>; DETAILS.len()] {
        let column = self.spans.get(spans::USAGE_DETAILS);
        if column.is_null(row) {
            return [None; DETAILS.len()];
        }
        let entries = column.value(row);
        let (Some(keys), Some(values)) =
            (entries.column(0).as_string_view_opt(), entries.column(1).as_primitive_opt::<Int64Type>())
        else {
            return [None; DETAILS.len()];
        };
        DETAILS.map(|detail| {
            let place = keys.iter().position(|key| key == Some(detail))?;
            number(values, place)
        })
    }

    /// A cost that is the reported one compares with nothing.
    fn compared(&self, row: usize) -> Option<Compared> {
        let reported = number(self.spans.get(spans::REPORTED_COST), row)?;
        let derived = number(self.spans.get(spans::COST_TOTAL), row)?;
        (self.text(spans::COST_STATUS, row) == "priced").then_some(Compared { reported, derived })
    }

    fn cost(&self, row: usize) -> Cost {
        if let Some(cost) = number(self.spans.get(spans::COST_TOTAL), row) {
            return Cost::Priced(cost);
        }
        let status = self.text(spans::COST_STATUS, row);
        let reason = UNPRICED.iter().position(|reason| *reason == status);
        Cost::Unpriced(reason.unwrap_or(UNPRICED.len() - 1))
    }

    /// The model under the name that it is priced by, else as answered, else as asked for, if it has a name.
    fn model(&self, row: usize) -> u64 {
        let names = [spans::PRICE_MODEL_ID, spans::MODEL, spans::RESPONSE_MODEL, spans::REQUEST_MODEL];
        let name = names.into_iter().map(|column| self.text(column, row)).find(|name| !name.is_empty());
        name.map_or(NO_MODEL, |name| hash(&[&name.to_lowercase()]))
    }

    /// The process that the span is of; where that is not said, the trace within its service.
    fn instance(&self, row: usize) -> u64 {
        match self.text(spans::SERVICE_INSTANCE_ID, row) {
            "" => hash(&[self.text(spans::SERVICE_NAME, row), self.text(spans::TRACE_ID, row)]),
            instance => hash(&[instance]),
        }
    }

    /// The text of a row; empty when it has none.
    fn text(&self, column: Column<Text>, row: usize) -> &'a str {
        let column: &'a StringViewArray = self.spans.get(column);
        if column.is_null(row) { "" } else { column.value(row) }
    }
}

/// What calls of the same answer have in common. Some servers (Ollama) give `chatcmpl-` and a number below a thousand for
/// an id: that names an answer only together with its usage.
fn response_key(id: &str, usage: &Usage) -> Option<u64> {
    let id = id.trim_matches(SPACE);
    if id.is_empty() {
        return None;
    }
    let number = id.strip_prefix("chatcmpl-").unwrap_or_default();
    if !(1..=3).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(hash(&[id]));
    }
    let counts = [usage.input_tokens, usage.output_tokens];
    let [input, output] = counts.map(|count| count.map(|count| count.to_string()).unwrap_or_default());
    Some(hash(&[id, &input, &output]))
}

fn number<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    column.is_valid(row).then(|| column.value(row))
}

/// The texts as one number, told apart also where they join.
fn hash(texts: &[&str]) -> u64 {
    if let [text] = texts {
        return xxh3_64(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(64);
    for text in texts {
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0xff);
    }
    xxh3_64(&bytes)
}
