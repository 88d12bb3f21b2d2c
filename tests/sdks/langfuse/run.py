"""Langfuse's wrapper of the OpenAI client."""

from langfuse import get_client
from langfuse.openai import OpenAI

import calls

client = OpenAI(max_retries=0)
calls.chat(client)
calls.responses(client)
calls.embeddings(client)
get_client().shutdown()
