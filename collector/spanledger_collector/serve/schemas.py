"""JSON Schemas of typed answers: a data class is the schema, its docstring the words.

An answer of the Python API reaches JSON field by field, so its type says all there is to say:
names, units, what may be null. A class is one schema by its name, referred to wherever it is.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

#: Where the document keeps schemas by name.
WHERE: Final = "#/components/schemas/"
#: Exact, so text; never in exponents.
MONEY_PATTERN: Final = r"^-?\d+(\.\d+)?$"
_PLAIN: Final[Mapping[Any, Mapping[str, Any]]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Decimal: {"type": "string", "pattern": MONEY_PATTERN},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    type(None): {"type": "null"},
}
#: A field of the docstring's section ``Attributes``, with what follows deeper.
_FIELD = re.compile(r"^(\w+): (.+(?:\n +.+)*)$", re.MULTILINE)
_ROLE = re.compile(r":\w+:`~?([^`]+)`")
_NONE = re.compile(r"\bNone\b")

Schema = Mapping[str, Any]


def schema_of(kind: Any, named: MutableMapping[str, Schema]) -> Schema:
    """The schema of a type.

    Args:
        kind: as it stands in an annotation.
        named: takes the schemas of the data classes in it, by their names.

    Raises:
        TypeError: JSON has no such thing.
    """
    if kind in _PLAIN:
        return _PLAIN[kind]
    if dataclasses.is_dataclass(kind):
        return _reference(kind, named)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"type": "string", "enum": list(inner)}
    if origin in (Union, types.UnionType):
        return _either([schema_of(one, named) for one in inner])
    if origin in (tuple, list, Sequence):
        return {"type": "array", "items": schema_of(inner[0], named)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": schema_of(inner[1], named)}
    raise TypeError(f"{kind} has no schema")


def _reference(kind: Any, named: MutableMapping[str, Schema]) -> Schema:
    name = kind.__name__
    if name not in named:
        named[name] = {}  # it may hold others of its kind
        named[name] = _object(kind, named)
    return {"$ref": WHERE + name}


def _object(kind: Any, named: MutableMapping[str, Schema]) -> Schema:
    hints, words = get_type_hints(kind), _words(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    told = {name: schema_of(hints[name], named) for name in names}
    return {
        "type": "object",
        "description": _plain(inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]),
        "required": names,
        "properties": {
            name: {**schema, "description": words[name]} if name in words else schema
            for name, schema in told.items()
        },
        "additionalProperties": False,
    }


def _words(kind: Any) -> Mapping[str, str]:
    """Field -> what the docstrings of the class, and of those that it extends, say of it."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__[:-1]):
        attributes = inspect.cleandoc(each.__doc__ or "").partition("Attributes:\n")[2]
        text = inspect.cleandoc(f"\n{attributes.partition(chr(10) * 2)[0]}")
        found |= {name: _plain(told) for name, told in _FIELD.findall(text)}
    return found


def _plain(told: str) -> str:
    """The words of a docstring for readers of JSON."""
    text = _ROLE.sub(r"`\1`", " ".join(told.split())).replace("``", "`")
    return _NONE.sub("null", text)


def _either(each: Sequence[Schema]) -> Schema:
    """One type or null is said in one word; else any of them."""
    null = {"type": "null"}
    (one, *others) = [schema for schema in each if schema != null]
    if others or "$ref" in one or len(each) == 1:
        return {"anyOf": list(each)}
    values = {"enum": [*one["enum"], None]} if "enum" in one else {}
    return {**one, **values, "type": [one["type"], "null"]}
