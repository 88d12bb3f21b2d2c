"""Decodes OTLP trace requests with opentelemetry-proto, independently of Spanledger, and prints each span as a line of JSON.

    python decode.py FILE...        .json is OTLP JSON, anything else protobuf

Attributes are printed as Spanledger's tables hold them: strings as they are, everything else as JSON text; of a key that is
repeated, the last value counts.
"""

import base64
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

ID_KEYS = {"traceId", "spanId", "parentSpanId"}


def read_request(path: Path) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    if path.suffix == ".json":
        json_format.ParseDict(ids_in_base64(json.loads(path.read_bytes())), request, ignore_unknown_fields=True)
    else:
        request.ParseFromString(path.read_bytes())
    return request


def ids_in_base64(value: Any) -> Any:
    """OTLP JSON writes ids in hex where protobuf's JSON, which is what the library reads, has base64."""
    if isinstance(value, list):
        return [ids_in_base64(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(item)).decode() if key in ID_KEYS else ids_in_base64(item)
        for key, item in value.items()
    }


def rows(request: ExportTraceServiceRequest) -> Iterator[dict[str, Any]]:
    for resource_spans in request.resource_spans:
        resource = texts(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield row(span, resource)


def row(span: Span, resource: dict[str, str]) -> dict[str, Any]:
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex() or None,
        "name": span.name,
        "start_time_unix_nano": span.start_time_unix_nano,
        "end_time_unix_nano": span.end_time_unix_nano,
        "kind": enum_name(Span.SpanKind, span.kind, "SPAN_KIND_"),
        "status_code": enum_name(Status.StatusCode, span.status.code, "STATUS_CODE_"),
        "status_message": span.status.message or None,
        "service_name": resource.get("service.name"),
        "attributes": texts(span.attributes),
        "resource_attributes": resource,
    }


def enum_name(enum: Any, number: int, prefix: str) -> str:
    """The name without its prefix; digits when the number has none."""
    return enum.Name(number).removeprefix(prefix) if number in enum.values() else str(number)


def texts(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {attribute.key: text(attribute.value) for attribute in attributes}


def text(value: AnyValue) -> str:
    """Strings as they are, and so what JSON could only write as a string; the rest as JSON."""
    if value.WhichOneof("value") == "string_value":
        return value.string_value
    written = json_text(value)
    return json.loads(written) if written.startswith('"') else written


def json_text(value: AnyValue) -> str:
    match value.WhichOneof("value"):
        case "string_value":
            return quoted(value.string_value)
        case "bool_value":
            return "true" if value.bool_value else "false"
        case "int_value":
            return str(value.int_value)
        case "double_value":
            return double_text(value.double_value)
        case "bytes_value":
            return quoted(base64.b64encode(value.bytes_value).decode())
        case "array_value":
            return "[" + ",".join(json_text(item) for item in value.array_value.values) + "]"
        case "kvlist_value":
            items = {item.key: json_text(item.value) for item in value.kvlist_value.values}
            return "{" + ",".join(f"{quoted(key)}:{item}" for key, item in items.items()) + "}"
        case _:
            return "null"


def quoted(string: str) -> str:
    return json.dumps(string, ensure_ascii=False)


def double_text(number: float) -> str:
    """The shortest digits that read back as the same number, in the form serde_json gives them: 1.0, 0.00001, 1e-6, 1e+16."""
    if math.isnan(number):
        return '"NaN"'
    if math.isinf(number):
        return '"Infinity"' if number > 0 else '"-Infinity"'
    digits = re.sub(r"e-0(\d)$", r"e-\1", repr(number))
    if not digits.endswith("e-5"):
        return digits
    sign, figures = ("-", digits[1:-3]) if number < 0 else ("", digits[:-3])
    return f"{sign}0.0000{figures.replace('.', '')}"


def main() -> None:
    for name in sys.argv[1:]:
        for span in rows(read_request(Path(name))):
            print(json.dumps(span, ensure_ascii=False))


if __name__ == "__main__":
    main()
