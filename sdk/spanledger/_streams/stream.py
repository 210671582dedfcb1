"""One base for every stream we watch: a transparent proxy that reads nothing by itself.

The proxy hands each item to a sink on its way to the application and tells the sink, once, how
reading ended. It changes neither type (``isinstance`` holds), nor laziness, nor exceptions.
Breaking out of a ``for`` loop is not an end: the application may go on reading later.

    exhausted or raised  -> sink.ended(error or None)
    closed, left ``with`` -> sink.closed()
    garbage collected     -> sink.dropped(), also when the process ends with the stream open
    forked                -> sink.disown() in the child: the stream is the parent's to tell
"""

from __future__ import annotations

import os
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol

import wrapt

from spanledger._guard import swallow
from spanledger._work.activation import Activation, Opener

if TYPE_CHECKING:
    _Proxy = wrapt.ObjectProxy[Any]
else:  # the class of older versions takes no parameter at run time
    _Proxy = wrapt.ObjectProxy


class Take(Protocol):
    """Takes one item of a stream."""

    def __call__(self, item: Any, /) -> object:
        """Take it."""
        ...


class Sink(Protocol):
    """Who watches a stream. No method may raise; each may be called again after the end."""

    #: True while the application waits for the next item; a close seen then is the reader's own.
    reading: bool
    #: Takes one item; looked up anew for each item. May raise: :class:`Observed` sees to it.
    chunk: Take

    def ended(self, error: BaseException | None) -> None:
        """The stream is exhausted, or raised while it was read."""
        ...

    def closed(self) -> None:
        """The application stopped reading."""
        ...

    def dropped(self) -> None:
        """The application forgot the stream. Called by the garbage collector: may take no lock."""
        ...

    def disown(self) -> None:
        """Never tell anything of this stream in this process."""
        ...


_sinks: Final[weakref.WeakSet[Sink]] = weakref.WeakSet()


def abandon_all() -> None:
    """Drop every stream that is still open: the process ends."""
    for sink in _open():
        sink.dropped()


def _disown_all() -> None:
    for sink in _open():
        sink.disown()


def _open() -> list[Sink]:
    """The sinks of now; other threads may open and end some meanwhile."""
    while True:
        try:
            return list(_sinks)
        except RuntimeError:  # "Set changed size during iteration"
            continue


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)


class Observed(_Proxy):
    """A stream and its sink."""

    def __init__(self, wrapped: Any, sink: Sink) -> None:
        super().__init__(wrapped)
        self.follow(sink)

    def follow(self, sink: Sink) -> None:
        """Tell this sink from now on."""
        self._self_sink = sink
        _sinks.add(sink)

    def _self_take(self, item: Any) -> None:
        sink: Sink = self._self_sink
        try:
            sink.chunk(item)
        except Exception:  # noqa: BLE001 -- handed to the one place where errors of ours end
            swallow(sink.chunk)

    def __del__(self) -> None:
        sink = getattr(self, "_self_sink", None)
        if sink is not None:
            sink.dropped()


class SyncStream(Observed):
    """A stream read with ``for``, ``next`` or a method of its own."""

    def __iter__(self) -> Iterator[Any]:
        sink: Sink = self._self_sink
        sink.reading = True
        try:
            for item in self.__wrapped__:
                sink.reading = False
                try:  # written out: a method would cost each item of each stream another call
                    sink.chunk(item)
                except Exception:  # noqa: BLE001 -- handed to the one place where they end
                    swallow(sink.chunk)
                yield item
                sink.reading = True
        except GeneratorExit:
            raise  # the loop was left, the stream was not
        except BaseException as error:
            sink.ended(error)
            raise
        sink.ended(None)

    def __next__(self) -> Any:
        sink: Sink = self._self_sink
        sink.reading = True
        try:
            item = self.__wrapped__.__next__()
        except StopIteration:
            sink.ended(None)
            raise
        except BaseException as error:
            sink.ended(error)
            raise
        sink.reading = False
        self._self_take(item)
        return item

    def __enter__(self) -> Any:
        entered = self.__wrapped__.__enter__()
        return self if entered is self.__wrapped__ else entered

    def __exit__(self, *exc_info: object) -> Any:
        try:
            return self.__wrapped__.__exit__(*exc_info)
        finally:
            self._self_sink.closed()

    def close(self) -> Any:
        """Close the stream itself, then tell the sink."""
        try:
            return self.__wrapped__.close()
        finally:
            self._self_sink.closed()


class AsyncStream(Observed):
    """A stream read with ``async for``, ``anext`` or a method of its own."""

    async def __aiter__(self) -> AsyncIterator[Any]:
        sink: Sink = self._self_sink
        sink.reading = True
        try:
            async for item in self.__wrapped__:
                sink.reading = False
                try:  # written out: a method would cost each item of each stream another call
                    sink.chunk(item)
                except Exception:  # noqa: BLE001 -- handed to the one place where they end
                    swallow(sink.chunk)
                yield item
                sink.reading = True
        except GeneratorExit:
            raise  # the loop was left, the stream was not
        except BaseException as error:
            sink.ended(error)
            raise
        sink.ended(None)

    async def __anext__(self) -> Any:
        sink: Sink = self._self_sink
        sink.reading = True
        try:
            item = await self.__wrapped__.__anext__()
        except StopAsyncIteration:
            sink.ended(None)
            raise
        except BaseException as error:
            sink.ended(error)
            raise
        sink.reading = False
        self._self_take(item)
        return item

    async def __aenter__(self) -> Any:
        entered = await self.__wrapped__.__aenter__()
        return self if entered is self.__wrapped__ else entered

    async def __aexit__(self, *exc_info: object) -> Any:
        try:
            return await self.__wrapped__.__aexit__(*exc_info)
        finally:
            self._self_sink.closed()

    async def close(self) -> Any:
        """Close the stream itself, then tell the sink (the clients' word)."""
        try:
            return await self.__wrapped__.close()
        finally:
            self._self_sink.closed()

    async def aclose(self) -> Any:
        """Close the body itself, then tell the sink (the HTTP libraries' word)."""
        try:
            return await self.__wrapped__.aclose()
        finally:
            self._self_sink.closed()


