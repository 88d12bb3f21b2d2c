"""The calls that the clients of OpenAI and Anthropic make under each SDK. The words before the colon of a prompt say what the fake
provider is to answer; the clients find it by their own environment variables."""

from collections.abc import Callable
from typing import Any

import openai

PARAMETERS = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
QUESTION = "what does the ledger keep?"


def user(scenario: str) -> dict[str, str]:
    return {"role": "user", "content": f"{scenario}: {QUESTION}"}


def openai_client() -> openai.OpenAI:
    return openai.OpenAI(max_retries=0)


def chat(client: Any) -> None:
    """Chat Completions: whole, streamed with and without usage, with tools, refused, broken."""

    def create(scenario: str, **more: Any) -> Any:
        model = "gpt-5-mini" if "reasoning" in scenario else "gpt-4o-mini"
        return client.chat.completions.create(model=model, messages=[user(scenario)], **more)

    tools = [{"type": "function", "function": {"name": "look_up", "parameters": PARAMETERS}}]
    with_usage = {"stream": True, "stream_options": {"include_usage": True}}
    create("chat", temperature=0.2, max_tokens=400)
    create("cached")
    create("cached reasoning")
    create("length")
    create("flex", service_tier="flex")
    create("tools", tools=tools)
    drain(create("stream", **with_usage))
    drain(create("stream cached reasoning", **with_usage))
    drain(create("stream tools", tools=tools, **with_usage))
    drain(create("stream untold", stream=True))
    fails(lambda: create("busy"))
    fails(lambda: create("broken"))
    fails(lambda: create("stream busy", stream=True))


def responses(client: Any) -> None:
    """The same over Responses."""

    def create(scenario: str, **more: Any) -> Any:
        return client.responses.create(model="gpt-5-mini", input=[user(scenario)], **more)

    tools = [{"type": "function", "name": "look_up", "parameters": PARAMETERS, "strict": False}]
    create("chat")
    create("cached reasoning")
    create("tools", tools=tools)
    drain(create("stream", stream=True))
    drain(create("stream cached reasoning", stream=True))
    fails(lambda: create("busy"))


def embeddings(client: Any) -> None:
    client.embeddings.create(model="text-embedding-3-small", input=f"embeddings: {QUESTION}")
    client.embeddings.create(model="text-embedding-3-small", input=[f"embeddings: {QUESTION}", "and who pays?"])


def messages(client: Any) -> None:
    """Anthropic's Messages."""

    def create(scenario: str, **more: Any) -> Any:
        return client.messages.create(model="claude-sonnet-4-5", max_tokens=400, messages=[user(scenario)], **more)

    tools = [{"name": "look_up", "input_schema": PARAMETERS}]
    create("chat")
    create("cached")
    create("length")
    create("tools", tools=tools)
    drain(create("stream", stream=True))
    drain(create("stream cached", stream=True))
    drain(create("stream tools", tools=tools, stream=True))
    fails(lambda: create("busy"))
    fails(lambda: create("broken"))


def drain(stream: Any) -> None:
    for _ in stream:
        pass


def fails(call: Callable[[], Any]) -> None:
    """The provider refuses this, and the application goes on."""
    try:
        call()
    except Exception:
        return
    raise AssertionError("a call that the provider refuses came back")
