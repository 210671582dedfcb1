"""What leaves an asset was in it: charges, write-offs, transfers and credits, in any order.

Runs are settled when they arrive or batches later, with entries in between; some assets are charged
by success, which may be told long after; plans per time end. Many small books are
drawn by hypothesis and told in few batches to one ledger, then held against the rule in fractions.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.settle.settlement import late_rates
from spanledger_collector.store import Connection, Store

from . import scene
from .asset_book import BATCHES, LIFE_DAYS, Book, Event, drawn_book

pytestmark = pytest.mark.slow

BOOKS = 80


def _drawn() -> list[Book]:
    books: list[Book] = []

    @settings(
        max_examples=BOOKS, deadline=None, derandomize=True, database=None, phases=(Phase.generate,)
    )
    @given(st.integers(0, 2**64))
    def draw(seed: int) -> None:
        books.append(drawn_book(Random(seed)))  # noqa: S311 -- what is drawn, all different

    draw()
    return books


def _span(event: Event, place: int, unit: str) -> scene.Row:
    """The span that tells it; names of assets and agents are the book's own."""
    number = 1000 * (place + 1) + event.number
    at: dict[str, Any] = {"trace": number, "at": event.number, "lasts": 0}
    received = {"received_at": scene.moment(scene.START + timedelta(hours=1, days=event.arrives))}
    asset = f"{place}{event.asset}"
    if event.what == "run":
        at |= {"agent_name": asset, "run_id": f"r{number}"}
        return scene.span(number, 0, "agent", **at) | received
    told = {"id": asset, "entry": event.what, "amount": event.said}
    if event.what == "plan":
        told |= {"method": "x", "unit": unit, "expected_units": event.said, "amount": None}
        told["agent.name"] = asset
        if event.number % 3:
            told["expected_units.low"] = str(max(1, int(str(event.said)) - 2))
            told["expected_units.high"] = str(int(str(event.said)) + event.number)
        if event.lives:
            told |= {"method": "straight_line_per_time", "life_days": float(LIFE_DAYS[event.lives])}
    elif event.rated:
        told["currency"] = f"X{event.rated}"
    elif event.what == "credit":
        told |= {"entry": "cost", "amount": f"-{event.said}"}
    elif event.target:
        told |= {"entry": "transfer", "to": f"{place}{event.target}"}
    attributes = {f"spanledger.asset.{name}": said for name, said in told.items() if said}
    return scene.span(number, role="record", attributes=attributes, **at) | received


def _success(event: Event, place: int) -> scene.Row:
    """The record that tells the success of a run."""
    number = 1000 * (place + 1) + event.number
    row = scene.span(
        number + 10**6, number, "record", trace=number, at=event.number, lasts=0,
        attributes={"spanledger.outcome": "success"},
    )  # fmt: skip
    arrived = scene.START + timedelta(hours=1, days=event.wins or 0)
    return row | {"received_at": scene.moment(arrived)}


@pytest.fixture(scope="module")
def posted() -> list[dict[tuple[str, ...], scene.Row]]:
    """The charges that there were after each batch; `told` fills it."""
    return []


@pytest.fixture(scope="module")
def told(module_store: Store, posted: list[dict[tuple[str, ...], scene.Row]]) -> list[Book]:
    """The books as the rule has them, and told to the ledger."""
    books = _drawn()
    with module_store.connect() as connection:
        for batch in range(BATCHES):
            _rate(connection, batch)
            rows = [
                _span(event, place, "success" if event.asset in book.by_success else "execution")
                for place, book in enumerate(books)
                for event in book.events
                if event.arrives == batch
            ]
            rows += [
                _success(event, place)
                for place, book in enumerate(books)
                for event in book.events
                if event.wins == batch
            ]
            scene.load(connection, rows)
            scene.settle(module_store, _traces(books, batch))
            waited = [int(key.trace_id, 16) for key in late_rates(connection)]
            scene.settle(module_store, waited)
            for book in books:
                book.carry_on(batch)
            posted.append(_charges(connection))
    return books


def _rate(connection: Connection, batch: int) -> None:
    """A unit of the currency of this batch is a dollar: told now, for the days before too."""
    told = {
        "currency": f"X{batch}", "valid_from": "2026-01-01 00:00:00", "usd": "1",
        "valid_to": "2299-12-31 00:00:00", "known_from": f"2026-11-1{batch} 00:00:00",
    }  # fmt: skip
    connection.insert_rows("fx", tuple(told), [tuple(told.values())])