class EitherStream(SyncStream):
    """A stream of both kinds, whoever asked for it; ``close`` is the plain one."""

    __aiter__ = AsyncStream.__aiter__
    __anext__ = AsyncStream.__anext__
    aclose = AsyncStream.aclose


def stream_kind(stream: Any, *, asynchronous: bool) -> type[Observed]:
    """What to watch this stream with."""
    if hasattr(stream, "__next__") and hasattr(stream, "__anext__"):
        return EitherStream
    return AsyncStream if asynchronous else SyncStream


class ClosingBody(_Proxy):
    """The body of an HTTP response, watched for being closed; reading it passes straight through.

    The clients' stream helpers close the response behind the stream they were given, so closing is
    seen here and not on the stream.
    """

    def __init__(self, wrapped: Any, sink: Sink) -> None:
        super().__init__(wrapped)
        self._self_sink = sink

    def __aiter__(self) -> Any:
        return self.__wrapped__.__aiter__()  # the proxy's own type has to have it

    def close(self) -> Any:
        """Close the body, then tell the sink unless it is reading."""
        try:
            return self.__wrapped__.close()
        finally:
            self._tell()

    async def aclose(self) -> Any:
        """Close the body, then tell the sink unless it is reading."""
        try:
            return await self.__wrapped__.aclose()
        finally:
            self._tell()

    def _tell(self) -> None:
        if not self._self_sink.reading:
            self._self_sink.closed()


class Answered(_Proxy):
    """A response that gives its stream as ``data``.

    Args:
        wrapped: the client's response.
        data: the stream, watched.
    """

    def __init__(self, wrapped: Any, data: Observed) -> None:
        super().__init__(wrapped)
        self._self_data = data

    @property
    def data(self) -> Any:
        """The stream."""
        return self._self_data


class Manager(_Proxy):
    """A manager whose ``with`` or ``async with`` makes the request.

    Args:
        wrapped: the client's manager.
        enter: called with the manager's own ``__enter__``; gives what ``with`` binds.
        enter_async: the same for ``__aenter__``.
    """

    def __init__(
        self, wrapped: Any, enter: Callable[..., Any], enter_async: Callable[..., Any]
    ) -> None:
        super().__init__(wrapped)
        self._self_enter = enter
        self._self_enter_async = enter_async

    def __enter__(self) -> Any:
        return self._self_enter(self.__wrapped__.__enter__)

    def __exit__(self, *exc_info: object) -> Any:
        return self.__wrapped__.__exit__(*exc_info)

    async def __aenter__(self) -> Any:
        return await self._self_enter_async(self.__wrapped__.__aenter__)

    async def __aexit__(self, *exc_info: object) -> Any:
        return await self.__wrapped__.__aexit__(*exc_info)


class Generated(_Proxy):
    """A generator whose reads are made by somebody else.

    Args:
        wrapped: the client's generator.
        read: called with the generator's own ``__next__``; gives the item.
    """

    def __init__(self, wrapped: Any, read: Callable[..., Any]) -> None:
        super().__init__(wrapped)
        self._self_read = read

    def __iter__(self) -> Iterator[Any]:
        return self  # as a generator does

    def __next__(self) -> Any:
        return self._self_read(self.__wrapped__.__next__)


class AsyncGenerated(_Proxy):
    """The same of an asynchronous generator and its ``__anext__``."""

    def __init__(self, wrapped: Any, read: Callable[..., Any]) -> None:
        super().__init__(wrapped)
        self._self_read = read

    def __aiter__(self) -> AsyncIterator[Any]:
        return self  # as an asynchronous generator does

    async def __anext__(self) -> Any:
        return await self._self_read(self.__wrapped__.__anext__)


class AsyncBlock(_Proxy):
    """A manager whose ``async with`` block is one piece of measured work.

    Args:
        wrapped: the library's manager.
        opening: starts the work when the block is entered.
    """

    def __init__(self, wrapped: Any, opening: Opener) -> None:
        super().__init__(wrapped)
        self._self_opening = opening

    async def __aenter__(self) -> Any:
        activation = self._self_opening.open()
        self._self_activation = activation
        try:
            return await self.__wrapped__.__aenter__()
        except BaseException as error:
            activation.fail(error)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any:
        activation: Activation = self._self_activation
        try:
            swallowed = await self.__wrapped__.__aexit__(kind, error, traceback)
        except BaseException as raised:
            activation.fail(raised)
            raise
        if error is None or swallowed:
            activation.close()
        else:
            activation.fail(error)
        return swallowed
