//! Requests and rows, explained span by span: see [`spanledger_genai::explain`].

use arrow_schema::ArrowError;
use bytes::Bytes;
use serde::Serialize;
use spanledger_component::Error;
use spanledger_genai::{Explanation, NORMALISED, Price, Prices, SpanView, catalogue, explain};
use spanledger_otlp::{Message, Source, decode_spans, json_to_protobuf, walk};
use spanledger_schema::{Spans, Table as _, spans};

use crate::attributes::Attributes;
use crate::{Reader, view};

const REPORTED_COST: &str = "gen_ai.usage.cost";

/// No request that a collector takes is larger.
const REQUEST_BYTES_MAX: usize = 64 << 20;

/// A span, and why it is read as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// Lower-case hex.
    pub trace_id: String,
    /// Lower-case hex.
    pub span_id: String,
    /// Why.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// Of a stored span: what its row says of its price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<StoredPrice>,
    /// Of a stored span: how that differs from what the prices of today give, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
}

/// Explains the spans of an OTLP trace request, as protobuf or JSON, in their order. Spans that a collector would
/// reject are left out.
///
/// # Errors
/// When it is no such request.
pub fn explain_request(request: &[u8], prices: &Prices) -> Result<Vec<Explained>, Error> {
    let is_json = request.trim_ascii_start().starts_with(b"{");
    let wrong = |error| Error::caused("read an OTLP trace request", error);
    let body: Bytes = match is_json {
        true => json_to_protobuf(Message::Traces, request, REQUEST_BYTES_MAX).map_err(wrong)?.into(),
        false => Bytes::copy_from_slice(request),
    };
    let walked = walk(Message::Traces, &body).map_err(wrong)?;
    let rejected: Vec<u32> = walked.rejected.iter().map(|rejection| rejection.index).collect();
    let source = Source { body: &body, position: 0, arrival_unix_nano: 0, rejected: &rejected };
    let spans = decode_spans("explained", &[source]).map_err(wrong)?;
    explain_rows(&spans, prices).map_err(|error| Error::caused("read an OTLP trace request", error))
}

/// A span as the lake has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredSpan {
    /// Lower-case hex.
    pub trace_id: String,
    /// Lower-case hex.
    pub span_id: String,
    /// Name of the instrumentation scope.
    pub scope_name: Option<String>,
    /// Name of the span.
    pub name: String,
    /// When it began.
    pub start_unix_nano: i64,
    /// How long it took.
    pub duration_ns: i64,
    /// Its status is `ERROR`.
    pub is_error: bool,
    /// What is left of its attributes.
    pub attributes: Vec<(String, String)>,
    /// Columns that hold the exact text of an attribute, whose name is not kept: by their names.
    pub columns: Vec<(String, String)>,
    /// What it stands for.
    pub call_kind: Option<String>,
    /// What the sender says that it cost.
    pub reported_cost: Option<String>,
    /// Its counts by modality.
    pub usage_details: Vec<(String, String)>,
    /// What the row says of its price; none where it is not about GenAI.
    pub price: Option<StoredPrice>,
}

/// What a row says of its price: that of when it was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StoredPrice {
    /// USD, with twelve decimals.
    pub cost_total: Option<String>,
    /// `priced`, or why there is no cost.
    pub cost_status: Option<String>,
    /// The prices that were in force.
    pub price_version: Option<String>,
    /// The entry of the table.
    pub price_model_id: Option<String>,
}

