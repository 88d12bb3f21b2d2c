"""Sends spans with the Python SDK over HTTP, as protobuf: python send_http.py ENDPOINT COUNT [gzip]"""

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from sender import send


def exporter(endpoint: str, compressed: bool) -> OTLPSpanExporter:
    compression = Compression.Gzip if compressed else Compression.NoCompression
    return OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", compression=compression)


if __name__ == "__main__":
    send(exporter)
