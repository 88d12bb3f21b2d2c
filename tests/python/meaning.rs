//! What every captured call means, judged against what was true: the counts, names and outcomes in `meta.json`, by DuckDB
//! over the Parquet files. What a sender did not send cannot be known, and Python's decoder says what it sent; whatever is
//! on the wire and differs all the same stands in [`EXCEPTIONS`] with its reason.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::captures::{Capture, captures, decoded, send};
use crate::harness::{Setup, duck, tools};

const CONFIG: &str = "
receivers:
  otlp:
    protocols: {grpc: , http: }
extensions: {wal: , admin: , health_check: }
processors: {genai: }
exporters:
  parquet: {path: ./data/lake}
  nop:
service:
  extensions: [wal, admin, health_check]
  pipelines:
    traces: {receivers: [otlp], processors: [genai], exporters: [parquet]}
    logs: {receivers: [otlp], processors: [genai], exporters: [parquet]}
    metrics: {receivers: [otlp], exporters: [nop]}
";

/// A difference that is known: in which capture, of which field, what is true and what is read, and why.
struct Exception {
    capture: &'static str,
    field: &'static str,
    truth: &'static str,
    read: &'static str,
    why: &'static str,
}

const fn exception(
    capture: &'static str,
    field: &'static str,
    truth: &'static str,
    read: &'static str,
    why: &'static str,
) -> Exception {
    Exception { capture, field, truth, read, why }
}

const CLIENT: &str =
    "the OpenAI client calls every provider `openai`, and the address is that of the stand-in";
const ONE_MODEL: &str = "the sender names one model: the one that answered, where it knows";
const PARALLEL: &str = "two calls at once without a response id: nothing tells which span is whose";

/// `*` stands for any.
#[rustfmt::skip]
const EXCEPTIONS: &[Exception] = &[
    exception("*", "provider", "groq", "openai", CLIENT),
    exception("*", "provider", "azure.ai.openai", "openai", CLIENT),
    exception("*", "provider", "openrouter", "anthropic", CLIENT),
    exception("openinference-litellm", "output_tokens", "*", "*", PARALLEL),
    exception("dspy", "request_model", "*", "null", ONE_MODEL),
    exception("langfuse", "request_model", "*", "null", ONE_MODEL),
    exception("langfuse-js", "request_model", "*", "null", ONE_MODEL),
    exception("langfuse-v3", "request_model", "*", "null", ONE_MODEL),
    exception("openinference-js-openai", "request_model", "*", "null", ONE_MODEL),
    exception("openinference-openai-agents", "request_model", "*", "null", ONE_MODEL),
    exception("openinference-openai-agents", "finish_reason", "completed", "stop", "the SDK puts the status of a response into a chat's words"),
    exception("traceloop", "response_model", "anthropic/claude-sonnet-4.5", "claude-sonnet-4.5", "the SDK cuts the prefix"),
    exception("traceloop-0.45", "response_model", "anthropic/claude-sonnet-4.5", "claude-sonnet-4.5", "the SDK cuts the prefix"),
];

/// The row of a call, by the ids of its span.
fn rows(lake: &Path) -> BTreeMap<String, Value> {
    let rows = duck::query(
        lake,
        "select trace_id, span_id, start_time_unix_nano, name, billable, provider, request_model, response_model,
           response_id, finish_reasons, is_stream, status_code, session_id, user_id, service_tier,
           input_tokens, output_tokens, cache_read_input_tokens as cache_read_tokens,
           cache_write_input_tokens as cache_write_tokens, reasoning_output_tokens as reasoning_tokens
         from {spans}",
    );
    rows.into_iter().map(|row| (id(&row), row)).collect()
}

fn id(span: &Value) -> String {
    format!("{}/{}", span["trace_id"].as_str().unwrap(), span["span_id"].as_str().unwrap())
}

