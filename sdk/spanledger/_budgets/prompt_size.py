"""How much is in a prompt: its text in bytes, its items, and what in it is no text.

Everything is walked in place; nothing is copied or consumed. What was counted in a call before is
counted no more where it is still the same (``histories``), for a conversation grows by its end and
its tools stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from spanledger._budgets.media_parts import MARKS, TYPES, media_in, object_part
from spanledger._budgets.media_tokens import Part

#: A schema given as a class: it is written out by the client.
_BYTES_PER_CLASS: Final = 2000
#: A number as it is written.
_BYTES_PER_NUMBER: Final = 8
#: Fields that ask for a place in the cache.
_CACHE_MARKS: Final = frozenset({"cache_control", "cachePoint"})
#: Fields whose content is data of the application, in which an ``image`` is a word like another.
_PLAIN: Final = frozenset(
    {
        *("input", "args", "arguments", "json", "parameters", "response", "properties"),
        *("input_schema", "inputSchema", "tools", "response_schema", "response_json_schema"),
    }
)
#: From this length on the size of a text that is not ASCII is remembered by its hash.
_LONG_CHARACTERS: Final = 500
_MAX_SIZES: Final = 4096
_NO_FIELDS: Final[frozenset[str]] = frozenset()

#: An object with fields; a text, class or function, mapping, list; no text; what is read only once.
Sort = Literal["object", "text", "class", "mapping", "items", "part", "stream"]
_MAX_SORTS: Final = 512

_sizes: Final[dict[int, int]] = {}
_sorts: Final[dict[type[Any], Sort]] = {}


def _utf8_size(text: str) -> int:
    """Bytes of a text that is not ASCII; a hash is kept in its text, so it costs nothing again."""
    if len(text) < _LONG_CHARACTERS:
        return len(text.encode("utf-8", "surrogatepass"))
    key = hash(text)
    size = _sizes.get(key)
    if size is None:
        if len(_sizes) >= _MAX_SIZES:
            _sizes.clear()
        size = _sizes[key] = len(text.encode("utf-8", "surrogatepass"))
    return size


class Tally:
    """How much was counted so far."""

    __slots__ = ("cached", "items", "parts", "readable", "utf8_bytes")

    def __init__(self) -> None:
        self.utf8_bytes = 0
        self.items = 0
        self.parts: list[Part] = []
        #: Whether a place in the cache was asked for.
        self.cached = False
        #: False: something cannot be read without taking it away from the client.
        self.readable = True

    def plus(self, other: Tally) -> None:
        """Count what another has counted."""
        self.utf8_bytes += other.utf8_bytes
        self.items += other.items
        self.parts += other.parts
        self.cached = self.cached or other.cached
        self.readable = self.readable and other.readable

    def add(self, value: Any, *, plain: bool = False) -> None:
        """Count a value and everything in it.

        Args:
            value: any.
            plain: all of it is text, whatever its fields are called.
        """
        kind = type(value)  # pyright: ignore[reportUnknownVariableType]
        if kind is str:
            self.utf8_bytes += len(value) if value.isascii() else _utf8_size(value)
        elif kind is dict:
            self._add_fields(value, plain)
        elif kind is list or kind is tuple:
            self.items += len(value)
            for item in value:
                self.add(item, plain=plain)
        elif kind is int or kind is float:
            self.items += 1
        elif value is not None and kind is not bool:
            self._add_other(value, plain)

    def _add_fields(self, fields: Mapping[Any, Any], plain: bool) -> None:
        taken = _NO_FIELDS
        if not plain:
            named = fields.get("type")
            if not MARKS.isdisjoint(fields) or (type(named) is str and named in TYPES):
                found = media_in(fields)
                taken = found.fields
                self.parts += found.parts
        self.items += 1
        size = 0
        for name, value in fields.items():
            if type(value) is str:  # nearly always
                if name not in taken:
                    size += len(value) if value.isascii() else _utf8_size(value)
            elif name in _CACHE_MARKS:
                self.cached = True
            elif value is not None and name not in taken:
                self.add(value, plain=plain or name in _PLAIN)
            size += len(name) if type(name) is str else _BYTES_PER_NUMBER
        self.utf8_bytes += size

    def _add_other(self, value: Any, plain: bool) -> None:
        sort = sort_of(value)
        if sort == "object":
            self._add_fields(_told(value), plain)
            unknown: Any = getattr(value, "__pydantic_extra__", None)
            if unknown:
                self._add_fields(unknown, plain)
        elif sort == "text":
            self.add(str.__str__(value))
        elif sort == "class":
            self.utf8_bytes += _BYTES_PER_CLASS
        elif sort == "mapping":
            self._add_fields(dict(cast("Mapping[Any, Any]", value)), plain)
        elif sort == "items":
            self.add(list(cast("list[Any]", value)), plain=plain)
        elif (part := object_part(value)) is not None:
            self.parts.append(part)
        else:
            self.readable = False


def sort_of(value: object) -> Sort:
    """What a value is that is of no plain kind, by its class."""
    kind: type[Any] = type(value)
    sort = _sorts.get(kind)
    if sort is None:
        if len(_sorts) >= _MAX_SORTS:  # classes that an application makes anew
            _sorts.clear()
        sort = _sorts[kind] = _sort_of(value, kind)
    return sort


def _sort_of(value: object, kind: type[Any]) -> Sort:
    if issubclass(kind, str):
        return "text"
    if issubclass(kind, type) or callable(value):
        return "class"
    if issubclass(kind, Mapping):
        return "mapping"
    if object_part(value) is not None:
        return "part"
    if hasattr(kind, "__next__") or hasattr(kind, "__anext__"):
        return "stream"
    return "items" if issubclass(kind, list | tuple | set | frozenset) else "object"


def _told(value: Any) -> Mapping[str, Any]:
    """The fields of an object that a client sends: those that are set."""
    fields: Mapping[str, Any] | None = getattr(value, "__dict__", None)
    if fields is None:
        fields = {name: getattr(value, name, None) for name in getattr(value, "__slots__", ())}
    return {name: one for name, one in fields.items() if one is not None}
