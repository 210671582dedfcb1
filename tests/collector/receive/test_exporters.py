"""The real OTLP exporters against the real journal: what is flushed is on disk."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from tests.collector.receive.conftest import Inbox, Start

from spanledger_collector.errors import JournalUnavailableError
from spanledger_collector.journal import Journal
from spanledger_collector.receive import Ports


def _grpc(compression: grpc.Compression) -> Callable[[Ports], SpanExporter]:
    return lambda ports: GrpcExporter(
        endpoint=f"http://127.0.0.1:{ports.grpc}", insecure=True, compression=compression
    )


def _http(compression: Compression) -> Callable[[Ports], SpanExporter]:
    return lambda ports: HttpExporter(
        endpoint=f"http://127.0.0.1:{ports.http}/v1/traces", compression=compression
    )


_EXPORTERS = {
    "grpc": _grpc(grpc.Compression.NoCompression),
    "grpc-gzip": _grpc(grpc.Compression.Gzip),
    "http": _http(Compression.NoCompression),
    "http-gzip": _http(Compression.Gzip),
    "http-deflate": _http(Compression.Deflate),
}


def _emit(exporter: SpanExporter, spans: int) -> None:
    """Emit spans as an application does, and flush."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("tests")
    for number in range(spans):
        with tracer.start_as_current_span(f"chat {number}", attributes={"tokens": number}):
            pass
    assert provider.force_flush()
    provider.shutdown()


@pytest.mark.parametrize("name", _EXPORTERS)
async def test_flushed_spans_are_in_the_journal(start: Start, tmp_path: Path, name: str) -> None:
    journal = Journal.open(tmp_path, max_bytes=1 << 30, segment_bytes=1 << 20)
    running = await start(journal.append)
    await asyncio.to_thread(_emit, _EXPORTERS[name](running.ports), 700)
    journal.close()
    journal = Journal.open(tmp_path, max_bytes=1 << 30, segment_bytes=1 << 20)
    records = journal.read(1, max_records=100, max_spans=10_000)
    journal.close()
    names = [
        span.name
        for record in records
        for resource in ExportTraceServiceRequest.FromString(record.payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert sorted(names) == sorted(f"chat {number}" for number in range(700))
    assert sum(record.span_count for record in records) == 700
    assert {record.workspace for record in records} == {"default"}


@pytest.mark.parametrize("name", ["grpc", "http"])
async def test_a_passing_fault_costs_no_span(start: Start, inbox: Inbox, name: str) -> None:
    """The stock exporters come back after 503 and UNAVAILABLE within their ten seconds."""
    inbox.error = JournalUnavailableError("disk full: free space")
    running = await start()
    emitting = asyncio.create_task(asyncio.to_thread(_emit, _EXPORTERS[name](running.ports), 5))
    transport = "grpc" if name == "grpc" else "http_protobuf"
    for _ in range(1000):
        if running.count("requests_total", transport=transport, outcome="journal_unavailable"):
            break
        await asyncio.sleep(0.01)
    inbox.error = None
    await emitting
    assert [meaning["span_count"] for meaning in inbox.meanings] == [5]
