"""How many connections a port has: beyond a number new ones are told to come back."""

from __future__ import annotations

import asyncio

from starlette.responses import PlainTextResponse

from spanledger_collector.http_server import HttpServer

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
