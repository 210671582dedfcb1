"""Answers that the application reads as bytes: raw responses and the clients' stream helpers.

A raw response is not parsed on the user's thread: references to its bytes are kept as they pass,
and the background thread reads them after the end.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from spanledger._calls.answer import Answer, parse_json, text
from spanledger._calls.call import Call
from spanledger._guard import guarded
from spanledger._streams.stream import AsyncStream, SyncStream, Take


class BodyReader:
    """Watches the body of a response (``stream.Sink``) and ends the call when it ends.

    Args:
        call: the call that got the response.
        read: makes the answer of what was seen, in the background.
        streamed: the time to the first piece is told.
    """

    __slots__ = ("__weakref__", "_call", "_chunks", "_read", "chunk", "reading")

    def __init__(
        self, call: Call, read: Callable[[list[Any]], Answer | None], *, streamed: bool = True
    ) -> None:
        self._chunks: list[Any] = []
        self.reading = False
        self.chunk: Take = self._first if streamed else self._chunks.append
        self._call = call
        self._read = read

    def _first(self, data: Any) -> None:
        self._chunks.append(data)
        if not _is_comment(data):
            self._call.first_chunk()
            self.chunk = self._chunks.append

    @guarded(None)
    def ended(self, error: BaseException | None) -> None:
        """The body is read, or broke."""
        self._call.hand_over(functools.partial(self._read, self._chunks), error)

    def closed(self) -> None:
        """The application stopped reading."""
        if not self.reading:
            self.ended(None)

    @guarded(None)
    def dropped(self) -> None:
        """The application forgot the response."""
        read = functools.partial(self._read, self._chunks)
        self._call.hand_over(read, from_collector=True)

    def disown(self) -> None:
        """Leave the end of the span to the process that this one was forked from."""
        self._call.disown()


def _is_comment(data: Any) -> bool:
    """Whether this is a server's way to keep a connection alive, and nothing of an answer."""
    return isinstance(data, bytes) and data.startswith(b":") and b"data:" not in data


def watch_body(call: Call, response: Any, *, asynchronous: bool) -> None:
    """End the call when the body of a raw response has been read, closed or dropped."""
    read = functools.partial(_read_raw, call, response.headers, type(response))
    if response.is_closed or response.is_stream_consumed:
        content = response.content
        call.hand_over(functools.partial(_read_content, call, response.headers, content))
        return
    _put_reader(response, BodyReader(call, read), asynchronous=asynchronous)


def read_refused(call: Call, response: Any) -> Answer | None:
    """The answer in a response that the client raised an error about; None where it tells no usage.

    Runs in the background. The response may also be of something that was looked up on the way.
    """
    answer = _read_content(call, response.headers, response.content)
    return answer if answer is not None and answer.usage.known else None


def watch_helper(
    call: Call, stream: Any, snapshot: Callable[[Any], Answer], *, asynchronous: bool
) -> None:
    """End the call when the body under a stream helper ends; the helper itself knows the answer."""
    response = stream.response
    if response.is_closed or response.is_stream_consumed:  # by a hook, or it comes from a cache
        content = response.content
        call.hand_over(functools.partial(_read_content, call, response.headers, content))
        return
    call.keep_prompt()
    read = functools.partial(_read_helper, stream, snapshot)
    _put_reader(response, BodyReader(call, read), asynchronous=asynchronous)


def _put_reader(response: Any, reader: BodyReader, *, asynchronous: bool) -> None:
    watched = AsyncStream if asynchronous else SyncStream
    response.stream = watched(response.stream, reader)


def _read_helper(
    stream: Any, snapshot: Callable[[Any], Answer], chunks: list[bytes]
) -> Answer | None:
    if not chunks:
        return Answer(complete=False)
    answer = snapshot(stream)
    if not answer.complete:
        answer.error_code = _error_event(chunks[-1])
    return answer


def _error_event(data: bytes) -> str:
    """The type of the error that a stream was broken off with, if its last bytes tell."""
    _, found, rest = data.partition(b"event: error")
    if not found:
        return ""
    line = next((line for line in rest.splitlines() if line.startswith(b"data:")), b"data:{}")
    event = parse_json(line[5:])
    return text(event.error.type) if event.error else "error"


def _read_raw(call: Call, headers: Any, kind: type[Any], chunks: list[bytes]) -> Answer | None:
    """Undo the transfer's compression with a response of the HTTP library's own making."""
    named = {
        name: headers[name] for name in ("content-type", "content-encoding") if name in headers
    }
    content = kind(200, headers=named, content=b"".join(chunks)).content
    return _read_content(call, headers, content)


def _read_content(call: Call, headers: Any, content: bytes) -> Answer | None:
    kind = headers.get("content-type", "")
    if kind.startswith("text/event-stream"):
        return _read_events(call, content)
    if not content:
        return Answer(complete=False)
    return call.api.answer(parse_json(content)) if "json" in kind else None


def _read_events(call: Call, content: bytes) -> Answer:
    reading = call.start_reading()
    for line in content.splitlines():
        if line.startswith(b"data:") and line[5:].strip() not in (b"", b"[DONE]"):
            reading.chunk(parse_json(line[5:]))
    return reading.answer()
