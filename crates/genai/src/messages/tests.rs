//! Each case was written by hand from the provider's or the SDK's own description of its shape.

use serde_json::{Value, json};

use super::*;
use crate::EventView;

fn content<'a>(attributes: &'a [(&'a str, &'a str)], kind: CallKind) -> Content<'a> {
    read(&SpanView { attributes, ..SpanView::default() }, kind)
}

fn json_of(said: Option<&Said<'_>>) -> Value {
    said.map_or(Value::Null, |said| serde_json::from_str(said.as_str()).unwrap())
}

/// What a text reads as on the side of an attribute that may hold anything.
fn input(text: &str) -> Value {
    let attributes = [("langfuse.observation.input", text)];
    json_of(content(&attributes, CallKind::Llm).input_messages.as_ref())
}

fn output(text: &str) -> Value {
    let attributes = [("langfuse.observation.output", text)];
    json_of(content(&attributes, CallKind::Llm).output_messages.as_ref())
}

#[track_caller]
fn parts_of(part: &Value, expected: &Value) {
    let text = json!([{"role": "user", "content": [part]}]).to_string();
    assert_eq!(input(&text), json!([{"role": "user", "parts": [expected]}]), "{part}");
}

fn user(text: &str) -> Value {
    json!({"role": "user", "parts": [{"type": "text", "content": text}]})
}

fn assistant(text: &str) -> Value {
    json!({"role": "assistant", "parts": [{"type": "text", "content": text}]})
}

#[test]
fn what_is_in_shape_already_stays_as_it_was_sent() {
    let messages = r#"[ {"role": "user", "parts": [{"type": "text", "content": "Say hi"}]} ]"#;
    let attributes = [("my.own", "1"), ("gen_ai.input.messages", messages)];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(content.input_messages, Some(Said::Sent { attribute: 1, text: messages }));
    assert_eq!(content.moved, [1]);
    assert_eq!(content.bytes(), Some(messages.len()));
}

#[test]
fn openai_chat_is_read() {
    let messages = json!([
        {"role": "system", "content": "Be terse"},
        {"role": "user", "content": "Weather?", "name": "Ada"},
        {"role": "assistant", "content": null, "refusal": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Paris\"}"}},
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": "18"},
    ]);
    let expected = json!([
        {"role": "system", "parts": [{"type": "text", "content": "Be terse"}]},
        {"role": "user", "parts": [{"type": "text", "content": "Weather?"}], "name": "Ada"},
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Paris"}},
        ]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "18"}]},
    ]);
    assert_eq!(input(&messages.to_string()), expected);
    let tools = json!([{"type": "function", "function": {"name": "weather", "description": "now", "parameters": {"type": "object"}}}]);
    let request = json!({"model": "gpt-4o", "messages": messages, "tools": tools}).to_string();
    let attributes = [("langfuse.observation.input", request.as_str())];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(json_of(content.input_messages.as_ref()), expected);
    assert_eq!(
        json_of(content.tool_definitions.as_ref()),
        json!([{"type": "function", "name": "weather", "description": "now", "parameters": {"type": "object"}}])
    );
    assert_eq!(content.moved, [0; 0], "the model is in the attribute alone");
}

#[test]
fn openai_answers_have_one_message_a_choice() {
    let answer = json!({"id": "chatcmpl-1", "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "One", "reasoning_content": "Hm"}},
        {"index": 1, "finish_reason": "length", "message": {"role": "assistant", "content": null, "refusal": "No"}},
    ]});
    let expected = json!([
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "Hm"}, {"type": "text", "content": "One"}], "finish_reason": "stop"},
        {"role": "assistant", "parts": [{"type": "refusal", "content": "No"}], "finish_reason": "length"},
    ]);
    assert_eq!(output(&answer.to_string()), expected);
    let completion = json!({"choices": [{"text": "Once", "finish_reason": "stop"}]});
    let mut message = assistant("Once");
    message["finish_reason"] = json!("stop");
    assert_eq!(output(&completion.to_string()), json!([message]));
}

#[test]
fn openai_responses_are_read() {
    let request = json!({"instructions": "Be short", "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Look"}, {"type": "summary_text", "text": "it up"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": "{\"city\":\"Paris\"}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "18"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
    ]});
    let text = request.to_string();
    let attributes = [("mlflow.spanInputs", text.as_str())];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(
        json_of(content.system_instructions.as_ref()),
        json!([{"type": "text", "content": "Be short"}])
    );
    assert_eq!(
        json_of(content.input_messages.as_ref()),
        json!([
            user("Weather?"),
            {"role": "assistant", "parts": [{"type": "reasoning", "content": "Look\n\nit up", "id": "rs_1"}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Paris"}, "id_": "fc_1"}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "18"}]},
            {"role": "assistant", "parts": [{"type": "server_tool_call", "id": "ws_1", "name": "web_search",
                "server_tool_call": {"type": "web_search_call", "status": "completed"}}]},
        ])
    );
    assert_eq!(content.moved, [0], "all of it is in the columns");
    let answer = json!({"id": "resp_1", "object": "response", "output": [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "18 degrees", "annotations": []}]},
    ]});
    assert_eq!(output(&answer.to_string()), json!([assistant("18 degrees")]));
}

