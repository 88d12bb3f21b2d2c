"""LiteLLM with its callback `otel`."""

import litellm

import calls

litellm.callbacks = ["otel"]


def complete(model: str, scenario: str, **more) -> object:
    return litellm.completion(model=model, messages=[calls.user(scenario)], num_retries=0, max_retries=0, **more)


for model in ["openai/gpt-5-mini", "anthropic/claude-sonnet-4-5"]:
    complete(model, "chat")
    complete(model, "cached reasoning")
    calls.drain(complete(model, "stream cached", stream=True, stream_options={"include_usage": True}))
    calls.fails(lambda: complete(model, "busy"))
litellm.embedding(model="openai/text-embedding-3-small", input=[f"embeddings: {calls.QUESTION}"])
