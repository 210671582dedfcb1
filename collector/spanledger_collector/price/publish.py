"""Writes the rows of a book into the ledger's table ``prices``: append only, never a delete.

A row that a ledger with billed calls has not seen is known from now on, not from the day it bears:
see :mod:`spanledger_collector.price.learned`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import cast

from spanledger_collector import sql
from spanledger_collector.errors import ConfigurationError
from spanledger_collector.store import Connection

from .book import PriceBook
from .fx import FxRow
from .learned import floor, learned
from .row import RATE_NAMES, Hours, PriceRow, RowKey

_COLUMNS = (
    "price_id",
    "provider",
    "model",
    "service_tier",
    "region",
    "context_over_tokens",
    "hours",
    "valid_from",
    "valid_to",
    "known_from",
    "told_from",
    *RATE_NAMES,
    "unit_rates",
    "currency",
    "source_url",
    "upstream",
    "book_id",
)


_FX_COLUMNS = (
    "currency",
    "valid_from",
    "valid_to",
    "known_from",
    "told_from",
    "usd",
    "source_url",
    "book_id",
)


def publish(connection: Connection, book: PriceBook) -> int:
    """Append the rows of a book that the ledger does not have yet.

    Safe to repeat and to run from two collectors at once: a row is known by its ``price_id``, and
    rows written twice are one row to every reader (the table replaces equal keys).

    Returns:
        How many rows were appended.

    Raises:
        ConfigurationError: the ledger already holds another price for the same key *and* the same
            known-time, which means that a published price was edited in place.
        StoreUnavailableError: the ledger does not answer.
    """
    stored = connection.rows(sql.read("store/published_prices.sql"))
    ids = {str(row["price_id"]) for row in stored}
    missing = sorted(
        (row for row in book.rows() if row.price_id not in ids), key=lambda row: row.known_from
    )
    if missing:
        keys = [_stored_key(row) for row in stored]
        _refuse_edits(missing, {(key, told_from) for key, told_from, _ in keys})
        latest: dict[RowKey, datetime] = {}
        for key, _, known_from in keys:
            latest[key] = max(known_from, latest.get(key, known_from))
        told = [(row.row_key, row.known_from) for row in missing]
        known = learned(told, latest, floor(connection))
        connection.insert_rows("prices", _COLUMNS, list(_values(missing, known, book.book_id)))
    _publish_fx(connection, book)
    return len(missing)


def _publish_fx(connection: Connection, book: PriceBook) -> None:
    """Append the rates of currencies, and of hours of GPUs, that the ledger does not have yet.

    Raises:
        ConfigurationError: the ledger holds another rate of that day, known since the same time.
    """
    rates = [*book.fx(), *book.gpu_hours()]
    if not rates:
        return
    stored: dict[tuple[str, datetime, datetime], Mapping[str, object]] = {}
    latest: dict[tuple[str, datetime], datetime] = {}
    for row in connection.rows(sql.read("store/published_fx.sql")):
        key = (str(row["currency"]), cast("datetime", row["valid_from"]))
        stored[(*key, cast("datetime", row["told_from"]))] = row
        known_from = cast("datetime", row["known_from"])
        latest[key] = max(known_from, latest.get(key, known_from))
    missing = _missing_fx(rates, stored)
    if not missing:
        return
    told = [((rate.currency, rate.valid_from), rate.known_from) for rate in missing]
    rows = [
        (
            rate.currency,
            rate.valid_from,
            rate.valid_to,
            known_from,
            rate.known_from,
            rate.usd,
            rate.source_url,
            book.book_id,
        )
        for rate, known_from in zip(missing, learned(told, latest, floor(connection)), strict=True)
    ]
    connection.insert_rows("fx", _FX_COLUMNS, rows)


def _missing_fx(
    rates: Sequence[FxRow], stored: Mapping[tuple[str, datetime, datetime], Mapping[str, object]]
) -> list[FxRow]:
    missing: list[FxRow] = []
    for rate in sorted(rates, key=lambda rate: rate.known_from):
        held = stored.get((rate.currency, rate.valid_from, rate.known_from))
        if held is None:
            missing.append(rate)
        elif (held["usd"], held["valid_to"]) != (rate.usd, rate.valid_to):
            raise ConfigurationError(
                f"the rate of {rate.currency} for {rate.valid_from:%Y-%m-%d} was edited in place: "
                f"the ledger holds {held['usd']} USD, known since the same time. Restore it and "
                f"append an entry with a later known_from"
            )
    return missing


def _values(
    rows: Sequence[PriceRow], known: Sequence[datetime], book_id: str
) -> Iterator[Sequence[object]]:
    for row, known_from in zip(rows, known, strict=True):
        yield (
            row.price_id,
            *row.key,
            row.context_over_tokens,
            row.hours,
            row.valid_from,
            row.valid_to,
            known_from,
            row.known_from,
            *row.rates.values(),
            {unit: tuple(rate) for unit, rate in row.rates.units.items()},
            row.currency,
            row.source_url,
            row.upstream,
            book_id,
        )


def _stored_key(row: Mapping[str, object]) -> tuple[RowKey, datetime, datetime]:
    """The row's key, its known time as its book has it, and as the ledger has it."""
    key = (
        str(row["provider"]),
        str(row["model"]),
        str(row["service_tier"]),
        str(row["region"]),
        int(str(row["context_over_tokens"])),
        _hours(row["hours"]),
        cast("datetime", row["valid_from"]),
    )
    return key, cast("datetime", row["told_from"]), cast("datetime", row["known_from"])


def _hours(value: object) -> Hours:
    pairs = cast("Iterable[Mapping[str, int] | tuple[int, int]]", value)
    plain = (p.values() if isinstance(p, Mapping) else p for p in pairs)
    return tuple((int(start), int(end)) for start, end in plain)


def _refuse_edits(missing: Sequence[PriceRow], stored: set[tuple[RowKey, datetime]]) -> None:
    for row in missing:
        if (row.row_key, row.known_from) in stored:
            raise ConfigurationError(
                f"the price of {row.provider}/{row.model} from {row.valid_from:%Y-%m-%d} was "
                f"edited in place: the ledger holds another one known from the same instant "
                f"({row.known_from.isoformat()}). Restore it and append an entry with a later "
                f"known_from, so that what was billed can still be explained"
            )
