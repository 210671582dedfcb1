"""What a budget may be made of: checked once, when it is made, so that no call has to."""

from __future__ import annotations

import functools
import inspect

from spanledger.errors import ConfigurationError


def choice(name: str, value: object, allowed: tuple[object, ...]) -> None:
    """One of few values.

    Raises:
        ConfigurationError: it is none of them.
    """
    if not any(value == one for one in allowed):
        words = ", ".join(repr(one) if one is None else str(one) for one in allowed)
        raise ConfigurationError(f"{name}={value!r} is nothing a budget can have: give {words}")


def answering(name: str, value: object) -> None:
    """A function that answers when it is called.

    Raises:
        ConfigurationError: it cannot be called, or its answer would have to be awaited.
    """
    if not callable(value):
        raise ConfigurationError(f"{name}={value!r} cannot be called: give a function")
    function: object = value
    while isinstance(function, functools.partial):
        function = function.func
    for one in (function, type(function).__call__):
        if inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one):
            raise ConfigurationError(
                f"{name}={value!r}: a coroutine function cannot answer, for it would not be "
                "awaited; give a plain function"
            )


def count(name: str, value: object) -> None:
    """A whole number from 0 on.

    Raises:
        ConfigurationError: it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigurationError(f"{name}={value!r}: give a count from 0 on")


def seconds(name: str, value: object) -> None:
    """A time from 0 on.

    Raises:
        ConfigurationError: it is none.
    """
    # Not a number is not below 0 either.
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        raise ConfigurationError(f"{name}={value!r}: give seconds from 0 on")
