//! OpenAI's Responses.

use serde_json::{Value, json};

use super::answer::{ARGUMENTS, Answer, TEXT, TOOL, created, text, tool_call_id};
use super::{Asked, Call};

pub fn answer(asked: &Asked, call: &Call) -> Answer {
    if call.streaming { Answer::of_events(events(asked, call)) } else { Answer::ok(whole(asked, call)) }
}

fn whole(asked: &Asked, call: &Call) -> Value {
    let usage = call.usage.unwrap();
    let mut response = head(call, "completed");
    let reasoning = asked.wants("reasoning").then(|| reasoning(call));
    response["output"] = reasoning.into_iter().chain([item(asked, call, "completed")]).collect();
    response["usage"] = json!({
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cache_read},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    });
    response
}

fn head(call: &Call, status: &str) -> Value {
    json!({"id": call.response_id, "object": "response", "created_at": created(call), "status": status,
        "error": null, "incomplete_details": null, "instructions": null, "max_output_tokens": null,
        "model": call.response_model, "output": [], "parallel_tool_calls": true, "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null}, "service_tier": call.service_tier, "store": true,
        "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "truncation": "disabled", "usage": null, "user": null, "metadata": {}})
}

fn reasoning(call: &Call) -> Value {
    json!({"type": "reasoning", "id": item_id("rs", call), "summary": []})
}

/// The message, or the call of a tool.
fn item(asked: &Asked, call: &Call, status: &str) -> Value {
    let done = status == "completed";
    if asked.calls_tool() {
        let arguments = if done { ARGUMENTS.concat() } else { String::new() };
        json!({"type": "function_call", "id": item_id("fc", call), "call_id": tool_call_id(call), "name": TOOL,
            "arguments": arguments, "status": status})
    } else {
        let content = if done { vec![part(&text())] } else { Vec::new() };
        json!({"type": "message", "id": item_id("msg", call), "role": "assistant", "content": content, "status": status})
    }
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn item_id(prefix: &str, call: &Call) -> String {
    format!("{prefix}_{}", call.response_id.as_deref().unwrap_or_default())
}

fn events(asked: &Asked, call: &Call) -> Vec<Value> {
    let mut events = vec![
        json!({"type": "response.created", "response": head(call, "in_progress")}),
        json!({"type": "response.in_progress", "response": head(call, "in_progress")}),
    ];
    let first = usize::from(asked.wants("reasoning"));
    if first == 1 {
        let item = reasoning(call);
        events.push(json!({"type": "response.output_item.added", "output_index": 0, "item": item}));
        events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
    }
    let started = item(asked, call, "in_progress");
    events.push(json!({"type": "response.output_item.added", "output_index": first, "item": started}));
    events.extend(if asked.calls_tool() { argument_events(call, first) } else { text_events(call, first) });
    let ended = item(asked, call, "completed");
    events.push(json!({"type": "response.output_item.done", "output_index": first, "item": ended}));
    events.push(json!({"type": "response.completed", "response": whole(asked, call)}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    events
}

fn text_events(call: &Call, index: usize) -> Vec<Value> {
    let of = |kind: &str, more: Value| {
        let mut event =
            json!({"type": kind, "item_id": item_id("msg", call), "output_index": index, "content_index": 0});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let mut events = vec![of("response.content_part.added", json!({"part": part("")}))];
    events
        .extend(TEXT.map(|piece| of("response.output_text.delta", json!({"delta": piece, "logprobs": []}))));
    events.push(of("response.output_text.done", json!({"text": text(), "logprobs": []})));
    events.push(of("response.content_part.done", json!({"part": part(&text())})));
    events
}

fn argument_events(call: &Call, index: usize) -> Vec<Value> {
    let id = item_id("fc", call);
    let delta = |piece: &str| json!({"type": "response.function_call_arguments.delta", "item_id": id, "output_index": index, "delta": piece});
    let mut events = ARGUMENTS.map(delta).to_vec();
    events
        .push(json!({"type": "response.function_call_arguments.done", "item_id": id, "output_index": index,
        "name": TOOL, "arguments": ARGUMENTS.concat()}));
    events
}
