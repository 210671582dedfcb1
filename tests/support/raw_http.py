"""A server that answers with whatever bytes a test wants, over real sockets."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from typing_extensions import Self

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)

#: Writes the answer to one request; False ends the connection.
Answering = Callable[[socket.socket], bool]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class RawServer:
    """``with RawServer(answer) as server``: reads whole requests, answers by the function.

    Args:
        answering: called for each request, with its connection.
    """

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        #: Heads of the requests, in the order they came.
        self.heads: list[bytes] = []

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed: the end
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client went away
            reader = connection.makefile("rb")
            while head := _head(reader.readline):
                length = _LENGTH.search(head)
                reader.read(int(length[1]) if length else 0)
                self.heads.append(head)
                if not self._answering(connection):
                    return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def _head(readline: Callable[[], bytes]) -> bytes:
    lines: list[bytes] = []
    while (line := readline()).strip():
        lines.append(line)
    return b"".join(lines)


def written(*parts: bytes) -> Answering:
    """One answer for every request."""

    def answer(connection: socket.socket) -> bool:
        for part in parts:
            connection.sendall(part)
        return True

    return answer
