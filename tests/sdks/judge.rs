//! The judge: each call of the provider stands in the view `calls` exactly once, with every value that its SDK sent.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};

use super::lacks::{self, Lack, Sends};
use super::provider::Call;
use crate::harness::duck;

/// The view, as its file has it.
const CALLS: &str = include_str!("../../crates/schema/sql/calls.sql");

/// The columns that the provider knows the truth of, and when the call was.
const COLUMNS: &str = "
select scope_name, start_time_unix_nano as start, start_time_unix_nano + duration_ns as end, call_kind, provider,
  request_model, response_model, response_id, finish_reasons, is_stream, service_tier, input_tokens, output_tokens,
  cache_read_input_tokens, cache_write_input_tokens, reasoning_output_tokens,
  status_code = 'ERROR' or error_type is not null as error
from calls order by start";

/// What was sent about calls, every span that tells of one.
const SENT: &str = "
select start_time_unix_nano as start, start_time_unix_nano + duration_ns as end,
  concat_ws(' ', span_attributes::json, events::json) as sent
from {spans} where billable";

/// All that is wrong, in words; nothing when all is right.
pub fn judge(sdk: &str, calls: &[Call], lake: &Path) -> Vec<String> {
    let rows = rows(lake);
    let mut judge = Judge { sdk, sent: duck::query(lake, SENT), excused: HashSet::new() };
    let mut wrong = Vec::new();
    for call in calls {
        let found: Vec<&Value> = rows.iter().filter(|row| spans(row, call)).collect();
        let of_call = judge.call(call, &found);
        wrong.extend(of_call.into_iter().map(|wrong| format!("{} `{}`: {wrong}", call.api, call.scenario)));
    }
    let strange = rows.iter().filter(|row| !calls.iter().any(|call| spans(row, call)));
    wrong.extend(strange.map(|row| format!("counted, but no call of the provider: {row}")));
    wrong.extend(judge.needless());
    wrong
}

/// Every call in the files.
pub fn rows(lake: &Path) -> Vec<Value> {
    duck::query(lake, &format!("create view spans as from {{spans}}; {CALLS} {COLUMNS}"))
}

/// Whether the span was open when the request came to the provider. The script makes one call after another.
fn spans(row: &Value, call: &Call) -> bool {
    let time = |column: &str| row[column].as_u64().unwrap();
    (time("start")..time("end")).contains(&call.received_unix_nano)
}

struct Judge<'s> {
    sdk: &'s str,
    /// The attributes and events of every span that stands for a call, as they were sent.
    sent: Vec<Value>,
    /// Which rows of the table were needed, and for which of their columns.
    excused: HashSet<(usize, &'static str)>,
}

impl Judge<'_> {
    fn call(&mut self, call: &Call, found: &[&Value]) -> Vec<String> {
        if let Some((number, lack)) = lacks::of(self.sdk, call, lacks::SPAN) {
            self.excused.insert((number, lacks::SPAN));
            return found.iter().map(|row| format!("it has a span{}: {row}", by_the_table(lack))).collect();
        }
        let [row] = found else {
            return vec![format!("counted {} times {found:?}", found.len())];
        };
        let columns = truth(call);
        columns
            .into_iter()
            .filter_map(|(column, truth)| self.value(call, column, &truth, &row[column]))
            .collect()
    }

    fn value(&mut self, call: &Call, column: &'static str, truth: &Value, stored: &Value) -> Option<String> {
        // What was not said is empty; what is not there may be told as nothing, or not be told.
        let right = stored == truth || stored.is_null() && is_nothing(truth);
        let Some((number, lack)) = lacks::of(self.sdk, call, column) else {
            return (!right).then(|| format!("{column} is {stored}, in truth {truth}"));
        };
        if !right {
            self.excused.insert((number, column));
        }
        let as_told = match lack.sends {
            Sends::Nothing if self.is_sent(call, truth) => false,
            Sends::Nothing => stored.is_null() || right && is_nothing(truth),
            Sends::Word(word) => !right && (stored == word || stored == &json!([word])),
            Sends::MadeUp => !right && !stored.is_null(),
        };
        (!as_told).then(|| format!("{column} is {stored}, in truth {truth}{}", by_the_table(lack)))
    }

    /// Whether a name or a number stands as a word of its own in what was sent about a call. Reasons to finish are words
    /// of everyday use, and what the call has twice proves nothing.
    fn is_sent(&self, call: &Call, truth: &Value) -> bool {
        let word = match truth {
            Value::String(name) => name.clone(),
            Value::Number(number) => number.to_string(),
            _ => return false,
        };
        let is_twice = self::truth(call).iter().filter(|(_, other)| other == truth).count() > 1;
        let is_of_word = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let holds = |sent: &str| sent.split(|letter| !is_of_word(letter)).any(|part| part == word);
        let is_in = |row: &Value| row["sent"].as_str().is_some_and(holds);
        !is_twice && self.sent.iter().any(|row| spans(row, call) && is_in(row))
    }

    /// The rows of the table, by column, that excused nothing.
    fn needless(&self) -> impl Iterator<Item = String> {
        let columns =
            lacks::columns(self.sdk).filter(|(number, column, _)| !self.excused.contains(&(*number, column)));
        columns
            .map(|(_, column, lack)| format!("the table excuses {column} of no call{}", by_the_table(lack)))
    }
}

fn by_the_table(lack: &Lack) -> String {
    format!(", by the table {:?}: {}", lack.sends, lack.reason)
}

/// Few SDKs say that a number is 0 or that there is no stream.
fn is_nothing(value: &Value) -> bool {
    [Value::Null, json!(0), json!(false)].contains(value)
}

fn truth(call: &Call) -> Vec<(&'static str, Value)> {
    let usage = call.usage.filter(|_| call.usage_sent);
    let kind = if call.api == "embeddings" { "embedding" } else { "llm" };
    vec![
        ("call_kind", json!(kind)),
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
