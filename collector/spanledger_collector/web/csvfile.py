"""A table as CSV (RFC 4180): exact values, and text that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

from .figures import exact
from .table import Table

#: What a cell begins with that spreadsheets run (OWASP, CSV injection).
_FORMULA = (*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


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
    text = exact(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text.startswith(_FORMULA) else text
