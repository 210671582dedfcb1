"""A body that the application reads like a file, watched on its way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spanledger._streams.stream import Observed


class BytesStream(Observed):
    """A body read like a file. However it is read, its bytes pass here once, as they came.

    The ways to read that the client built on ``read`` run on this proxy, so they pass here too.
    """

    def read(self, *args: Any, **kwargs: Any) -> Any:
        """Read so many bytes; without a number of them, all."""
        data = self._self_pass(self.__wrapped__.read, *args, **kwargs)
        asked = args[0] if args else kwargs.get("amt")
        if asked is None or asked < 0 or (asked and not data):
            self._self_sink.ended(None)
        return data

    def readline(self, *args: Any) -> Any:
        """Read one line; none is left at the end."""
        line = self._self_pass(self.__wrapped__.readline, *args)
        if not line:
            self._self_sink.ended(None)
        return line

    def readlines(self, *args: Any) -> Any:
        """Read all lines."""
        lines = self._self_call(self.__wrapped__.readlines, *args)
        self._self_take(b"".join(lines))
        self._self_sink.ended(None)
        return lines

    def readinto(self, buffer: Any) -> Any:
        """Read into a buffer; 0 bytes at the end."""
        number = self._self_call(self.__wrapped__.readinto, buffer)
        if number:
            self._self_take(bytes(memoryview(buffer)[:number]))
        else:
            self._self_sink.ended(None)
        return number

    def iter_chunks(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Read piece by piece."""
        return self.__wrapped__.__class__.iter_chunks(self, *args, **kwargs)

    def iter_lines(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Read line by line."""
        return self.__wrapped__.__class__.iter_lines(self, *args, **kwargs)

    def __iter__(self) -> Iterator[Any]:
        return self.__wrapped__.__class__.__iter__(self)

    def __next__(self) -> Any:
        return self.__wrapped__.__class__.__next__(self)

    next = __next__

    def __enter__(self) -> Any:
        return _RawStream(self.__wrapped__.__enter__(), self._self_sink)

    def __exit__(self, *exc_info: object) -> Any:
        try:
            return self.__wrapped__.__exit__(*exc_info)
        finally:
            self._self_sink.closed()

    def close(self) -> Any:
        """Close the body itself, then tell the sink."""
        try:
            return self.__wrapped__.close()
        finally:
            self._self_sink.closed()

    def _self_call(self, read: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return read(*args, **kwargs)
        except BaseException as error:
            self._self_sink.ended(error)
            raise

    def _self_pass(self, read: Any, *args: Any, **kwargs: Any) -> Any:
        data = self._self_call(read, *args, **kwargs)
        if data:
            self._self_take(data)
        return data


class _RawStream(BytesStream):
    """What ``with body`` gives: the HTTP library's response, which has ways of its own to read."""

    def __iter__(self) -> Iterator[Any]:
        yield from self._self_pieces(iter(self.__wrapped__))

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Read piece by piece."""
        yield from self._self_pieces(self.__wrapped__.stream(*args, **kwargs))

    def _self_pieces(self, pieces: Iterator[Any]) -> Iterator[Any]:
        while True:
            piece = self._self_call(next, pieces, None)
            if piece is None:
                self._self_sink.ended(None)
                return
            self._self_take(piece)
            yield piece
