"""Agents of Pydantic AI."""

import asyncio

import anthropic
import openai
from pydantic_ai import Agent, Embedder
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

import calls
import tracing

tracing.start("pydantic-ai")
Agent.instrument_all()
Embedder.instrument_all()


def look_up(word: str) -> str:
    return f"{word}: a book of accounts"


async def run(model, scenario: str) -> None:
    await Agent(model, tools=[look_up]).run(f"{scenario}: {calls.QUESTION}")


async def stream(model, scenario: str) -> None:
    async with Agent(model, tools=[look_up]).run_stream(f"{scenario}: {calls.QUESTION}") as result:
        async for _ in result.stream_text():
            pass


async def fails(model, scenario: str) -> None:
    try:
        await run(model, scenario)
    except Exception:
        return
    raise AssertionError("a call that the provider refuses came back")


async def main() -> None:
    of_openai = OpenAIProvider(openai_client=openai.AsyncOpenAI(max_retries=0))
    of_anthropic = AnthropicProvider(anthropic_client=anthropic.AsyncAnthropic(max_retries=0))
    models = [
        OpenAIChatModel("gpt-5-mini", provider=of_openai),
        OpenAIResponsesModel("gpt-5-mini", provider=of_openai),
        AnthropicModel("claude-sonnet-4-5", provider=of_anthropic),
    ]
    for model in models:
        await run(model, "chat")
        await run(model, "cached reasoning")
        await run(model, "tools")
        await stream(model, "stream")
        await stream(model, "stream cached reasoning")
        await fails(model, "busy")
    embedder = Embedder(OpenAIEmbeddingModel("text-embedding-3-small", provider=of_openai))
    await embedder.embed_query(f"embeddings: {calls.QUESTION}")


asyncio.run(main())
