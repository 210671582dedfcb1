"""Wrapping a function so that each of its runs is one span, whatever kind of function it is.

The kind is found once, at decoration: plain, coroutine, generator or asynchronous generator; the
wrapper is of the same kind, so ``inspect`` answers as before. A generator's span covers the whole
iteration, from the first ``next`` to the end; its context, which is current only while its body
runs, is made of the caller's: whoever reads a generator, its work belongs to who made it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from spanledger._patches.patching import GeneratorFunction
from spanledger._work.activation import Activation, Definition, Opener
from spanledger.errors import UsageError

_DESCRIPTORS: Final = (classmethod, staticmethod)


def wrap(target: Any, define: Callable[[str], Definition]) -> Any:
    """The measured twin of a function, classmethod or staticmethod.

    Args:
        target: What the decorator stands on.
        define: Makes the definition, given the name to use if the user gave none.

    Raises:
        UsageError: the target is a class, or not callable at all.
    """
    if _is_descriptor(target):
        return type(target)(wrap(target.__func__, define))
    if isinstance(target, type) or not callable(target):
        raise UsageError(
            f"spanledger decorators measure functions and methods; {target!r} is neither: "
            "decorate the method that does the work"
        )
    definition = define(default_name(target))
    if inspect.isasyncgenfunction(target):
        return wrap_async_generator(target, definition)
    if inspect.isgeneratorfunction(target):
        return wrap_generator(target, definition)
    if inspect.iscoroutinefunction(target):
        return wrap_coroutine(target, definition)
    return wrap_function(target, definition)


def _is_descriptor(target: object) -> bool:
    return isinstance(target, _DESCRIPTORS)


def default_name(target: Any) -> str:
    """``function`` or ``Class.method``, without the functions around it."""
    while isinstance(target, functools.partial):
        target = target.func
    name = getattr(target, "__qualname__", None) or type(target).__qualname__
    return name.rpartition("<locals>.")[2]


def wrap_function(function: Callable[..., Any], opener: Opener) -> Callable[..., Any]:
    """The measured twin of a plain function."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        activation = opener.open()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            activation.fail(error)
            raise
        activation.close(result)
        return result

    return call


def wrap_coroutine(function: Callable[..., Awaitable[Any]], opener: Opener) -> Callable[..., Any]:
    """The measured twin of a function that returns an awaitable."""

    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        activation = opener.open()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            activation.fail(error)
            raise
        activation.close(result)
        return result

    return call


def wrap_generator(
    function: Callable[..., Generator[Any, Any, Any]], opener: Opener
) -> Callable[..., Any]:
    """The measured twin of a function that returns a generator, which belongs to who calls it."""

    def call(
        bound: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        made = measured_generator(functools.partial(bound, *args, **kwargs), opener)
        return _named(made, function)

    return GeneratorFunction(function, call)


def measured_generator(
    begin: Callable[[], Generator[Any, Any, Any]], opener: Opener
) -> Generator[Any, Any, Any]:
    """A generator whose work begins with the first read and belongs to the context of now.

    Args:
        begin: makes the body.
        opener: starts the work.
    """
    return _generator(begin, opener, otel_context.get_current())


def _generator(
    begin: Callable[[], Generator[Any, Any, Any]], opener: Opener, maker: Context
) -> Generator[Any, Any, Any]:
    activation = _prepared(opener, maker)
    try:
        result = yield from _stepped(begin(), activation)
    except BaseException as error:
        activation.fail(error)
        raise
    activation.close(result)
    return result


def _prepared(opener: Opener, maker: Context) -> Activation:
    token = otel_context.attach(maker)
    try:
        return opener.prepare()
    finally:
        otel_context.detach(token)


def _named(made: Any, function: Any) -> Any:
    """The generator with the name that the function's own would have."""
    made.__name__ = getattr(function, "__name__", made.__name__)  # a partial one has none
    made.__qualname__ = getattr(function, "__qualname__", made.__qualname__)
    return made


def _stepped(body: Generator[Any, Any, Any], activation: Activation) -> Generator[Any, Any, Any]:
    """Drive the body, making its context current for each step and for no longer."""
    step: Callable[[], Any] = functools.partial(next, body)
    while True:
        activation.resume()
        try:
            item = step()
        except StopIteration as end:
            return end.value
        finally:
            activation.pause()
        try:
            received = yield item
        except GeneratorExit:
            _within(activation, body.close)
            raise
        except BaseException as error:  # noqa: BLE001 -- handed to the body, which decides
            step = functools.partial(body.throw, error)
        else:
            step = functools.partial(body.send, received)


def _within(activation: Activation, action: Callable[[], Any]) -> None:
    activation.resume()
    try:
        action()
    finally:
        activation.pause()


def wrap_async_generator(
    function: Callable[..., AsyncGenerator[Any, Any]], opener: Opener
) -> Callable[..., Any]:
    """The measured twin of a function that returns an asynchronous generator."""

    def call(
        bound: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        made = measured_async_generator(functools.partial(bound, *args, **kwargs), opener)
        return _named(made, function)

    return GeneratorFunction(function, call)


def measured_async_generator(
    begin: Callable[[], AsyncGenerator[Any, Any]], opener: Opener
) -> AsyncGenerator[Any, Any]:
    """The asynchronous twin of :func:`measured_generator`."""
    return _async_generator(begin, opener, otel_context.get_current())


async def _async_generator(
    begin: Callable[[], AsyncGenerator[Any, Any]], opener: Opener, maker: Context
) -> AsyncGenerator[Any, Any]:
    activation = _prepared(opener, maker)
    try:
        body = begin()
        step: Callable[[], Awaitable[Any]] = functools.partial(body.asend, None)
        while True:
            activation.resume()
            try:
                item = await step()
            except StopAsyncIteration:
                break
            finally:
                activation.pause()
            try:
                received = yield item
            except GeneratorExit:
                await _within_async(activation, body.aclose)
                raise
            except BaseException as error:  # noqa: BLE001 -- handed to the body, which decides
                step = functools.partial(body.athrow, error)
            else:
                step = functools.partial(body.asend, received)
    except BaseException as error:
        activation.fail(error)
        raise
    activation.close()


async def _within_async(activation: Activation, action: Callable[[], Awaitable[Any]]) -> None:
    activation.resume()
    try:
        await action()
    finally:
        activation.pause()
