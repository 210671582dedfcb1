"""OpenTelemetry's own exporters against the real journal: what is flushed is on disk."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from tests.collector.receive.conftest import Inbox, Start
from tests.collector.receive.told_logs import (
    AT_NS,
    EVENT,
    JUDGED,
    SPAN_ID,
    TRACE_ID,
    attributes_of,
    told_spans,
)

from spanledger_collector.errors import JournalUnavailableError
from spanledger_collector.journal import Journal
from spanledger_collector.receive import Ports

_GRPC: dict[str, Callable[..., Any]] = {"traces": GrpcSpans, "logs": GrpcLogs}
_HTTP: dict[str, Callable[..., Any]] = {"traces": HttpSpans, "logs": HttpLogs}
_TRANSPORTS = ("grpc", "grpc-gzip", "http", "http-gzip", "http-deflate")
_every = pytest.mark.parametrize("signal", ["traces", "logs"])


def _exporter(signal: str, transport: str, ports: Ports) -> Any:
    """A stock exporter, its retries on."""
    kind, _, packed = transport.partition("-")
    if kind == "grpc":
        compression = grpc.Compression.Gzip if packed else grpc.Compression.NoCompression
        endpoint = f"http://127.0.0.1:{ports.grpc}"
        return _GRPC[signal](endpoint=endpoint, insecure=True, compression=compression)
    return _HTTP[signal](
        endpoint=f"http://127.0.0.1:{ports.http}/v1/{signal}",
        compression=Compression(packed or "none"),
    )


def _emit_traces(exporter: Any, number: int) -> None:
    """Spans as of an application, flushed."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("tests")
    for one in range(number):
        with tracer.start_as_current_span(f"chat {one}", attributes={"tokens": one}):
            pass
    assert provider.force_flush()
    provider.shutdown()


def _emit_logs(exporter: Any, number: int) -> None:
    """Events of a judge among lines of a log, flushed."""
    provider = LoggerProvider(resource=Resource({"service.name": "judge"}))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("judge")
    judged = trace.NonRecordingSpan(
        trace.SpanContext(int(TRACE_ID, 16), int(SPAN_ID, 16), is_remote=True)
    )
    context = trace.set_span_in_context(judged)
    for one in range(number):
        told: dict[str, Any] = {"timestamp": AT_NS + one, "context": context}
        logger.emit(LogRecord(body="a line", **told))
        logger.emit(LogRecord(event_name=EVENT, attributes=JUDGED, **told))
    assert provider.force_flush()
    provider.shutdown()


_EMIT = {"traces": _emit_traces, "logs": _emit_logs}


@_every
@pytest.mark.parametrize("transport", _TRANSPORTS)
async def test_what_is_flushed_is_in_the_journal(
    start: Start, tmp_path: Path, signal: str, transport: str
) -> None:
    journal = Journal.open(tmp_path, max_bytes=1 << 30, segment_bytes=1 << 20)
    running = await start(journal.append)
    exporter = _exporter(signal, transport, running.ports)
    await asyncio.to_thread(_EMIT[signal], exporter, 600)
    journal.close()
    journal = Journal.open(tmp_path, max_bytes=1 << 30, segment_bytes=1 << 20)
    held = journal.read(1, max_records=100, max_spans=10_000)
    journal.close()
    spans = [span for record in held for span in told_spans(record.payload)]
    assert len({span.span_id for span in spans}) == len(spans) == 600
    assert sum(record.span_count for record in held) == 600
    assert {record.workspace for record in held} == {"default"}
    if signal == "traces":
        assert {span.name for span in spans} == {f"chat {one}" for one in range(600)}
        return
    assert {attributes_of(span)["spanledger.subject.span_id"] for span in spans} == {SPAN_ID}
    counted = "grpc" if transport.startswith("grpc") else "http_protobuf"
    assert running.count("log_records_total", transport=counted, outcome="unused") == 600


@_every
@pytest.mark.parametrize("transport", ["grpc", "http"])
async def test_a_passing_fault_costs_nothing(
    start: Start, inbox: Inbox, signal: str, transport: str
) -> None:
    """The stock exporters come back after 503 and UNAVAILABLE within their ten seconds."""
    inbox.error = JournalUnavailableError("disk full: free space")
    running = await start()
    exporter = _exporter(signal, transport, running.ports)
    emitting = asyncio.create_task(asyncio.to_thread(_EMIT[signal], exporter, 5))
    counted = "grpc" if transport == "grpc" else "http_protobuf"
    for _ in range(6000):
        if running.count("requests_total", transport=counted, outcome="journal_unavailable"):
            break
        await asyncio.sleep(0.01)
    inbox.error = None
    await emitting
    assert [meaning["span_count"] for meaning in inbox.meanings] == [5]
