"""How many connections a port has, and what broken requests leave in the log."""

from __future__ import annotations

import asyncio
import logging

import pytest
from starlette.responses import PlainTextResponse

from spanledger_collector.http_server import HttpServer, _Seldom

_ASKED = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"


async def test_f28_idle_connections_leave_room_for_others() -> None:
    writers: list[asyncio.StreamWriter] = []
    server = HttpServer(PlainTextResponse("here"), "127.0.0.1", 0, name="test", max_connections=3)
    port = await server.start()

    async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        return reader, writer

    try:
        idle = [await connected() for _ in range(3)]
        for reader, writer in idle:
            writer.write(_ASKED)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        reader, writer = await connected()
        refused = await reader.read()
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in refused
        writer.close()
        # Who has a connection goes on, and one that ends makes room.
        idle[0][1].write(_ASKED)
        assert await idle[0][0].readuntil(b"200 OK")
        idle[1][1].close()
        while True:
            reader, writer = await connected()
            writer.write(_ASKED)
            if (await reader.readline()).startswith(b"HTTP/1.1 200"):
                break
            writer.close()
    finally:
        for writer in writers:
            writer.close()
        await server.stop(1)


async def test_f32_broken_requests_do_not_fill_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line a minute, whatever a peer sends; with how many it stands for."""
    # `spanledger up` tells less of it, also where it was refused in this process.
    caplog.set_level(logging.WARNING, logger="uvicorn.error")
    logger = logging.getLogger("uvicorn.error")
    monkeypatch.setattr(logger, "filters", [seldom := _Seldom(3600.0)])
    server = HttpServer(PlainTextResponse("here"), "127.0.0.1", 0, name="test")
    port = await server.start()

    async def broken() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"PRI * HTTP/9.0\x00\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400")
        writer.close()

    try:
        for _ in range(20):
            await broken()
        assert caplog.text.count("Invalid HTTP request") == 1
        seldom._seconds = 0.0
        await broken()
        assert "Invalid HTTP request received. (19 more times since)" in caplog.text
    finally:
        await server.stop(1)