def _traces(books: list[Book], *batches: int) -> list[int]:
    """Traces settled in these batches: when they are due, and when a success comes later."""
    return [
        1000 * (place + 1) + event.number
        for place, book in enumerate(books)
        for event in book.events
        if event.settles in batches or max(event.settles, event.wins or 0) in batches
    ]


def _amortization(connection: Connection) -> dict[str, scene.Row]:
    rows = connection.rows("SELECT * FROM amortization")
    return {str(row["asset_id"]): dict(row) for row in rows}


def test_what_leaves_an_asset_never_exceeds_what_came_to_it(
    told: list[Book], module_store: Store
) -> None:
    """Exactly, from the tables themselves; and nothing that was booked is lost on the way."""
    came: dict[str, Decimal] = defaultdict(Decimal)
    left: dict[str, Decimal] = defaultdict(Decimal)
    paid: dict[int, Decimal] = defaultdict(Decimal)
    kept: dict[int, Decimal] = defaultdict(Decimal)
    for place, book in enumerate(told):
        for event in book.events:
            if event.what == "cost":
                came[f"{place}{event.asset}"] += Decimal(str(event.said))
                paid[place] += Decimal(str(event.said))
    with module_store.connect() as connection:
        taken = connection.rows("SELECT * FROM asset_takings FINAL")
        charges = connection.rows(
            "SELECT asset_id, amount_usd FROM amortization_charges FINAL WHERE amount_usd > 0"
        )
        books = _amortization(connection)
    assert {str(row["entry"]) for row in taken} == {"write_off", "transfer", "cost"}
    assert len(charges) > BOOKS / 4
    for row in (*taken, *charges):
        left[str(row["asset_id"])] += Decimal(str(row["amount_usd"]))
        if row.get("entry") == "transfer":
            came[str(row["to_asset_id"])] += Decimal(str(row["amount_usd"]))
        else:
            kept[int(str(row["asset_id"])[:-1])] += Decimal(str(row["amount_usd"]))
    for asset, row in books.items():
        assert left[asset] <= came[asset], asset
        assert row["net_book_value_usd"] == came[asset] - left[asset], asset
        kept[int(asset[:-1])] += row["net_book_value_usd"]
    assert {place: kept[place] for place in paid} == dict(paid)


def test_entries_and_charges_explain_the_books(told: list[Book], module_store: Store) -> None:
    """What a reader is shown of an asset sums to its capital and to what was charged of it."""
    capital: dict[str, Decimal] = defaultdict(Decimal)
    charged: dict[str, Decimal] = defaultdict(Decimal)
    with Ledger(DirectReader(module_store)) as ledger:
        for entry in ledger.asset_entries():
            capital[entry.asset_id] += entry.capital_usd or 0
        for charge in ledger.asset_charges(limit=100_000):
            charged[charge.asset_id] += charge.amount_usd
        for row in ledger.assets():
            assert capital[row.asset_id] == row.capital_usd, row.asset_id
            assert charged[row.asset_id] == row.charged_usd, row.asset_id
        assert any(row.capital_usd and row.charged_usd for row in ledger.assets())
        one = ledger.assets()[0].asset_id
        alone = [entry for entry in ledger.asset_entries() if entry.asset_id == one]
        assert list(ledger.asset_entries(one)) == alone != []


def test_the_ends_of_charges_are_around_them_and_within_what_there_was(
    told: list[Book], module_store: Store
) -> None:
    """As many units as the plans expected at least, at most: no rate charges more than capital."""
    at_rate: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    funds: dict[str, Decimal] = defaultdict(Decimal)
    rounded = Decimal("1e-9")
    with Ledger(DirectReader(module_store)) as ledger:
        for charge in ledger.asset_charges(limit=100_000):
            if charge.amount_low_usd is not None and charge.amount_high_usd is not None:
                assert charge.amount_low_usd <= charge.amount_usd
                assert charge.amount_usd <= charge.amount_high_usd + rounded
                at_rate[charge.asset_id, charge.plan_id, charge.basis_id] += charge.amount_high_usd
        for entry in ledger.asset_entries():
            funds[entry.asset_id] += max(entry.capital_usd or Decimal(0), Decimal(0))
        shares, books = ledger.asset_shares(), {row.asset_id: row for row in ledger.assets()}
    assert len(at_rate) > BOOKS / 4
    for (asset, _, _), usd in at_rate.items():
        assert usd <= funds[asset] + rounded, asset
    for share in shares:  # each asset has an agent of its own
        assert share.charged_usd == books[share.asset_id].charged_usd
        low, high = share.charged_low_usd, share.charged_high_usd
        assert low is None or low <= share.charged_usd
        assert high is None or share.charged_usd <= high + rounded


