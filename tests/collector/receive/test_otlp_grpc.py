"""The gRPC port, with a raw client: standard answers, limits and retry hints."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc import aio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tests.collector.receive.conftest import Inbox, Running, Start
from tests.collector.receive.otlp import request

from spanledger_collector.access import Identity
from spanledger_collector.config import MIB, CollectorConfig
from spanledger_collector.errors import (
    ConfigurationError,
    JournalUnavailableError,
    UnauthenticatedError,
)
from spanledger_collector.receive import Receiver

_BODY = request(spans=3).SerializeToString()
_TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_PROFILES = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"


@asynccontextmanager
async def _channel(running: Running) -> AsyncGenerator[aio.Channel, None]:
    async with aio.insecure_channel(f"127.0.0.1:{running.ports.grpc}") as channel:
        yield channel


async def _refusal(
    channel: aio.Channel,
    body: bytes,
    *,
    path: str = _TRACES,
    metadata: tuple[tuple[str, str], ...] = (),
    compression: grpc.Compression | None = None,
) -> aio.AioRpcError:
    with pytest.raises(aio.AioRpcError) as caught:
        await channel.unary_unary(path)(body, metadata=metadata, compression=compression)
    return caught.value


def _trailers(error: aio.AioRpcError) -> dict[str, bytes]:
    return {k: v for k, v in error.trailing_metadata() if isinstance(v, bytes)}


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_a_request_is_stored_and_answered_with_no_bytes(
    start: Start, inbox: Inbox, compression: grpc.Compression
) -> None:
    running = await start()
    async with _channel(running) as channel:
        assert await channel.unary_unary(_TRACES)(_BODY, compression=compression) == b""
        assert await channel.unary_unary(_TRACES)(b"", compression=compression) == b""
    assert inbox.payloads == [_BODY]
    assert inbox.meanings[0]["span_count"] == 3
    assert running.count("spans_total", transport="grpc", outcome="accepted") == 3


async def test_a_hundred_calls_at_once_on_one_connection(start: Start, inbox: Inbox) -> None:
    """All wait for the disk together; none blocks another."""
    inbox.gate = asyncio.Event()
    async with _channel(await start()) as channel:
        export = channel.unary_unary(_TRACES)
        calls = [asyncio.ensure_future(export(_BODY)) for _ in range(150)]
        await inbox.arrived.wait()
        inbox.gate.set()
        assert await asyncio.gather(*calls) == [b""] * 150
    assert len(inbox.payloads) == 150


async def test_rejected_spans_are_told_and_the_rest_is_stored(start: Start, inbox: Inbox) -> None:
    message = request(spans=3)
    message.resource_spans[0].scope_spans[0].spans[1].span_id = b""
    async with _channel(await start()) as channel:
        answer = await channel.unary_unary(_TRACES)(message.SerializeToString())
    partial = ExportTraceServiceResponse.FromString(answer).partial_success
    assert partial.rejected_spans == 1
    assert "span id" in partial.error_message
    assert inbox.meanings[0]["span_count"] == 2


async def test_malformed_bytes_are_an_invalid_argument(start: Start) -> None:
    running = await start()
    async with _channel(running) as channel:
        error = await _refusal(channel, b"\xff\xff")
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        details = Status.FromString(_trailers(error)["grpc-status-details-bin"])
        assert (details.code, details.message) == (3, error.details())
        assert "google.rpc.retryinfo-bin" not in _trailers(error)
        assert await channel.unary_unary(_TRACES)(_BODY) == b""
    assert running.count("requests_total", transport="grpc", outcome="malformed") == 1


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_a_large_message_is_refused_for_good(
    start: Start, inbox: Inbox, compression: grpc.Compression
) -> None:
    """The limit counts bytes after decompression; without RetryInfo nobody sends it again."""
    async with _channel(await start()) as channel:
        error = await _refusal(channel, bytes(4 * MIB + 1), compression=compression)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert _trailers(error) == {}
        assert await channel.unary_unary(_TRACES)(_BODY) == b""
    assert inbox.payloads == [_BODY]


@pytest.mark.parametrize("path", [_PROFILES, "/no/such"])
async def test_other_services_are_unimplemented(start: Start, path: str) -> None:
    async with _channel(await start()) as channel:
        error = await _refusal(channel, b"", path=path)
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_failing_journal_asks_the_sender_to_come_back(start: Start, inbox: Inbox) -> None:
    """RetryInfo comes both as the specification says and as the Python exporter reads it."""
    inbox.error = JournalUnavailableError("disk full: free space")
    async with _channel(await start()) as channel:
        error = await _refusal(channel, _BODY)
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert error.details() == "disk full: free space"
        trailers = _trailers(error)
        direct = RetryInfo.FromString(trailers["google.rpc.retryinfo-bin"])
        inside = RetryInfo()
        status = Status.FromString(trailers["grpc-status-details-bin"])
        assert status.details[0].Unpack(inside)
        assert direct == inside
        assert direct.retry_delay.seconds == 1
        inbox.error = None
        assert await channel.unary_unary(_TRACES)(_BODY) == b""


async def test_the_byte_budget_is_shared_with_http_and_refuses_for_a_moment(start: Start) -> None:
    async with _channel(await start(max_bytes_in_flight=10)) as channel:
        error = await _refusal(channel, _BODY)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert "google.rpc.retryinfo-bin" in _trailers(error)


async def test_an_unforeseen_error_is_internal_and_tells_no_details(
    start: Start, inbox: Inbox
) -> None:
    inbox.error = ZeroDivisionError("secret")
    async with _channel(await start()) as channel:
        error = await _refusal(channel, _BODY)
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(error)


async def test_keys_are_checked_before_the_message(start: Start, inbox: Inbox) -> None:
    def authenticate(key: str | None) -> Identity:
        if key != "right":
            raise UnauthenticatedError("Send the API key as authorization: Bearer <key>.")
        return Identity("acme", "pinned")

    running = await start(arguments={"authenticate": authenticate})
    async with _channel(running) as channel:
        for metadata in ((), (("authorization", "Bearer wrong"),)):
            error = await _refusal(channel, bytes(5 * MIB), metadata=metadata)
            assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        for metadata in ((("authorization", "Bearer right"),), (("x-api-key", "right"),)):
            assert await channel.unary_unary(_TRACES)(_BODY, metadata=metadata) == b""
    assert {(m["workspace"], m["tenant"]) for m in inbox.meanings} == {("acme", "pinned")}


async def test_a_port_in_use_is_refused(start: Start) -> None:
    """Both ports: a second collector must not take half of the requests."""
    running = await start()
    with pytest.raises(ConfigurationError, match="SPANLEDGER_GRPC_PORT"):
        await _start_on(running.ports.grpc, 0)
    with pytest.raises(ConfigurationError, match="SPANLEDGER_HTTP_PORT"):
        await _start_on(0, running.ports.http)


async def _start_on(grpc_port: int, http_port: int) -> None:
    config = CollectorConfig(grpc_port=grpc_port, http_port=http_port)
    await Receiver(config, Inbox().accept).start()


async def test_a_call_that_is_cancelled_while_it_is_stored_is_stored(
    start: Start, inbox: Inbox
) -> None:
    """S21: its bytes count as in progress until they are on disk; then there is room again."""
    inbox.gate = asyncio.Event()
    running = await start(max_bytes_in_flight=len(_BODY) + 10)
    async with _channel(running) as channel:
        export = channel.unary_unary(_TRACES)
        call = asyncio.ensure_future(export(_BODY, timeout=600))
        await inbox.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        late = await _refusal(channel, _BODY)
        assert late.code() is grpc.StatusCode.UNAVAILABLE
        assert running.count("bytes_in_flight") == len(_BODY)
        inbox.gate.set()
        await _until(lambda: running.count("bytes_in_flight") == 0)
        assert inbox.payloads == [_BODY]
        assert await export(_BODY) == b""
    assert running.count("requests_total", transport="grpc", outcome="ok") == 2


async def test_a_fault_is_counted_though_its_call_was_cancelled(
    start: Start, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    inbox.gate, inbox.error = asyncio.Event(), ZeroDivisionError("unforeseen")
    running = await start()
    async with _channel(running) as channel:
        call = asyncio.ensure_future(channel.unary_unary(_TRACES)(_BODY))
        await inbox.arrived.wait()
        call.cancel()
        await asyncio.wait({call})
        # The reset is there when a later call on the same connection is answered.
        await _refusal(channel, b"\xff\xff")
        inbox.gate.set()
        labels = {"transport": "grpc", "outcome": "internal"}
        await _until(lambda: running.count("requests_total", **labels) == 1)
    assert "unforeseen" in caplog.text


async def test_a_deadline_of_a_millisecond_harms_nobody(start: Start, inbox: Inbox) -> None:
    """S21, F31: wherever it ends a call, the next is answered, and all room is there again."""
    running = await start()
    async with _channel(running) as channel:
        export = channel.unary_unary(_TRACES)
        answered = 0
        for _ in range(100):
            with suppress(aio.AioRpcError):
                answered += await export(_BODY, timeout=0.001) == b""
        assert await export(_BODY) == b""
        assert len(inbox.payloads) >= answered + 1
        await _until(lambda: running.count("bytes_in_flight") == 0)
    assert running.count("requests_total", transport="grpc", outcome="internal") == 0


async def _until(reached: Callable[[], bool]) -> None:
    for _ in range(6000):
        if reached():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


async def test_stopping_lets_calls_in_progress_finish(start: Start, inbox: Inbox) -> None:
    inbox.gate = asyncio.Event()
    running = await start()
    async with _channel(running) as channel:
        call = asyncio.ensure_future(channel.unary_unary(_TRACES)(_BODY))
        await inbox.arrived.wait()
        stopping = asyncio.create_task(running.receiver.stop(120))
        await asyncio.sleep(0.2)
        assert not stopping.done()
        inbox.gate.set()
        assert await call == b""
        await stopping
    assert inbox.payloads == [_BODY]
