"""The gRPC port on the level of HTTP/2, where the stock clients cannot go."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    Event,
    PingAckReceived,
    ResponseReceived,
    SettingsAcknowledged,
    TrailersReceived,
)
from h2.settings import SettingCodes
from tests.collector.receive.conftest import Inbox, Running, Start
from tests.collector.receive.otlp import request

from spanledger_collector.access import Identity

_BODY = request(spans=3).SerializeToString()
_TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_PATIENCE_SECONDS = 60.0
MIB = 1 << 20


class _Client:
    """One HTTP/2 connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))

    async def send(self) -> None:
        self._writer.write(self.h2.data_to_send())
        await self._writer.drain()

    async def until(self, found: Callable[[Event], bool]) -> Event:
        """The first event of that kind."""
        while data := await asyncio.wait_for(self._reader.read(65536), _PATIENCE_SECONDS):
            events: Sequence[Any] = self.h2.receive_data(data)
            await self.send()
            for event in events:
                if found(event):
                    return event
        raise EOFError("the server ended the connection")

    async def end(self) -> int | None:
        """Wait for the end of the connection; why, where the server had time to say it."""
        try:
            event: Any = await self.until(lambda event: isinstance(event, ConnectionTerminated))
        except (ConnectionResetError, BrokenPipeError, EOFError):
            return None
        return event.error_code

    async def settle(self) -> None:
        """Until the server has taken what was sent, and its answers to that are here."""
        self.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 65_535})
        await self.send()
        await self.until(lambda event: isinstance(event, SettingsAcknowledged))

    def begin(self, stream: int, *headers: tuple[str, str], path: str = _TRACES) -> None:
        """The head of a call."""
        self.h2.send_headers(
            stream,
            [
                (":method", "POST"), (":scheme", "http"), (":authority", "tests"),
                (":path", path),
                ("content-type", "application/grpc"), ("te", "trailers"), *headers,
            ],
        )  # fmt: skip

    async def call(self, stream: int, message: bytes, *headers: tuple[str, str]) -> dict[str, str]:
        """The trailers of a call."""
        self.begin(stream, *headers)
        self.h2.send_data(stream, message, end_stream=True)
        await self.send()
        event: Any = await self.until(_has_status)
        return dict(event.headers)


def _has_status(event: Any) -> bool:
    # A call that is refused at once has its trailers in the place of its headers.
    answers = (ResponseReceived, TrailersReceived)
    told: dict[Any, Any] = dict(event.headers) if isinstance(event, answers) else {}
    return "grpc-status" in told


@asynccontextmanager
async def _client(running: Running, local: str = "127.0.0.1") -> AsyncGenerator[_Client, None]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", running.ports.grpc, local_addr=(local, 0)
    )
    client = _Client(reader, writer)
    client.h2.initiate_connection()
    await client.send()
    try:
        yield client
    finally:
        writer.close()


def _framed(message: bytes, *, packed: bool) -> bytes:
    return bytes([packed]) + len(message).to_bytes(4, "big") + message


async def test_zstd_is_refused_by_the_library_and_the_connection_goes_on(
    start: Start, inbox: Inbox
) -> None:
    """S7: a code that no sender repeats, and a text that names the header; HTTP takes zstd."""
    async with _client(await start()) as client:
        refused = await client.call(1, _framed(_BODY, packed=True), ("grpc-encoding", "zstd"))
        assert refused["grpc-status"] in {"12", "13"}
        assert "grpc-encoding" in refused["grpc-message"]
        taken = await client.call(3, _framed(_BODY, packed=False))
        assert taken["grpc-status"] == "0"
    assert inbox.payloads == [_BODY]


