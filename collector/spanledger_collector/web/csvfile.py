"""A table as CSV (RFC 4180): exact values, and text that no spreadsheet takes for a formula.

Of a table in which figures may be bounds the last column says which of the row's are: whoever sums
them sums bounds.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from spanledger_collector.formulas import shown

from .figures import exact
from .table import Column, Table


def csv_of(table: Table) -> str:
    """The whole table, with one line of titles."""
    return "".join(parts_of(table))


def parts_of(table: Table) -> Iterator[str]:
    """The same in parts: the titles with the first rows, and as many as are read at once."""
    bounds = ["Bounds"] if _bounded(table) else []
    titles = _lines([[title for column in table.columns for title in column.titles()] + bounds])
    if table.from_offset is None:
        yield titles + _body(table, table.rows)
        return
    offset, rows = 0, table.from_offset(0)
    yield titles + _body(table, rows)
    while rows:
        offset += len(rows)
        rows = table.from_offset(offset)
        yield _body(table, rows)


def _body(table: Table, rows: Sequence[Any]) -> str:
    return _lines([[_field(value) for value in _values(table, row)] for row in rows])


def _values(table: Table, row: Any) -> Iterator[object]:
    for column in table.columns:
        yield from column.values(row)
    bounded = _bounded(table)
    if bounded:
        told = [(column.title, column.bound(row)) for column in bounded]
        yield "; ".join(f"{title} {bound}" for title, bound in told if bound)


def _bounded(table: Table) -> Sequence[Column]:
    return [column for column in table.columns if column.has_bounds]


def _lines(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _field(value: object) -> str:
    """A number as it is; text that begins like a formula behind an apostrophe."""
    if isinstance(value, int | float | Decimal):
        return exact(value)
    return shown(exact(value))
