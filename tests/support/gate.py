"""The road to a database: a port that lets connections through, refuses them, or swallows them.

On the way single requests can be answered with an error, or lose their answer.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, final

_PIECE_BYTES = 1 << 16


@dataclass
class Fault:
    """What happens to requests that hold some text, for as long as ``times`` lasts.

    Attributes:
        text: of one piece of the request.
        code: ClickHouse's error that is answered, nothing reaches the server; 0 = the request
            reaches it and the connection is broken before the answer.
        status: HTTP status that is answered as by a proxy that stands in front of the server, which
            nothing reaches: a page, no code.
        times: how often it still happens.
    """

    text: bytes
    code: int = 0
    status: int = 0
    times: int = 1

    def meets(self, piece: bytes) -> bool:
        """Whether it happens now."""
        if not self.times or self.text not in piece:
            return False
        self.times -= 1
        return True

    def answer(self) -> bytes:
        """The error as ClickHouse sends it, or a proxy."""
        if self.status:
            page = f"<html>\r\n<head><title>{self.status} A Page</title></head>\r\n</html>"
            return (
                f"HTTP/1.1 {self.status} A Page\r\nServer: proxy\r\nContent-Type: text/html\r\n"
                f"Connection: close\r\nContent-Length: {len(page)}\r\n\r\n{page}"
            ).encode()
        text = f"Code: {self.code}. DB::Exception: on the road. (A_FAULT)"
        return (
            f"HTTP/1.1 500 Internal Server Error\r\nX-ClickHouse-Exception-Code: {self.code}\r\n"
            f"Connection: close\r\nContent-Length: {len(text)}\r\n\r\n{text}"
        ).encode()


@final
class Gate:
    """A port of its own in front of another port; closed at first.

    Args:
        target: port on the loopback address that connections are passed on to.
    """

    def __init__(self, target: int = 0) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gate")
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        # Bound as long as we are there: no other program is given it while nobody listens.
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind(("127.0.0.1", 0))
        self.port: int = self._kept.getsockname()[1]
        self.swallowed = threading.Event()
        self.fault: Fault | None = None

    def __enter__(self) -> Gate:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._kept.close()

    def open(self) -> None:
        """From now on connections reach the target."""
        self._do(self._listen(self._pass_on))

    def swallow(self) -> None:
        """From now on connections are taken and never answered; standing ones are broken."""
        self._do(self._end())
        self._do(self._listen(self._hold))

    def close(self) -> None:
        """From now on connections are refused; standing ones are broken."""
        self._do(self._end())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    async def _listen(
        self,
        handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
    ) -> None:
        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(_finished(handle(reader, writer), writer))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

        self._server = await asyncio.start_server(begin, "127.0.0.1", self.port)

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        passing = list(self._passing)
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ways = [
            asyncio.create_task(self._ask(reader, far_writer, writer)),
            asyncio.create_task(_copy(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            far_writer.close()

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
    ) -> None:
        while piece := await reader.read(_PIECE_BYTES):
            fault = self.fault if self.fault and self.fault.meets(piece) else None
            if fault and (fault.code or fault.status):
                writer.write(fault.answer())
                await writer.drain()
                return
            far_writer.write(piece)
            await far_writer.drain()
            if fault:
                writer.transport.abort()
                await asyncio.Event().wait()  # the server goes on: it is not told that we are gone

    async def _hold(self, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(_PIECE_BYTES):
            self.swallowed.set()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE_BYTES):
        writer.write(piece)
        await writer.drain()


async def _finished(work: Coroutine[Any, Any, None], writer: asyncio.StreamWriter) -> None:
    try:
        await work
    except OSError:
        return  # one side went away: so does the other
    finally:
        writer.close()