#[test]
fn anthropic_is_read() {
    let request = json!({"system": "You are a poet", "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "s1"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Paris"}},
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "18"}]}]},
    ]});
    let text = request.to_string();
    let attributes = [("input.value", text.as_str())];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(
        json_of(content.system_instructions.as_ref()),
        json!([{"type": "text", "content": "You are a poet"}])
    );
    assert_eq!(
        json_of(content.input_messages.as_ref()),
        json!([
            {"role": "user", "parts": [{"type": "text", "content": "Look"}, {"type": "blob", "mime_type": "image/png", "modality": "image", "content": "aGk="}]},
            {"role": "assistant", "parts": [
                {"type": "reasoning", "content": "Hm", "signature": "s1"},
                {"type": "reasoning", "content": "", "data": "x"},
                {"type": "tool_call", "id": "toolu_1", "name": "weather", "arguments": {"city": "Paris"}},
            ]},
            {"role": "user", "parts": [{"type": "tool_call_response", "id": "toolu_1", "response": "18"}]},
        ])
    );
    let answer = json!({"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "Rain"}], "stop_reason": "end_turn"});
    assert_eq!(
        output(&answer.to_string()),
        json!([{"role": "assistant", "parts": [{"type": "text", "content": "Rain"}], "finish_reason": "end_turn", "id": "msg_1"}])
    );
}

#[test]
fn bedrock_converse_is_read() {
    let request = json!({"system": [{"text": "Be terse"}], "messages": [
        {"role": "user", "content": [{"text": "Weather?"}, {"image": {"format": "png", "source": {"bytes": "aGk="}}}]},
        {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}},
            {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Paris"}}},
        ]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "status": "success", "content": [{"text": "18"}]}}]},
    ], "toolConfig": {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}]}});
    let text = request.to_string();
    let attributes = [("traceloop.entity.input", text.as_str())];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(
        json_of(content.input_messages.as_ref()),
        json!([
            {"role": "user", "parts": [{"type": "text", "content": "Weather?"}, {"type": "blob", "mime_type": "image/png", "modality": "image", "content": "aGk="}]},
            {"role": "assistant", "parts": [
                {"type": "reasoning", "content": "Hm", "signature": "s"},
                {"type": "tool_call", "id": "t1", "name": "weather", "arguments": {"city": "Paris"}},
            ]},
            {"role": "user", "parts": [{"type": "tool_call_response", "id": "t1", "response": "18", "status": "success"}]},
        ])
    );
    assert_eq!(
        json_of(content.system_instructions.as_ref()),
        json!([{"type": "text", "content": "Be terse"}])
    );
    assert_eq!(
        json_of(content.tool_definitions.as_ref()),
        json!([{"type": "function", "name": "weather", "parameters": {"type": "object"}}])
    );
    let answer = json!({"output": {"message": {"role": "assistant", "content": [{"text": "18"}]}}, "stopReason": "end_turn"});
    let mut message = assistant("18");
    message["finish_reason"] = json!("end_turn");
    assert_eq!(output(&answer.to_string()), json!([message]));
}

#[test]
fn gemini_is_read_in_both_spellings() {
    let request = json!({"model": "gemini-3", "config": {
        "system_instruction": "Be terse",
        "tools": [{"function_declarations": [{"name": "weather", "parameters": {"type": "OBJECT"}}]}],
    }, "contents": [
        {"role": "user", "parts": [{"text": "Weather?"}, {"inline_data": {"mime_type": "audio/wav", "data": "aGk="}}]},
        {"role": "model", "parts": [{"text": "Hm", "thought": true}, {"functionCall": {"name": "weather", "args": {"city": "Paris"}}, "thoughtSignature": "s"}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"result": 18}}}]},
        {"role": "user", "parts": [{"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v"}}]},
    ]});
    let text = request.to_string();
    let attributes = [("gcp.vertex.agent.llm_request", text.as_str())];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(
        json_of(content.input_messages.as_ref()),
        json!([
            {"role": "user", "parts": [{"type": "text", "content": "Weather?"}, {"type": "blob", "mime_type": "audio/wav", "modality": "audio", "content": "aGk="}]},
            {"role": "assistant", "parts": [
                {"type": "reasoning", "content": "Hm"},
                {"type": "tool_call", "name": "weather", "arguments": {"city": "Paris"}, "thoughtSignature": "s"},
            ]},
            {"role": "user", "parts": [{"type": "tool_call_response", "response": {"result": 18}, "name": "weather"}]},
            {"role": "user", "parts": [{"type": "uri", "mime_type": "video/mp4", "modality": "video", "uri": "gs://b/v"}]},
        ])
    );
    assert_eq!(
        json_of(content.system_instructions.as_ref()),
        json!([{"type": "text", "content": "Be terse"}])
    );
    assert_eq!(
        json_of(content.tool_definitions.as_ref()),
        json!([{"type": "function", "name": "weather", "parameters": {"type": "OBJECT"}}])
    );
    let mut message = assistant("18");
    message["finish_reason"] = json!("STOP");
    let answer = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "18"}]}, "finishReason": "STOP"}]});
    assert_eq!(output(&answer.to_string()), json!([message]));
    let adk = json!({"content": {"role": "model", "parts": [{"text": "18"}]}, "finish_reason": "STOP", "usage_metadata": {"x": 1}});
    assert_eq!(output(&adk.to_string()), json!([message]));
}

