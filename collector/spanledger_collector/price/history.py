"""How a set of price rows changes without being edited: cut, append, withdraw.

The book is append only (law 6 of the design: prices are dated twice). What it says *now* is, for
each row key (provider, model, tier, region, threshold, hours, ``valid_from``), the row with the
newest ``known_from``; a row whose window is empty withdraws its key. So a price that ended is the
same key again with an earlier ``valid_to`` and a later ``known_from``, and whoever asks what was
known before still gets the old answer.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations, pairwise

from spanledger_collector.errors import ConfigurationError

from .row import START_UNKNOWN, Hours, PriceKey, PriceRow, RowKey, hours_overlap

#: Resolution of instants in ``prices``.
_TICK = timedelta(milliseconds=1)


def standing(rows: Iterable[PriceRow], known_at: datetime | None = None) -> list[PriceRow]:
    """What the book says: the newest known row of each key, withdrawn ones left out.

    Args:
        rows: a book's history.
        known_at: ask what was known then; ``None`` = now.
    """
    newest: dict[RowKey, PriceRow] = {}
    for row in rows:
        if known_at is not None and row.known_from > known_at:
            continue
        held = newest.get(row.row_key)
        if held is None or held.known_from <= row.known_from:
            newest[row.row_key] = row
    return [row for row in newest.values() if row.valid_from < row.valid_to]


def cut(
    rows: Iterable[PriceRow], key: PriceKey, start: datetime, end: datetime, hours: Hours = ()
) -> list[PriceRow]:
    """The rows without the window [start, end) of one key: shortened, split or dropped.

    Rows of other hours of the week than the given ones stay; empty = all hours.
    """
    kept: list[PriceRow] = []
    for row in rows:
        elsewhere = row.key != key or not hours_overlap(row.hours, hours)
        if elsewhere or row.valid_to <= start or end <= row.valid_from:
            kept.append(row)
            continue
        if row.valid_from < start:
            kept.append(replace(row, valid_to=start))
        if end < row.valid_to:
            upstream = row.upstream.removesuffix(START_UNKNOWN)
            kept.append(replace(row, valid_from=end, upstream=upstream))
    return kept


def append(
    history: Sequence[PriceRow],
    wanted: Iterable[PriceRow],
    known_at: Callable[[PriceRow], datetime],
) -> list[PriceRow]:
    """The history, and what has to be added so that it says what is wanted.

    Args:
        history: rows already in the book; never changed.
        wanted: what the book shall say; their ``known_from`` is ignored.
        known_at: since when we know a row that has to be added.

    Returns:
        The longer history; the same rows when nothing has changed.
    """
    stands = {row.row_key: row for row in standing(history)}
    latest: dict[RowKey, datetime] = {}
    for row in history:
        latest[row.row_key] = max(row.known_from, latest.get(row.row_key, row.known_from))
    added: list[PriceRow] = []
    asked: set[RowKey] = set()
    for row in wanted:
        asked.add(row.row_key)
        held = stands.get(row.row_key)
        if held is None or not held.says_the_same(row):
            added.append(_known(row, known_at(row), latest.get(row.row_key)))
    for row_key, row in stands.items():
        if row_key not in asked:
            withdrawn = replace(row, valid_to=row.valid_from)
            added.append(_known(withdrawn, known_at(withdrawn), latest.get(row_key)))
    return [*history, *added]


def check(rows: Iterable[PriceRow]) -> None:
    """Refuse rows that contradict each other or cannot be.

    Raises:
        ConfigurationError: a negative rate, an empty row, an end before its start, or two rows of
            one key and threshold whose windows and hours overlap.
    """
    held: dict[tuple[object, ...], list[PriceRow]] = {}
    for row in rows:
        _check_row(row)
        held.setdefault((*row.key, row.context_over_tokens), []).append(row)
    for alike in held.values():
        by_start = sorted(alike, key=lambda row: row.valid_from)
        timed = any(row.hours for row in by_start)
        pairs = combinations(by_start, 2) if timed else pairwise(by_start)
        for before, after in pairs:
            _refuse_overlap(before, after)


def _refuse_overlap(before: PriceRow, after: PriceRow) -> None:
    if after.valid_from < before.valid_to and hours_overlap(before.hours, after.hours):
        raise ConfigurationError(
            f"two prices for {_name(before)} overlap: one until {before.valid_to:%Y-%m-%d}, "
            f"the next from {after.valid_from:%Y-%m-%d}; give the first an earlier valid_to"
        )


def _known(row: PriceRow, known_from: datetime, latest: datetime | None) -> PriceRow:
    """The row as known from an instant after everything the book says about its key."""
    if latest is not None:
        known_from = max(known_from, latest + _TICK)
    return replace(row, known_from=known_from)


def _check_row(row: PriceRow) -> None:
    if not row.rates:
        raise ConfigurationError(f"the price of {_name(row)} has no rate at all")
    if any(amount < 0 for amount in row.rates.amounts()):
        raise ConfigurationError(f"the price of {_name(row)} has a negative rate")
    if any(rate.per < 1 for rate in row.rates.units.values()):
        raise ConfigurationError(f"the price of {_name(row)} is for none of a unit")
    if row.valid_to <= row.valid_from:
        raise ConfigurationError(
            f"the price of {_name(row)} ends ({row.valid_to:%Y-%m-%d}) before it "
            f"starts ({row.valid_from:%Y-%m-%d})"
        )


def _name(row: PriceRow) -> str:
    marks = [mark for mark in (row.service_tier, row.region) if mark]
    tier = f" ({', '.join(marks)})" if marks else ""
    over = f" over {row.context_over_tokens} tokens" if row.context_over_tokens else ""
    return f"{row.provider}/{row.model}{tier}{over}"
