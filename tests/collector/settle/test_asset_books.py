"""What leaves an asset was in it: charges, write-offs, transfers and credits, in any order.

Runs are settled when they arrive or batches later, with entries in between; some assets are charged
by success, which may be told long after; plans per time end. Many small books are
drawn by hypothesis and told in few batches to one ledger, then held against the rule in fractions.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Connection, Store

from . import scene

pytestmark = pytest.mark.slow

BOOKS = 80
BATCHES = 3
_ASSETS = ("a", "b", "c")
_AMOUNTS = ("0.01", "7", "30", "45.5", "100", "250", "1000000")
_WHATS = ("cost", "cost", "cost", "plan", "plan", "run", "run", "run", "run", "credit", "write_off")
#: Days of plans that are over before the next batch arrives, or the one after it; one is an hour.
_DAYS = {1: "0.02", 2: "0.0625"}
_TRANSFERS = ("transfer to a", "transfer to b", "transfer to b", "transfer to c")


@dataclass(frozen=True)
class Event:
    """One entry or run: when it happened is its place in the book, when it arrives its batch.

    A run may be settled batches later.
    """

    number: int
    what: str
    asset: str
    said: str | None
    arrives: int
    settles: int
    #: Of a plan straight line per time: batches in which runs are charged by it.
    lives: int | None = None
    #: Of a run: the batch that brings its success.
    wins: int | None = None

    @property
    def target(self) -> str:
        return self.what.removeprefix("transfer to ") if self.what.startswith("transfer") else ""

    def knows_of(self, fund: Event) -> bool:
        """Whether it may take of that cost, or of what came by that transfer."""
        if fund.target:
            return fund.number < self.number
        return fund.number <= self.number or fund.arrives <= self.arrives


@dataclass
class Asset:
    """The rule's own books of one asset."""

    funds: list[tuple[Event, Fraction]] = field(default_factory=list[tuple[Event, Fraction]])
    entries: list[Event] = field(default_factory=list[Event])
    #: (plan, basis, amount) of each charged run.
    charges: list[tuple[int, int, Fraction]] = field(
        default_factory=list[tuple[int, int, Fraction]]
    )
    #: Charged runs.
    carriers: list[int] = field(default_factory=list[int])
    #: (basis, charged by then) -> arrivals of runs that found nothing to be charged.
    rests: dict[tuple[int, Fraction], list[int]] = field(
        default_factory=lambda: defaultdict[tuple[int, Fraction], list[int]](list)
    )
    taken: dict[Event, Fraction] = field(default_factory=dict[Event, Fraction])
    #: How often something was granted of it or to it.
    grants: int = 0

    @property
    def basis(self) -> int:
        """Names the books as they are: whatever changes capital or plan makes it more."""
        return len(self.entries) + self.grants

    @property
    def charged(self) -> Fraction:
        return sum((amount for _, _, amount in self.charges), Fraction(0))

    @property
    def capital(self) -> Fraction:
        return sum((usd for _, usd in self.funds), Fraction(0)) - sum(self.taken.values())

    @property
    def written_off(self) -> Fraction:
        return sum((usd for one, usd in self.taken.items() if one.what == "write_off"), Fraction(0))

    @property
    def refused(self) -> Fraction:
        return sum(
            (Fraction(one.said) - self.taken[one] for one in self.taken if one.said), Fraction(0)
        )


