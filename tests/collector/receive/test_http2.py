"""The gRPC port on the level of HTTP/2, where the stock clients cannot go."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
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

_BODY = request(spans=3).SerializeToString()
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

    def begin(self, stream: int, *headers: tuple[str, str]) -> None:
        """The head of a call."""
        self.h2.send_headers(
            stream,
            [
                (":method", "POST"), (":scheme", "http"), (":authority", "tests"),
                (":path", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
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
async def _client(running: Running) -> AsyncGenerator[_Client, None]:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.ports.grpc)
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
    running = await start(max_bytes_in_flight=budget, arguments={"body_seconds": 600.0})
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
    running = await start(max_bytes_in_flight=9 * MIB, arguments={"body_seconds": 0.3})
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
