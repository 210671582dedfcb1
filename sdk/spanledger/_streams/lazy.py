"""Streams that make their request when they are first read: generators.

Until then nothing was sent, so nothing is told: the call is opened by the first read, which runs
inside it, and a stream that nobody reads leaves no span. Whoever reads it, it belongs to its maker
(``drivers.Opener``): the maker's context is current while the request is made, and no longer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

from spanledger._calls.call import Call
from spanledger._guard import guarded
from spanledger._streams.stream import AsyncStream, Sink, SyncStream

_END: Final = object()


class _Nobody:
    """The sink of a stream that is not told, or not yet."""

    reading = False

    def chunk(self, item: Any, /) -> object:
        """Take nothing."""

    def ended(self, error: BaseException | None) -> None:
        """Take no note of the end."""

    def closed(self) -> None:
        """Take no note of a close."""

    def dropped(self) -> None:
        """Take no note of being forgotten."""

    def disown(self) -> None:
        """There is nothing to leave to anybody."""


NOBODY: Final = _Nobody()


class LazyStream(SyncStream):
    """A generator read with ``for`` or ``next``."""

    def __init__(self, wrapped: Any, begin: Callable[[], Call | None]) -> None:
        super().__init__(wrapped, NOBODY)
        self._self_begin: Callable[[], Call | None] | None = begin

    def __iter__(self) -> Iterator[Any]:
        return self  # as a generator does

    def __next__(self) -> Any:
        begin, self._self_begin = self._self_begin, None
        call = begin() if begin is not None else None
        if call is None:
            return super().__next__()
        self._self_begin = begin  # a budget may refuse: then the next read asks again
        with call:
            self._self_begin = None
            item = next(self.__wrapped__, _END)
        self.follow(_sink_of(call))
        if item is _END:
            self._self_sink.ended(None)
            raise StopIteration
        self._self_take(item)
        return item


class AsyncLazyStream(AsyncStream):
    """An asynchronous generator read with ``async for`` or ``anext``."""

    def __init__(self, wrapped: Any, begin: Callable[[], Call | None]) -> None:
        super().__init__(wrapped, NOBODY)
        self._self_begin: Callable[[], Call | None] | None = begin

    def __aiter__(self) -> AsyncIterator[Any]:
        return self  # as an asynchronous generator does

    async def __anext__(self) -> Any:
        begin, self._self_begin = self._self_begin, None
        call = begin() if begin is not None else None
        if call is None:
            return await AsyncStream.__anext__(self)  # ``EitherLazyStream`` has it too
        self._self_begin = begin  # a budget may refuse: then the next read asks again
        with call:
            self._self_begin = None
            item = await anext(self.__wrapped__, _END)
        self.follow(_sink_of(call))
        if item is _END:
            self._self_sink.ended(None)
            raise StopAsyncIteration
        self._self_take(item)
        return item


class EitherLazyStream(LazyStream):
    """What others made of a generator, for readers of both kinds."""

    __aiter__ = AsyncLazyStream.__aiter__
    __anext__ = AsyncLazyStream.__anext__
    aclose = AsyncStream.aclose


def lazy_kind(stream: Any) -> type[LazyStream | AsyncLazyStream]:
    """What to watch this stream with."""
    if not hasattr(stream, "__anext__"):
        return LazyStream
    return EitherLazyStream if hasattr(stream, "__next__") else AsyncLazyStream


def _sink_of(call: Call) -> Sink:
    if _watched(call):
        return call
    call.finish(None)
    return NOBODY


@guarded(False)
def _watched(call: Call) -> bool:
    call.watch()
    return True
