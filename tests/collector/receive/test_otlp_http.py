"""The HTTP port, over raw sockets: good requests, bad ones, hostile ones."""

import asyncio
import gzip
import time
import zlib

import orjson
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from pydantic import ValidationError
from tests.collector.receive.conftest import Connect, Inbox, Start
from tests.collector.receive.otlp import request, to_json
from tests.collector.receive.test_inflate import zstd

from spanledger_collector.access import Identity
from spanledger_collector.config import MIB
from spanledger_collector.errors import UnauthenticatedError

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


async def test_paths_below_a_prefix_are_taken_too(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    running = await start(http_path_prefix="/team.a/otlp")
    for path, status in {
        "/team.a/otlp/v1/traces": 200,
        "/v1/traces": 200,
        "/team.a/v1/traces": 404,
        "/team.a/otlp": 404,
        "/team.a/otlpx/v1/traces": 404,
        "/team.a/otlp/team.a/otlp/v1/traces": 404,
        "/team.a/otlp/v1/../v1/traces": 404,
    }.items():
        connection = await connect(running)
        await connection.request(_BODY, path=path)
        assert (await connection.answer()).status == status, path
    assert inbox.payloads == [_BODY, _BODY]
    for wrong in ("team", "/team/", "/a b", "/é"):
        with pytest.raises(ValidationError, match="http_path_prefix"):
            await start(http_path_prefix=wrong)


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