class Book:
    """One drawn book, carried on batch by batch by the definition."""

    def __init__(self, events: list[Event], by_success: frozenset[str]) -> None:
        self.events = events
        self.assets = {name: Asset() for name in _ASSETS}
        #: Assets that are charged by success; the others by execution.
        self.by_success = by_success

    def came(self, run: Event) -> int:
        """The batch in which its unit was there; after the last one if it never is."""
        if run.asset not in self.by_success:
            return run.arrives
        return BATCHES if run.wins is None else run.wins

    def carry_on(self, batch: int) -> None:
        new = [event for event in self.events if event.arrives == batch]
        for event in new:
            if event.what != "run":
                self._enter(event)
        while self._grant():
            pass
        for event in sorted(self.events, key=lambda one: (self.came(one), one.number)):
            if self.is_due(event) and max(event.settles, self.came(event)) == batch:
                self._charge(self.assets[event.asset], event)

    def is_due(self, run: Event) -> bool:
        """Whether a plan was in force when the run arrived: arrivals alone say so."""
        return run.what == "run" and self._plan_of(run) is not None and not self.is_over(run)

    def is_over(self, run: Event) -> bool:
        """Whether the days of the plan that was known when the run arrived were over."""
        plan = self._plan_of(run)
        lives = None if plan is None else plan.lives
        return plan is not None and lives is not None and run.arrives >= plan.arrives + lives

    def _plan_of(self, run: Event) -> Event | None:
        known = [
            one
            for one in self.events
            if one.what == "plan" and one.asset == run.asset and one.arrives <= run.arrives
        ]
        return max(known, key=lambda one: (one.arrives, one.number), default=None)

    def _enter(self, event: Event) -> None:
        asset = self.assets[event.asset]
        asset.entries.append(event)
        if event.what == "cost":
            asset.funds.append((event, Fraction(str(event.said))))
        elif event.what != "plan":
            asset.taken[event] = Fraction(0)
        if event.target:
            self.assets[event.target].entries.append(event)

    def _grant(self) -> bool:
        """One pass over what is asked; whether anything was granted."""
        passed_on: list[tuple[str, Event, Fraction]] = []
        for asset in self.assets.values():
            gone = asset.charged + sum(asset.taken.values())
            for take in sorted(asset.taken, key=lambda one: (one.arrives, one.number)):
                known = sum((usd for fund, usd in asset.funds if take.knows_of(fund)), Fraction(0))
                left = max(known - gone, Fraction(0))
                usd = (
                    left
                    if take.said is None
                    else min(left, Fraction(take.said) - asset.taken[take])
                )
                if usd > 0:
                    asset.taken[take] += usd
                    asset.grants += 1
                    gone += usd
                    passed_on.append((take.target, take, usd))
        for target, take, usd in passed_on:
            if target:
                self.assets[target].funds.append((take, usd))
                self.assets[target].grants += 1
        return bool(passed_on)

    def _charge(self, asset: Asset, run: Event) -> None:
        came = self.came(run)
        if any(min(found) <= came <= max(found) for found in asset.rests.values()):
            return
        plans = [entry for entry in asset.entries if entry.what == "plan"]
        plan = max(plans, key=lambda one: (one.arrives, one.number))
        before = [charge for charge in asset.charges if charge[1] != asset.basis]
        rest = asset.capital - sum((amount for _, _, amount in before), Fraction(0))
        units = Fraction(str(plan.said)) - sum(by == plan.number for by, _, _ in before)
        left = asset.capital - asset.charged
        if rest > 0 and units > 0 and left > 0:
            asset.charges.append((plan.number, asset.basis, min(rest / units, left)))
            asset.carriers.append(run.number)
        else:
            asset.rests[asset.basis, asset.charged].append(came)


def _book(random: Random) -> Book:
    """A cost, a plan and what else there may be; most arrives in order, a third whenever."""
    events: list[Event] = []
    size = random.randint(8, 14)
    for number in range(1, size + 1):
        what = random.choice((*_WHATS, *_TRANSFERS))
        what = {1: "cost", 2: "plan"}.get(number, what)
        said = random.choice(_AMOUNTS)
        if what == "plan":
            said = str(random.randint(1, 6))
        elif what == "run" or (what not in ("cost", "credit") and random.random() < 1 / 4):
            said = None
        asset = "a" if number <= 2 else random.choice(("a", "a", *_ASSETS))
        late = random.random() < 1 / 3
        arrives = random.randrange(BATCHES) if late else (number - 1) * BATCHES // size
        waits = what == "run" and random.random() < 2 / 3
        settles = random.randrange(arrives, BATCHES) if waits else arrives
        lives = random.choice((None, 1, 2)) if what == "plan" else None
        wins = random.randrange(arrives, BATCHES) if random.random() < 2 / 3 else None
        wins = wins if what == "run" else None
        events.append(Event(number, what, asset, said, arrives, settles, lives, wins))
    return Book(events, frozenset(name for name in _ASSETS if random.random() < 1 / 2))


def _drawn() -> list[Book]:
    books: list[Book] = []

    @settings(
        max_examples=BOOKS, deadline=None, derandomize=True, database=None, phases=(Phase.generate,)
    )
    @given(st.integers(0, 2**64))
    def draw(seed: int) -> None:
        books.append(_book(Random(seed)))  # noqa: S311 -- what is drawn, all different

    draw()
    return books


def _span(event: Event, place: int, unit: str) -> scene.Row:
    """The span that tells it; names of assets and agents are the book's own."""
    number = 1000 * (place + 1) + event.number
    at: dict[str, Any] = {"trace": number, "at": event.number, "lasts": 0}
    received = {"received_at": scene.moment(scene.START + timedelta(hours=1 + event.arrives))}
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
            told |= {"method": "straight_line_per_time", "life_days": _DAYS[event.lives]}
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
    return row | {"received_at": scene.moment(scene.START + timedelta(hours=1 + (event.wins or 0)))}


@pytest.fixture(scope="module")
def told(module_store: Store) -> list[Book]:
    """The books as the rule has them, and told to the ledger."""
    books = _drawn()
    with module_store.connect() as connection:
        for batch in range(BATCHES):
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
            for book in books:
                book.carry_on(batch)
    return books


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
