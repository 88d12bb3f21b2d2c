//! What real SDKs recorded of conversations stands in the messages, with the right role. What is expected was counted in
//! the raw attributes, without reading their structure.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of a test may stop it where its own data is wrong"
)]
#![allow(dead_code, reason = "each test file uses a part of what they share")]

mod support;

use arrow_array::cast::AsArray;
use arrow_array::{Array, StringViewArray};
use serde_json::Value;
use spanledger_component::{Processor, Rows, Signal};
use spanledger_processor_genai::Genai;
use spanledger_schema::{Column, Logs, Spans, Table, Text, logs, spans};
use spanledger_telemetry::Meter;
use spanledger_testkit::{captures, rows::decoded};

use support::captured;

/// What users ask in the captured scenarios.
const QUESTIONS: [&str; 30] = [
    "Which shoes are good for rain?",
    "Say hi",
    "Write a line",
    "What is the weather in Paris?",
    "Name a season",
    "Describe a ",
    "Plan a trip",
    "Capital of France?",
    "Give me two slogans",
    "How many?",
    "red shoes",
    "Tell me about",
    "Hi 1",
    "Hello",
    "Which size do I need?",
    "Thanks, and in blue?",
    "Trigger a ",
    "A forbidden topic",
    "strawberry",
    "cut the line",
    "too long",
    "long story",
    "How many legs",
    "May I",
    "And after 40 days?",
    "And later?",
    "And with a gift card?",
    "Refund?",
    "Give a city",
    "Write on",
];

/// How the provider of the captures begins each answer.
const ANSWER: &str = "The answer depends on";

/// Attributes in which SDKs record what went in, and what came out, by the beginnings of their names.
const INPUTS: [&str; 8] = [
    "gen_ai.input.messages",
    "llm.input_messages.",
    "input.value",
    "gen_ai.prompt",
    "langfuse.observation.input",
    "mlflow.spanInputs",
    "traceloop.entity.input",
    "embedding.embeddings.",
];
const OUTPUTS: [&str; 7] = [
    "gen_ai.output.messages",
    "llm.output_messages.",
    "output.value",
    "gen_ai.completion",
    "langfuse.observation.output",
    "mlflow.spanOutputs",
    "traceloop.entity.output",
];

/// In how many spans of each capture a question and an answer are recorded, as a search in the raw requests counts them.
const RECORDED: [(&str, usize, usize); 27] = [
    ("agent-framework", 7, 4),
    ("autogen", 0, 0),
    ("crewai", 0, 2),
    ("dspy", 10, 0),
    ("langfuse", 55, 45),
    ("langfuse-js", 11, 8),
    ("langfuse-v3", 41, 31),
    ("langsmith", 15, 19),
    ("litellm-proxy", 5, 6),
    ("litellm-sdk", 17, 16),
    ("mlflow", 3, 3),
    ("openinference", 44, 30),
    ("openinference-js-openai", 8, 7),
    ("openinference-langchain", 19, 23),
    ("openinference-litellm", 17, 17),
    ("openinference-openai-agents", 3, 3),
    ("openlit", 35, 32),
    ("otel-js-openai", 0, 0),
    ("otel-openai-agents-v2", 5, 6),
    ("otel-openai-v2", 0, 0),
    ("otel-openai-v2-latest-experimental", 26, 20),
    ("otel-openai-v2-legacy", 0, 0),
    ("semantic-kernel", 1, 1),
    ("strands", 14, 6),
    ("traceloop", 46, 34),
    ("traceloop-0.45", 42, 33),
    ("traceloop-js", 9, 10),
];

/// A span of a capture: its raw attributes and events.
struct Raw<'a> {
    attributes: Vec<(&'a str, &'a str)>,
    events: Vec<(&'a str, Vec<(&'a str, &'a str)>)>,
}

