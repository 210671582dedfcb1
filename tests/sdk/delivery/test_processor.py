"""Delivery over real sockets: nothing is lost silently, nothing blocks the user."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from tests.support.otlp_receiver import Answer, GrpcReceiver, HttpReceiver

from spanledger._delivery.processor import DeliveryProcessor
from spanledger._delivery.sender import Sender, make_sender
from spanledger.config import Settings

#: How long a machine that is busy may take for what does happen.
PATIENCE_MS = 120_000


@contextmanager
def delivering(
    url: str, **settings: Any
) -> Generator[tuple[DeliveryProcessor, Callable[[str], None]]]:
    """A processor that delivers to the URL, and a function that makes one span."""
    chosen: dict[str, Any] = {
        "schedule_delay_seconds": 0.02,
        "exit_timeout_seconds": 2.0,
    } | settings
    read = Settings.read(endpoint=url, **chosen)
    processor = DeliveryProcessor(read, lambda: make_sender(read))
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("test")
    try:
        yield processor, lambda name: tracer.start_span(name).end()
    finally:
        provider.shutdown()


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port on which nobody listens, and that no other program is given meanwhile."""
    with socket.socket() as kept:
        # So that a receiver of ours may listen there later.
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_delivers_in_order_with_headers_and_counts() -> None:
    """Spans arrive complete and in order, with the configured headers."""
    with (
        HttpReceiver() as receiver,
        delivering(receiver.url, headers={"Authorization": "Bearer k"}, compression="gzip") as (
            processor,
            span,
        ),
    ):
        for number in range(30):
            span(f"s{number}")
        assert processor.force_flush(PATIENCE_MS)
        assert receiver.names == [f"s{number}" for number in range(30)]
        assert receiver.headers[0]["authorization"] == "Bearer k"
        assert receiver.headers[0]["path"] == "/v1/traces"
        counts = processor.delivery()
        assert (counts.accepted, counts.sent, counts.pending) == (30, 30, 0)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_collector_is_asked_again(status: int) -> None:
    """Answers that allow another try lose nothing and are counted as retries."""
    script = [Answer(status), Answer(status, {"Retry-After": "1"})]
    with HttpReceiver(script) as receiver, delivering(receiver.url) as (processor, span):
        span("kept")
        receiver.wait_for_requests(1)
        assert processor.force_flush(PATIENCE_MS)
        counts = processor.delivery()
        assert (counts.sent, counts.retried, counts.dropped, counts.failed) == (1, 2, 0, 0)
        assert receiver.names == ["kept"]
        assert str(status) in counts.last_error


