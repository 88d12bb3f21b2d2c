//! Rows of spans, read for what the connector needs of them.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{ArrowPrimitiveType, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, BooleanArray, Int64Array, PrimitiveArray, StringViewArray};
use spanledger_schema::{Column, Int, Spans, Table as _, Text, spans};
use xxhash_rust::xxh3::xxh3_64;

use crate::call::{Compared, Cost, LABELS, UNPRICED};
use crate::keys::Keys;
use crate::waiting::{DETAILS, Identity, NO_MODEL, Usage, Waiting, Wrapper};

/// What the conventions say for an error that has no type.
const ERROR_OTHER: &str = "_OTHER";

/// Texts that are hashed together are seldom longer: the ids of a trace and a span have 50 bytes.
const SHORT_BYTES: usize = 128;

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

/// The columns that the labels of a call are in, in their order.
const LABEL_COLUMNS: [Column<Text>; LABELS] = [
    spans::OPERATION,
    spans::PROVIDER,
    spans::REQUEST_MODEL,
    spans::RESPONSE_MODEL,
    spans::SERVICE_NAME,
    spans::STATUS_CODE,
    spans::ERROR_TYPE,
];

/// The columns that name the model, the best first: under the name that it is priced by, as answered, as asked for.
const MODEL_COLUMNS: [Column<Text>; 4] =
    [spans::PRICE_MODEL_ID, spans::MODEL, spans::RESPONSE_MODEL, spans::REQUEST_MODEL];

/// The rows of a batch.
pub(crate) struct Reader<'a> {
    spans: &'a Spans,
    ids: [&'a StringViewArray; 3],
    received: &'a PrimitiveArray<TimestampMicrosecondType>,
    billable: &'a BooleanArray,
    labels: [&'a StringViewArray; LABELS],
    models: [&'a StringViewArray; MODEL_COLUMNS.len()],
    details: [&'a Int64Array; DETAILS.len()],
    tokens: [&'a Int64Array; 2],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(spans: &'a Spans) -> Self {
        let text = |column| -> &'a StringViewArray { spans.get(column) };
        let count = |column| -> &'a Int64Array { spans.get(column) };
        Self {
            spans,
            ids: [spans::TRACE_ID, spans::SPAN_ID, spans::PARENT_SPAN_ID].map(text),
            received: spans.get(spans::INGESTED_AT),
            billable: spans.get(spans::BILLABLE),
            labels: LABEL_COLUMNS.map(text),
            models: MODEL_COLUMNS.map(text),
            details: DETAIL_COLUMNS.map(count),
            tokens: [spans::INPUT_TOKENS, spans::OUTPUT_TOKENS].map(count),
        }
    }

    pub(crate) fn rows(&self) -> std::ops::Range<usize> {
        0..self.spans.len()
    }

    pub(crate) fn is_billable(&self, row: usize) -> bool {
        self.billable.value(row)
    }

    pub(crate) fn identity(&self, row: usize) -> Identity {
        let [trace, span, parent] = self.ids.map(|ids| text_of(ids, row));
        let received_micros = number(self.received, row).unwrap_or_default();
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

    /// The call that a row stands for, whose identity this is.
    pub(crate) fn call(&self, row: usize, identity: Identity, keys: &mut Keys) -> Waiting {
        let text = |column| self.text(column, row);
        let mut labels = self.labels.map(|texts| text_of(texts, row));
        let [.., status, error_type] = &mut labels;
        // The conventions leave the label out then.
        if *status == "UNSET" {
            *status = "";
        }
        if *status == "ERROR" && error_type.is_empty() {
            *error_type = ERROR_OTHER;
        }
        let is_error = !error_type.is_empty();
        let details = self.details.map(|counts| number(counts, row));
        let [input_tokens, output_tokens] = self.tokens.map(|counts| number(counts, row));
        let usage = Usage { input_tokens, output_tokens, details };
        Waiting {
            identity,
            labels: keys.of(labels),
            response: response_key(text(spans::RESPONSE_ID), &usage),
            model: self.model(row),
            instance: self.instance(row),
            scope: hash(&[text(spans::SCOPE_NAME)]),
            kind: hash(&[text(spans::CALL_KIND)]),
            is_error,
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
        let [input_tokens, output_tokens] = [input, output].map(|column| number(self.spans.get(column), row));
        let usage = Usage { input_tokens, output_tokens, details: self.details(row) };
        let cost = number(self.spans.get(spans::AGGREGATED_COST), row);
        Some(Wrapper { identity, usage, cost })
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

    /// The model by the best name that it has.
    fn model(&self, row: usize) -> u64 {
        let name = self.models.iter().map(|names| text_of(names, row)).find(|name| !name.is_empty());
        let is_lower = |name: &str| name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        match name {
            None => NO_MODEL,
            Some(name) if is_lower(name) => hash(&[name]),
            Some(name) => hash(&[&name.to_lowercase()]),
        }
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
        text_of(self.spans.get(column), row)
    }
}

fn text_of(texts: &StringViewArray, row: usize) -> &str {
    if texts.is_null(row) { "" } else { texts.value(row) }
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
    let bytes: usize = texts.iter().map(|text| text.len() + 1).sum();
    let mut short = [0; SHORT_BYTES];
    match short.get_mut(..bytes) {
        Some(room) => {
            join(texts, room);
            xxh3_64(room)
        }
        None => {
            let mut room = vec![0; bytes];
            join(texts, &mut room);
            xxh3_64(&room)
        }
    }
}

/// Writes the texts into `room`, each followed by a byte that no text has.
fn join(texts: &[&str], room: &mut [u8]) {
    let mut rest = room;
    for text in texts {
        let Some((place, behind)) = rest.split_at_mut_checked(text.len()) else { return };
        place.copy_from_slice(text.as_bytes());
        let Some((end, behind)) = behind.split_first_mut() else { return };
        *end = 0xff;
        rest = behind;
    }
}