impl<'a> Raw<'a> {
    fn of(spans: &'a Spans, row: usize) -> Self {
        let map = spans.get(spans::SPAN_ATTRIBUTES);
        let attributes = pairs(map.keys(), map.values(), &map.value_offsets()[row..]);
        let list = spans.get(spans::EVENTS);
        let events = list.values().as_struct();
        let maps = events.column_by_name("attributes").unwrap().as_map();
        let names = events.column_by_name("name").unwrap().as_string_view();
        let places = list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
        let attributes_of = |place: usize| pairs(maps.keys(), maps.values(), &maps.value_offsets()[place..]);
        let events = places.map(|place| (names.value(place), attributes_of(place)));
        Self { attributes, events: events.collect() }
    }

    /// All that is recorded under these names, or in events of this kind, in one text.
    fn recorded(&self, heads: &[&str], is_event: fn(&str) -> bool) -> String {
        let attributes =
            self.attributes.iter().filter(|(name, _)| heads.iter().any(|head| name.starts_with(head)));
        let events =
            self.events.iter().filter(|(name, _)| is_event(name)).flat_map(|(_, attributes)| attributes);
        attributes.chain(events).map(|(_, text)| *text).collect::<Vec<_>>().join(" ")
    }
}

fn pairs<'a>(names: &'a dyn Array, texts: &'a dyn Array, offsets: &[i32]) -> Vec<(&'a str, &'a str)> {
    let (names, texts) = (names.as_string_view(), texts.as_string_view());
    (offsets[0] as usize..offsets[1] as usize).map(|place| (names.value(place), texts.value(place))).collect()
}

fn is_any_in(texts: &[&str], text: &str) -> bool {
    texts.iter().any(|known| text.contains(known))
}