/// LiteLLM repeats what it sent to the provider in a span of its own, which is no call: the call is the one beside it.
fn call_beside<'r>(rows: &'r BTreeMap<String, Value>, row: &'r Value) -> &'r Value {
    let is_beside = |other: &&Value| {
        other["billable"] == true
            && other["trace_id"] == row["trace_id"]
            && other["start_time_unix_nano"] == row["start_time_unix_nano"]
    };
    if row["name"] == "raw_gen_ai_request" { rows.values().find(is_beside).unwrap() } else { row }
}

/// Whether a text stands in an attribute, as its whole value or as a value in its JSON.
fn is_sent(attributes: &Value, text: &str) -> bool {
    fn holds(value: &Value, text: &str) -> bool {
        match value {
            Value::String(found) => found == text,
            Value::Array(items) => items.iter().any(|item| holds(item, text)),
            Value::Object(items) => items.values().any(|item| holds(item, text)),
            _ => false,
        }
    }
    let values = attributes.as_object().unwrap().values().filter_map(Value::as_str);
    values.into_iter().any(|value| {
        value == text || serde_json::from_str(value).is_ok_and(|value: Value| holds(&value, text))
    })
}

struct Judge {
    capture: String,
    differences: Vec<String>,
    excused: Vec<&'static str>,
}

impl Judge {
    fn compare(&mut self, field: &str, truth: &Value, read: &Value, call: &Value) {
        if truth == read {
            return;
        }
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let fits = |pattern: &str, text: &str| pattern == "*" || pattern == text;
        let known = EXCEPTIONS.iter().find(|known| {
            fits(known.capture, &self.capture)
                && known.field == field
                && fits(known.truth, &word(truth))
                && fits(known.read, &word(read))
        });
        match known {
            Some(known) => self.excused.push(known.why),
            None => self.differences.push(format!(
                "{}, {}, {}: {field} is {truth}, read as {read}",
                self.capture, call["scenario"], call["span"]["name"]
            )),
        }
    }

    fn judge(&mut self, call: &Value, row: &Value, attributes: &Value) {
        self.compare("billable", &Value::Bool(true), &row["billable"], call);
        let lost: Vec<_> = call["usage_not_on_wire"].as_array().into_iter().flatten().collect();
        for count in
            ["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"]
        {
            if !lost.iter().any(|lost| *lost == count) {
                // A count of 0 may have been left out.
                let number = |value: &Value| Value::from(value.as_i64().unwrap_or(0));
                self.compare(count, &number(&call[count]), &number(&row[count]), call);
            }
        }
        let canonical =
            if call["provider"] == "xai" { Value::from("x_ai") } else { call["provider"].clone() };
        self.compare("provider", &canonical, &row["provider"], call);
        for field in
            ["request_model", "response_model", "response_id", "session_id", "user_id", "service_tier"]
        {
            let truth = &call[field];
            let is_asked_tier = field == "service_tier" && row[field].is_null();
            if truth.as_str().is_some_and(|text| is_sent(attributes, text)) && !is_asked_tier {
                self.compare(field, truth, &row[field], call);
            }
        }
        let reason = &row["finish_reasons"][0];
        if call["finish_reason"].as_str().is_some_and(|text| is_sent(attributes, text)) {
            self.compare("finish_reason", &call["finish_reason"], reason, call);
        }
        if !row["is_stream"].is_null() {
            self.compare("streaming", &call["streaming"], &row["is_stream"], call);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_captured_call_has_its_true_usage_names_and_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).config(CONFIG).start();
    let captures = captures();
    for capture in &captures {
        send(&collector, capture).await;
    }
    collector.flush().await;

    let rows = rows(&collector.setup.lake());
    let (mut differences, mut excused, mut judged) = (Vec::new(), Vec::new(), 0);
    let mut folders: Vec<&Path> = captures.iter().map(|capture| capture.path.parent().unwrap()).collect();
    folders.dedup();
    for folder in folders {
        let meta: Value = serde_json::from_slice(&std::fs::read(folder.join("meta.json")).unwrap()).unwrap();
        let files: Vec<&Path> = trace_files(&captures, folder);
        let sent = decoded(&files);
        let sent: BTreeMap<String, &Value> = sent.values().flatten().map(|span| (id(span), span)).collect();
        let capture = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut judge = Judge { capture, differences: Vec::new(), excused: Vec::new() };
        for call in meta["llm_calls"].as_array().unwrap().iter().filter(|call| call["span"].is_object()) {
            let row = call_beside(&rows, &rows[&id(&call["span"])]);
            judge.judge(call, row, &sent[&id(row)]["attributes"]);
            judged += 1;
        }
        differences.append(&mut judge.differences);
        excused.append(&mut judge.excused);
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert!(judged > 480, "{judged} calls were judged");
    for known in EXCEPTIONS {
        assert!(excused.contains(&known.why), "nothing differs any more: {} {}", known.field, known.why);
    }
}

fn trace_files<'c>(captures: &'c [Capture], folder: &Path) -> Vec<&'c Path> {
    let of_folder =
        captures.iter().filter(|capture| capture.path.starts_with(folder) && capture.signal == "traces");
    of_folder.map(|capture| capture.path.as_path()).collect()
}

