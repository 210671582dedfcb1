"""Putting a model into the application's memory: a span of its own kind, once a load.

No model call: nothing is asked. What it takes is the time of the devices that are loaded, which the
collector prices as a cost of its own (docs/gpu.md). A load inside a load (of the parts of a model)
is the outer one's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode, Tracer

from spanledger import semconv
from spanledger._calls.attempts import failure_of
from spanledger._guard import guarded
from spanledger._local.model import LocalModel, device_time
from spanledger._patches.patching import Wrapper

#: Whether a model is being loaded in this context.
_loading: Final[ContextVar[bool]] = ContextVar("spanledger_loading", default=False)


@dataclass(frozen=True, slots=True)
class Load:
    """How to read a method that loads a model: typed data in an engine's file, as an ``Api`` is.

    ``name`` tells the model from the method's object and parameters; ``loaded`` what lies in memory
    then, from the object and the result; ``goes_to`` a device's name and how many of them, from the
    parameters of a load that failed; ``positional`` is as in ``Api``.
    """

    name: Callable[[Any, Mapping[str, Any]], str]
    loaded: Callable[[Any, Any], LocalModel]
    goes_to: Callable[[Mapping[str, Any]], tuple[str, int]]
    positional: tuple[str, ...] = ()


def driver(load: Load, provider: str, tracer: Callable[[], Tracer]) -> Wrapper:
    """The wrapper of a method that loads."""

    def loading(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        span = None if _loading.get() else _begin(load, provider, tracer, instance, args, kwargs)
        if span is None:
            return wrapped(*args, **kwargs)
        inside = _loading.set(True)
        token = otel_context.attach(trace.set_span_in_context(span))
        began = perf_counter()
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            given = {**dict(zip(load.positional, args, strict=False)), **kwargs}
            _failed(span, error, load, given, perf_counter() - began)
            raise
        finally:
            otel_context.detach(token)
            _loading.reset(inside)
        _ended(span, load, instance, result, perf_counter() - began)
        return result

    return loading


@guarded(None)
def _begin(  # noqa: PLR0917 -- a method's call and who watches it
    load: Load,
    provider: str,
    tracer: Callable[[], Tracer],
    instance: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Span:
    given = {**dict(zip(load.positional, args, strict=False)), **kwargs}
    model = load.name(instance, given)
    attributes = {
        semconv.OPERATION_NAME: semconv.OPERATION_LOAD_MODEL,
        semconv.PROVIDER_NAME: provider,
        semconv.REQUEST_MODEL: model,
    }
    return tracer().start_span(f"{semconv.OPERATION_LOAD_MODEL} {model}", attributes=attributes)


@guarded(None)
def _ended(span: Span, load: Load, instance: Any, result: Any, seconds: float) -> None:
    try:
        span.set_attributes(device_time(load.loaded(instance, result), seconds))
    finally:
        span.end()


@guarded(None)
def _failed(
    span: Span, error: BaseException, load: Load, given: Mapping[str, Any], seconds: float
) -> None:
    """The devices were held all the same."""
    span.set_attribute(semconv.ERROR_TYPE, failure_of(error))
    span.set_status(Status(StatusCode.ERROR))
    try:
        device, count = load.goes_to(given)
        span.set_attributes(device_time(LocalModel("", None, 0, "", "", count, device), seconds))
    finally:
        span.end()
