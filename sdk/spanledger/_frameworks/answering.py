"""How a model of a framework gives its answer: what is around each of its methods."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import Tracer

from spanledger._frameworks.asking import Asked, Method
from spanledger._guard import guarded
from spanledger._patches.patching import Kind, Wrapper

if TYPE_CHECKING:
    from spanledger._frameworks.model_calls import Models


def wrapper_of(models: Models, kind: Kind, tracer: Callable[[], Tracer]) -> Wrapper:
    """What lies around methods of one kind, for ``families``."""

    @guarded(None)
    def asking(method: Method) -> Asked:
        return Asked(models, method, tracer)

    drive = _DRIVERS[kind]

    def wrapper(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        asked = asking(Method(wrapped, instance, args, kwargs))
        if asked is None:
            return wrapped(*args, **kwargs)
        return drive(asked, lambda: wrapped(*args, **kwargs))

    return wrapper


def _within(asked: Asked, make: Callable[[], Any]) -> Any:
    asked.boundary.resume()
    try:
        return make()
    except (StopIteration, StopAsyncIteration):
        raise
    except BaseException as error:
        asked.end(error)
        raise
    finally:
        asked.boundary.pause()


async def _within_async(asked: Asked, make: Callable[[], Any]) -> Any:
    asked.boundary.resume()
    try:
        return await make()
    except StopAsyncIteration:
        raise
    except BaseException as error:
        asked.end(error)
        raise
    finally:
        asked.boundary.pause()


def _whole(asked: Asked, make: Callable[[], Any]) -> Any:
    asked.begin()
    result = _within(asked, make)
    asked.answered(result)
    return result


async def _whole_async(asked: Asked, make: Callable[[], Any]) -> Any:
    asked.begin()
    result = await _within_async(asked, make)
    asked.answered(result)
    return result


def _stream(asked: Asked, make: Callable[[], Any]) -> Any:
    asked.begin()
    return _read(asked, _within(asked, make))


def _read(asked: Asked, stream: Any) -> Iterator[Any]:
    items = _within(asked, lambda: iter(stream))
    left: BaseException | None = GeneratorExit()
    try:
        while True:
            try:
                item = _within(asked, items.__next__)
            except StopIteration:
                left = None
                return
            asked.take(item)
            yield item
    finally:
        if left is not None and (close := getattr(items, "close", None)) is not None:
            close()
        asked.end(left)


def _async_stream(asked: Asked, make: Callable[[], Any]) -> Any:
    asked.begin()
    return _read_async(asked, _within(asked, make))


async def _awaited_stream(asked: Asked, make: Callable[[], Any]) -> Any:
    asked.begin()
    return _read_async(asked, await _within_async(asked, make))


async def _read_async(asked: Asked, stream: Any) -> AsyncIterator[Any]:
    items = aiter(stream)
    left: BaseException | None = GeneratorExit()
    try:
        while True:
            try:
                item = await _within_async(asked, items.__anext__)
            except StopAsyncIteration:
                left = None
                return
            asked.take(item)
            yield item
    finally:
        if left is not None and (close := getattr(items, "aclose", None)) is not None:
            await close()
        asked.end(left)


class _Block:
    """A manager of a stream: the request is made when it is entered, and answered when it is left.

    Args:
        asked: the model.
        manager: the framework's.
    """

    def __init__(self, asked: Asked, manager: Any) -> None:
        self._asked, self._manager = asked, manager

    async def __aenter__(self) -> Any:
        self._asked.begin()
        stream = await _within_async(self._asked, self._manager.__aenter__)
        self._asked.take(stream)
        return stream

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any:
        try:
            return await self._manager.__aexit__(kind, error, traceback)
        finally:
            self._asked.end(error)


def _managed(asked: Asked, make: Callable[[], Any]) -> Any:
    return _Block(asked, make())


_DRIVERS: Final[Mapping[Kind, Callable[[Asked, Callable[[], Any]], Any]]] = {
    Kind.SYNC: _whole,
    Kind.ASYNC: _whole_async,
    Kind.GENERATOR: _stream,
    Kind.ASYNC_GENERATOR: _async_stream,
    Kind.AWAITED_GENERATOR: _awaited_stream,
    Kind.ASYNC_MANAGER: _managed,
}
