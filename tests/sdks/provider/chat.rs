//! OpenAI's Chat Completions.

use serde_json::{Value, json};

use super::answer::{ARGUMENTS, Answer, TEXT, TOOL, created, text, tool_call_id};
use super::{Asked, Call};

pub fn answer(asked: &Asked, call: &Call) -> Answer {
    if call.streaming {
        return Answer::of_chunks(chunks(asked, call));
    }
    let message = if asked.calls_tool() {
        json!({"role": "assistant", "content": null, "tool_calls": [{
            "id": tool_call_id(call), "type": "function",
            "function": {"name": TOOL, "arguments": ARGUMENTS.concat()},
        }]})
    } else {
        json!({"role": "assistant", "content": text(), "refusal": null})
    };
    let mut body = head(call, "chat.completion");
    body["choices"] =
        json!([{"index": 0, "message": message, "logprobs": null, "finish_reason": call.finish_reason}]);
    body["usage"] = usage(call);
    Answer::ok(body)
}

fn chunks(asked: &Asked, call: &Call) -> Vec<Value> {
    let chunk = |delta: Value, finish_reason: Option<&str>| {
        let mut chunk = head(call, "chat.completion.chunk");
        chunk["choices"] =
            json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason}]);
        chunk
    };
    let mut chunks = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    if asked.calls_tool() {
        let start = json!({"index": 0, "id": tool_call_id(call), "type": "function",
            "function": {"name": TOOL, "arguments": ""}});
        chunks.push(chunk(json!({"tool_calls": [start]}), None));
        let more = ARGUMENTS.map(|piece| json!({"index": 0, "function": {"arguments": piece}}));
        chunks.extend(more.map(|piece| chunk(json!({"tool_calls": [piece]}), None)));
    } else {
        chunks.extend(TEXT.map(|piece| chunk(json!({"content": piece}), None)));
    }
    chunks.push(chunk(json!({}), call.finish_reason));
    if call.usage_sent {
        let mut last = head(call, "chat.completion.chunk");
        last["choices"] = json!([]);
        last["usage"] = usage(call);
        chunks.push(last);
    }
    chunks
}

fn head(call: &Call, object: &str) -> Value {
    json!({"id": call.response_id, "object": object, "created": created(call), "model": call.response_model,
        "service_tier": call.service_tier, "system_fingerprint": "fp_ledger"})
}

fn usage(call: &Call) -> Value {
    let usage = call.usage.unwrap();
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
    })
}
