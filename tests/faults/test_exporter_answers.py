"""What a collector may answer: slow, endless, packed, broken off, garbage. Real sockets."""

from __future__ import annotations

import gzip
import socket
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer
from tests.sdk.delivery.test_processor import delivering
from tests.support.otlp_receiver import HttpReceiver
from tests.support.raw_http import OK, Answering, RawServer, written

from spanledger._delivery import http_sender
from spanledger._delivery.processor import DeliveryProcessor

_PATIENCE_MS = 60_000
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"


def _rejecting(count: int) -> bytes:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = count
    return answer.SerializeToString()


def _endless(connection: socket.socket) -> bool:
    connection.sendall(_HEAD + b"Content-Length: 1000000000000\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65_536)


def _dripping(connection: socket.socket) -> bool:
    connection.sendall(_HEAD + b"Content-Length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


_BOMB = gzip.compress(b"\x00" * 50_000_000)


def _tracer(processor: DeliveryProcessor) -> Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider.get_tracer("test")


@pytest.mark.parametrize(
    "answering",
    [
        _endless,
        _dripping,
        written(
            _HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_BOMB) + _BOMB
        ),
        written(_HEAD + b"Content-Length: 11\r\n\r\n<html>\xff\xfe\x00</"),
        written(_HEAD + b"Connection: close\r\n\r\n"),
    ],
    ids=["endless", "dripping", "bomb", "garbage", "without length"],
)
def test_success_is_success_whatever_its_body(
    answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status counts. The body is read to 64 KiB, for a bounded time, and never unpacked."""
    monkeypatch.setattr(http_sender, "_ANSWER_SECONDS", 0.5)
    read: list[int] = []
    parse = http_sender._rejected_spans

    def watched(body: bytes) -> int:
        read.append(len(body))
        return parse(body)

    monkeypatch.setattr(http_sender, "_rejected_spans", watched)

    def answer_and_end(connection: socket.socket) -> bool:
        answering(connection)
        return False

    with RawServer(answer_and_end) as server, delivering(server.url) as (processor, span):
        span("taken")
        assert processor.force_flush(_PATIENCE_MS)
        counts = processor.delivery()
        assert (counts.sent, counts.failed, counts.retried) == (1, 0, 0)
    assert max(read) <= 64 * 1024


def test_partial_success_in_chunks_is_counted() -> None:
    """An answer may come in any framing of HTTP."""
    body = _rejecting(2)
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    answer = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
    with (
        RawServer(written(answer)) as server,
        # One batch: the wait for company ends when it is flushed, not before.
        delivering(server.url, schedule_delay_seconds=600.0) as (processor, span),
    ):
        for name in "abc":
            span(name)
        assert processor.force_flush(_PATIENCE_MS)
        counts = processor.delivery()
        assert (counts.sent, counts.rejected) == (1, 2)


def _then_ok(*firsts: bytes) -> Answering:
    """These answers, each broken off by the end of the connection; then success."""
    left: Iterator[bytes] = iter(firsts)

    def answer(connection: socket.socket) -> bool:
        broken = next(left, None)
        connection.sendall(OK if broken is None else broken)
        return broken is None

    return answer


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x00\xff\x16\x03garbage that is no HTTP\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 2",
        _HEAD + b"Content-Length: 100\r\n\r\nhalf",
        _HEAD + b"Transfer-Encoding: chunked\r\n\r\nzzz\r\n",
        b"HTTP/1.1 503 Busy\r\nRetry-After: -3\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 429\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nRetry-After: \xff\xfe soon\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_answer_that_says_nothing_means_the_same_request_again(broken: bytes) -> None:
    """Nobody knows what was taken, so all of it is sent again; the ledger keeps one copy."""
    # A lost connection is tried again at once, inside one request of the queue: so it breaks twice.
    with RawServer(_then_ok(broken, broken)) as server, delivering(server.url) as (processor, span):
        span("kept")
        assert processor.force_flush(_PATIENCE_MS)
        counts = processor.delivery()
        assert (counts.sent, counts.failed, counts.dropped) == (1, 0, 0)
        assert counts.retried >= 1
        assert counts.last_error


def test_one_connection_serves_many_requests() -> None:
    """C13: the connection is kept, also where answers have bodies."""
    body = _rejecting(0)
    answer = _HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with RawServer(written(answer)) as server, delivering(server.url) as (processor, span):
        for number in range(20):
            span(f"s{number}")
            assert processor.force_flush(_PATIENCE_MS)
        assert processor.delivery().sent == 20
        assert len(server.heads) == 20
        assert server.connections == 1


def test_requests_say_who_sends_them() -> None:
    """C15: the User-Agent is that of the OpenTelemetry exporter, which is what sends."""
    with HttpReceiver() as receiver, delivering(receiver.url) as (processor, span):
        span("s")
        assert processor.force_flush(_PATIENCE_MS)
        assert receiver.headers[0]["user-agent"].startswith("OTel-OTLP-Exporter-Python/")


def test_large_spans_go_in_requests_that_collectors_take() -> None:
    """C8: below the 4 MiB that a gRPC receiver takes by default, however long the texts are."""
    with (
        HttpReceiver() as receiver,
        delivering(receiver.url, schedule_delay_seconds=600.0) as (processor, _),
    ):
        tracer = _tracer(processor)
        for _ in range(40):
            tracer.start_span("large", attributes={"prompt": "x" * 400_000}).end()
        assert processor.force_flush(_PATIENCE_MS)
        assert processor.delivery().sent == 40
        sizes = [request.ByteSize() for request in receiver.requests]
        assert max(sizes) < 4 * 1024 * 1024
        assert len(sizes) < 10


def test_memory_is_bounded_while_nobody_answers() -> None:
    """A queue of large spans is bounded in bytes; what does not fit is counted."""
    with delivering("http://127.0.0.1:9", queue_bytes=20_000_000) as (processor, _):
        tracer = _tracer(processor)
        tracemalloc.start()
        try:
            for number in range(500):
                tracer.start_span("large", attributes={"prompt": f"{number:04} " * 50_000}).end()
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        counts = processor.delivery()
        assert counts.accepted == 500 == counts.pending + counts.dropped
        assert 50 < counts.pending < 100
    # Without a bound 125 MB. Beyond it: what a request that is being tried takes.
    assert peak_bytes < 60_000_000