/// The columns of the lake that hold an attribute's exact text, with the name that current conventions have for it.
pub fn stored_columns() -> Vec<(&'static str, String)> {
    let mut columns: Vec<(&'static str, String)> = Vec::new();
    for source in catalogue::sources() {
        let column = if source.column == "provider" { "provider_raw" } else { source.column };
        if column != "call_kind" && !columns.iter().any(|(known, _)| *known == column) {
            columns.push((column, source.from));
        }
    }
    columns
}

/// Explains a span of the lake. What a column holds is shown as the attribute that current conventions have for it,
/// whatever the sender called it.
pub fn explain_stored(stored: &StoredSpan, prices: &Prices) -> Explained {
    let names = stored_columns();
    let name_of =
        |column: &str| names.iter().find(|(known, _)| *known == column).map(|(_, name)| name.as_str());
    let mut attributes: Vec<(&str, &str)> =
        stored.attributes.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    for (column, text) in &stored.columns {
        match name_of(column) {
            Some(name) if !attributes.iter().any(|(known, _)| *known == name) => {
                attributes.push((name, text))
            }
            _ => {}
        }
    }
    let span = SpanView {
        scope_name: stored.scope_name.as_deref(),
        name: &stored.name,
        start_unix_nano: stored.start_unix_nano,
        duration_ns: stored.duration_ns,
        is_error: stored.is_error,
        attributes: &attributes,
        events: &[],
    };
    let mut explanation = explain(&span, prices);
    if stored.price.is_some() {
        explanation.price = price_of_row(stored, prices);
    }
    Explained {
        trace_id: stored.trace_id.clone(),
        span_id: stored.span_id.clone(),
        difference: difference(stored.price.as_ref(), explanation.price.as_ref(), prices),
        explanation,
        stored: stored.price.clone(),
    }
}

/// How the prices of today price a row. Its columns are settled: what its sender meant by them was found out when it
/// was accepted, and part of what told is no attribute of it any more.
fn price_of_row(stored: &StoredSpan, prices: &Prices) -> Option<Price> {
    let names = stored_columns();
    let name_of =
        |column: &str| names.iter().find(|(known, _)| *known == column).map(|(_, name)| name.as_str());
    let details: Vec<_> =
        stored.usage_details.iter().map(|(key, count)| (format!("gen_ai.usage.{key}"), count)).collect();
    let columns = stored.columns.iter().filter_map(|(column, text)| Some((name_of(column)?, text.as_str())));
    let details = details.iter().map(|(name, count)| (name.as_str(), count.as_str()));
    let kind = stored.call_kind.iter().map(|kind| (NORMALISED, kind.as_str()));
    let cost = stored.reported_cost.iter().map(|cost| (REPORTED_COST, cost.as_str()));
    let attributes: Vec<_> = columns.chain(details).chain(kind).chain(cost).collect();
    let span = SpanView {
        name: &stored.name,
        start_unix_nano: stored.start_unix_nano,
        duration_ns: stored.duration_ns,
        is_error: stored.is_error,
        attributes: &attributes,
        ..SpanView::default()
    };
    explain(&span, prices).price
}

/// What a row says, against what the prices of today say, where these are two things.
fn difference(stored: Option<&StoredPrice>, today: Option<&Price>, prices: &Prices) -> Option<String> {
    let (stored, today) = (stored?, today?);
    let total = today.cost.as_ref().map(|[_, _, total]| total);
    let is_same = stored.cost_total.as_ref() == total
        && stored.cost_status.as_ref() == Some(&today.status)
        && stored.price_model_id == today.entry;
    let cost = |total: Option<&String>, status: Option<&String>, entry: Option<&String>| {
        let status = status.map_or("without a status", String::as_str);
        let entry = entry.map_or_else(|| "no entry".to_owned(), |entry| format!("entry {entry}"));
        match total {
            Some(total) => format!("{total} USD ({status}, {entry})"),
            None => format!("no cost ({status}, {entry})"),
        }
    };
    let of_row =
        cost(stored.cost_total.as_ref(), stored.cost_status.as_ref(), stored.price_model_id.as_ref());
    let of_today = cost(total, Some(&today.status), today.entry.as_ref());
    let version = stored.price_version.as_deref().unwrap_or("prices that it does not name");
    (!is_same).then(|| {
        format!(
            "the row was priced with {version}: {of_row}; with the prices of today, {}, it would be {of_today}",
            prices.version()
        )
    })
}

fn explain_rows(spans: &Spans, prices: &Prices) -> Result<Vec<Explained>, ArrowError> {
    let reader = Reader::new(spans)?;
    let attributes = Attributes::new(spans.get(spans::SPAN_ATTRIBUTES))?;
    let mut explained = Vec::with_capacity(spans.len());
    for row in 0..spans.len() {
        let (mut pairs, mut events, mut event_pairs) = (Vec::new(), Vec::new(), Vec::new());
        let names = attributes.names(row).texts();
        let places: Vec<_> = (0..names.len()).collect();
        attributes.read(row, &names, &places, &mut pairs);
        reader.events.read(row, &mut events, &mut event_pairs);
        let views: Vec<_> = events.iter().map(|event| view(event, &event_pairs)).collect();
        let span = SpanView { attributes: &pairs, events: &views, ..reader.span(row) };
        explained.push(Explained {
            trace_id: spans.get(spans::TRACE_ID).value(row).to_owned(),
            span_id: spans.get(spans::SPAN_ID).value(row).to_owned(),
            explanation: explain(&span, prices),
            stored: None,
            difference: None,
        });
    }
    Ok(explained)
}
