"""The HTTP port, over raw sockets: good requests, bad ones, hostile ones."""

import asyncio
import gzip
import resource
import time
import zlib

import orjson
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tests.collector.receive.conftest import Connect, Inbox, Start
from tests.collector.receive.otlp import request, to_json
from tests.collector.receive.test_inflate import zstd

from spanledger_collector.access import Identity
from spanledger_collector.config import MIB
from spanledger_collector.errors import JournalUnavailableError, UnauthenticatedError

_BODY = request(spans=3).SerializeToString()
_JSON = "application/json"


async def test_protobuf_and_json_store_the_same_bytes(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    running = await start()
    connection = await connect(running)
    await connection.request(_BODY)
    answer = await connection.answer()
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"] == "application/x-protobuf"
    json_body = orjson.dumps(to_json(request(spans=3)))
    await connection.request(json_body, content_type="Application/JSON; charset=utf-8")
    answer = await connection.answer()
    assert (answer.status, answer.body) == (200, b"{}")
    assert answer.headers["content-type"] == _JSON
    assert inbox.payloads == [_BODY, _BODY]
    assert [m["span_count"] for m in inbox.meanings] == [3, 3]
    assert {(m["workspace"], m["tenant"]) for m in inbox.meanings} == {("default", "")}
    assert abs(time.time_ns() - inbox.meanings[0]["received_at_ns"]) < 60e9
    assert running.count("requests_total", transport="http_json", outcome="ok") == 1
    assert running.count("spans_total", transport="http_protobuf", outcome="accepted") == 3
    assert running.count("bytes_in_flight") == 0


async def test_one_connection_serves_many_requests(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    connection = await connect(await start())
    for _ in range(100):
        await connection.request(_BODY)
        assert (await connection.answer()).status == 200
    assert len(inbox.payloads) == 100


async def test_pipelined_requests_are_answered_in_order(start: Start, connect: Connect) -> None:
    connection = await connect(await start())
    for body in (_BODY, b"\xff", _BODY):
        await connection.request(body)
    assert [(await connection.answer()).status for _ in range(3)] == [200, 400, 200]


async def test_many_connections_at_once(start: Start, connect: Connect, inbox: Inbox) -> None:
    running = await start()

    async def send() -> int:
        connection = await connect(running)
        await connection.request(_BODY)
        return (await connection.answer()).status

    assert await asyncio.gather(*(send() for _ in range(100))) == [200] * 100
    assert len(inbox.payloads) == 100


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "identity"])
async def test_compressed_bodies(
    start: Start, connect: Connect, inbox: Inbox, encoding: str
) -> None:
    packers = {
        "gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress, "identity": bytes,
    }  # fmt: skip
    packed = packers[encoding](_BODY)
    connection = await connect(await start())
    await connection.request(packed, headers={"content-encoding": encoding})
    assert (await connection.answer()).status == 200
    assert inbox.payloads == [_BODY]


