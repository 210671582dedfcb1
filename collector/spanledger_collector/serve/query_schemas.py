"""Schemas of the rows of named queries: the columns that the head of each SQL file lists.

What a column holds is said by the typed row of the Python API that reads it, where one does.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, get_type_hints

from spanledger_collector import sql
from spanledger_collector.query import ROW_TYPES

from .schemas import MONEY_PATTERN, WHERE, Schema, schema_of

#: What is computed for intervals, and no amount.
_FLOATS: Final = frozenset({"contribution_trace_mean_usd"})
_MONEY: Final[Schema] = {"type": ["string", "null"], "pattern": MONEY_PATTERN}
#: ClickHouse has 0 and 1 for some.
_BOOLEAN: Final[Schema] = {"type": ["boolean", "integer"]}


def rows_of(name: str) -> Schema:
    """An answer of the query of that name."""
    if not _columns(name) and not _told(name):
        return {"$ref": WHERE + "Rows"}
    return {
        "type": "object",
        "required": ["rows"],
        "properties": {"rows": {"type": "array", "items": row_of(name)}},
    }


def row_of(name: str) -> Schema:
    """One of its rows; where its columns are described, those are told that have a type."""
    listed, told = _columns(name), _told(name)
    columns = list(listed or told)
    return {
        "type": "object",
        "required": columns,
        "properties": {one: told.get(one) or _by_name(one) for one in columns},
        "additionalProperties": not listed,
    }


def headline(name: str) -> str:
    """What the head of the SQL file says of the query, before its parameters."""
    text = sql.read(f"queries/{name}.sql").partition("parameters:")[0]
    words = " ".join(line.removeprefix("--").strip() for line in text.splitlines())
    return words.partition(": ")[2].strip()


def _columns(name: str) -> Sequence[str]:
    """Those that are listed; none, where they are described."""
    told = re.sub(r"\([^)]*\)", "", _header(name).rpartition("columns:")[2]).partition(". ")[0]
    if re.search(r"\b(those of|the)\b", told):
        return ()
    return re.findall(r"\b[A-Za-z]\w*\b", told)


@cache
def _told(name: str) -> Mapping[str, Schema]:
    """What the types of the query's rows say of its columns."""
    found: dict[str, Schema] = {}
    for kind in ROW_TYPES.get(name, ()):
        hints: Mapping[str, Any] = get_type_hints(kind)
        for field in dataclasses.fields(kind):
            hint = hints[field.name]
            found[field.name] = _BOOLEAN if hint is bool else schema_of(hint, {})
    return found


def _by_name(column: str) -> Schema:
    return _MONEY if column.endswith("_usd") and column not in _FLOATS else {}


def _header(name: str) -> str:
    """The head of the SQL file of a query as one line."""
    lines = sql.read(f"queries/{name}.sql").splitlines()
    heading = itertools.takewhile(lambda line: line.startswith("--"), lines)
    return " ".join(line.removeprefix("--").strip() for line in heading)
