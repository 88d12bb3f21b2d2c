//! What holds of any input: it gives a result, the result is messages, and nothing that was moved into it is lost.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

use super::sources::ROWS;
use super::*;

/// Keys that mean something to some reader, and one that means nothing to any.
const KEYS: [&str; 40] = [
    "role",
    "type",
    "content",
    "parts",
    "text",
    "messages",
    "input",
    "prompt",
    "system",
    "tools",
    "choices",
    "message",
    "candidates",
    "generations",
    "output",
    "update",
    "finish_reason",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "call_id",
    "tool_call_id",
    "image_url",
    "url",
    "source",
    "data",
    "kwargs",
    "additional_kwargs",
    "toolUse",
    "toolResult",
    "functionCall",
    "inlineData",
    "thinking",
    "summary",
    "refusal",
    "event.name",
    "config",
    "mine",
];

/// Values that mean something to some reader.
const WORDS: [&str; 16] = [
    "user",
    "assistant",
    "tool",
    "text",
    "tool_call",
    "tool_use",
    "tool_result",
    "function_call",
    "reasoning",
    "constructor",
    "human",
    "ai",
    "image",
    "file",
    "message",
    "gen_ai.choice",
];

/// Texts of users, by which they are found again.
fn said() -> impl Strategy<Value = String> {
    (0_u32..1000).prop_map(|number| format!("said-{number}-"))
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => said().prop_map(Value::from),
        3 => select(&WORDS[..]).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<i32>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let keys = vec((select(&KEYS[..]), inner.clone()), 0..5);
        let object = keys.prop_map(|keys| {
            keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>()
        });
        prop_oneof![vec(inner, 0..4).prop_map(Value::from), object.prop_map(Value::from)]
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => json().prop_map(|json| json.to_string()),
        1 => json().prop_map(|json| Value::from(json.to_string()).to_string()),
        1 => (json(), any::<prop::sample::Index>()).prop_map(|(json, end)| {
            let text = json.to_string();
            text.chars().take(end.index(text.len() + 1)).collect()
        }),
        1 => json().prop_map(|json| json.to_string().replace('"', "'").replace("null", "None")),
        1 => any::<String>(),
    ]
}

fn name() -> impl Strategy<Value = String> {
    let indexed = (
        any::<u8>(),
        vec(
            prop_oneof![select(&KEYS[..]).prop_map(str::to_owned), (0..3).prop_map(|n: i32| n.to_string())],
            0..4,
        ),
    );
    (0..ROWS.len(), indexed).prop_map(|(row, (number, pieces))| match ROWS[row].attribute {
        head if head.ends_with('.') => format!("{head}{number}.{}", pieces.join(".")),
        name => name.to_owned(),
    })
}

fn kind() -> impl Strategy<Value = CallKind> {
    select(vec![CallKind::Llm, CallKind::Embedding, CallKind::Tool, CallKind::Agent])
}

fn texts<'c>(content: &'c Content<'_>) -> [Option<&'c str>; 6] {
    let said = [
        &content.input_messages,
        &content.output_messages,
        &content.system_instructions,
        &content.tool_definitions,
        &content.tool_arguments,
        &content.tool_result,
    ];
    said.map(|said| said.as_ref().map(Said::as_str))
}

/// The texts of users in a text.
fn said_in(text: &str) -> Vec<&str> {
    let words = text.match_indices("said-").filter_map(|(place, _)| {
        let rest = &text[place..];
        let end = rest[5..].find('-')? + 6;
        rest.get(..end).filter(|word| word[5..end - 1].bytes().all(|byte| byte.is_ascii_digit()))
    });
    words.collect()
}

proptest! {
    #[test]
    fn whatever_comes_gives_messages(attributes in vec((name(), text()), 0..6), kind in kind()) {
        let mut attributes: Vec<_> = attributes.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        attributes.sort();
        attributes.dedup_by_key(|(name, _)| *name);
        let content = read(&SpanView { attributes: &attributes, ..SpanView::default() }, kind);
        for messages in [&content.input_messages, &content.output_messages].into_iter().flatten() {
            if let Said::Rebuilt(text) = messages {
                let messages: Vec<Value> = serde_json::from_str(text).unwrap();
                for message in messages {
                    prop_assert!(message["role"].is_string() && message["parts"].is_array(), "{message}");
                    let parts = message["parts"].as_array().unwrap();
                    prop_assert!(parts.iter().all(|part| part["type"].is_string()), "{message}");
                }
            }
        }
        for said in [&content.system_instructions, &content.tool_definitions].into_iter().flatten() {
            if let Said::Rebuilt(text) = said {
                prop_assert!(serde_json::from_str::<Vec<Value>>(text).is_ok(), "{text}");
            }
        }
        let backwards: Vec<_> = attributes.iter().rev().copied().collect();
        let reversed = read(&SpanView { attributes: &backwards, ..SpanView::default() }, kind);
        prop_assert_eq!(texts(&content), texts(&reversed), "the order of attributes means nothing");
    }

    #[test]
    fn what_is_moved_is_all_there(name in name(), text in text(), kind in kind()) {
        let attributes = [(name.as_str(), text.as_str())];
        let content = read(&SpanView { attributes: &attributes, ..SpanView::default() }, kind);
        if content.moved == [0] {
            let all = texts(&content).into_iter().flatten().collect::<Vec<_>>().join(" ");
            for said in said_in(&text) {
                prop_assert!(all.contains(said), "{said} of {text} is not in {all}");
            }
        }
    }

    #[test]
    fn log_records_and_events_give_messages_or_nothing(body in text(), message in text(), place in 0_usize..7) {
        let names = ["gen_ai.user.message", "gen_ai.tool.message", "gen_ai.choice", "gen_ai.content.prompt",
            "gen_ai.client.inference.operation.details", "gen_ai.system.message", "exception"];
        let attributes = [("content", body.as_str()), ("message", message.as_str()), ("gen_ai.input.messages", body.as_str())];
        read_record(&RecordView { event_name: Some(names[place]), body: Some(&body), attributes: &attributes });
        let events = [crate::EventView { name: names[place], attributes: &attributes, ..crate::EventView::default() }];
        let content = read(&SpanView { events: &events, ..SpanView::default() }, CallKind::Llm);
        for said in texts(&content).into_iter().flatten() {
            prop_assert!(serde_json::from_str::<Vec<Value>>(said).is_ok(), "{said}");
        }
    }
}
