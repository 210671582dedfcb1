"""A table as CSV (RFC 4180): exact values, and text that no spreadsheet takes for a formula.

Titles say the units, which the page says in each cell; where each row has its own, a column does.
Times that passed are in seconds. Of a table in which figures may be bounds, or unknown, the last
column says which of the row's are: whoever sums them sums bounds, and what is empty otherwise has
no such figure.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from spanledger_collector.formulas import shown

from .figures import exact
from .table import Column, Table

#: Units, by the kind of a column; others are text, counts, or say theirs.
_UNITS: Final[Mapping[str, str]] = {
    "usd": "USD",
    "usd_if_told": "USD",
    "duration": "s",
    "seconds": "s",
    "ratio": "ratio",
    "factor": "factor",
}
_UNIT: Final = "Unit"
_SECONDS_PER_NS: Final = -9  # as a power of ten


def csv_of(table: Table) -> str:
    """The whole table, with one line of titles."""
    return "".join(parts_of(table))


def parts_of(table: Table) -> Iterator[str]:
    """The same in parts: the titles with the first rows, and as many as are read at once."""
    titles = _lines([list(_titles(table))])
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


def _titles(table: Table) -> Iterator[str]:
    """Of an interval those of the figure that it is of: the one before it."""
    before = ""
    for place, column in enumerate(table.columns):
        told = _unit(column)
        if column.is_interval:
            yield from (f"{before}, {column.title} {end}{told}" for end in ("from", "to"))
        else:
            before = column.title
            yield f"{column.title}{told}"
        if not place and _has_units(table):
            yield _UNIT
    if _bounded(table):
        yield "Bounds"


def _values(table: Table, row: Any) -> Iterator[object]:
    for place, column in enumerate(table.columns):
        is_time = _kind(column.kind_of(row)) == "duration"
        yield from map(_seconds, column.values(row)) if is_time else column.values(row)
        if not place and _has_units(table):
            kinds = (_kind(one.kind_of(row)) for one in table.columns if one.unit)
            yield _UNITS.get(next(kinds), "")
    bounded = _bounded(table)
    if bounded:
        told = [(column.title, _bound(column, row)) for column in bounded]
        yield "; ".join(f"{title} {bound}" for title, bound in told if bound)


def _unit(column: Column) -> str:
    """In brackets, where the title does not say it."""
    unit = column.measure or _UNITS.get(_kind(column.kind), "")
    is_told = unit in ("", "factor", column.title) or f"({unit})" in column.title
    return "" if is_told else f" ({unit})"


def _has_units(table: Table) -> bool:
    """Whether each row has a unit of its own."""
    return any(column.unit for column in table.columns)


def _kind(kind: str) -> str:
    """The kind of a figure, of its difference and of its interval alike."""
    return kind.removeprefix("interval ").removeprefix("signed ")


def _seconds(time_ns: float | Decimal | None) -> Decimal | None:
    """Nanoseconds as seconds, all digits."""
    return None if time_ns is None else Decimal(str(time_ns)).scaleb(_SECONDS_PER_NS)


def _bounded(table: Table) -> Sequence[Column]:
    return [column for column in table.columns if column.has_bounds or column.may_be_unknown]


def _bound(column: Column, row: Any) -> str:
    """``at least``, ``at most`` or ``unknown``; empty = the figure is that, or there is none."""
    return "unknown" if column.is_unknown(row) else column.bound(row)


def _lines(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _field(value: object) -> str:
    """A number as it is; text that begins like a formula behind an apostrophe."""
    if isinstance(value, int | float | Decimal):
        return exact(value)
    return shown(exact(value))
