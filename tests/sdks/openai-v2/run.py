"""opentelemetry-instrumentation-openai-v2."""

from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

import calls
import tracing

OpenAIInstrumentor().instrument(tracer_provider=tracing.start("openai-v2"))
client = calls.openai_client()
calls.chat(client)
calls.embeddings(client)