/// The texts that somebody of this role says.
fn texts_of(messages: &str, role: &str) -> String {
    let messages: Value = serde_json::from_str(messages).unwrap();
    let of_role = messages.as_array().unwrap().iter().filter(|message| message["role"] == role);
    let parts = of_role.flat_map(|message| message["parts"].as_array().unwrap());
    parts
        .filter(|part| part["type"] == "text")
        .map(|part| part["content"].as_str().unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_question_and_the_answer_of_every_captured_span_are_there() {
    let (mut counted, mut all_wrong) = (Vec::new(), Vec::new());
    for (sdk, ..) in RECORDED {
        let sent = captured(sdk);
        let spans = process(Rows::Spans(sent.clone()), |rows| match rows {
            Rows::Spans(spans) => Some(spans),
            _ => None,
        });
        let (mut asked, mut answered) = (0, 0);
        for row in 0..spans.len() {
            let raw = Raw::of(&sent, row);
            let text = |column: Column<Text>| {
                let column = spans.get(column);
                column.is_valid(row).then(|| column.value(row))
            };
            let input = text(spans::INPUT_MESSAGES).map(|said| texts_of(said, "user"));
            let output = text(spans::OUTPUT_MESSAGES).map(|said| texts_of(said, "assistant"));
            let input = input.or(text(spans::TOOL_ARGUMENTS).map(str::to_owned)).unwrap_or_default();
            let output = output.or(text(spans::TOOL_RESULT).map(str::to_owned)).unwrap_or_default();
            let name = spans.get(spans::NAME).value(row);
            let is_asked = is_any_in(&QUESTIONS, &raw.recorded(&INPUTS, |event| event.ends_with(".message")));
            let is_answered = raw.recorded(&OUTPUTS, |event| event == "gen_ai.choice").contains(ANSWER);
            if (is_any_in(&QUESTIONS, &input), output.contains(ANSWER)) != (is_asked, is_answered) {
                all_wrong.push(format!("{sdk} {name}: {input:.200} -> {output:.200}"));
            }
            asked += usize::from(is_asked);
            answered += usize::from(is_answered);
        }
        counted.push((sdk, asked, answered));
    }
    assert_eq!(all_wrong, [""; 0]);
    assert_eq!(counted, RECORDED);
}

fn process<T>(rows: Rows, of: fn(Rows) -> Option<T>) -> T {
    of(Genai::new(&Meter::default(), "genai").process(rows).unwrap()).unwrap()
}

fn process_records(rows: Rows) -> Logs {
    process(rows, |rows| match rows {
        Rows::Logs(records) => Some(records),
        _ => None,
    })
}

fn captured_records(sdk: &str) -> Logs {
    process_records(decoded(Signal::Logs, 1, &captures::bodies_of(sdk, Signal::Logs)))
}

fn text(records: &Logs, column: Column<Text>, row: usize) -> Option<&str> {
    let column: &StringViewArray = records.get(column);
    column.is_valid(row).then(|| column.value(row))
}

/// The body of a record, which Semantic Kernel sends as the text of one.
fn body(records: &Logs, row: usize) -> Value {
    text(records, logs::BODY, row).and_then(|body| serde_json::from_str(body).ok()).unwrap_or(Value::Null)
}

#[test]
fn messages_of_log_records_are_read_and_the_records_stay() {
    // System, user, assistant, tool, choice: as counted in the raw requests.
    for (sdk, expected) in [
        // One more choice was filtered, and has no content.
        ("otel-openai-v2-legacy", [7, 31, 4, 2, 24]),
        ("otel-js-openai", [2, 9, 0, 0, 7]),
        ("semantic-kernel", [6, 7, 2, 2, 6]),
    ] {
        let records = captured_records(sdk);
        let mut found = [0; 5];
        for row in 0..records.len() {
            let attributes = records.get(logs::LOG_ATTRIBUTES);
            let attributes =
                pairs(attributes.keys(), attributes.values(), &attributes.value_offsets()[row..]);
            let event =
                attributes.iter().find(|(name, _)| *name == "event.name").map_or("", |(_, text)| *text);
            let names = [
                "gen_ai.system.message",
                "gen_ai.user.message",
                "gen_ai.assistant.message",
                "gen_ai.tool.message",
                "gen_ai.choice",
            ];
            let Some(place) = names.iter().position(|name| *name == event) else { continue };
            let role = ["system", "user", "assistant", "tool", "assistant"][place];
            let sent = body(&records, row);
            let (column, sent) = match place {
                4 => (logs::OUTPUT_MESSAGES, &sent["message"]),
                _ => (logs::INPUT_MESSAGES, &sent),
            };
            if sent["content"].is_null() && sent["tool_calls"].is_null() {
                assert_eq!(text(&records, column, row), None);
                continue;
            }
            let messages: Value = serde_json::from_str(text(&records, column, row).unwrap()).unwrap();
            assert_eq!(messages[0]["role"], role, "{sdk}: {sent}");
            match (&sent["content"], role) {
                (Value::Null, _) => {
                    assert_eq!(messages[0]["parts"][0]["name"], sent["tool_calls"][0]["function"]["name"])
                }
                (content, "tool") => assert_eq!(messages[0]["parts"][0]["response"], *content),
                (content, _) => assert_eq!(messages[0]["parts"][0]["content"], *content),
            }
            assert_eq!(text(&records, logs::CALL_KIND, row), Some("llm"));
            found[place] += 1;
        }
        assert_eq!(found, expected, "{sdk}");
    }
}

#[test]
fn records_of_all_messages_of_a_call_are_read() {
    let records = captured_records("otel-js-openai");
    let details: Vec<_> = (0..records.len())
        .filter(|row| {
            text(&records, logs::EVENT_NAME, *row) == Some("gen_ai.client.inference.operation.details")
        })
        .collect();
    let said = |column| details.iter().filter_map(|row| text(&records, column, *row)).collect::<Vec<_>>();
    assert_eq!(
        said(logs::INPUT_MESSAGES),
        [r#"[{"role":"user","parts":[{"type":"text","content":"Say hi"}]}]"#]
    );
    let answers = said(logs::OUTPUT_MESSAGES);
    assert_eq!(answers.len(), 1);
    assert!(texts_of(answers[0], "assistant").starts_with(ANSWER));
}

#[test]
fn log_records_without_messages_pass_as_they_are() {
    let records = Logs::empty();
    let passed = process_records(Rows::Logs(records.clone()));
    assert_eq!(passed.batch(), records.batch());
}
