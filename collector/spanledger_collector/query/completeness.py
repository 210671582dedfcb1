"""Whether what was loaded is still there: rows deleted behind the collector's back are noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from .parsing import parse_rows

#: Asks a named query.
Ask = Callable[..., Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class CompletenessRow:
    """One day of the view ``completeness``."""

    day: date
    loaded_spans: int
    settled_spans: int
    stored_spans: int
    missing_spans: int


def completeness(ask: Ask, **period: object) -> list[CompletenessRow]:
    """The days of a period, oldest first, with the spans that are missing of each.

    The tables are not read at one moment, so what just arrives may look like missing: where
    something is, it is asked once more, and what is missing both times is.

    Args:
        ask: :meth:`Ledger.query`.
        period: ``since`` and ``until``; days are taken whole.
    """
    rows = _asked(ask, period)
    if any(row.missing_spans for row in rows):
        rows = list(_both(rows, _asked(ask, period)))
    return rows


def _asked(ask: Ask, period: Mapping[str, object]) -> list[CompletenessRow]:
    found = parse_rows(CompletenessRow, ask("view:completeness", **period))
    return sorted(found, key=lambda row: row.day)


def _both(
    first: Sequence[CompletenessRow], second: Sequence[CompletenessRow]
) -> Iterator[CompletenessRow]:
    before = {row.day: row.missing_spans for row in first}
    for row in second:
        yield replace(row, missing_spans=min(row.missing_spans, before.get(row.day, 0)))
