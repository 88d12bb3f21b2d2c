"""OpenLLMetry's instrumentations of OpenAI and Anthropic."""

import anthropic
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

import calls
import tracing

provider = tracing.start("traceloop")
OpenAIInstrumentor().instrument(tracer_provider=provider)
AnthropicInstrumentor().instrument(tracer_provider=provider)
client = calls.openai_client()
calls.chat(client)
calls.responses(client)
calls.embeddings(client)
calls.messages(anthropic.Anthropic(max_retries=0))