#[test]
fn vercel_is_read() {
    let messages = json!([
        {"role": "system", "content": "Be terse"},
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "file", "mediaType": "image/png", "data": "https://x.y/z.png"}]},
        {"role": "assistant", "content": [{"type": "reasoning", "text": "Hm"}, {"type": "tool-call", "toolCallId": "c1", "toolName": "weather", "input": {"city": "Paris"}}]},
        {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "c1", "toolName": "weather", "output": {"type": "json", "value": 18}}]},
    ]);
    let (text, calls) =
        (messages.to_string(), r#"[{"toolCallId":"c2","toolName":"add","args":"{\"a\":1}"}]"#);
    let attributes = [
        ("ai.response.toolCalls", calls),
        ("ai.response.text", "It is warm"),
        ("ai.response.finishReason", "stop"),
        ("ai.prompt.messages", text.as_str()),
        (
            "ai.prompt.tools",
            r#"["{\"type\":\"function\",\"name\":\"add\",\"inputSchema\":{\"type\":\"object\"}}"]"#,
        ),
    ];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(
        json_of(content.input_messages.as_ref()),
        json!([
            {"role": "system", "parts": [{"type": "text", "content": "Be terse"}]},
            {"role": "user", "parts": [{"type": "text", "content": "Look"}, {"type": "uri", "mime_type": "image/png", "modality": "image", "uri": "https://x.y/z.png"}]},
            {"role": "assistant", "parts": [{"type": "reasoning", "content": "Hm"}, {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Paris"}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": {"type": "json", "value": 18}, "toolName": "weather"}]},
        ])
    );
    assert_eq!(
        json_of(content.output_messages.as_ref()),
        json!([{"role": "assistant", "parts": [
            {"type": "text", "content": "It is warm"},
            {"type": "tool_call", "id": "c2", "name": "add", "arguments": {"a": 1}},
        ], "finish_reason": "stop"}])
    );
    assert_eq!(
        json_of(content.tool_definitions.as_ref()),
        json!([{"type": "function", "name": "add", "parameters": {"type": "object"}}])
    );
    let outer = json!({"system": "Be terse", "prompt": "Say hi"}).to_string();
    let attributes = [("ai.prompt", outer.as_str()), ("ai.response.object", r#"{"a":1}"#)];
    let content = self::content(&attributes, CallKind::Agent);
    assert_eq!(json_of(content.input_messages.as_ref()), json!([user("Say hi")]));
    assert_eq!(
        json_of(content.system_instructions.as_ref()),
        json!([{"type": "text", "content": "Be terse"}])
    );
    assert_eq!(json_of(content.output_messages.as_ref()), json!([assistant(r#"{"a":1}"#)]));
}

#[test]
fn embeddings_are_questions_and_vectors_are_no_answers() {
    let attributes =
        [("ai.values", r#"["\"red\"","\"blue\""]"#), ("output.value", r#"{"data":[{"embedding":[1]}]}"#)];
    let content = content(&attributes, CallKind::Embedding);
    assert_eq!(json_of(content.input_messages.as_ref()), json!([user("red"), user("blue")]));
    assert_eq!((content.output_messages, content.moved), (None, vec![0]));
    let attributes = [
        ("embedding.embeddings.1.embedding.text", "blue"),
        ("embedding.embeddings.0.embedding.text", "red"),
        ("embedding.embeddings.0.embedding.vector", "[0.1]"),
    ];
    let content = self::content(&attributes, CallKind::Embedding);
    assert_eq!(json_of(content.input_messages.as_ref()), json!([user("red"), user("blue")]));
    assert_eq!(content.moved, [0, 1], "vectors stay");
}

#[test]
fn langchain_is_read() {
    let prompt = json!({"messages": [[
        {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "SystemMessage"], "kwargs": {"content": "Be terse", "type": "system"}},
        {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "HumanMessage"], "kwargs": {"content": "Weather?"}},
    ]]});
    let expected =
        json!([{"role": "system", "parts": [{"type": "text", "content": "Be terse"}]}, user("Weather?")]);
    assert_eq!(input(&prompt.to_string()), expected);
    let answer = json!({"generations": [[{"text": "", "generation_info": {"finish_reason": "tool_calls"}, "type": "ChatGeneration", "message":
        {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "AIMessage"], "kwargs": {"content": "", "type": "ai",
            "tool_calls": [{"name": "weather", "args": {"city": "Paris"}, "id": "call_1", "type": "tool_call"}], "invalid_tool_calls": []}}}]]});
    let called = json!({"role": "assistant", "parts": [{"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Paris"}}], "finish_reason": "tool_calls"});
    assert_eq!(output(&answer.to_string()), json!([called]));
    let state = json!({"messages": [
        {"type": "human", "data": {"content": "Weather?", "type": "human"}},
        {"type": "tool", "content": "18", "tool_call_id": "call_1", "name": "weather"},
    ]});
    let answered = json!({"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "18"}], "name": "weather"});
    assert_eq!(input(&state.to_string()), json!([user("Weather?"), answered]));
    let graph =
        json!([{"graph": null, "update": {"messages": [{"type": "ai", "content": "18"}]}, "goto": []}]);
    assert_eq!(output(&graph.to_string()), json!([assistant("18")]));
}

#[test]
fn genkit_is_read() {
    let request = json!({"messages": [
        {"role": "system", "content": [{"text": "Be terse"}]},
        {"role": "user", "content": [{"media": {"url": "data:image/png;base64,aGk=", "contentType": "image/png"}}]},
        {"role": "model", "content": [{"toolRequest": {"ref": "1", "name": "add", "input": {"a": 1}}}]},
        {"role": "tool", "content": [{"toolResponse": {"ref": "1", "name": "add", "output": 3}}]},
    ]});
    assert_eq!(
        input(&request.to_string()),
        json!([
            {"role": "system", "parts": [{"type": "text", "content": "Be terse"}]},
            {"role": "user", "parts": [{"type": "blob", "mime_type": "image/png", "modality": "image", "content": "aGk="}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "1", "name": "add", "arguments": {"a": 1}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": 3, "name": "add"}]},
        ])
    );
    let answer = json!({"message": {"role": "model", "content": [{"text": "3"}]}, "finishReason": "stop", "usage": {"inputTokens": 1}});
    let mut message = assistant("3");
    message["finish_reason"] = json!("stop");
    assert_eq!(output(&answer.to_string()), json!([message]));
}

#[test]
fn media_are_read_whoever_sends_them() {
    let https = "https://x.y/cat.png";
    for (part, expected) in [
        (
            json!({"type": "image_url", "image_url": {"url": https, "detail": "low"}}),
            json!({"type": "uri", "modality": "image", "uri": https, "detail": "low"}),
        ),
        (
            json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}),
            json!({"type": "blob", "mime_type": "image/png", "modality": "image", "content": "aGk="}),
        ),
        (
            json!({"type": "input_image", "image_url": https}),
            json!({"type": "uri", "modality": "image", "uri": https}),
        ),
        (
            json!({"type": "input_image", "file_id": "f1"}),
            json!({"type": "file", "modality": "image", "file_id": "f1"}),
        ),
        (
            json!({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}),
            json!({"type": "blob", "mime_type": "audio/wav", "modality": "audio", "content": "aGk="}),
        ),
        (
            json!({"type": "file", "file": {"file_id": "f1"}}),
            json!({"type": "file", "modality": "document", "file_id": "f1"}),
        ),
        (
            json!({"type": "input_file", "file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"}),
            json!({"type": "blob", "mime_type": "application/pdf", "modality": "document", "content": "aGk=", "filename": "a.pdf"}),
        ),
        (
            json!({"type": "image", "source": {"type": "url", "url": https}}),
            json!({"type": "uri", "modality": "image", "uri": https}),
        ),
        (
            json!({"type": "document", "source": {"type": "file", "file_id": "f1"}, "title": "T"}),
            json!({"type": "file", "modality": "document", "file_id": "f1", "title": "T"}),
        ),
        (
            json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}}),
            json!({"type": "text", "content": "hi", "mime_type": "text/plain"}),
        ),
        (
            json!({"type": "image", "image": https, "mediaType": "image/png"}),
            json!({"type": "uri", "mime_type": "image/png", "modality": "image", "uri": https}),
        ),
        (json!({"type": "new_thing", "x": null, "y": 1}), json!({"type": "new_thing", "x": null, "y": 1})),
        (json!({"x": 1}), json!({"type": "text", "content": "{\"x\":1}"})),
        (
            json!({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"q": "x"}}),
            json!({"type": "server_tool_call", "id": "s1", "name": "web_search", "server_tool_call": {"type": "web_search", "input": {"q": "x"}}}),
        ),
        (
            json!({"type": "web_search_tool_result", "tool_use_id": "s1", "content": [1]}),
            json!({"type": "server_tool_call_response", "id": "s1", "server_tool_call_response": {"type": "web_search_tool_result", "content": [1]}}),
        ),
    ] {
        parts_of(&part, &expected);
    }
}

#[test]
fn indexed_attributes_come_in_the_order_of_their_numbers() {
    let attributes = [
        ("llm.input_messages.10.message.role", "user"),
        ("llm.input_messages.10.message.contents.1.message_content.type", "image"),
        ("llm.input_messages.10.message.contents.1.message_content.image.image.url", "https://x.y/z"),
        ("llm.input_messages.10.message.contents.0.message_content.type", "text"),
        ("llm.input_messages.10.message.contents.0.message_content.text", "Look"),
        ("llm.input_messages.2.message.role", "system"),
        ("llm.input_messages.2.message.content", "Be terse"),
        ("llm.input_messages.99999999999999999999.message.role", "user"),
        ("llm.output_messages.0.message.role", "assistant"),
        ("llm.output_messages.0.message.tool_calls.0.tool_call.id", "call_1"),
        ("llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "weather"),
        ("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", r#"{"city": "Paris"}"#),
        ("llm.tools.0.tool.json_schema", r#"{"type":"function","function":{"name":"weather"}}"#),
        ("input.value", "kept"),
    ];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(
        json_of(content.input_messages.as_ref()),
        json!([
            {"role": "system", "parts": [{"type": "text", "content": "Be terse"}]},
            {"role": "user", "parts": [{"type": "text", "content": "Look"}, {"type": "uri", "modality": "image", "uri": "https://x.y/z"}]},
        ])
    );
    assert_eq!(
        json_of(content.output_messages.as_ref()),
        json!([{"role": "assistant", "parts": [{"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Paris"}}]}])
    );
    assert_eq!(json_of(content.tool_definitions.as_ref()), json!([{"type": "function", "name": "weather"}]));
    assert!(!content.moved.contains(&13) && !content.moved.contains(&7));
}

#[test]
fn openllmetry_s_indexed_attributes_are_read() {
    let attributes = [
        ("gen_ai.prompt.0.role", "user"),
        ("gen_ai.prompt.0.content", r#"[{"type":"text","text":"Say hi"}]"#),
        ("gen_ai.prompt.1.role", "assistant"),
        ("gen_ai.prompt.1.tool_calls.0.id", "call_1"),
        ("gen_ai.prompt.1.tool_calls.0.name", "weather"),
        ("gen_ai.prompt.1.tool_calls.0.arguments", r#"{"city": "Paris"}"#),
        ("gen_ai.prompt.2.role", "tool"),
        ("gen_ai.prompt.2.tool_call_id", "call_1"),
        ("gen_ai.prompt.2.content", "18"),
        ("gen_ai.completion.0.content", "Warm"),
        ("gen_ai.completion.0.finish_reason", "stop"),
        ("llm.request.functions.0.name", "weather"),
        ("llm.request.functions.0.parameters", r#"{"type":"object"}"#),
    ];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(
        json_of(content.input_messages.as_ref()),
        json!([
            user("Say hi"),
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Paris"}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "18"}]},
        ])
    );
    let mut message = assistant("Warm");
    message["finish_reason"] = json!("stop");
    assert_eq!(json_of(content.output_messages.as_ref()), json!([message]));
    assert_eq!(
        json_of(content.tool_definitions.as_ref()),
        json!([{"type": "function", "name": "weather", "parameters": {"type": "object"}}])
    );
    assert_eq!(content.moved.len(), attributes.len());
}

#[test]
fn roles_without_content_leave_the_field_to_the_next_source() {
    let attributes = [
        ("llm.input_messages.0.message.role", "user"),
        ("input.value", r#"{"messages":[{"role":"user","content":"Plan a trip"}]}"#),
    ];
    assert_eq!(
        json_of(content(&attributes, CallKind::Chain).input_messages.as_ref()),
        json!([user("Plan a trip")])
    );
}

#[test]
fn a_tool_s_span_has_arguments_and_a_result_as_sent() {
    let attributes = [("input.value", "{'city': 'x'}"), ("output.value", r#"{"degrees": 18}"#)];
    let content = content(&attributes, CallKind::Tool);
    assert_eq!(content.tool_arguments, Some(Said::Sent { attribute: 0, text: "{'city': 'x'}" }));
    assert_eq!(content.tool_result, Some(Said::Sent { attribute: 1, text: r#"{"degrees": 18}"# }));
    assert_eq!((content.input_messages, content.output_messages), (None, None));
}

#[test]
fn what_is_no_message_is_a_text() {
    assert_eq!(input("Say hi"), json!([user("Say hi")]));
    assert_eq!(input(r#"{"question": "Capital?"}"#), json!([user(r#"{"question": "Capital?"}"#)]));
    assert_eq!(input("[1, 2]"), json!([user("[1, 2]")]));
    assert_eq!(input("{not json"), json!([user("{not json")]));
    assert_eq!(output("ok"), json!([assistant("ok")]));
    assert_eq!(output(r#""quoted""#), json!([assistant("quoted")]));
    let plain = [("input.value", r#"["a"]"#), ("input.mime_type", "text/plain")];
    assert_eq!(json_of(content(&plain, CallKind::Chain).input_messages.as_ref()), json!([user(r#"["a"]"#)]));
}

#[test]
fn json_in_json_and_python_s_dicts_are_read() {
    let messages = json!([{"role": "user", "content": "Say \"hi\""}]).to_string();
    let twice = Value::from(messages.as_str()).to_string();
    assert_eq!(input(&twice), json!([user("Say \"hi\"")]));
    let thrice = Value::from(twice.as_str()).to_string();
    assert_eq!(input(&thrice), json!([user("Say \"hi\"")]));
    assert_eq!(input(r#"[{'role': 'user', 'content': "it's", 'name': None}]"#), json!([user("it's")]));
    assert_eq!(input("['a', 'b']"), json!([user("a"), user("b")]));
}

#[test]
fn a_text_that_the_sender_cut_keeps_what_is_there() {
    let cut = r#"[{"role": "user", "content": "Say hi"}, {"role": "user", "content": "and th"#;
    let attributes = [("gen_ai.input.messages", cut)];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(json_of(content.input_messages.as_ref()), json!([user("Say hi"), user("and th")]));
    assert!(content.is_truncated);
    assert_eq!(content.moved, [0; 0]);
    let canonical = r#"[{"role":"user","parts":[{"type":"text","content":"Say h"#;
    assert_eq!(input(canonical), json!([user("Say h")]));
}

#[test]
fn numbers_keep_their_digits_and_keys_their_order() {
    let text = r#"[{"role":"user","content":"x","z":1.10,"a":12345678901234567890123}]"#;
    let attributes = [("gen_ai.input.messages", text)];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(
        content.input_messages.unwrap().as_str(),
        r#"[{"role":"user","parts":[{"type":"text","content":"x"}],"z":1.10,"a":12345678901234567890123}]"#
    );
}

#[test]
fn events_of_a_span_are_messages() {
    let user_message = [("content", r#"[{"text": "Weather?"}]"#)];
    let answer = [
        ("message", r#"[{"toolUse": {"toolUseId": "t1", "name": "weather", "input": {}}}]"#),
        ("finish_reason", "tool_use"),
        ("index", "0"),
    ];
    let plain = [("message", "Warm\n"), ("finish_reason", "end_turn")];
    let azure = [
        ("gen_ai.system", "az.ai.inference"),
        ("gen_ai.event.content", r#"{"role": "system", "content": "Be terse"}"#),
    ];
    let event = |name, attributes| EventView { name, attributes, ..EventView::default() };
    let events = [
        event("gen_ai.system.message", &azure[..]),
        event("gen_ai.user.message", &user_message[..]),
        event("gen_ai.choice", &answer[..]),
        event("gen_ai.choice", &plain[..]),
        event("exception", &[]),
    ];
    let content = read(&SpanView { events: &events, ..SpanView::default() }, CallKind::Llm);
    assert_eq!(
        json_of(content.input_messages.as_ref()),
        json!([{"role": "system", "parts": [{"type": "text", "content": "Be terse"}]}, user("Weather?")])
    );
    assert_eq!(
        json_of(content.output_messages.as_ref()),
        json!([
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "t1", "name": "weather", "arguments": {}}], "finish_reason": "tool_use"},
            {"role": "assistant", "parts": [{"type": "text", "content": "Warm\n"}], "finish_reason": "end_turn"},
        ])
    );
}

#[test]
fn pydantic_ai_s_events_and_histories_are_split_at_the_answer() {
    let events = json!([
        {"event.name": "gen_ai.system.message", "content": "Be terse", "role": "system", "gen_ai.message.index": 0},
        {"event.name": "gen_ai.user.message", "content": "Say hi", "role": "user", "gen_ai.message.index": 0},
        {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "hi"}},
    ]).to_string();
    let attributes = [("events", events.as_str())];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(
        json_of(content.input_messages.as_ref()),
        json!([{"role": "system", "parts": [{"type": "text", "content": "Be terse"}]}, user("Say hi")])
    );
    assert_eq!(json_of(content.output_messages.as_ref()), json!([assistant("hi")]));
    let all = json!([user("Say hi"), assistant("hi")]).to_string();
    let attributes = [("pydantic_ai.all_messages", all.as_str())];
    let content = self::content(&attributes, CallKind::Agent);
    assert_eq!(json_of(content.input_messages.as_ref()), json!([user("Say hi")]));
    assert_eq!(json_of(content.output_messages.as_ref()), json!([assistant("hi")]));
    let others = [("events", r#"[{"id": 1}]"#)];
    assert_eq!(self::content(&others, CallKind::Llm), Content::default());
}

#[test]
fn openrouter_s_answers_have_reasoning_and_calls_beside_the_text() {
    let answer = json!({"completion": "ok", "reasoning": "Hm", "toolCalls": [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"a\":1}"}},
    ], "rawRequest": {"stream": true}});
    let call = json!({"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"a": 1}});
    let thought = json!({"type": "reasoning", "content": "Hm"});
    let expected =
        json!([{"role": "assistant", "parts": [thought, {"type": "text", "content": "ok"}, call]}]);
    assert_eq!(output(&answer.to_string()), expected);
    let mut without_text = answer;
    without_text["completion"] = Value::Null;
    let expected = json!([{"role": "assistant", "parts": [thought, call]}]);
    assert_eq!(output(&without_text.to_string()), expected);
    let history = json!([{"role": "assistant", "content": "ok", "reasoning_details": [
        {"type": "reasoning.text", "text": "Hm", "signature": "s"},
    ]}]);
    let expected = json!([{"role": "assistant", "parts": [
        {"type": "reasoning", "content": "Hm", "signature": "s"}, {"type": "text", "content": "ok"},
    ]}]);
    assert_eq!(input(&history.to_string()), expected);
}

#[test]
fn what_claude_thought_is_reasoning_in_openllmetry_s_messages() {
    let attributes = [
        ("gen_ai.completion.0.role", "thinking"),
        ("gen_ai.completion.0.content", "Hm"),
        ("gen_ai.completion.1.role", "assistant"),
        ("gen_ai.completion.1.content", "Rain"),
    ];
    assert_eq!(
        json_of(content(&attributes, CallKind::Llm).output_messages.as_ref()),
        json!([{"role": "assistant", "parts": [{"type": "reasoning", "content": "Hm"}]}, assistant("Rain")])
    );
}

#[test]
fn openinference_s_audio_and_functions_are_read() {
    let part = "llm.input_messages.0.message.contents.0.message_content";
    let (kind, url) = (format!("{part}.type"), format!("{part}.audio.audio.url"));
    let mime = format!("{part}.audio.audio.mime_type");
    let attributes = [
        ("llm.input_messages.0.message.role", "user"),
        (kind.as_str(), "audio"),
        (url.as_str(), "https://x.y/z.wav"),
        (mime.as_str(), "audio/wav"),
        ("llm.output_messages.0.message.role", "assistant"),
        ("llm.output_messages.0.message.function_call_name", "weather"),
        ("llm.output_messages.0.message.function_call_arguments_json", r#"{"city":"Paris"}"#),
    ];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(
        json_of(content.input_messages.as_ref()),
        json!([{"role": "user", "parts": [
            {"type": "uri", "mime_type": "audio/wav", "modality": "audio", "uri": "https://x.y/z.wav"},
        ]}])
    );
    assert_eq!(
        json_of(content.output_messages.as_ref()),
        json!([{"role": "assistant", "parts": [
            {"type": "tool_call", "name": "weather", "arguments": {"city": "Paris"}},
        ]}])
    );
}

#[test]
fn files_of_vercel_are_parts_of_what_was_asked_and_answered() {
    let inside = json!({"type": "file", "mediaType": "image/png", "data": {"type": "data", "data": "aGk="}});
    let blob = json!({"type": "blob", "mime_type": "image/png", "modality": "image", "content": "aGk="});
    parts_of(&inside, &blob);
    let files = json!([{"type": "file", "mediaType": "image/png", "data": "aGk="}]).to_string();
    let calls = r#"[{"type":"tool-call","toolCallId":"c1","toolName":"add","input":"{\"a\":1}"}]"#;
    let attributes = [("ai.response.files", files.as_str()), ("ai.response.toolCalls", calls)];
    assert_eq!(
        json_of(content(&attributes, CallKind::Llm).output_messages.as_ref()),
        json!([{"role": "assistant", "parts": [
            {"type": "tool_call", "id": "c1", "name": "add", "arguments": {"a": 1}}, blob,
        ]}])
    );
}

#[test]
fn pydantic_ai_s_own_parts_become_those_of_the_conventions_wherever_they_stand() {
    let messages =
        json!([user("Look"), {"role": "assistant", "parts": [{"type": "thinking", "content": "Hm"}]}]);
    let text = messages.to_string();
    let attributes = [("gen_ai.input.messages", text.as_str())];
    assert_eq!(
        json_of(content(&attributes, CallKind::Llm).input_messages.as_ref()),
        json!([user("Look"), {"role": "assistant", "parts": [{"type": "reasoning", "content": "Hm"}]}])
    );
    parts_of(
        &json!({"type": "image-url", "url": "https://x.y/z.png"}),
        &json!({"type": "uri", "modality": "image", "uri": "https://x.y/z.png"}),
    );
    parts_of(
        &json!({"type": "binary", "media_type": "audio/wav", "content": "aGk="}),
        &json!({"type": "blob", "mime_type": "audio/wav", "modality": "audio", "content": "aGk="}),
    );
}

#[test]
fn events_of_the_newest_conventions_have_instructions_and_what_a_tool_was_called_with() {
    let event = |attributes| EventView { name: events::DETAILS, attributes, ..EventView::default() };
    let told = [("gen_ai.system_instructions", r#"[{"type":"text","content":"Be terse"}]"#)];
    let asked = [("gen_ai.input.messages", r#"[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]"#)];
    let events = [event(&told[..]), event(&asked[..])];
    let content = read(&SpanView { events: &events, ..SpanView::default() }, CallKind::Llm);
    assert_eq!(
        json_of(content.system_instructions.as_ref()),
        json!([{"type": "text", "content": "Be terse"}])
    );
    assert_eq!(json_of(content.input_messages.as_ref()), json!([user("Hi")]));
    let call = json!([{"role": "tool", "parts": [{"type": "tool_call", "id": "t1", "arguments": {"a": 1}}]}]);
    let answer =
        json!([{"role": "tool", "parts": [{"type": "tool_call_response", "id": "t1", "response": 18}]}]);
    let (call, answer) = (call.to_string(), answer.to_string());
    let (called, answered) =
        ([("gen_ai.input.messages", call.as_str())], [("gen_ai.output.messages", answer.as_str())]);
    let events = [event(&called[..]), event(&answered[..])];
    let content = read(&SpanView { events: &events, ..SpanView::default() }, CallKind::Tool);
    assert_eq!(json_of(content.tool_arguments.as_ref()), json!({"a": 1}));
    assert_eq!(json_of(content.tool_result.as_ref()), json!(18));
}

#[test]
fn a_choice_of_livekit_is_the_message_itself() {
    let call = r#"["{\"id\": \"c1\", \"type\": \"function\", \"function\": {\"name\": \"add\", \"arguments\": \"{}\"}}"]"#;
    let choice = [("role", "assistant"), ("content", "Wait"), ("tool_calls", call)];
    let events = [EventView { name: "gen_ai.choice", attributes: &choice, ..EventView::default() }];
    let content = read(&SpanView { events: &events, ..SpanView::default() }, CallKind::Llm);
    assert_eq!(
        json_of(content.output_messages.as_ref()),
        json!([{"role": "assistant", "parts": [
            {"type": "text", "content": "Wait"},
            {"type": "tool_call", "id": "c1", "name": "add", "arguments": {}},
        ]}])
    );
}

#[test]
fn a_text_that_is_withheld_is_no_message() {
    let attributes = [("user_prompt", "<REDACTED>"), ("output", "yo")];
    let content = content(&attributes, CallKind::Agent);
    assert_eq!(content.input_messages, None);
    assert_eq!(json_of(content.output_messages.as_ref()), json!([assistant("yo")]));
}

#[test]
fn calls_that_langchain_repeats_beside_the_content_are_there_once() {
    let message = json!({"type": "ai", "content": [
        {"type": "text", "text": "Wait"},
        {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}},
    ], "tool_calls": [
        {"type": "tool_call", "id": "c1", "name": "add", "args": {"a": 1}},
        {"type": "tool_call", "id": "c2", "name": "add", "args": {"a": 2}},
    ]});
    assert_eq!(
        output(&json!([message]).to_string()),
        json!([{"role": "assistant", "parts": [
            {"type": "text", "content": "Wait"},
            {"type": "tool_call", "id": "c1", "name": "add", "arguments": {"a": 1}},
            {"type": "tool_call", "id": "c2", "name": "add", "arguments": {"a": 2}},
        ]}])
    );
}

#[test]
fn an_item_of_openai_that_is_no_message_does_not_hide_the_others() {
    let items = json!([
        {"role": "user", "content": "Hi"},
        {"type": "item_reference", "id": "msg_1"},
        {"type": "computer_call_output", "call_id": "c1", "output": "done"},
    ]);
    assert_eq!(
        input(&items.to_string()),
        json!([
            user("Hi"),
            {"role": "assistant", "parts": [{"type": "item_reference", "id": "msg_1"}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "done"}]},
        ])
    );
}

#[test]
fn code_that_gemini_ran_is_a_part_in_both_spellings() {
    let code = json!({"code": "1", "language": "PYTHON"});
    for name in ["executableCode", "executable_code"] {
        parts_of(&json!({ name: code }), &json!({"type": "executable_code", "content": code}));
    }
    for name in ["codeExecutionResult", "code_execution_result"] {
        parts_of(
            &json!({ name: {"output": "1"} }),
            &json!({"type": "code_execution_result", "content": {"output": "1"}}),
        );
    }
}

#[test]
fn logfire_s_requests_and_answers_are_read() {
    let attributes = [
        ("request_data", r#"{"model":"m","messages":[{"role":"user","content":"Say hi"}]}"#),
        ("response_data", r#"{"combined_chunk_content":"hi","chunk_count":3}"#),
    ];
    let content = content(&attributes, CallKind::Llm);
    assert_eq!(json_of(content.input_messages.as_ref()), json!([user("Say hi")]));
    assert_eq!(json_of(content.output_messages.as_ref()), json!([assistant("hi")]));
}

fn record<'a>(name: &'a str, body: &'a str, attributes: &'a [(&'a str, &'a str)]) -> Option<Content<'a>> {
    read_record(&RecordView {
        event_name: Some(name).filter(|name| !name.is_empty()),
        body: Some(body),
        attributes,
    })
}

#[test]
fn log_records_are_messages() {
    let old = [("event.name", "gen_ai.user.message"), ("gen_ai.system", "openai")];
    let content = record("", r#"{"content": "Say hi"}"#, &old).unwrap();
    assert_eq!(json_of(content.input_messages.as_ref()), json!([user("Say hi")]));
    let content = record("gen_ai.tool.message", r#"{"content": "{\"a\": 1}", "id": "call_1"}"#, &[]).unwrap();
    let answered = json!({"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "{\"a\": 1}"}]});
    assert_eq!(json_of(content.input_messages.as_ref()), json!([answered]));
    let choice =
        r#"{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}"#;
    let content = record("gen_ai.choice", choice, &[]).unwrap();
    let mut message = assistant("hi");
    message["finish_reason"] = json!("stop");
    assert_eq!(json_of(content.output_messages.as_ref()), json!([message]));
    assert_eq!(content.input_messages, None);
}

#[test]
fn a_record_of_all_messages_gives_them_as_sent() {
    let messages = r#"[{"role":"user","parts":[{"type":"text","content":"Say hi"}]}]"#;
    let attributes = [("gen_ai.provider.name", "openai"), ("gen_ai.input.messages", messages)];
    let content = record("gen_ai.client.inference.operation.details", "", &attributes).unwrap();
    assert_eq!(content.input_messages, Some(Said::Sent { attribute: 1, text: messages }));
}

#[test]
fn a_record_without_content_or_about_something_else_is_none() {
    assert_eq!(
        record(
            "gen_ai.choice",
            r#"{"index": 0, "finish_reason": "stop", "message": {"role": "assistant"}}"#,
            &[]
        ),
        None
    );
    assert_eq!(record("gen_ai.user.message", "{}", &[]), None);
    assert_eq!(
        record("gen_ai.client.inference.operation.details", "", &[("gen_ai.request.model", "x")]),
        None
    );
    assert_eq!(record("exception", r#"{"content": "x"}"#, &[]), None);
    assert_eq!(record("", r#"{"content": "x"}"#, &[]), None);
}
