"""A table as CSV (RFC 4180): exact values, and text that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

from spanledger_collector.formulas import shown

from .figures import exact
from .table import Table


def csv_of(table: Table) -> str:
    """The whole table, with one line of titles."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([title for column in table.columns for title in column.titles()])
    for row in table.rows:
        values = [value for column in table.columns for value in column.values(row)]
        writer.writerow([_field(value) for value in values])
    return out.getvalue()


def _field(value: object) -> str:
    """A number as it is; text that begins like a formula behind an apostrophe."""
    if isinstance(value, int | float | Decimal):
        return exact(value)
    return shown(exact(value))
