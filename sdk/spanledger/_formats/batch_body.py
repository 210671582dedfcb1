"""A result file of a batch that the application reads piece by piece, told line by line.

Nothing of it is kept but the line that is not whole yet, and the lines that wait for the background
thread. A body with a compression of the transfer is kept as it came and read after its end, by a
response of the HTTP library's own making.
"""

from __future__ import annotations

from typing import Any

from spanledger._calls.draining import FINISHER
from spanledger._calls.fetch import Telling
from spanledger._guard import guarded
from spanledger._streams.stream import AsyncStream, SyncStream, Take


def watch_body(
    response: Any, telling: Telling, words: tuple[bytes, ...], *, asynchronous: bool
) -> None:
    """Tell the lines of this body as they pass.

    Args:
        response: the HTTP library's, not read yet.
        telling: who tells them.
        words: in the first line of a result file; the body of any other file is left alone.
        asynchronous: how the application reads it.
    """
    FINISHER.ensure_running()  # somebody is there to tell, should the response be dropped
    plain = response.headers.get("content-encoding", "identity") == "identity"
    body = _Lines(telling, words) if plain else _Encoded(telling, response)
    watched = AsyncStream if asynchronous else SyncStream
    response.stream = watched(response.stream, body)


class _Body:
    """What both kinds do at their end (``stream.Sink``)."""

    chunk: Take

    def __init__(self, telling: Telling) -> None:
        self.reading = False
        self._telling = telling
        self._pieces: list[bytes] = []

    @guarded(None)
    def ended(self, error: BaseException | None) -> None:
        """The body is read, or broke."""
        if error is None:
            self._last()
        self._telling.ended(error)  # the first word counts

    def closed(self) -> None:
        """The application stopped reading."""
        if not self.reading:
            self._telling.closed()

    def dropped(self) -> None:
        """The application forgot the response."""
        self._telling.dropped()

    def disown(self) -> None:
        """Leave it to the process that this one was forked from."""
        self._telling.disown()

    def _last(self) -> None:
        """Tell what is still here."""


class _Lines(_Body):
    """Lines told as they pass."""

    def __init__(self, telling: Telling, words: tuple[bytes, ...]) -> None:
        super().__init__(telling)
        self._words = words
        self.chunk: Take = self._begin

    def _begin(self, data: bytes) -> None:
        """The first line tells whether this is a result file."""
        if not any(self._pieces) and data[:1] not in (b"{", b""):
            self.chunk = _ignore
        elif b"\n" not in data:
            self._pieces.append(data)
        else:
            first = b"".join([*self._pieces, data[: data.index(b"\n")]])
            if all(word in first for word in self._words):
                self.chunk = self._take
                self._take(data)
            else:
                self.chunk, self._pieces = _ignore, []

    def _take(self, data: bytes) -> None:
        head, *lines = data.split(b"\n")
        self._pieces.append(head)
        for line in lines:
            self._tell()
            self._pieces = [line]

    def _tell(self) -> None:
        line = b"".join(self._pieces).strip()
        if line:
            self._telling.chunk(line)

    def _last(self) -> None:
        if all(word in b"".join(self._pieces) for word in self._words):
            self._tell()


class _Encoded(_Body):
    """A body that has to be decoded first."""

    def __init__(self, telling: Telling, response: Any) -> None:
        super().__init__(telling)
        self._response = response
        self.chunk: Take = self._pieces.append

    def _last(self) -> None:
        self._telling.disown()  # what is read later ends it
        if not FINISHER.submit(self._decode):
            self._decode()

    def _decode(self) -> None:
        headers = {"content-encoding": self._response.headers["content-encoding"]}
        whole = type(self._response)(200, headers=headers, content=b"".join(self._pieces))
        self._telling.whole(whole)


def _ignore(_data: bytes) -> None:
    """Of a file that is no result of a batch."""