def _charges(connection: Connection) -> dict[tuple[str, ...], scene.Row]:
    rows = connection.rows("SELECT * FROM amortization_charges FINAL")
    names = ("asset_id", "run_id", "units_before")
    return {tuple(str(row[name]) for name in names): dict(row) for row in rows}


def test_what_was_charged_is_never_rewritten(
    told: list[Book], posted: list[dict[tuple[str, ...], scene.Row]], module_store: Store
) -> None:
    """Whatever entries come later: every row of every batch is there to the last column."""
    assert len(posted) == BATCHES
    assert len(told) == BOOKS
    with module_store.connect() as connection:
        now = _charges(connection)
    for rows in posted:
        assert rows
        assert {key: now.get(key) for key in rows} == rows


def test_no_more_is_charged_than_the_newest_entry_left(
    told: list[Book], module_store: Store
) -> None:
    """What no run carried of days before is of no later run: capital less it is what there is."""
    idle = 0
    with module_store.connect() as connection:
        books = _amortization(connection)
    for place, book in enumerate(told):
        for name, asset in book.assets.items():
            row = books.get(f"{place}{name}")
            if row is None or not row["estimates"]:
                continue
            rounded = Decimal("1e-9")
            assert row["estimate_charged_usd"] <= max(row["estimate_usd"], 0) + rounded
            unused = asset.accrued - asset.charged
            if asset.plan.lives is not None and unused > 0:
                assert (
                    row["estimate_usd"]
                    <= row["capital_usd"] - Decimal(float(asset.accrued)) + rounded
                )
                idle += 1
    assert idle > BOOKS / 10


def _posted(connection: Connection) -> tuple[list[str], int]:
    """Runs that were posted, and rests."""
    rows = connection.rows("SELECT run_id FROM amortization_charges FINAL")
    (rests,) = connection.rows("SELECT count() AS rests FROM asset_rests FINAL")
    return sorted(str(row["run_id"]) for row in rows), int(str(rests["rests"]))


def test_the_books_are_those_of_the_definition(told: list[Book], module_store: Store) -> None:
    """Capital, charges, write-offs and what was refused, of every asset, in fractions."""
    with module_store.connect() as connection:
        books = _amortization(connection)
    seen = 0
    for place, book in enumerate(told):
        for name, asset in book.assets.items():
            row = books.get(f"{place}{name}")
            assert (row is None) == (not asset.entries), book.events
            if row is None:
                continue
            expected = (asset.capital, asset.charged, asset.written_off, asset.refused)
            found = ("capital_usd", "charged_usd", "written_off_usd", "refused_usd")
            for column, amount in zip(found, expected, strict=True):
                near = abs(Fraction(row[column]) - amount) <= Fraction(1, 10**9)
                assert near, (column, row[column], float(amount), f"{place}{name}", book.events)
            seen += asset.refused > 0
    assert seen > BOOKS / 4  # too much is asked often enough to be worth drawing


def test_runs_are_charged_once_and_those_that_came_at_rest_never(
    told: list[Book], module_store: Store
) -> None:
    """Settled at once or later; a rest is one row, however many runs came then."""
    with module_store.connect() as connection:
        posted, at_rest = _posted(connection)
    carriers = [
        f"r{1000 * (place + 1) + number}"
        for place, book in enumerate(told)
        for asset in book.assets.values()
        for number in asset.carriers
    ]
    assert posted == sorted(carriers)
    # Some of them only once a currency had a rate.
    assert any(asset.waited & {*asset.carriers} for book in told for asset in book.assets.values())
    rests = [found for book in told for asset in book.assets.values() for found in asset.rests]
    assert at_rest == len(rests) > BOOKS / 4
    late = [e for book in told for e in book.events if e.settles > e.arrives and book.is_due(e)]
    assert len(late) > BOOKS / 4  # often enough to be worth drawing


def test_settling_again_changes_nothing(told: list[Book], module_store: Store) -> None:
    with module_store.connect() as connection:
        before = _amortization(connection), _posted(connection)
        scene.settle(module_store, _traces(told, *range(BATCHES)))
        after = _amortization(connection), _posted(connection)
    assert after == before
