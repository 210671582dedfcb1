"""A table as CSV (RFC 4180): exact values, and text that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from spanledger_collector.formulas import shown

from .figures import exact
from .table import Table


def csv_of(table: Table) -> str:
    """The whole table, with one line of titles."""
    return "".join(parts_of(table))


def parts_of(table: Table) -> Iterator[str]:
    """The same in parts: the titles with the first rows, and as many as are read at once."""
    titles = _lines([[title for column in table.columns for title in column.titles()]])
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
    values = [[value for column in table.columns for value in column.values(row)] for row in rows]
    return _lines([[_field(value) for value in line] for line in values])


def _lines(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _field(value: object) -> str:
    """A number as it is; text that begins like a formula behind an apostrophe."""
    if isinstance(value, int | float | Decimal):
        return exact(value)
    return shown(exact(value))
