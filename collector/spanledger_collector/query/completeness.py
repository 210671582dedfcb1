"""Whether what was loaded and written is still there: rows that somebody deleted are noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from .parsing import parse_rows

#: Asks a named query.
Ask = Callable[..., Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class CompletenessRow:
    """One day of the view ``completeness``.

    Attributes:
        lost_traces: of the view ``lost_results``: that were settled and lack runs or attempts.
    """

    day: date
    loaded_spans: int
    settled_spans: int
    stored_spans: int
    missing_spans: int
    lost_traces: int = 0


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
    lost = {row.day: row.traces for row in _lost(ask, period)}
    days = {row.day: row for row in rows}
    # A day of which everything else was deleted has no other figures.
    for day in lost.keys() - days.keys():
        days[day] = CompletenessRow(day, 0, 0, 0, 0)
    return [replace(days[day], lost_traces=lost.get(day, 0)) for day in sorted(days)]


@dataclass(frozen=True, slots=True)
class _Stored:
    day: date
    loaded_spans: int
    settled_spans: int
    stored_spans: int
    missing_spans: int


@dataclass(frozen=True, slots=True)
class _Lost:
    day: date
    traces: int


def _lost(ask: Ask, period: Mapping[str, object]) -> list[_Lost]:
    return parse_rows(_Lost, ask("view:lost_results", **period))


def _asked(ask: Ask, period: Mapping[str, object]) -> list[CompletenessRow]:
    found = parse_rows(_Stored, ask("view:completeness", **period))
    rows = (CompletenessRow(**asdict(one)) for one in found)
    return sorted(rows, key=lambda row: row.day)


def _both(
    first: Sequence[CompletenessRow], second: Sequence[CompletenessRow]
) -> Iterator[CompletenessRow]:
    before = {row.day: row.missing_spans for row in first}
    for row in second:
        yield replace(row, missing_spans=min(row.missing_spans, before.get(row.day, 0)))
