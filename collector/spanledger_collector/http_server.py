"""An HTTP port of the collector: uvicorn inside our event loop, our sockets, head deadlines.

Every HTTP server of the collector (OTLP, the API, the SQL endpoint) is one of these.

uvicorn waits for ever for the headers of a request; the protocol below closes a connection whose
request head is not complete in time or not small. Beyond a number of connections new ones are told
to come back: the files of the journal and of the database need descriptors too. What uvicorn warns
of with every broken request it warns of once in a while, so that no peer fills the log.
"""

import asyncio
import contextlib
import logging
import math
import resource
import socket
import time
from collections.abc import Generator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.tls import Tls

_MAX_HEAD_BYTES = 64 * 1024
_KEEP_ALIVE_SECONDS = 60
_BACKLOG = 1024
HEADER_SECONDS = 10.0
#: Of the files that this process may have open, one port may have so many as connections.
_SHARE_OF_FILES = 8
_CONNECTIONS_AT_LEAST = 100
# Between two warnings of one text, and how many texts are remembered.
_TELL_SECONDS = 60.0
_TEXTS_AT_MOST = 100
_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)
_TOO_MANY_CONNECTIONS = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class _Seldom(logging.Filter):
    """Lets a warning pass once in so many seconds, with how often it was not told since.

    Args:
        seconds: between two tellings of one text.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        # Text -> when it was told, how often it was not told since.
        self._told: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING:
            return True
        text, now = record.getMessage(), time.monotonic()
        if text not in self._told and len(self._told) >= _TEXTS_AT_MOST:
            self._told.clear()
        told_at, left_out = self._told.get(text, (-math.inf, 0))
        if now < told_at + self._seconds:
            self._told[text] = (told_at, left_out + 1)
            return False
        self._told[text] = (now, 0)
        if left_out:
            record.msg, record.args = f"{text} ({left_out} more times since)", ()
        return True


logging.getLogger("uvicorn.error").addFilter(_Seldom(_TELL_SECONDS))


class HttpServer:
    """One HTTP port.

    Args:
        app: the ASGI application.
        host: address to listen on.
        port: port; 0 takes a free one.
        name: what listens there, for messages.
        setting: the variable that chooses the port, for messages.
        header_seconds: how long a request's head may take.
        tls: None = the port speaks plain HTTP.
        max_connections: open at once; by default a share of the files that may be open.
    """

    def __init__(
        self,
        app: Any,
        host: str,
        port: int,
        *,
        name: str,
        setting: str = "",
        header_seconds: float = HEADER_SECONDS,
        tls: Tls | None = None,
        max_connections: int | None = None,
    ) -> None:
        self._name = name
        self._advice = f"Set {setting}." if setting else "Choose another port."
        self._host = host
        self._port = port
        config = uvicorn.Config(
            app,
            http=_with_limits(header_seconds, max_connections or connections_at_most()),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            backlog=_BACKLOG,
        )
        if tls is not None:
            config.load()
            config.ssl = tls.for_server()
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen; returns the port.

        Raises:
            ConfigurationError: the address cannot be bound.
        """
        listener = _bind(self._host, self._port, self._name, self._advice)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        listening = asyncio.ensure_future(self._server.listening.wait())
        await asyncio.wait({self._task, listening}, return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            listening.cancel()
            await self._task
        return int(listener.getsockname()[1])

    async def stop(self, grace_seconds: float) -> None:
        """Stop listening and wait for requests in progress, at most ``grace_seconds``."""
        if self._task is None:
            return
        self._server.config.timeout_graceful_shutdown = math.ceil(grace_seconds)
        self._server.should_exit = True
        await self._task
        self._task = None


class _Server(uvicorn.Server):
    """Says when it listens, and leaves signals to the program it runs in."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _bind(host: str, port: int, name: str, advice: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"{name} cannot listen on {host}:{port} ({error.strerror}): is another collector "
            f"running, or is the address not of this machine? {advice}"
        ) from error
    return listener


def connections_at_most() -> int:
    """How many connections one port may have: a share of the files that may be open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(files // _SHARE_OF_FILES, _CONNECTIONS_AT_LEAST)


class _LimitedProtocol(HttpToolsProtocol):
    """Closes connections that are too many, or whose request head is late or large."""

    header_seconds: float
    max_connections: int
    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _answering = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            transport.write(_TOO_MANY_CONNECTIONS)
            transport.close()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_complete()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._answering:
            self._await_head()
        super().data_received(data)
        if self._head_timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD_BYTES and not self.transport.is_closing():
                self.transport.write(_HEAD_TOO_LARGE)
                self.transport.close()

    def on_headers_complete(self) -> None:
        self._answering = True
        self._head_is_complete()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        self._answering = bool(self.pipeline)
        super().on_response_complete()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_bytes = 0
            self._head_timer = self.loop.call_later(self.header_seconds, self.transport.close)

    def _head_is_complete(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _with_limits(header_seconds: float, max_connections: int) -> type[HttpToolsProtocol]:
    class Protocol(_LimitedProtocol):
        """The protocol with this server's settings: uvicorn makes one object a connection."""

    Protocol.header_seconds = header_seconds
    Protocol.max_connections = max_connections
    return Protocol
