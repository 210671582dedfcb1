"""A book that changes under an operator's contract: what was published stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from tests.collector.price.oracle import rows_at

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.price import PriceBook, PriceRow, publish
from spanledger_collector.price.document import Document, read
from spanledger_collector.price.history import append, standing
from spanledger_collector.store import Store

_CHANGE = datetime(2026, 12, 1, tzinfo=timezone.utc)
_AFTER = datetime(2026, 12, 2, tzinfo=timezone.utc)
_NAME = ("openai", "gpt-4o")
_FILE = """
adjustments:
  - {provider: openai, models: ["gpt-4o*"], discount_percent: "50", valid_from: 2026-06-01, why: c}
  - {provider: azure, models: [gpt-4o], discount_percent: "10", valid_from: 2026-06-01, why: ea}
  - {provider: openai, models: [gpt-4o], region: eu, factor: "1.1", valid_from: 2026-06-01, why: eu}
unit_prices:
  - {provider: openai, models: [gpt-4o], units: {pages: {usd: "1"}}, valid_from: 2026-06-01, why: c}
aliases:
  - {provider: azure, id: dear, to_provider: openai, model: gpt-4o, factor: "2"}
"""


@pytest.fixture(scope="module", name="operator")
def _operator(tmp_path_factory: pytest.TempPathFactory) -> Document:
    path = tmp_path_factory.mktemp("replay") / "prices.yaml"
    path.write_text(_FILE)
    return read(path)


@pytest.fixture(scope="module", name="newer")
def _newer(book: PriceBook, operator: Document) -> PriceBook:
    """The next release: the standard rates of gpt-4o doubled on 1 December."""
    wanted: list[PriceRow] = []
    for row in standing(book.contents.rows):
        if (row.provider, row.model) == _NAME and not row.service_tier and row.valid_to > _CHANGE:
            rates = replace(row.rates, input_usd_per_token=Decimal(5) / 1_000_000)
            wanted += [
                replace(row, valid_to=_CHANGE),
                replace(row, valid_from=_CHANGE, rates=rates),
            ]
        else:
            wanted.append(row)
    rows = append(book.contents.rows, wanted, lambda _row: _CHANGE)
    return PriceBook(replace(book.contents, rows=tuple(rows)), "newer", operator)


def _usd(
    rows: Sequence[PriceRow], name: tuple[str, str], at: datetime, known: datetime
) -> Decimal | None:
    mine = [row for row in rows if (row.provider, row.model) == name]
    (row,) = rows_at(mine, "", at, 1, known)
    return row.rates.input_usd_per_token


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [(_NAME, "1.25", "2.5"), (("azure", "gpt-4o"), "2.25", "4.5"), (("azure", "dear"), "4.5", "9")],
)
def test_a_price_changes_under_its_contract(
    newer: PriceBook, name: tuple[str, str], before: str, after: str
) -> None:
    """From its day on, and for whoever knows of it; each with its own discount."""
    rows = newer.rows()
    early = datetime(2026, 11, 1, tzinfo=timezone.utc)
    assert _usd(rows, name, early, _AFTER) == Decimal(before) / 1_000_000
    assert _usd(rows, name, _AFTER, _AFTER) == Decimal(after) / 1_000_000
    assert _usd(rows, name, _AFTER, early) == Decimal(before) / 1_000_000, "not known yet"


def test_a_newer_book_keeps_every_row_of_the_older(
    book: PriceBook, operator: Document, newer: PriceBook
) -> None:
    """So that a ledger with the older one takes it, and says what it said."""
    older = PriceBook(book.contents, book.book_id, operator)
    assert {row.price_id for row in older.rows()} <= {row.price_id for row in newer.rows()}


def test_a_ledger_takes_the_newer_book(
    book: PriceBook, operator: Document, newer: PriceBook, store: Store
) -> None:
    with store.connect() as connection:
        assert publish(connection, PriceBook(book.contents, book.book_id, operator)) > 0
        assert publish(connection, newer) > 0
        assert publish(connection, newer) == 0


def test_a_deployment_of_the_name_of_a_price_is_refused(
    book: PriceBook, operator: Document, tmp_path: Path
) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(_FILE.replace("id: dear", "id: gpt-4o"))
    with pytest.raises(
        ConfigurationError, match=r"azure/gpt-4o has a price already; write an adjustment"
    ):
        PriceBook(book.contents, book.book_id, read(path))
