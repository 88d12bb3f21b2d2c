//! A model call, as the row of its span tells it.

use arrow_array::{Array, PrimitiveArray, StringViewArray, types::ArrowPrimitiveType};
use spanledger_schema::{Column, Spans, Table as _, Text, spans};

/// How many labels tell calls apart.
pub(crate) const LABELS: usize = 7;

/// Their names, after the GenAI conventions, in the order of a call's labels.
pub(crate) const LABEL_NAMES: [&str; LABELS] = [
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "service.name",
    "otel.status_code",
    "error.type",
];

/// What the conventions say for an error that has no type.
const ERROR_OTHER: &str = "_OTHER";

/// Why a call has no cost: the words of the column `cost_status`, and `other` for what is none of them.
pub(crate) const UNPRICED: [&str; 5] =
    ["unknown_model", "unknown_provider", "no_usage", "invalid_usage", "other"];

/// One call. Labels that are absent are empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) labels: [&'a str; LABELS],
    pub(crate) is_error: bool,
    pub(crate) duration_ns: u64,
    pub(crate) input_tokens: Option<u64>,
    pub(crate) output_tokens: Option<u64>,
    pub(crate) cost: Cost,
    /// What the sender says and what the price table says, in units of 1e-12 USD, where both say something.
    pub(crate) compared: Option<Compared>,
    pub(crate) received_unix_nano: i64,
}

/// What a call cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Units of 1e-12 USD.
    Priced(i128),
    /// The place of the reason in [`UNPRICED`].
    Unpriced(usize),
}

/// Two costs of the same calls, in units of 1e-12 USD.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    pub(crate) reported: i128,
    pub(crate) derived: i128,
}

/// Hands out every billable row, in order.
pub(crate) fn for_each(spans: &Spans, mut take: impl FnMut(&Call<'_>)) {
    let columns = Columns::of(spans);
    let billable = spans.get(spans::BILLABLE);
    for row in billable.values().set_indices() {
        take(&columns.call(row));
    }
}

struct Columns<'a> {
    spans: &'a Spans,
    operation: &'a StringViewArray,
    provider: &'a StringViewArray,
    request_model: &'a StringViewArray,
    response_model: &'a StringViewArray,
    service_name: &'a StringViewArray,
    status_code: &'a StringViewArray,
    error_type: &'a StringViewArray,
    cost_status: &'a StringViewArray,
}

impl<'a> Columns<'a> {
    fn of(spans: &'a Spans) -> Self {
        let text = |column: Column<Text>| spans.get(column);
        Self {
            spans,
            operation: text(spans::OPERATION),
            provider: text(spans::PROVIDER),
            request_model: text(spans::REQUEST_MODEL),
            response_model: text(spans::RESPONSE_MODEL),
            service_name: text(spans::SERVICE_NAME),
            status_code: text(spans::STATUS_CODE),
            error_type: text(spans::ERROR_TYPE),
            cost_status: text(spans::COST_STATUS),
        }
    }

    fn call(&self, row: usize) -> Call<'a> {
        let status = match text(self.status_code, row) {
            // The conventions leave the label out then.
            "UNSET" => "",
            status => status,
        };
        let error_type = match text(self.error_type, row) {
            "" if status == "ERROR" => ERROR_OTHER,
            error_type => error_type,
        };
        let received_micros = number(self.spans.get(spans::INGESTED_AT), row).unwrap_or_default();
        Call {
            labels: [
                text(self.operation, row),
                text(self.provider, row),
                text(self.request_model, row),
                text(self.response_model, row),
                text(self.service_name, row),
                status,
                error_type,
            ],
            is_error: !error_type.is_empty(),
            // A span that ended before it started took no time; a sum never goes down.
            duration_ns: count(number(self.spans.get(spans::DURATION_NS), row)).unwrap_or_default(),
            input_tokens: count(number(self.spans.get(spans::INPUT_TOKENS), row)),
            output_tokens: count(number(self.spans.get(spans::OUTPUT_TOKENS), row)),
            cost: self.cost(row),
            compared: self.compared(row),
            received_unix_nano: received_micros.saturating_mul(1000),
        }
    }

    /// A cost that is the reported one compares with nothing.
    fn compared(&self, row: usize) -> Option<Compared> {
        let reported = number(self.spans.get(spans::REPORTED_COST), row)?;
        let derived = number(self.spans.get(spans::COST_TOTAL), row)?;
        (text(self.cost_status, row) == "priced").then_some(Compared { reported, derived })
    }

    fn cost(&self, row: usize) -> Cost {
        if let Some(cost) = number(self.spans.get(spans::COST_TOTAL), row) {
            return Cost::Priced(cost);
        }
        let status = text(self.cost_status, row);
        let reason = UNPRICED.iter().position(|reason| *reason == status);
        Cost::Unpriced(reason.unwrap_or(UNPRICED.len() - 1))
    }
}

/// The text of a row; empty when it has none.
fn text(column: &StringViewArray, row: usize) -> &str {
    if column.is_null(row) { "" } else { column.value(row) }
}

fn number<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    column.is_valid(row).then(|| column.value(row))
}

/// A number below 0 counts nothing.
fn count(number: Option<i64>) -> Option<u64> {
    number.and_then(|number| u64::try_from(number).ok())
}
