//! The judge: each call of the provider stands in `spans` exactly once, with every value that its SDK sent.

use std::path::Path;

use serde_json::{Value, json};

use super::lacks::{self, Sends};
use super::provider::Call;
use crate::harness::duck;

/// What counts as a call, with the columns that the provider knows the truth of.
const ROWS: &str = "
select name, scope_name, start_time_unix_nano as start, start_time_unix_nano + duration_ns as end, provider, request_model,
  response_model, response_id, finish_reasons, is_stream, service_tier, input_tokens, output_tokens,
  cache_read_input_tokens, cache_write_input_tokens, reasoning_output_tokens,
  status_code = 'ERROR' or error_type is not null as error
from {spans} where billable order by start";

/// All that is wrong, in words; nothing when all is right.
pub fn judge(sdk: &str, calls: &[Call], lake: &Path) -> Vec<String> {
    let rows = duck::query(lake, ROWS);
    let mut wrong: Vec<String> = calls
        .iter()
        .flat_map(|call| {
            let found: Vec<&Value> = rows.iter().filter(|row| spans(row, call)).collect();
            let wrong = judge_call(sdk, call, &found);
            wrong
                .into_iter()
                .map(|wrong| format!("{} `{}`: {wrong}", call.api, call.scenario))
                .collect::<Vec<_>>()
        })
        .collect();
    let strange = rows.iter().filter(|row| !calls.iter().any(|call| spans(row, call)));
    wrong.extend(strange.map(|row| format!("counted, but no call of the provider: {row}")));
    wrong
}

/// Whether the span was open when the request came to the provider. The script makes one call after another.
fn spans(row: &Value, call: &Call) -> bool {
    let time = |column: &str| row[column].as_u64().unwrap();
    (time("start")..time("end")).contains(&call.received_unix_nano)
}

fn judge_call(sdk: &str, call: &Call, found: &[&Value]) -> Vec<String> {
    if lacks::sends(sdk, call, "span") == Some(&Sends::Nothing) {
        return found.iter().map(|row| format!("it has a span, against the table: {row}")).collect();
    }
    let [row] = found else {
        return vec![format!("counted {} times {found:?}", found.len())];
    };
    let columns = truth(call);
    columns
        .into_iter()
        .filter_map(|(column, truth)| judge_value(sdk, call, column, &truth, &row[column]))
        .collect()
}

fn judge_value(sdk: &str, call: &Call, column: &str, truth: &Value, stored: &Value) -> Option<String> {
    let right = stored == truth || is_nothing(stored) && is_nothing(truth);
    let as_told = match lacks::sends(sdk, call, column) {
        None => right,
        Some(Sends::Nothing) => is_nothing(stored),
        Some(Sends::Word(word)) => stored == &json!(word) || stored == &json!([word]),
        Some(Sends::MadeUp) => !is_nothing(stored) && !right,
    };
    let table = lacks::sends(sdk, call, column).map(|sends| format!(", and by the table {sends:?}"));
    (!as_told).then(|| format!("{column} is {stored}, in truth {truth}{}", table.unwrap_or_default()))
}

/// No SDK tells apart what is not there and what was not said, so this judge does not either.
fn is_nothing(value: &Value) -> bool {
    [Value::Null, json!(0), json!(false), json!([])].contains(value)
}

fn truth(call: &Call) -> Vec<(&'static str, Value)> {
    let usage = call.usage.filter(|_| call.usage_sent);
    vec![
        ("provider", json!(call.provider)),
        ("request_model", json!(call.request_model)),
        ("response_model", json!(call.response_model)),
        ("response_id", json!(call.response_id)),
        ("finish_reasons", call.finish_reason.map_or(Value::Null, |reason| json!([reason]))),
        ("is_stream", json!(call.streaming)),
        ("service_tier", json!(call.service_tier)),
        ("error", json!(call.is_error())),
        ("input_tokens", json!(usage.map(|usage| usage.input))),
        ("output_tokens", json!(usage.map(|usage| usage.output))),
        ("cache_read_input_tokens", json!(usage.map(|usage| usage.cache_read))),
        ("cache_write_input_tokens", json!(usage.map(|usage| usage.cache_write))),
        ("reasoning_output_tokens", json!(usage.and_then(|usage| usage.reasoning))),
    ]
}