/// What a row says, what is explained of it, and what is explained of the request it came in are one price: whatever its
/// sender meant by its numbers was found out when it was accepted.
#[tokio::test(flavor = "multi_thread")]
async fn a_stored_call_is_explained_with_the_price_that_its_row_has() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    let captures: Vec<_> = captures().into_iter().filter(|capture| capture.signal == "traces").collect();
    let mut traces = std::collections::BTreeSet::new();
    let mut sent = BTreeMap::new();
    for capture in &captures {
        send(&collector, capture).await;
        for span in explained(&[capture.path.to_str().unwrap()], folder.path()) {
            traces.insert(span["trace_id"].as_str().unwrap().to_owned());
            sent.insert(id(&span), span["price"].clone());
        }
    }
    collector.flush().await;
    let lake = collector.setup.lake();
    let mut priced = 0;
    for trace in &traces {
        for span in explained(&[trace, "--lake", lake.to_str().unwrap()], folder.path()) {
            assert_eq!(span.get("difference"), None, "{span}");
            let (price, stored) = (&span["price"], &span["stored"]);
            assert_eq!(price["status"], sent[&id(&span)]["status"], "{span}");
            if price["status"] == "priced" {
                priced += 1;
                let cost = &price["cost"];
                assert_eq!((&cost[2], cost), (&stored["cost_total"], &sent[&id(&span)]["cost"]), "{span}");
            }
        }
    }
    assert!(priced > 100, "{priced}");
}

fn explained(arguments: &[&str], folder: &Path) -> Vec<Value> {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_spanledger"));
    let output = command.args(["explain", "--json"]).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The explanation of a capture names the rule of every number, and the right price.
#[test]
fn explain_says_where_a_captured_number_comes_from() {
    let file = tools::captures().join("langfuse-js");
    let meta: Value = serde_json::from_slice(&std::fs::read(file.join("meta.json")).unwrap()).unwrap();
    let call = &meta["llm_calls"][0];
    let body = file.join(call["span"]["file"].as_str().unwrap());
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_spanledger"))
        .args(["explain", "--json"])
        .arg(&body)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let explained: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let span = explained.iter().find(|span| id(span) == id(&call["span"])).unwrap();
    assert_eq!(span["dialect"]["is"], "langfuse");
    let value = |field: &str| {
        span["values"].as_array().unwrap().iter().find(|value| value["field"] == field).unwrap()
    };
    assert_eq!(value("input_tokens")["value"], call["input_tokens"].to_string());
    assert_eq!(value("input_tokens")["from"], "langfuse.observation.usage_details at input*");
    assert_eq!(span["price"]["status"], "priced");
    let cost: f64 = span["price"]["cost"][2].as_str().unwrap().parse().unwrap();
    assert_eq!((cost * 1e9).round() as i64, call["cost_nano_usd_from_wire"].as_i64().unwrap());
}
