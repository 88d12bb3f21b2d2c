"""Sends spans with the Python SDK over gRPC: python send_grpc.py ENDPOINT COUNT [gzip]"""

from grpc import Compression
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

from sender import send


def exporter(endpoint: str, compressed: bool) -> OTLPSpanExporter:
    compression = Compression.Gzip if compressed else Compression.NoCompression
    return OTLPSpanExporter(endpoint=endpoint, insecure=True, compression=compression)


if __name__ == "__main__":
    send(exporter)
