"""The book in the ledger: appended once, never edited, asked by valid time and known time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.price import PriceBook, PriceRow, Rates, publish
from spanledger_collector.price.bookfile import Contents
from spanledger_collector.price.document import read as read_document
from spanledger_collector.price.history import append, cut, standing
from spanledger_collector.price.row import OPEN_END
from spanledger_collector.sql import read
from spanledger_collector.store import Connection, Store

_2026 = datetime(2026, 1, 1, tzinfo=timezone.utc)
_DAY = timedelta(days=1)


@pytest.fixture(name="connection")
def _connection(any_store: Store) -> Iterator[Connection]:
    with any_store.connect() as connection:
        yield connection


def _row(rate: str, *, over: int = 0) -> PriceRow:
    return PriceRow(
        provider="openai",
        model="m",
        service_tier="",
        context_over_tokens=over,
        valid_from=_2026,
        valid_to=OPEN_END,
        known_from=_2026,
        rates=Rates(input_usd_per_token=Decimal(rate)),
        source_url="https://example.com",
        upstream="test",
    )


def _book(*rows: PriceRow) -> PriceBook:
    return PriceBook(Contents(rows=rows), f"book of {len(rows)}")


def _price_of(connection: Connection, at: datetime, known_at: datetime) -> list[dict[str, object]]:
    values = {"provider": "openai", "model": "m", "at": at, "known_at": known_at}
    return connection.rows(read("queries/price_of.sql"), values)


def test_every_row_is_stored_exactly(connection: Connection, book: PriceBook) -> None:
    """All rows of the shipped book arrive, with every digit of every rate."""
    assert publish(connection, book) == len(book.rows())
    stored = {str(r["price_id"]): r for r in connection.rows("SELECT * FROM prices FINAL")}
    assert len(stored) == len(book.rows())
    for row in book.rows():
        there = stored[row.price_id]
        assert there["input_usd_per_token"] == row.rates.input_usd_per_token
        assert there["output_usd_per_token"] == row.rates.output_usd_per_token
        assert (there["valid_from"], there["valid_to"]) == (row.valid_from, row.valid_to)
        assert there["book_id"] == book.book_id


def test_publishing_again_adds_nothing(connection: Connection) -> None:
    """A restart publishes the same book and changes nothing."""
    assert publish(connection, _book(_row("0.1"))) == 1
    assert publish(connection, _book(_row("0.1"))) == 0


def test_two_collectors_publish_at_once(connection: Connection, any_store: Store) -> None:
    """Rows written twice are one row to every reader."""
    book = _book(_row("0.1"), _row("0.2", over=1000))
    publish(connection, book)
    connection.execute("INSERT INTO prices SELECT * FROM prices")
    with any_store.connect() as other:
        assert publish(other, book) == 0
    assert len(_price_of(connection, _2026 + _DAY, _2026 + _DAY)) == 2


def test_a_price_edited_in_place_is_refused(connection: Connection) -> None:
    """Another rate under the same key and known-time would make past bills inexplicable."""
    publish(connection, _book(_row("0.1")))
    with pytest.raises(ConfigurationError, match="edited in place"):
        publish(connection, _book(_row("0.3")))
    (stored,) = _price_of(connection, _2026, _2026)
    assert stored["input_usd_per_token"] == Decimal("0.1")


def test_a_change_keeps_the_old_answer(connection: Connection) -> None:
    """A price that ends is known to end only from the day we learned it."""
    change, learned = _2026 + 10 * _DAY, _2026 + 12 * _DAY
    first = [_row("0.1"), _row("0.2", over=1000)]
    publish(connection, _book(*first))
    new = replace(_row("0.05"), valid_from=change)
    wanted = [*cut(standing(first), ("openai", "m", "", ""), change, OPEN_END), new]
    second = append(first, wanted, lambda _row: learned)
    assert publish(connection, _book(*second)) == 3

    def rates(at: datetime, known_at: datetime) -> list[tuple[object, object]]:
        return [
            (row["context_over_tokens"], row["input_usd_per_token"])
            for row in _price_of(connection, at, known_at)
        ]

    old = [(0, Decimal("0.1")), (1000, Decimal("0.2"))]
    assert rates(change + _DAY, learned - _DAY) == old
    assert rates(change - _DAY, learned) == old
    assert rates(change + _DAY, learned) == [(0, Decimal("0.05"))]


def test_a_withdrawn_price_is_gone_from_then_on(connection: Connection) -> None:
    """A row that was a mistake prices nothing known later, and still explains what it priced."""
    history = append([_row("0.1")], [], lambda _row: _2026 + _DAY)
    publish(connection, _book(*history))
    assert _price_of(connection, _2026, _2026)
    assert not _price_of(connection, _2026, _2026 + _DAY)


def test_an_operator_appends_an_entry(connection: Connection, tmp_path: Path) -> None:
    """A second entry ends the first one; what was published before stays and is still true."""
    path = tmp_path / "prices.yaml"
    entry = (
        "  - {{provider: openai, model: m, valid_from: {}, why: w,"
        ' usd_per_million_tokens: {{input: "{}"}}}}\n'
    )
    path.write_text("prices:\n" + entry.format("2026-01-01", "1000000"))
    assert publish(connection, PriceBook(Contents(), "base", read_document(path))) == 1
    path.write_text(path.read_text() + entry.format("2026-03-01", "2000000"))
    assert publish(connection, PriceBook(Contents(), "base", read_document(path))) == 2
    april = datetime(2026, 4, 1, tzinfo=timezone.utc)
    for at, known_at, usd in ((april, april, 2), (_2026, april, 1), (april, _2026, 1)):
        (row,) = _price_of(connection, at, known_at)
        assert row["input_usd_per_token"] == usd


def test_the_view_and_the_book_agree(connection: Connection, book: PriceBook) -> None:
    """``price_history`` shows what the book says now, row for row."""
    publish(connection, book)
    shown = connection.rows("SELECT price_id FROM price_history WHERE known_to > now64(3)")
    assert {str(row["price_id"]) for row in shown} == {row.price_id for row in book.standing()}
