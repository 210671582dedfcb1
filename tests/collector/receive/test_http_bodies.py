"""Bodies over HTTP: too large, too slow, too many at once."""

import asyncio
import gzip
import resource

import pytest
from tests.collector.receive.conftest import Connect, Inbox, Start
from tests.collector.receive.otlp import request

from spanledger_collector.access import Identity
from spanledger_collector.config import MIB

_BODY = request(spans=3).SerializeToString()
_JSON = "application/json"


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
