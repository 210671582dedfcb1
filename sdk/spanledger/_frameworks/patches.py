"""From a framework's file to the patches that the registry installs: one driver for each kind."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import AsyncGeneratorType, GeneratorType
from typing import Any, Final, cast

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Tracer

from spanledger._frameworks.begun import Begun
from spanledger._frameworks.framework import Framework, Opening, Step
from spanledger._guard import guarded
from spanledger._patches.drivers import Tracing
from spanledger._patches.patching import Hook, Kind, Patch, Wrapper
from spanledger._streams.stream import AsyncBlock
from spanledger._work import scope
from spanledger._work.wrapping import (
    measured_async_generator,
    measured_generator,
    wrap_coroutine,
    wrap_function,
)


def patches_of(framework: Framework, tracing: Tracing) -> tuple[Patch | Hook, ...]:
    """What the registry installs and removes for this framework."""
    tracer = functools.partial(tracing.tracer, f"spanledger.{framework.name}")
    begun = Begun()
    steps = (
        Patch(step.target, _wrapper_of(step, framework, tracer, begun)) for step in framework.steps
    )
    hooks = (
        Hook(joined.module, functools.partial(joined.attach, tracer=tracer))
        for joined in framework.registrations
    )
    bridges = (Patch(bridge.target, bridge.wrapper) for bridge in framework.bridges)
    models = (
        Hook(family.module, functools.partial(family.attach, tracer=tracer))
        for family in framework.models
    )
    return (*steps, *hooks, *bridges, *models)


def _wrapper_of(
    step: Step, framework: Framework, tracer: Callable[[], Tracer], begun: Begun
) -> Wrapper:
    kind = step.target.kind
    if kind is Kind.END:
        return begun.end
    if kind is Kind.FAIL:
        return functools.partial(begun.fail, step.failure)
    passing = _passing(step)

    def driver(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        given = {**dict(zip(step.positional, args, strict=False)), **kwargs}
        tell = functools.partial(step.tell, instance, given)
        # What has begun is forgotten with its object, so nothing here may keep that.
        owner = None if kind is Kind.BEGIN else instance
        opening = Opening(tell, framework, tracer, owner, step.failure, error=step.error)
        if kind is Kind.BEGIN:
            return begun.begin(opening, wrapped, instance, args, kwargs)
        if step.streams(given):
            return _follow(wrapped(*args, **kwargs), opening)
        return _WRAPS[kind](passing(wrapped), opening)(*args, **kwargs)

    return driver


def _passing(step: Step) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What makes the call with the parameters that it is passed on with."""
    if step.passing is None:
        return lambda wrapped: wrapped
    passed: Callable[[Mapping[str, Any]], Mapping[str, Any] | None] = guarded(None)(step.passing)

    def passing(wrapped: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return wrapped(*args, **(passed(kwargs) or kwargs))

        return call if step.within is None else _within(step.within, call)

    return passing


def _within(narrow: Callable[[Context], Context], call: Callable[..., Any]) -> Callable[..., Any]:
    """A coroutine function that runs in a narrower context."""
    narrowed: Callable[[Context], Context | None] = guarded(None)(narrow)

    async def run(*args: Any, **kwargs: Any) -> Any:
        here = otel_context.get_current()
        token = otel_context.attach(narrowed(here) or here)
        try:
            return await call(*args, **kwargs)
        finally:
            scope.leave(token)

    return run


def _follow(body: Any, opening: Opening) -> Any:
    """The generator with a span around its iteration; anything else as it is."""
    twin: Any = None
    if isinstance(body, GeneratorType):
        twin = measured_generator(lambda: cast("Any", body), opening)
    elif isinstance(body, AsyncGeneratorType):
        twin = measured_async_generator(lambda: cast("Any", body), opening)
    else:
        return body
    twin.__name__, twin.__qualname__ = body.__name__, body.__qualname__
    return twin


def _wrap_manager(wrapped: Callable[..., Any], opening: Opening) -> Callable[..., Any]:
    return lambda *args, **kwargs: AsyncBlock(wrapped(*args, **kwargs), opening)


def _wrap_lazy(wrapped: Callable[..., Any], opening: Opening) -> Callable[..., Any]:
    return lambda *args, **kwargs: _follow(wrapped(*args, **kwargs), opening)


_WRAPS: Final[Mapping[Kind, Callable[[Callable[..., Any], Opening], Callable[..., Any]]]] = {
    Kind.SYNC: wrap_function,
    Kind.ASYNC: wrap_coroutine,
    Kind.GENERATOR: _wrap_lazy,
    Kind.ASYNC_GENERATOR: _wrap_lazy,
    Kind.ASYNC_MANAGER: _wrap_manager,
}
