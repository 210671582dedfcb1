"""Arguments of the Python API as they are annotated: read, or refused before anything is asked.

One rule for every public method of a ledger and for the functions that take one. A time may be a
``datetime`` or text in ISO 8601, and is UTC unless it says otherwise; a single text is never a list
of texts.
"""

from __future__ import annotations

import collections.abc
import inspect
import io
import math
import numbers
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache, wraps
from typing import (
    Annotated,
    Any,
    BinaryIO,
    Final,
    Literal,
    ParamSpec,
    TypeVar,
    Union,
    get_args,
    get_origin,
)
from typing import get_type_hints as hints_of

from spanledger_collector.errors import PermanentError

from .named import parse_moment

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
#: A value as its parameter wants it.
_Read = Callable[[Any], Any]
_UNIONS: Final = (Union, types.UnionType)
_NUMBERS: Final = (numbers.Real, Decimal)
_MOST_SHOWN: Final = 80


class _WrongError(Exception):
    """What cannot be used, and why.

    Args:
        value: that cannot.
        why: what it is, and what to give.
        place: of it in the argument, such as ``[0]``.
    """

    def __init__(self, value: object, why: str, place: str = "") -> None:
        super().__init__(why)
        self.value = value
        self.why = why
        self.place = place


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """The function, asked only with arguments of the kinds that it is annotated with.

    Raises:
        PermanentError: from each call with another one; it tells which, and what to give.
    """
    signature = inspect.signature(function)

    @wraps(function)
    def ask(*args: P.args, **kwargs: P.kwargs) -> R:
        given = signature.bind(*args, **kwargs)
        for name, read in _readers(function).items():
            if name in given.arguments:
                given.arguments[name] = _argument(name, given.arguments[name], read)
        return function(*given.args, **given.kwargs)

    return ask


def checks_arguments(kind: type[T]) -> type[T]:
    """The class with :func:`checked` around each of its public methods, inherited ones too."""
    for name in dir(kind):
        told: Any = inspect.getattr_static(kind, name)
        if name.startswith("_"):
            continue
        if _is(told, classmethod):
            setattr(kind, name, classmethod(checked(told.__func__)))
        elif inspect.isfunction(told):
            setattr(kind, name, checked(told))
    return kind


def _argument(name: str, value: Any, read: _Read) -> object:
    try:
        return read(value)
    except _WrongError as wrong:
        bad = wrong.value
        shown = bad.isoformat() if isinstance(bad, datetime) else repr(bad)
        if len(shown) > _MOST_SHOWN:
            shown = f"{shown[:_MOST_SHOWN]}…"
        raise PermanentError(f"{name}{wrong.place} {shown} {wrong.why}") from None


@cache
def _readers(function: Callable[..., Any]) -> Mapping[str, _Read]:
    """By parameter; lazily, since an annotation may name what is defined later."""
    names = inspect.signature(function).parameters
    told = {name: kind for name, kind in function.__annotations__.items() if name in names}
    # What is returned may be of an optional package.
    holder: Any = types.SimpleNamespace(__annotations__=told)
    hints = hints_of(holder, vars(inspect.getmodule(function)), include_extras=True)
    return {
        name: _reader(kind)
        for name, kind in hints.items()
        if names[name].kind not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    }


def _reader(kind: Any, words: str = "") -> _Read:  # noqa: PLR0911 - one kind of annotation a line
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _reader(parts[0], parts[1])
    if origin in _UNIONS:
        return _any_of([part for part in parts if part is not types.NoneType], parts)
    if origin is Literal:
        return _one_of(parts)
    if origin is tuple:
        return _together([_reader(part) for part in parts], words)
    if origin is collections.abc.Callable:  # pyright: ignore[reportUnknownMemberType] -- of anything
        return _where(callable, "a function")
    if origin is collections.abc.Mapping:
        return _where(lambda value: isinstance(value, Mapping), "a dictionary")
    if origin is collections.abc.Sequence:
        return _list_of(_reader(parts[0]))
    return _PLAIN.get(kind) or _where(
        lambda value: isinstance(value, kind), words or f"a {kind.__name__}"
    )


def _where(holds: Callable[[object], bool], words: str) -> _Read:
    def read(value: Any) -> object:
        if not holds(value):
            raise _cannot(value, words)
        return value

    return read


def _any_of(kinds: Sequence[Any], parts: Sequence[Any]) -> _Read:
    """None where it may be, else the first kind that takes it."""
    readers = [_reader(kind) for kind in kinds]

    def read(value: Any) -> object:
        if value is None and types.NoneType in parts:
            return None
        for attempt in readers[:-1]:
            try:
                return attempt(value)
            except _WrongError:
                continue
        return readers[-1](value)

    return read


def _one_of(words: Sequence[object]) -> _Read:
    def read(value: Any) -> object:
        if not isinstance(value, str) or value not in words:
            raise _WrongError(value, f"is none of {', '.join(map(str, words))}; give one of them")
        return value

    return read


def _together(readers: Sequence[_Read], words: str) -> _Read:
    """A tuple of so many, each of its own kind."""

    def read(value: Any) -> tuple[object, ...]:
        if not _is(value, tuple, list) or len(value) != len(readers):
            raise _cannot(value, words or f"a tuple of {len(readers)}")
        told = zip(readers, value, strict=True)
        return tuple(_nth(place, *each) for place, each in enumerate(told))

    return read


def _list_of(read_one: _Read) -> _Read:
    def read(value: Any) -> tuple[object, ...]:
        if isinstance(value, str):
            raise _WrongError(value, f"is one text; give a list, such as [{value[:20]!r}]")
        if _is(value, bytes, Mapping) or not _is(value, Iterable):
            raise _cannot(value, "a list")
        return tuple(_nth(place, read_one, one) for place, one in enumerate(value))

    return read


def _nth(place: int, read: _Read, value: Any) -> object:
    try:
        return read(value)
    except _WrongError as wrong:
        raise _WrongError(wrong.value, wrong.why, f"[{place}]{wrong.place}") from None


def _moment(value: Any) -> datetime:
    try:
        return parse_moment(value)
    except ValueError as error:
        raise _WrongError(value, f"cannot be used; {error}") from None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, _NUMBERS) or not math.isfinite(value):
        raise _cannot(value, "a number")
    return float(value)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise _cannot(value, "a whole number")
    return int(value)


def _is(value: object, *kinds: type) -> bool:
    """``isinstance``, of which nothing is concluded: what is in a list is not known by that."""
    return isinstance(value, kinds)


def _cannot(value: object, words: str) -> _WrongError:
    return _WrongError(value, f"cannot be used; give {words}")


_PLAIN: Final[Mapping[object, _Read]] = {
    Any: lambda value: value,
    object: lambda value: value,
    str: _where(lambda value: isinstance(value, str), "a text"),
    bool: _where(lambda value: isinstance(value, bool), "True or False"),
    float: _number,
    int: _integer,
    datetime: _moment,
    # No stream is an instance of it.
    BinaryIO: _where(
        lambda value: hasattr(value, "write") and not isinstance(value, io.TextIOBase),
        "a path, or a stream that takes bytes",
    ),
}