@pytest.mark.parametrize("status", [302, 401, 403, 404, 500])
def test_a_refusal_is_final_and_counted(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """A collector that refuses is not asked twice; the loss is counted and told."""
    with HttpReceiver([Answer(status)]) as receiver, delivering(receiver.url) as (processor, span):
        span("refused")
        assert processor.force_flush(PATIENCE_MS)
        counts = processor.delivery()
        assert (counts.failed, counts.sent, len(receiver.requests)) == (1, 0, 1)
        span("next")
        assert processor.force_flush(PATIENCE_MS)
        assert receiver.names == ["next"]
    (line,) = messages(caplog)
    assert "1 spans were lost" in line
    assert f"HTTP {status}" in line


def test_a_faulty_span_is_found_and_the_others_arrive() -> None:
    """A batch that is refused as malformed is halved until the faulty span stands alone."""
    refuses = Answer(400, refuse_if=lambda names: "poison" in names)
    with HttpReceiver([refuses]) as receiver, delivering(receiver.url) as (processor, span):
        names = [f"s{number}" for number in range(40)]
        for name in [*names[:17], "poison", *names[17:]]:
            span(name)
        assert processor.force_flush(PATIENCE_MS)
        counts = processor.delivery()
        assert (counts.sent, counts.failed) == (40, 1)
        assert sorted(receiver.names) == sorted(names)


def test_a_collector_that_refuses_everything_costs_a_bounded_number_of_requests() -> None:
    """Halving stops: a batch of 512 does not become a thousand requests."""
    refuses = Answer(400, refuse_if=lambda _names: True)
    with (
        HttpReceiver([refuses]) as receiver,
        # One batch: the wait for company ends when it is full, not before.
        delivering(receiver.url, schedule_delay_seconds=60.0) as (processor, span),
    ):
        for _ in range(512):
            span("s")
        assert processor.force_flush(PATIENCE_MS)
        assert processor.delivery().failed == 512
        assert len(receiver.requests) <= 2 * 32 + 1


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_collector_that_is_busy_for_long_loses_nothing(status: int) -> None:
    """As long as the queue has room: other batches would be answered no better."""
    script = [Answer(status, {"Retry-After": "1"})] * 4
    with (
        HttpReceiver(script) as receiver,
        delivering(receiver.url, give_up_seconds=1) as (processor, span),
    ):
        span("kept")
        receiver.wait(lambda received: bool(received.names), PATIENCE_MS / 1000)
        assert processor.force_flush(PATIENCE_MS)
        counts = processor.delivery()
        assert (counts.sent, counts.failed, counts.dropped, counts.retried) == (1, 0, 0, 4)
        assert receiver.names == ["kept"]


def test_no_answer_for_too_long_ends_the_batch_but_not_the_next() -> None:
    """A batch that hangs the collector behind a proxy is given up after the set time."""
    script = [Answer(504), Answer(504)]
    with (
        HttpReceiver(script) as receiver,
        delivering(receiver.url, give_up_seconds=0.01) as (processor, span),
    ):
        span("given up")
        receiver.wait_for_requests(1)
        receiver.wait_for_requests(2)
        assert processor.force_flush(PATIENCE_MS)
        span("fine")
        assert processor.force_flush(PATIENCE_MS)
        counts = processor.delivery()
        assert (counts.failed, counts.sent) == (1, 1)
        assert receiver.names == ["fine"]


def test_partial_success_is_counted() -> None:
    """Spans that a successful answer reports as rejected are not counted as sent."""
    body = ExportTraceServiceResponse()
    body.partial_success.rejected_spans = 1
    script = [Answer(200, body=body.SerializeToString()), Answer(200, body=b"<html>garbage")]
    with HttpReceiver(script) as receiver, delivering(receiver.url) as (processor, span):
        span("a")
        span("b")
        assert processor.force_flush(PATIENCE_MS)
        rejected = processor.delivery().rejected
        span("c")
        assert processor.force_flush(PATIENCE_MS)
        counts = processor.delivery()
        assert rejected == 1
        assert (counts.sent, counts.rejected, counts.failed) == (2, 1, 0)


def test_collector_absent_then_there_nothing_is_lost(
    caplog: pytest.LogCaptureFixture, dead_port: int
) -> None:
    """One warning while it is away, one line when it is back, every span delivered."""
    with delivering(f"http://127.0.0.1:{dead_port}") as (processor, span):
        for number in range(100):
            span(f"s{number}")
        assert not processor.force_flush(1_500)
        assert processor.delivery().pending == 100
        assert len(messages(caplog)) == 1
        assert "cannot be reached" in messages(caplog)[0]
        with HttpReceiver(port=dead_port) as receiver:
            assert processor.force_flush(PATIENCE_MS)
            assert receiver.names == [f"s{number}" for number in range(100)]
    assert [line for line in messages(caplog) if "works again" in line]
    assert len(messages(caplog)) == 2


def test_a_hanging_collector_never_blocks_the_user() -> None:
    """While a request hangs, spans are only queued; the oldest go when the queue is full."""
    release = threading.Event()
    with (
        HttpReceiver([Answer(after=release)]) as receiver,
        delivering(receiver.url, queue_size=20, batch_size=10) as (processor, span),
    ):
        for number in range(10):
            span(f"first{number}")
        processor.force_flush(1)
        for number in range(50):
            span(f"later{number}")
        counts = processor.delivery()
        assert counts.pending <= 20
        assert counts.accepted == 60
        assert counts.dropped == 60 - counts.pending
        release.set()
        assert processor.force_flush(PATIENCE_MS)
        counts = processor.delivery()
        assert counts.accepted == counts.sent + counts.dropped
        assert receiver.names[-1] == "later49"


def test_overflow_is_told(caplog: pytest.LogCaptureFixture, dead_port: int) -> None:
    """Spans lost to a full queue are told with their number."""
    with delivering(f"http://127.0.0.1:{dead_port}", queue_size=4) as (processor, span):
        for number in range(10):
            span(f"s{number}")
        assert processor.delivery().dropped == 6
    lines = [line for line in messages(caplog) if "were lost" in line]
    assert lines
    assert processor.delivery().dropped == 10
    assert processor.delivery().pending == 0


def test_unsampled_spans_are_not_delivered() -> None:
    """The sampled flag is respected."""
    read = Settings.read(endpoint="http://127.0.0.1:1")
    processor = DeliveryProcessor(read, lambda: make_sender(read))
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    provider.get_tracer("test").start_span("unsampled").end()
    assert processor.delivery().accepted == 0


def test_a_span_without_context_is_ignored() -> None:
    """A span object of a test tool without a context is no reason to fail."""
    read = Settings.read(endpoint="http://127.0.0.1:1")
    processor = DeliveryProcessor(read, lambda: make_sender(read))
    processor.on_end(ReadableSpan("bare"))
    assert processor.delivery().accepted == 0


def test_spans_after_shutdown_are_counted_as_dropped() -> None:
    """Late spans are lost, and that is visible."""
    with HttpReceiver() as receiver, delivering(receiver.url) as (processor, span):
        span("in time")
        processor.shutdown()
        span("late")
        counts = processor.delivery()
        assert (counts.sent, counts.dropped) == (1, 1)


@pytest.mark.parametrize("began", [True, False])
def test_a_handler_that_ends_the_process_while_the_thread_is_started(
    *, began: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A signal comes in the middle of the first span: its handler ends a span, and raises."""
    start = threading.Thread.start
    interrupted: list[str] = []

    def interrupt(thread: threading.Thread) -> None:
        if thread.name != "spanledger-delivery" or interrupted:
            start(thread)
            return
        interrupted.append(thread.name)
        if began:
            start(thread)
        span("in the handler")
        raise SystemExit

    monkeypatch.setattr(threading.Thread, "start", interrupt)
    with HttpReceiver() as receiver:
        read = Settings.read(endpoint=receiver.url, exit_timeout_seconds=60.0)
        made: list[Sender] = []

        def make() -> Sender:
            made.append(make_sender(read))
            return made[-1]

        processor = DeliveryProcessor(read, make)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        tracer = provider.get_tracer("test")

        def span(name: str) -> None:
            tracer.start_span(name).end()

        with pytest.raises(SystemExit):
            span("first")
        provider.shutdown()
        counts = processor.delivery()
        assert (counts.sent, counts.accepted, counts.pending) == (2, 2, 0)
        assert sorted(receiver.names) == ["first", "in the handler"]
        assert (len(made), messages(caplog)) == (1, []), "one sends, and ends"


def test_shutdown_gives_up_quickly_when_nobody_listens(dead_port: int) -> None:
    """The end of a program is not held up by a collector that is not there."""
    with delivering(f"http://127.0.0.1:{dead_port}", exit_timeout_seconds=600.0) as (
        processor,
        span,
    ):
        span("lost")
        started = time.monotonic()
        processor.shutdown()
        assert time.monotonic() - started < 100
        assert processor.delivery().dropped == 1


def test_the_exporters_log_of_others_is_left_alone(
    caplog: pytest.LogCaptureFixture, dead_port: int
) -> None:
    """Records that the exporter logs outside our thread still reach the log."""
    name = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    with delivering(f"http://127.0.0.1:{dead_port}") as (processor, span):
        span("s")
        assert not processor.force_flush(500)
        logging.getLogger(name).error("somebody else's record")
    assert [record.getMessage() for record in caplog.records if record.name == name] == [
        "somebody else's record"
    ]


def test_many_threads_account_for_every_span() -> None:
    """Accepted equals the spans made, and every one is sent or counted as dropped."""
    with (
        HttpReceiver() as receiver,
        delivering(receiver.url, queue_size=500, batch_size=50) as (processor, span),
    ):
        threads = [
            threading.Thread(target=lambda: [span("s") for _ in range(400)]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert processor.force_flush(PATIENCE_MS)
        counts = processor.delivery()
        assert counts.accepted == 3200
        assert counts.sent + counts.dropped == 3200
        assert len(receiver.names) == counts.sent


def test_grpc_delivers_and_retries(caplog: pytest.LogCaptureFixture) -> None:
    """Over gRPC: UNAVAILABLE is retried by the queue, headers are sent as metadata."""
    script = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED]
    with (
        GrpcReceiver(script) as receiver,
        delivering(
            receiver.url, protocol="grpc", headers={"X-Api-Key": "k"}, compression="gzip"
        ) as (processor, span),
    ):
        span("kept")
        assert processor.force_flush(PATIENCE_MS)
        counts = processor.delivery()
        assert (counts.sent, counts.retried) == (1, 2)
        assert receiver.names == ["kept"]
        assert receiver.headers[0]["x-api-key"] == "k"
    assert not [record for record in caplog.records if record.name.startswith("opentelemetry")]


@pytest.mark.parametrize(
    ("code", "requests"),
    [(grpc.StatusCode.PERMISSION_DENIED, 1), (grpc.StatusCode.INVALID_ARGUMENT, 3)],
)
def test_grpc_refusals(code: grpc.StatusCode, requests: int) -> None:
    """A refusal is final; an invalid argument is searched for in the batch."""
    with (
        GrpcReceiver([code] * requests) as receiver,
        delivering(receiver.url, protocol="grpc", schedule_delay_seconds=60.0) as (processor, span),
    ):
        span("a")
        span("b")
        assert processor.force_flush(PATIENCE_MS)
        assert processor.delivery().failed == 2
        assert len(receiver.requests) == requests
        assert code.name in processor.delivery().last_error
