"""JSON Schemas of ClickHouse types: what a value of a column is in a JSON answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from .schemas import MONEY_PATTERN, Schema

_NULL: Final = "null"
#: By the first word of the type. Exact numbers are text; what is no number (0 / 0) is null.
_PLAIN: Final[Mapping[str, Schema]] = {
    "String": {"type": "string"},
    "FixedString": {"type": "string"},
    "Bool": {"type": "boolean"},
    "Date": {"type": "string", "format": "date"},
    "DateTime": {"type": "string", "format": "date-time"},
    "DateTime64": {"type": "string", "format": "date-time"},
    "Decimal": {"type": "string", "pattern": MONEY_PATTERN},
    "Float64": {"type": ["number", _NULL]},
    **{f"Int{bits}": {"type": "integer"} for bits in (8, 16, 32, 64)},
    **{f"UInt{bits}": {"type": "integer", "minimum": 0} for bits in (8, 16, 32, 64)},
}


@cache
def column_schema(kind: str) -> Schema:
    """The schema of a value.

    Args:
        kind: a ClickHouse type, as ``DESCRIBE`` tells it.

    Raises:
        TypeError: there are no values of that type in answers so far.
    """
    word, inner = _parts(kind)
    if word in _PLAIN:
        return _PLAIN[word]
    if word == "LowCardinality":
        return column_schema(inner[0])
    if word == "Nullable":
        return _or_null(column_schema(inner[0]))
    if word == "Array":
        return {"type": "array", "items": column_schema(inner[0])}
    if word == "Map":
        return {"type": "object", "additionalProperties": column_schema(inner[1])}
    if word == "Tuple":
        return _tuple(inner)
    raise TypeError(f"{kind} has no schema: say in column_schemas what it is in JSON")


def _tuple(members: Sequence[str]) -> Schema:
    """An object of its names; where it has none, an array."""
    pairs = [member.partition(" ") for member in members]
    if not all(kind and "(" not in name for name, _, kind in pairs):
        each = [column_schema(member) for member in members]
        return {"type": "array", "prefixItems": each, "minItems": len(each), "maxItems": len(each)}
    named = {name.strip("`"): column_schema(kind) for name, _, kind in pairs}
    return {
        "type": "object",
        "required": list(named),
        "properties": named,
        "additionalProperties": False,
    }


def _or_null(schema: Schema) -> Schema:
    kind: Any = schema["type"]
    return schema if isinstance(kind, list) else {**schema, "type": [kind, _NULL]}


def _parts(kind: str) -> tuple[str, Sequence[str]]:
    """``Map(String, Array(Date))`` is ``Map`` of ``String`` and ``Array(Date)``."""
    word, _, rest = kind.strip().partition("(")
    parts, depth = [""], 0
    for letter in rest.removesuffix(")"):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return word.strip(), [part.strip() for part in parts]
