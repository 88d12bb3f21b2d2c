// Sends calls of a language model with the Node SDK over HTTP, as JSON: node send_http.mjs ENDPOINT COUNT [gzip]
// Prints the ids; ends with 1 when a request was not taken.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import path from "node:path";

const here = path.dirname(fileURLToPath(import.meta.url));
const modules = process.env.SPANLEDGER_NODE_MODULES ?? path.join(here, "../../target/tools/node/node_modules");
const require = createRequire(path.join(modules, "../"));
const { SpanKind } = require("@opentelemetry/api");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-http");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BatchSpanProcessor } = require("@opentelemetry/sdk-trace-base");
const { NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");

// Remembers what the exporter said about each request, which the SDK only logs.
class Watched {
  results = [];

  constructor(exporter) {
    this.exporter = exporter;
  }

  export(spans, done) {
    this.exporter.export(spans, (result) => {
      this.results.push(result);
      done(result);
    });
  }

  shutdown() {
    return this.exporter.shutdown();
  }

  delivered() {
    return this.results.length > 0 && this.results.every((result) => result.code === 0);
  }
}

// One call of a model; each has other numbers than the rest.
function call(tracer, number) {
  const span = tracer.startSpan("chat gpt-4o-mini", {
    kind: SpanKind.CLIENT,
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4o-mini",
      "gen_ai.request.temperature": 0.5,
      "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
      "gen_ai.response.id": `chatcmpl-${number}`,
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.usage.input_tokens": 100 + number,
      "gen_ai.usage.output_tokens": 10 + number,
    },
  });
  span.end();
  return span.spanContext();
}

const [endpoint, countText, compression = "none"] = process.argv.slice(2);
if (!endpoint || !countText) {
  console.error("usage: node send_http.mjs ENDPOINT COUNT [gzip]      such as http://127.0.0.1:4318 10");
  process.exit(2);
}
const count = Number(countText);
const exporter = new Watched(new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, compression }));
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "node-sender" }),
  // A queue that is full drops spans without a word.
  spanProcessors: [new BatchSpanProcessor(exporter, { maxQueueSize: Math.max(count, 2048) })],
});
const tracer = provider.getTracer("spanledger.tests", "1");
const contexts = Array.from({ length: count }, (_, number) => call(tracer, number));
await provider.shutdown();
if (!exporter.delivered()) {
  console.error("a request was not taken");
  process.exit(1);
}
for (const { traceId, spanId } of contexts) {
  console.log(JSON.stringify({ trace_id: traceId, span_id: spanId }));
}
