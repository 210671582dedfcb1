"""What holds for spans, metrics and logs alike, over HTTP and gRPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
import orjson
import pytest
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from grpc import aio
from tests.collector.receive.conftest import Connect, Inbox, Start
from tests.collector.receive.otlp import request, submessages, to_json
from tests.collector.receive.told_logs import log_json, log_request
from tests.collector.receive.told_metrics import metric_json, metric_request, pair

from spanledger_collector.access import Identity
from spanledger_collector.config import MIB
from spanledger_collector.errors import ForbiddenError, JournalUnavailableError, TooLargeError
from spanledger_collector.receive.samples import UNITS
from spanledger_collector.receive.wire import check_submessages

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class _Signal:
    """A signal, and a request of it that is stored."""

    name: str
    service: str
    message: str
    body: bytes
    json: bytes

    @property
    def path(self) -> str:
        return f"/v1/{self.name}"

    @property
    def export(self) -> str:
        return f"/opentelemetry.proto.collector.{self.service}/Export"


_SIGNALS = [
    _Signal(
        "traces",
        "trace.v1.TraceService",
        "ExportTraceServiceRequest",
        request(spans=1).SerializeToString(),
        orjson.dumps(to_json(request(spans=1))),
    ),
    _Signal(
        "metrics",
        "metrics.v1.MetricsService",
        "ExportMetricsServiceRequest",
        metric_request("hw.power").SerializeToString(),
        metric_json(metric_request("hw.power")),
    ),
    _Signal(
        "logs",
        "logs.v1.LogsService",
        "ExportLogsServiceRequest",
        log_request({}).SerializeToString(),
        log_json(log_request({})),
    ),
]
_every = pytest.mark.parametrize("signal", _SIGNALS, ids=lambda one: one.name)


@_every
async def test_an_empty_request_is_fine_and_not_stored(
    start: Start, connect: Connect, inbox: Inbox, signal: _Signal
) -> None:
    running = await start()
    connection = await connect(running)
    for body, content_type, said in (
        (b"", "application/x-protobuf", b""),
        (b"{}", _JSON, b"{}"),
    ):
        await connection.request(body, path=signal.path, content_type=content_type)
        answer = await connection.answer()
        assert (answer.status, answer.body) == (200, said)
    async with aio.insecure_channel(f"127.0.0.1:{running.ports.grpc}") as channel:
        assert await channel.unary_unary(signal.export)(b"") == b""
    assert inbox.payloads == []


@_every
async def test_a_failing_journal_asks_the_sender_to_come_back(
    start: Start, connect: Connect, inbox: Inbox, signal: _Signal
) -> None:
    """Acknowledged is on disk."""
    inbox.error = JournalUnavailableError("disk full: free space")
    running = await start()
    connection = await connect(running)
    await connection.request(signal.body, path=signal.path)
    answer = await connection.answer()
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert "free space" in Status.FromString(answer.body).message
    await connection.request(signal.json, path=signal.path, content_type=_JSON)
    answer = await connection.answer()
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert "free space" in orjson.loads(answer.body)["message"]
    async with aio.insecure_channel(f"127.0.0.1:{running.ports.grpc}") as channel:
        export = channel.unary_unary(signal.export)
        with pytest.raises(aio.AioRpcError) as caught:
            await export(signal.body)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        inbox.error = None
        await connection.request(signal.body, path=signal.path)
        assert (await connection.answer()).status == 200
        assert await export(signal.body) == b""
    assert len(inbox.payloads) == 2


@_every
async def test_a_key_pins_workspace_and_tenant(
    start: Start, connect: Connect, inbox: Inbox, signal: _Signal
) -> None:
    """One that may only read is refused."""

    def authenticate(key: str | None) -> Identity:
        if key != "good":
            raise ForbiddenError("key x may not send")
        return Identity("acme", "pinned")

    running = await start(arguments={"authenticate": authenticate})
    connection = await connect(running)
    for key, status in (("good", 200), ("bad", 403)):
        await connection.request(signal.body, path=signal.path, headers={"x-api-key": key})
        assert (await connection.answer()).status == status
    async with aio.insecure_channel(f"127.0.0.1:{running.ports.grpc}") as channel:
        export = channel.unary_unary(signal.export)
        assert await export(signal.body, metadata=(("x-api-key", "good"),)) == b""
        with pytest.raises(aio.AioRpcError) as caught:
            await export(signal.body, metadata=(("x-api-key", "bad"),))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    told = [(meaning["workspace"], meaning["tenant"]) for meaning in inbox.meanings]
    assert told == [("acme", "pinned")] * 2


@_every
@pytest.mark.parametrize(
    ("body", "options", "status", "says"),
    [
        (b"\xff\xff", {}, 400, b"{message}"),
        (b"{", {"content_type": _JSON}, 400, b"not JSON"),
        (b"x", {"content_type": "text/plain"}, 415, b"application/x-protobuf"),
        (b"", {"method": "GET"}, 405, b"POST"),
        (b"x" * (MIB + 1), {}, 413, b"smaller batches"),
    ],
    ids=["bytes", "json", "type", "method", "size"],
)
async def test_bad_requests_get_one_status(
    start: Start,
    connect: Connect,
    inbox: Inbox,
    *,
    signal: _Signal,
    body: bytes,
    options: dict[str, Any],
    status: int,
    says: bytes,
) -> None:
    connection = await connect(await start(max_request_bytes=MIB))
    await connection.request(body, path=signal.path, **options)
    answer = await connection.answer()
    assert answer.status == status
    assert says.replace(b"{message}", signal.message.encode()) in answer.body
    assert inbox.payloads == []


@_every
async def test_malformed_bytes_are_an_invalid_argument(start: Start, signal: _Signal) -> None:
    running = await start()
    async with aio.insecure_channel(f"127.0.0.1:{running.ports.grpc}") as channel:
        with pytest.raises(aio.AioRpcError) as caught:
            await channel.unary_unary(signal.export)(b"\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert signal.message in str(caught.value.details())


def _every_kind_of_metric() -> Message:
    message = metric_request(*UNITS)
    metrics = message.resource_metrics[0].scope_metrics[0].metrics
    metrics[0].gauge.data_points[0].exemplars.add().filtered_attributes.append(pair("a", "b"))
    several = metrics.add(name="m")
    several.metadata.append(pair("a", "b"))
    several.summary.data_points.add().quantile_values.add()
    point = metrics.add().exponential_histogram.data_points.add()
    point.positive.SetInParent()
    point.negative.SetInParent()
    metrics.add().histogram.data_points.add().attributes.append(pair("a", "b"))
    return message


@pytest.mark.parametrize(
    ("signal", "message"),
    [("metrics", _every_kind_of_metric()), ("logs", log_request({}, {"name": "other"}))],
    ids=["metrics", "logs"],
)
def test_messages_are_counted_exactly_before_they_are_parsed(signal: Any, message: Message) -> None:
    """Two bytes a message on the wire are sixty in memory. For spans: in test_decode."""
    count = submessages(message)
    body = message.SerializeToString()
    check_submessages(body, count, signal)
    with pytest.raises(TooLargeError, match=f"more than {count - 1} messages"):
        check_submessages(body, count - 1, signal)