@pytest.mark.parametrize("pings", [1, 60])
async def test_a_ping_is_answered_and_a_flood_ends_the_connection(start: Start, pings: int) -> None:
    """S20: the connection ends, told as a flood where it is told; others do not notice."""
    running = await start()
    async with _client(running) as client, _client(running) as other:
        for number in range(pings):
            client.h2.ping(number.to_bytes(8, "big"))
        await client.send()
        if pings == 1:
            await client.until(lambda event: isinstance(event, PingAckReceived))
        else:
            assert await client.end() in {None, ErrorCodes.ENHANCE_YOUR_CALM}
        assert (await other.call(1, _framed(_BODY, packed=False)))["grpc-status"] == "0"


async def test_f30_messages_that_never_end_take_no_more_than_the_budget(start: Start) -> None:
    """100 calls on a connection, each with as much of its message as the server takes."""
    budget = 32 * MIB
    running = await start(max_bytes_in_flight=budget, arguments={"patience_seconds": 600.0})
    async with _client(running) as client:
        await client.settle()
        streams = range(1, 200, 2)
        unsent = dict.fromkeys(streams, 4 * MIB - 6)
        for stream in streams:
            client.begin(stream)
            client.h2.send_data(stream, b"\0" + (4 * MIB - 1).to_bytes(4, "big"))
        taken, before = 0, -1
        while taken != before:
            before = taken
            for stream in streams:
                while size := min(
                    client.h2.local_flow_control_window(stream), unsent[stream], 16_384
                ):
                    client.h2.send_data(stream, bytes(size))
                    unsent[stream] -= size
                    taken += size
                await client.send()
            for _ in range(3):
                await client.settle()
        assert MIB < taken < budget, taken / MIB


async def test_a_message_that_does_not_come_is_given_up_and_others_are_read(
    start: Start, inbox: Inbox
) -> None:
    """One at a time fits in the budget, and that one never ends."""
    running = await start(max_bytes_in_flight=9 * MIB, arguments={"patience_seconds": 0.3})
    async with _client(running) as slow, _client(running) as other:
        slow.begin(1)
        slow.h2.send_data(1, _framed(_BODY, packed=False)[:-1])
        await slow.settle()
        given_up: Any = await slow.until(_has_status)
        assert dict(given_up.headers)["grpc-status"] == "4"
        assert (await other.call(1, _framed(_BODY, packed=False)))["grpc-status"] == "0"
        empty = await slow.call(3, b"")
        assert empty["grpc-status"] == "3"
    assert inbox.payloads == [_BODY]
    assert running.count("requests_total", transport="grpc", outcome="slow_client") == 1


async def _unfinished(client: _Client, calls: int, *headers: tuple[str, str]) -> list[int]:
    """Begin calls whose messages lack a byte; their streams."""
    streams = [2 * number + 1 for number in range(calls)]
    for stream in streams:
        client.begin(stream, *headers)
        client.h2.send_data(stream, _framed(_BODY, packed=False)[:-1])
    # Calls are taken up in their order: with this one answered those before it wait or are read.
    client.begin(streams[-1] + 2, *headers, path="/no/such")
    await client.send()
    await client.until(_has_status)
    return streams


def _named(key: str | None) -> Identity:
    return Identity(key_id=key or "")


async def test_f28_one_slow_sender_holds_up_no_other(start: Start, inbox: Inbox) -> None:
    """Four messages at once fit in the budget; the slow key begins 32 and ends none."""
    running = await start(
        max_bytes_in_flight=32 * MIB,
        arguments={"authenticate": _named, "patience_seconds": 600.0},
    )
    slow_key, good_key = ("x-api-key", "slow"), ("x-api-key", "good")
    async with _client(running) as slow, _client(running) as good:
        await _unfinished(slow, 32, slow_key)
        for stream in (1, 3):
            taken = await good.call(stream, _framed(_BODY, packed=False), good_key)
            assert taken["grpc-status"] == "0"
    assert inbox.payloads == [_BODY, _BODY]


