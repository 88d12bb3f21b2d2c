"""OpenLIT. Without prices of its own: it would ask the internet for them."""

import os

import anthropic
import openlit

import calls
import tracing

tracing.start("openlit")
prices = os.path.join(os.path.dirname(__file__), "prices.json")
openlit.init(pricing_json=prices, disable_metrics=True, disable_events=True)
client = calls.openai_client()
calls.chat(client)
calls.responses(client)
calls.embeddings(client)
calls.messages(anthropic.Anthropic(max_retries=0))
