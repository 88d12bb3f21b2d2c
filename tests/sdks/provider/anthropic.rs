//! Anthropic's Messages. What was read from or written to the cache is not part of their `input_tokens`.

use serde_json::{Value, json};

use super::answer::{ARGUMENTS, Answer, TEXT, TOOL, text, tool_call_id};
use super::{Asked, Call};

pub fn answer(asked: &Asked, call: &Call) -> Answer {
    if call.streaming {
        return Answer::of_events(events(asked, call));
    }
    let input: Value = serde_json::from_str(&ARGUMENTS.concat()).unwrap();
    let mut block = empty_block(asked, call);
    if asked.calls_tool() {
        block["input"] = input;
    } else {
        block["text"] = json!(text());
    }
    let mut message = message(call, usage(call, call.usage.unwrap().output));
    message["content"] = json!([block]);
    message["stop_reason"] = json!(call.finish_reason);
    Answer::ok(message)
}

fn events(asked: &Asked, call: &Call) -> Vec<Value> {
    let delta = |delta: Value| json!({"type": "content_block_delta", "index": 0, "delta": delta});
    let mut events = vec![
        // The first event counts one token of output; the last but one has the whole count.
        json!({"type": "message_start", "message": message(call, usage(call, 1))}),
        json!({"type": "content_block_start", "index": 0, "content_block": empty_block(asked, call)}),
        json!({"type": "ping"}),
    ];
    if asked.calls_tool() {
        events
            .extend(ARGUMENTS.map(|piece| delta(json!({"type": "input_json_delta", "partial_json": piece}))));
    } else {
        events.extend(TEXT.map(|piece| delta(json!({"type": "text_delta", "text": piece}))));
    }
    events.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": call.finish_reason, "stop_sequence": null},
            "usage": {"output_tokens": call.usage.unwrap().output}}),
        json!({"type": "message_stop"}),
    ]);
    events
}

fn message(call: &Call, usage: Value) -> Value {
    json!({"id": call.response_id, "type": "message", "role": "assistant", "model": call.response_model, "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage})
}

fn empty_block(asked: &Asked, call: &Call) -> Value {
    if asked.calls_tool() {
        json!({"type": "tool_use", "id": tool_call_id(call), "name": TOOL, "input": {}})
    } else {
        json!({"type": "text", "text": ""})
    }
}

fn usage(call: &Call, output: u64) -> Value {
    let usage = call.usage.unwrap();
    json!({
        "input_tokens": usage.input - usage.cache_read - usage.cache_write,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {"ephemeral_5m_input_tokens": usage.cache_write, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": call.service_tier,
    })
}
