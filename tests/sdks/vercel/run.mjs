// The AI SDK of Vercel, with its telemetry.

import { anthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import * as ai from "ai";
import { z } from "zod";

const { embed, generateText, stepCountIs, streamText, tool } = ai;

const tracing = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "vercel" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
tracing.register();
if (ai.registerTelemetry) {
  // What makes spans is a package of its own since version 7.
  const { OpenTelemetry } = await import("@ai-sdk/otel");
  ai.registerTelemetry(new OpenTelemetry());
}

const QUESTION = "what does the ledger keep?";
const tools = {
  look_up: tool({
    description: "looks a word up",
    inputSchema: z.object({ word: z.string() }),
    execute: async ({ word }) => `${word}: a book of accounts`,
  }),
};

function asked(model, scenario) {
  const telemetry = { isEnabled: true, functionId: "ledger" };
  const prompt = `${scenario}: ${QUESTION}`;
  return { model, prompt, tools, stopWhen: stepCountIs(3), maxRetries: 0, experimental_telemetry: telemetry };
}

async function stream(model, scenario) {
  const result = streamText({ ...asked(model, scenario), onError: () => {} });
  for await (const _ of result.textStream);
  await result.usage;
}

// The provider refuses this, and the application goes on.
async function fails(call) {
  await call.then(() => Promise.reject(new Error("came back")), () => {});
}

const openai = createOpenAI({ apiKey: "none" });
for (const model of [openai.chat("gpt-5-mini"), openai.responses("gpt-5-mini"), anthropic("claude-sonnet-4-5")]) {
  await generateText(asked(model, "chat"));
  await generateText(asked(model, "cached reasoning"));
  await generateText(asked(model, "tools"));
  await stream(model, "stream");
  await stream(model, "stream cached reasoning");
  await fails(generateText(asked(model, "busy")));
}
const telemetry = { isEnabled: true };
await embed({
  model: openai.textEmbeddingModel("text-embedding-3-small"),
  value: `embeddings: ${QUESTION}`,
  experimental_telemetry: telemetry,
});
await tracing.shutdown();
