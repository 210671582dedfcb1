"""What is still to come of an asset, by its use so far, and the plan that books it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
import pytest
from tests.collector.settle import scene

from spanledger_collector.errors import NotFoundError, PermanentError
from spanledger_collector.query import AssetRow, DirectReader, Ledger
from spanledger_collector.query.remaining_life import remaining_life
from spanledger_collector.receive.records import decode_records
from spanledger_collector.store import Connection, Store

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
PLANNED = NOW - timedelta(days=41)
END = NOW + timedelta(days=20)


def _entry(number: int, asset: str, at: datetime = PLANNED, **told: Any) -> scene.Row:
    told = {"id": asset, **told}
    attributes = {f"spanledger.asset.{k.replace('__', '.')}": str(v) for k, v in told.items()}
    row = scene.span(number, role="record", trace=number, lasts=0, attributes=attributes)
    return row | {"received_at": scene.moment(at)}


def _charged(
    connection: Connection, asset: str, daily: list[int], usd: str = "1", *, plan: str = "plan",
    units: int = 1,
) -> None:  # fmt: skip
    """So many runs on each of the days after the plan, as they were posted."""
    columns = ("workspace", "trace_id", "run_id", "asset_id", "agent_name", "plan_id", "basis_id",
               "units", "rate_usd", "amount_usd", "posted_at")  # fmt: skip
    rows = [
        ("default", scene.hex32(run), f"{asset}{day}.{run}", asset, "a", f"{plan}-{asset}",
         f"{plan}-{asset}", Decimal(units), Decimal(usd), Decimal(usd),
         PLANNED + timedelta(days=day + 1))
        for day, runs in enumerate(daily)
        for run in range(runs)
    ]  # fmt: skip
    connection.insert_rows("amortization_charges", columns, rows)


@pytest.fixture(scope="module", name="books")
def _books(module_store: Store) -> Store:
    """Assets with 40 days of use; each but the last with a plan of 1,000 runs for 1,000 USD."""
    assets = ("even", "uneven", "timed", "rising", "unused", "gone", "unplanned")
    entries: list[scene.Row] = []
    for number, asset in enumerate(assets, 1):
        entries.append(_entry(10 * number, asset, entry="cost", amount="1000", kind="training"))
        plan: dict[str, Any] = {
            "entry": "plan",
            "method": "straight_line_per_execution",
            "unit": "execution",
        }
        if asset == "timed":
            plan |= {"method": "straight_line_per_time", "life_days": "61", "salvage": "100"}
        if asset == "rising":
            plan |= {"method": "units_of_production", "unit": "token", "agent__name": "a"}
        if asset != "unplanned":
            row = _entry(10 * number + 1, asset, **plan, expected_units=1000)
            row["attributes"]["spanledger.record.id"] = f"plan-{asset}"
            entries.append(row)
    with module_store.connect() as connection:
        scene.load(connection, entries)
        _charged(connection, "even", [10] * 40)
        _charged(connection, "uneven", [8, 12] * 20)
        _charged(connection, "timed", [10] * 40)
        _charged(connection, "rising", [0] * 20 + [10] * 20)
        _charged(connection, "gone", [1], "1000")
        _mixed(connection)
    return module_store


def _mixed(connection: Connection) -> None:
    """By tokens for 10 days, by runs from the 11th on: 10 a day, 5 a day after a rest of 5."""
    told = {"entry": "plan", "method": "x", "expected_units": 1000}
    entries = [_entry(300, "mixed", entry="cost", amount="1000")]
    plans = (("tokens", "token", 0), ("runs", "execution", 10), ("more", "execution", 30))
    for number, (plan, unit, day) in enumerate(plans, 301):
        entries.append(_entry(number, "mixed", PLANNED + timedelta(days=day), unit=unit, **told))
        entries[-1]["attributes"]["spanledger.record.id"] = f"{plan}-mixed"
    scene.load(connection, entries)
    _charged(connection, "mixed", [3] * 9, plan="tokens", units=5000)
    _charged(connection, "mixed", [0] * 10 + [10] * 14 + [0] * 5, plan="runs")
    _charged(connection, "mixed", [0] * 30 + [5] * 10, plan="more")
    rest = ("default", "mixed", "books", Decimal(1), *(
        PLANNED + timedelta(days=day) for day in (25, 29.25)))  # fmt: skip
    columns = ("workspace", "asset_id", "basis_id", "charged_usd", "entered_from", "entered_to")
    connection.insert_rows("asset_rests", columns, [rest])


def _row(books: Store, asset: str) -> AssetRow:
    with Ledger(DirectReader(books)) as ledger:
        return next(row for row in ledger.assets() if row.asset_id == asset)


def _life(books: Store, asset: str, **given: Any) -> Any:
    with Ledger(DirectReader(books)) as ledger:
        asked: dict[str, Any] = {"until": END, **given}
        return remaining_life(ledger.query, asset, now=NOW, **asked)


def test_even_use_goes_on_as_it_was(books: Store) -> None:
    """10 a day over 40 days, 20 to come: 200 runs for the 600 USD that are left, 3 each."""
    life = _life(books, "even")
    assert (life.units_per_day, life.days_seen, life.days) == (10, 40, 20)
    assert (life.units.value, life.units.low, life.units.high) == (200, 200, 200)
    assert (life.rate_usd.low, life.rate_usd.value, life.rate_usd.high) == (3, 3, 3)


def test_use_that_differs_by_day_has_ends_and_the_rate_those_turned_around(books: Store) -> None:
    life = _life(books, "uneven")
    low, value, high = life.units.low, life.units.value, life.units.high
    assert 100 < low < value < high < 300
    assert float(life.rate_usd.low) == pytest.approx(600 / float(high))
    assert float(life.rate_usd.high) == pytest.approx(600 / float(low))


def test_the_newest_days_count_most(books: Store) -> None:
    """Nothing for 20 days, then 10 a day: more than the mean of 5, the more the shorter."""
    short, longer = (_life(books, "rising", half_life_days=days) for days in (3, 1000))
    assert short.units_per_day > 9
    assert longer.units_per_day == pytest.approx(Decimal(5), abs=Decimal("0.1"))


def test_each_unit_is_of_its_own_days_and_pauses_are_none(books: Store) -> None:
    """Tokens are no runs, and days on which runs found nothing to charge say nothing of use.

    Runs count from the 11th day on, but for the 25th to the 29th: 14 days of 10, one of none and
    10 of 5.
    """
    life = _life(books, "mixed", half_life_days=1e9)
    assert (life.asset.unit, life.days_seen) == ("execution", 25)
    assert float(life.units_per_day) == pytest.approx((14 * 10 + 10 * 5) / 25, abs=1e-3)
    short = _life(books, "mixed", half_life_days=0.5)
    assert float(short.units_per_day) == pytest.approx(5, abs=1e-2)


@pytest.mark.parametrize("asset", ["even", "uneven", "timed", "rising"])
def test_what_it_books_is_a_plan_as_the_one_in_force(books: Store, asset: str) -> None:
    """Another estimate: method, unit, scope and salvage stay. The collector takes it as it is."""
    record = _life(books, asset, until=None if asset == "timed" else END).record("re-1")
    _, answer = decode_records(orjson.dumps({"records": [record]}))
    assert (answer.record_ids, answer.rejected) == (["re-1"], [])
    told = dict(record)
    assert told.pop("reason").startswith("re-estimated: ")
    assert told.pop("salvage", "") == ("100" if asset == "timed" else "")
    assert (told["kind"], told["asset"], told["record_id"]) == ("asset_plan", asset, "re-1")
    if asset == "even":
        assert told["expected_executions"] == told["low"] == told["high"] == "200"
    if asset == "timed":
        assert (told["life_days"], told["executions_per_day"]) == ("20", "10")
    if asset == "rising":
        assert (told["unit"], told["agent"]) == ("token", "a")


def test_a_life_that_cannot_be_told_says_why(books: Store) -> None:
    for asset, given, why in (
        ("even", {"until": None}, "has no last day"),
        ("even", {"until": NOW}, "ended on 2026-11-20"),
        ("even", {"half_life_days": 0}, "give a number above 0"),
        ("unused", {}, "no unit of asset 'unused' came in 40 days"),
        ("gone", {}, "nothing of asset 'gone' is left to charge"),
        ("unplanned", {}, "has no plan yet"),
    ):
        with pytest.raises(PermanentError, match=why):
            _life(books, asset, **given)
    with pytest.raises(NotFoundError, match="no asset 'other'"):
        _life(books, "other")


def test_a_re_estimate_acts_on_what_is_to_come_alone(books: Store) -> None:
    """Booked, it is the rate from then on: 600 / 200. What was charged stays, to the digit."""
    before = _row(books, "even")
    record = _life(books, "even").record()
    told = {"entry": "plan", "expected_units": record["expected_executions"]}
    told |= {"method": "straight_line_per_execution", "unit": "execution"}
    ends = {"expected_units__low": record["low"], "expected_units__high": record["high"]}
    with books.connect() as connection:
        scene.load(connection, [_entry(900, "even", at=NOW, **told, **ends)])
    after = _row(books, "even")
    assert (before.rate_usd, before.estimates) == (1, 1)
    assert (after.rate_usd, after.rate_low_usd, after.rate_high_usd) == (3, 3, 3)
    assert (after.charged_usd, after.capital_usd) == (before.charged_usd, before.capital_usd)
    assert (after.remaining_units, after.estimates) == (200, 2)
