//! OpenAI's Embeddings.

use serde_json::{Value, json};

use super::answer::Answer;
use super::{Asked, Call};

pub fn answer(asked: &Asked, call: &Call) -> Answer {
    // Four numbers, all of them 0.
    let vector = if asked.body["encoding_format"] == "base64" {
        json!("AAAAAAAAAAAAAAAAAAAAAA==")
    } else {
        json!([0, 0, 0, 0])
    };
    let inputs = asked.body["input"].as_array().map_or(1, Vec::len);
    let data: Vec<Value> = (0..inputs)
        .map(|index| json!({"object": "embedding", "index": index, "embedding": vector}))
        .collect();
    let input = call.usage.unwrap().input;
    Answer::ok(json!({"object": "list", "data": data, "model": call.response_model,
        "usage": {"prompt_tokens": input, "total_tokens": input}}))
}
