"""Whoever reads a stream, its call belongs to its maker: to the context its method was called in.

An agent may return a stream, and its reader has a context of their own, or none. Where the client
makes the request at once, the call hangs under its maker by itself; where it is made by the first
read or when a manager is entered, the maker's context is kept for that, is current meanwhile, and
is left again. It always wins over the reader's, so that a cost does not depend on how a client
happens to stream.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from spanledger._calls.call import Call
from spanledger._frameworks.boundary import note_call
from spanledger._guard import guarded
from spanledger._patches.patching import Kind, Target, Wrapper
from spanledger._streams.stream import AsyncGenerated, Generated, Manager
from spanledger._work import scope


def defer(stream: Any, begin: Callable[[], Call | None]) -> Any:
    """The stream of a patched method, whose call begins with the first read."""
    note_call()
    return _deferred(stream, begin) or stream


@guarded(None)
def _deferred(stream: Any, begin: Callable[[], Call | None]) -> Any:
    from spanledger._streams.lazy import lazy_kind

    return lazy_kind(stream)(stream, begin)


def forget(manager: Any) -> None:
    """Close what a manager that was not entered would have awaited, so that nobody misses it."""
    kept: dict[str, Any] = getattr(manager, "__dict__", {})
    for value in kept.values():
        if inspect.iscoroutine(value):
            value.close()


def _inside(maker: Context) -> Callable[[Callable[[], Any]], Any]:
    """What makes a call in this context."""

    def make(call: Callable[[], Any]) -> Any:
        token = otel_context.attach(maker)
        try:
            return call()
        finally:
            scope.leave(token)

    return make


def _inside_async(maker: Context) -> Callable[[Callable[[], Any]], Any]:
    """The same for what is awaited."""

    async def make(call: Callable[[], Any]) -> Any:
        token = otel_context.attach(maker)
        try:
            return await call()
        finally:
            scope.leave(token)

    return make


def _generator(wrapped: Any) -> Generated:
    return Generated(wrapped, _inside(otel_context.get_current()))


def _async_generator(wrapped: Any) -> AsyncGenerated:
    return AsyncGenerated(wrapped, _inside_async(otel_context.get_current()))


def _manager(wrapped: Any) -> Manager:
    maker = otel_context.get_current()
    return Manager(wrapped, _inside(maker), _inside_async(maker))


def _keeping(kind: Callable[[Any], Any]) -> Wrapper:
    kept = guarded(None)(kind)

    def driver(
        wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        given = wrapped(*args, **kwargs)
        return kept(given) or given

    return driver


async def _keep_async(
    wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    stream = await wrapped(*args, **kwargs)
    return guarded(None)(_async_generator)(stream) or stream


def opened_later(package: str) -> tuple[Target, Target]:
    """The managers of responses that nobody has read yet, of a generated client.

    They are made by ``with_streaming_response``, and make their request when they are entered.
    """
    sync, other = "ResponseContextManager", "AsyncResponseContextManager"
    return (
        Target(f"{package}._response", sync, Kind.MANAGER, optional=True),
        Target(f"{package}._response", other, Kind.MANAGER, optional=True),
    )


#: The wrappers for ``Instrumentor.deferring``, by what the method gives.
KEEPERS: Final[Mapping[Kind, Wrapper]] = {
    Kind.GENERATOR: _keeping(_generator),
    Kind.ASYNC: _keep_async,
    Kind.MANAGER: _keeping(_manager),
}