async def test_a_gzip_body_of_several_members_is_stored_whole(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    connection = await connect(await start())
    packed = gzip.compress(_BODY[:50]) + gzip.compress(_BODY[50:])
    await connection.request(packed, headers={"content-encoding": "gzip"})
    assert (await connection.answer()).status == 200
    assert inbox.payloads == [_BODY]


@pytest.mark.parametrize(
    ("body", "options", "status", "says"),
    [
        (b"\xff\xff", {}, 400, "not an ExportTraceServiceRequest"),
        (_BODY[:-3], {}, 400, "cut off"),
        (b"{", {"content_type": _JSON}, 400, "not JSON"),
        (b'{"a": "\xff"}', {"content_type": _JSON}, 400, "not JSON"),
        (b"x", {"content_type": "text/plain"}, 415, "send application/x-protobuf or"),
        (_BODY, {"headers": {"content-encoding": "br"}}, 415, "gzip, deflate, zstd, identity"),
        (_BODY, {"headers": {"content-encoding": "gzip"}}, 400, "not gzip"),
        (
            gzip.compress(_BODY)[:-9],
            {"headers": {"content-encoding": "gzip"}},
            400,
            "ends in the middle",
        ),
        (
            gzip.compress(_BODY) + b"more",
            {"headers": {"content-encoding": "gzip"}},
            400,
            "after the end",
        ),
        (b"x" * (MIB + 1), {}, 413, "smaller batches"),
        (b"", {"path": "/v1development/profiles"}, 404, "evaluations in logs"),
        (b"", {"path": "/"}, 404, "/v1/traces"),
        (b"", {"method": "GET"}, 405, "POST"),
        (b"", {"method": "OPTIONS"}, 405, "POST"),
    ],
)
async def test_bad_requests_get_their_status_and_the_stream_goes_on(
    start: Start,
    connect: Connect,
    inbox: Inbox,
    *,
    body: bytes,
    options: dict[str, object],
    status: int,
    says: str,
) -> None:
    """The body of the answer is a google.rpc.Status in the request's encoding."""
    running = await start(max_request_bytes=MIB)
    connection = await connect(running)
    await connection.request(body, **options)  # type: ignore[arg-type]
    answer = await connection.answer()
    assert answer.status == status
    if options.get("content_type", "application/x-protobuf") == "application/x-protobuf":
        assert answer.headers["content-type"] == "application/x-protobuf"
        message = Status.FromString(answer.body).message
    else:
        assert answer.headers["content-type"] == _JSON
        message = orjson.loads(answer.body)["message"]
    assert says in message
    assert ("allow" in answer.headers) == (status == 405)
    assert inbox.payloads == []
    fresh = await connect(running)
    await fresh.request(_BODY)
    assert (await fresh.answer()).status == 200


async def test_an_empty_request_is_fine_and_not_stored(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    connection = await connect(await start())
    await connection.request(b"")
    assert (await connection.answer()).status == 200
    await connection.request(b"{}", content_type=_JSON)
    assert (await connection.answer()).body == b"{}"
    assert inbox.payloads == []


async def test_rejected_spans_are_told_and_the_rest_is_stored(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    message = request(spans=3)
    message.resource_spans[0].scope_spans[0].spans[1].trace_id = bytes(16)
    running = await start()
    connection = await connect(running)
    await connection.request(message.SerializeToString())
    partial = ExportTraceServiceResponse.FromString((await connection.answer()).body)
    assert partial.partial_success.rejected_spans == 1
    assert "trace id" in partial.partial_success.error_message
    await connection.request(orjson.dumps(to_json(message)), content_type=_JSON)
    answer = orjson.loads((await connection.answer()).body)
    assert answer["partialSuccess"]["rejectedSpans"] == "1"
    assert inbox.payloads[0] == inbox.payloads[1]
    assert running.count("spans_total", transport="http_json", outcome="refused") == 1
    assert running.count("requests_total", transport="http_protobuf", outcome="partial") == 1


async def test_broken_text_is_told_as_a_warning(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    """Nothing was rejected: a sender that counts rejected spans counts none."""
    running = await start()
    connection = await connect(running)
    await connection.request(_BODY.replace(b"gpt-x", b"gp\xff-x"))
    answer = await connection.answer()
    told = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, told.rejected_spans) == (200, 0)
    assert "3 strings were not UTF-8" in told.error_message
    assert inbox.meanings[0]["span_count"] == 3
    assert running.count("repaired_texts_total") == 3
    assert running.count("requests_total", transport="http_protobuf", outcome="ok") == 1


async def test_a_body_declared_too_large_is_refused_before_it_is_sent(
    start: Start, connect: Connect
) -> None:
    connection = await connect(await start(max_request_bytes=1000))
    await connection.request(b"", length=1 << 40)
    answer = await connection.answer()
    assert answer.status == 413
    assert answer.headers["connection"] == "close"


async def test_a_chunked_body_is_refused_when_it_passes_the_limit(
    start: Start, connect: Connect
) -> None:
    """No length is declared, and the end never comes."""
    connection = await connect(await start(max_request_bytes=100_000))
    await connection.send(
        b"POST /v1/traces HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n"
        b"content-type: application/x-protobuf\r\n\r\n"
    )
    chunk = b"4000\r\n" + bytes(0x4000) + b"\r\n"
    for _ in range(7):
        await connection.send(chunk)
    assert (await connection.answer()).status == 413


async def test_a_chunked_body_within_the_limit_is_stored(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    connection = await connect(await start())
    await connection.send(
        b"POST /v1/traces HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n"
        b"content-type: application/x-protobuf\r\n\r\n"
    )
    for byte in _BODY:
        await connection.send(b"1\r\n" + bytes([byte]) + b"\r\n")
    await connection.send(b"0\r\n\r\n")
    assert (await connection.answer()).status == 200
    assert inbox.payloads == [_BODY]


async def test_the_sender_of_a_large_refused_body_gets_to_see_why(
    start: Start, connect: Connect
) -> None:
    """The whole body is sent before the answer is read; a reset would destroy the answer."""
    connection = await connect(await start(max_request_bytes=5 * MIB))
    await connection.request(bytes(9 * MIB), content_type="text/plain")
    assert (await connection.answer()).status == 415


async def test_a_sender_that_asks_first_sends_no_refused_body(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    running = await start(max_request_bytes=MIB)
    connection = await connect(running)
    await connection.request(b"", length=2 * MIB, headers={"expect": "100-continue"})
    assert (await connection.answer()).status == 413
    assert await connection.closed()
    connection = await connect(running)
    await connection.request(b"", length=len(_BODY), headers={"expect": "100-continue"})
    assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await connection.send(_BODY)
    assert (await connection.answer()).status == 200


async def test_a_gzip_bomb_costs_no_more_than_the_limit(start: Start, connect: Connect) -> None:
    """1 GiB of zeros in 1 MiB: 413, and memory stays near the limit."""
    zeros = gzip.compress(bytes(64 * MIB), compresslevel=9)
    connection = await connect(await start(max_request_bytes=16 * MIB))
    before = _peak_rss_bytes()
    await connection.request(zeros * 16, headers={"content-encoding": "gzip"})
    assert (await connection.answer()).status == 413
    assert _peak_rss_bytes() - before < 2 * 16 * MIB + 16 * MIB


def _peak_rss_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.slow
async def test_slow_bodies_and_heads_are_given_up(start: Start, connect: Connect) -> None:
    running = await start(arguments={"header_seconds": 1.0, "body_seconds": 1.0})
    body = await connect(running)
    await body.request(_BODY[:10], length=len(_BODY))
    answer = await body.answer()
    assert answer.status == 408
    assert await body.closed()
    silent, dripping = await connect(running), await connect(running)
    await dripping.send(b"POST /v1/traces HTTP/1.1\r\nhost: ")
    assert await asyncio.wait_for(silent.closed(), 120)
    assert await asyncio.wait_for(dripping.closed(), 120)
    second = await connect(running)
    await second.request(_BODY)
    assert (await second.answer()).status == 200
    await second.send(b"POST /v1/tra")
    assert await asyncio.wait_for(second.closed(), 120)


@pytest.mark.slow
async def test_a_body_that_stalls_is_given_up_and_a_steady_one_is_not(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    """Three seconds without 10 KiB more end it; 3.5 s with 12 KiB each 0.7 s do not."""
    running = await start(arguments={"body_seconds": 600.0, "patience_seconds": 3.0})
    stalled, steady = await connect(running), await connect(running)
    await stalled.request(bytes(MIB), length=2 * MIB)
    padding = b"\x0a\x00" * 6 * 1024  # empty messages
    await steady.request(b"", length=len(_BODY) + 5 * len(padding))
    for _ in range(5):
        await steady.send(padding)
        await asyncio.sleep(0.7)
    await steady.send(_BODY)
    assert (await steady.answer()).status == 200
    assert (await asyncio.wait_for(stalled.answer(), 60)).status == 408
    assert running.count("bytes_in_flight") == 0


@pytest.mark.parametrize("keys", [1, 4])
async def test_f28_stalled_bodies_leave_room_for_others(
    start: Start, connect: Connect, keys: int
) -> None:
    """One key has a quarter of all, several together half of it."""

    def named(key: str | None) -> Identity:
        return Identity(key_id=key or "")

    running = await start(
        max_request_bytes=MIB,
        max_grpc_message_bytes=MIB,
        max_bytes_in_flight=4 * MIB,
        arguments={"authenticate": named, "patience_seconds": 600.0, "body_seconds": 600.0},
    )
    for number in range(4):
        slow = {"x-api-key": f"slow {number % keys}"}
        await (await connect(running)).request(bytes(MIB - 1), length=MIB, headers=slow)
    labels = {"transport": "http_protobuf", "outcome": "overloaded"}
    for _ in range(6000):
        if running.count("requests_total", **labels):
            break
        await asyncio.sleep(0.01)
    assert running.count("requests_total", **labels) > 0
    assert 0 < running.count("bytes_in_flight") <= min(keys, 2) * MIB
    connection = await connect(running)
    await connection.request(_BODY, headers={"x-api-key": "good"})
    assert (await connection.answer()).status == 200


@pytest.mark.slow
async def test_an_idle_connection_between_requests_is_not_slow(
    start: Start, connect: Connect
) -> None:
    connection = await connect(await start(arguments={"header_seconds": 1.0}))
    for _ in range(2):
        await connection.request(_BODY)
        assert (await connection.answer()).status == 200
        await asyncio.sleep(1.2)


async def test_endless_headers_are_cut(start: Start, connect: Connect) -> None:
    connection = await connect(await start())
    await connection.send(b"POST /v1/traces HTTP/1.1\r\n")
    head = b""
    try:
        for _ in range(400):
            await connection.send(b"x-long: " + b"y" * 4000 + b"\r\n")
        head = await connection.reader.read(100)
    except ConnectionError:
        return
    assert head.startswith(b"HTTP/1.1 431")


async def test_the_byte_budget_refuses_for_a_moment(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    """While one request waits for the disk the second does not fit; afterwards it does."""
    inbox.gate = asyncio.Event()
    running = await start(max_bytes_in_flight=len(_BODY) + 10)
    first, second = await connect(running), await connect(running)
    await first.request(_BODY)
    await inbox.arrived.wait()
    assert running.count("bytes_in_flight") == len(_BODY)
    await second.request(_BODY)
    answer = await second.answer()
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    assert running.count("requests_total", transport="http_protobuf", outcome="overloaded") == 1
    inbox.gate.set()
    assert (await first.answer()).status == 200
    await second.request(_BODY)
    assert (await second.answer()).status == 200
    assert running.count("bytes_in_flight") == 0


async def test_a_failing_journal_asks_the_sender_to_come_back(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    inbox.error = JournalUnavailableError("disk full: free space")
    connection = await connect(await start())
    await connection.request(_BODY)
    answer = await connection.answer()
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert "free space" in Status.FromString(answer.body).message
    inbox.error = None
    await connection.request(_BODY)
    assert (await connection.answer()).status == 200


async def test_an_unforeseen_error_is_logged_and_told_without_details(
    start: Start, connect: Connect, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    inbox.error = ZeroDivisionError("secret")
    connection = await connect(await start())
    await connection.request(_BODY)
    answer = await connection.answer()
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "secret" in caplog.text


async def test_keys_are_checked_before_the_body(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    """The key decides the workspace; a wrong one is answered while the body is still awaited."""

    def authenticate(key: str | None) -> Identity:
        if key != "right":
            raise UnauthenticatedError("Send the API key as authorization: Bearer <key>.")
        return Identity("acme", "pinned")

    running = await start(arguments={"authenticate": authenticate})
    for headers in ({}, {"authorization": "Bearer wrong"}, {"x-api-key": "wrong"}):
        connection = await connect(running)
        await connection.request(b"", length=1000, headers=headers)
        answer = await connection.answer()
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "bearer")
    connection = await connect(running)
    for headers in ({"authorization": "bearer right"}, {"X-Api-Key": "right"}):
        await connection.request(_BODY, headers=headers)
        assert (await connection.answer()).status == 200
    assert {(m["workspace"], m["tenant"]) for m in inbox.meanings} == {("acme", "pinned")}


async def test_a_sender_that_goes_away_is_only_counted(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    running = await start()
    connection = await connect(running)
    await connection.request(_BODY[:10], length=len(_BODY))
    connection.writer.close()
    labels = {"transport": "http_protobuf", "outcome": "disconnected"}
    for _ in range(500):
        if running.count("requests_total", **labels):
            break
        await asyncio.sleep(0.01)
    assert running.count("requests_total", **labels) == 1
    assert running.count("bytes_in_flight") == 0
    assert inbox.payloads == []


async def test_stopping_lets_requests_in_progress_finish(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    inbox.gate = asyncio.Event()
    running = await start()
    connection = await connect(running)
    await connection.request(_BODY)
    await inbox.arrived.wait()
    stopping = asyncio.create_task(running.receiver.stop(120))
    await asyncio.sleep(0.3)
    assert not stopping.done()
    with pytest.raises(ConnectionRefusedError):
        await connect(running)
    inbox.gate.set()
    assert (await connection.answer()).status == 200
    await stopping
    assert inbox.payloads == [_BODY]


@pytest.mark.parametrize(
    "head",
    [
        b"POST /v1/traces HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST /v1/traces HTTP/1.1\r\nhost: t\r\ncontent-length: -3\r\n\r\n",
        b"not http at all\r\n\r\n",
    ],
    ids=["two_lengths", "negative_length", "not_http"],
)
async def test_ambiguous_or_broken_heads_end_the_connection(
    start: Start, connect: Connect, inbox: Inbox, head: bytes
) -> None:
    """Where a body ends must never be a matter of opinion."""
    connection = await connect(await start())
    await connection.send(head)
    assert (await connection.answer()).status == 400
    assert await connection.closed()
    assert inbox.payloads == []