async def test_f28_several_slow_senders_hold_up_no_other(start: Start, inbox: Inbox) -> None:
    """32 messages at once fit in the budget; four slow keys begin 32 each and end none.

    Each has one message read at least, and more as long as half of it is free. When they have gone
    all of it is there again.
    """
    running = await start(
        max_bytes_in_flight=256 * MIB,
        arguments={"authenticate": _named, "patience_seconds": 600.0},
    )
    async with AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(_client(running)) for _ in range(6)]
        good = await stack.enter_async_context(_client(running))
        for number, client in enumerate(slow):
            await _unfinished(client, 32, ("x-api-key", f"slow {number}"))
        for stream in (1, 3):
            taken = await good.call(stream, _framed(_BODY, packed=False), ("x-api-key", "good"))
            assert taken["grpc-status"] == "0"
        assert inbox.payloads == [_BODY, _BODY]
        # Those of one that waited are read when another's have ended.
        for stream in range(1, 64, 2):
            slow[0].h2.reset_stream(stream, ErrorCodes.CANCEL)
        await slow[0].settle()
        for stream in range(1, 64, 2):
            slow[1].h2.send_data(stream, _framed(_BODY, packed=False)[-1:], end_stream=True)
        await slow[1].send()
        ended: Any = await slow[1].until(_has_status)
        assert dict(ended.headers)["grpc-status"] == "0"


async def test_f28_without_keys_an_address_is_one_sender(start: Start, inbox: Inbox) -> None:
    running = await start(max_bytes_in_flight=32 * MIB, arguments={"patience_seconds": 600.0})
    async with _client(running, "127.0.0.2") as slow, _client(running) as good:
        await _unfinished(slow, 32)
        assert (await good.call(1, _framed(_BODY, packed=False)))["grpc-status"] == "0"
    assert inbox.payloads == [_BODY]


async def test_f31_calls_that_are_reset_give_their_turns_back(start: Start, inbox: Inbox) -> None:
    """Four at once are read, one a key; all but one are read again when the good one comes."""
    running = await start(
        max_bytes_in_flight=32 * MIB,
        arguments={"authenticate": _named, "patience_seconds": 600.0},
    )
    keys = [("x-api-key", name) for name in ("a", "b", "c", "d")]
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(_client(running)) for _ in keys]
        for client, key in zip(clients, keys, strict=True):
            for stream in await _unfinished(client, 8, key):
                client.h2.reset_stream(stream, ErrorCodes.CANCEL)
            await client.settle()
        for client, key in zip(clients[:3], keys[:3], strict=True):
            client.begin(101, key)
            client.h2.send_data(101, _framed(_BODY, packed=False)[:-1])
            await client.settle()
        last = await clients[3].call(101, _framed(_BODY, packed=False), keys[3])
        assert last["grpc-status"] == "0"
        for client in clients[:3]:
            client.h2.send_data(101, _framed(_BODY, packed=False)[-1:], end_stream=True)
            await client.send()
            ended: Any = await client.until(_has_status)
            assert dict(ended.headers)["grpc-status"] == "0"
    assert inbox.payloads == [_BODY] * 4
    # One that was being read ended without a message, as far as the library says.
    ends = ("disconnected", "malformed")
    counts = [running.count("requests_total", transport="grpc", outcome=end) for end in ends]
    assert sum(counts) == 32
    assert running.count("bytes_in_flight") == 0


async def test_f28_connections_beyond_a_number_are_closed(start: Start) -> None:
    running = await start(arguments={"max_connections": 3})
    async with _client(running) as first, _client(running) as second:
        async with _client(running) as third:
            for client in (first, second, third):
                await client.settle()
            async with _client(running) as fourth:
                assert await fourth.end() is None
            # Who has a connection goes on, and one that ends makes room.
            assert (await third.call(1, _framed(_BODY, packed=False)))["grpc-status"] == "0"
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            async with _client(running) as again:
                with suppress(EOFError, ConnectionError):
                    await again.settle()
                    return
        raise AssertionError("no room was made")
