"""Schemas of the rows of named queries: the columns that the engine says they have.

What a column holds is said by the typed row of the Python API that reads it, where one does, else
by its type in the engine.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, get_type_hints

from spanledger_collector import sql
from spanledger_collector.query import ROW_TYPES
from spanledger_collector.query.named import VIEW_PREFIX

from .column_schemas import column_schema
from .columns import columns
from .schemas import Schema, schema_of

#: ClickHouse has 0 and 1 for some.
_BOOLEAN: Final[Schema] = {"type": ["boolean", "integer"]}
_TOLD_AS: Final[Mapping[Any, Schema]] = {
    bool: _BOOLEAN,
    bool | None: {"type": ["boolean", "integer", "null"]},
}


def rows_of(name: str) -> Schema:
    """An answer of the query of that name."""
    return {
        "type": "object",
        "required": ["rows"],
        "properties": {"rows": {"type": "array", "items": row_of(name)}},
        "additionalProperties": False,
    }


def row_of(name: str) -> Schema:
    """One of its rows."""
    told, there = _told(name), columns()[name]
    return {
        "type": "object",
        "required": list(there),
        "properties": {one: told.get(one) or column_schema(kind) for one, kind in there.items()},
        "additionalProperties": False,
    }


def headline(name: str) -> str:
    """What the head of the SQL file says of the query or view, before its parameters."""
    view = name.removeprefix(VIEW_PREFIX)
    text = sql.read(f"queries/{name}.sql" if view == name else f"views/{view}.sql")
    head = re.split(r"\b(?:parameters|grain):", text)[0]
    words = " ".join(line.removeprefix("--").strip() for line in head.splitlines())
    return words.partition(": ")[2].strip()


@cache
def _told(name: str) -> Mapping[str, Schema]:
    """What the types of the query's rows say of its columns."""
    found: dict[str, Schema] = {}
    for kind in ROW_TYPES.get(name, ()):
        hints: Mapping[str, Any] = get_type_hints(kind)
        for field in dataclasses.fields(kind):
            hint = hints[field.name]
            found[field.name] = _TOLD_AS.get(hint) or schema_of(hint, {})
    return found
