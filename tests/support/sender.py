"""Sends calls of a language model through a real exporter of the Python SDK; `send_grpc.py` and `send_http.py` choose which."""

import json
import sys
from collections.abc import Callable, Sequence

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Tracer

USAGE = "ENDPOINT COUNT [gzip]      such as http://127.0.0.1:4317 10"


class Watched(SpanExporter):
    """Remembers what the exporter said about each request, which the SDK only logs."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.exporter = exporter
        self.results: list[SpanExportResult] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self.exporter.export(spans)
        self.results.append(result)
        return result

    def shutdown(self) -> None:
        self.exporter.shutdown()

    def delivered(self) -> bool:
        return bool(self.results) and all(result is SpanExportResult.SUCCESS for result in self.results)


def send(exporter_for: Callable[[str, bool], SpanExporter]) -> None:
    """Sends as the command line says and prints the ids; ends with 1 when a request was not taken."""
    if len(sys.argv) < 3:
        sys.exit(f"usage: python {sys.argv[0]} {USAGE}")
    count = int(sys.argv[2])
    exporter = Watched(exporter_for(sys.argv[1], "gzip" in sys.argv[3:]))
    provider = TracerProvider(resource=Resource.create({"service.name": "python-sender"}))
    # A queue that is full drops spans without a word.
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=max(count, 2048)))
    tracer = provider.get_tracer("spanledger.tests", "1")
    ids = [call(tracer, number) for number in range(count)]
    provider.shutdown()
    if not exporter.delivered():
        sys.exit("a request was not taken")
    for trace_id, span_id in ids:
        print(json.dumps({"trace_id": f"{trace_id:032x}", "span_id": f"{span_id:016x}"}))


def call(tracer: Tracer, number: int) -> tuple[int, int]:
    """One call of a model; each has other numbers than the rest."""
    with tracer.start_as_current_span("chat gpt-4o-mini", kind=SpanKind.CLIENT) as span:
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.request.temperature": 0.5,
                "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
                "gen_ai.response.id": f"chatcmpl-{number}",
                "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.usage.input_tokens": 100 + number,
                "gen_ai.usage.output_tokens": 10 + number,
            }
        )
        context = span.get_span_context()
        return context.trace_id, context.span_id
