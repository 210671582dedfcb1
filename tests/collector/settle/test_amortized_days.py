"""Assets that are charged per time: what their days cost, and what no run carried of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from spanledger_collector.store import Store

from . import scene
from .booked import (
    books_of,
    entered,
    postings,
    ran,
    settled,
)

ZERO = Decimal(0)
#: One moment: what happens days apart is so to the millisecond.
NOW = datetime.now(timezone.utc)


def _days_ago(days: int, rows: Iterable[scene.Row]) -> list[scene.Row]:
    """The same, received so many days ago."""
    received = scene.moment(NOW - timedelta(days=days))
    return [row | {"received_at": received} for row in rows]


def _rent(usd: str = "100") -> list[scene.Row]:
    """A cost over the 100 days that have half passed; 10 a run."""
    plan = {"method": "straight_line_per_time", "unit": "execution", "expected_units": 10}
    cost = entered(1, 0, "cost", amount=usd, kind="hosting")
    return _days_ago(50, [cost, entered(2, 0, "plan", life_days=100, **plan)])


@pytest.mark.slow
def test_what_the_days_cost_holds_when_a_cost_comes_later(store: Store) -> None:
    """100 USD over 100 days, half of them passed, cost 50; 20 more are spread over the others."""
    with store.connect() as connection:
        settled(store, connection, _rent())
        assert round(books_of(connection)["accrued_usd"]) == 50
        settled(
            store,
            connection,
            _days_ago(0, ran(1, 0)),
            _days_ago(0, [entered(3, 0, "cost", amount="20", kind="hosting")]),
        )
        asset = books_of(connection)
    assert round(asset["accrued_usd"]) == 50
    assert asset["capital_usd"] == Decimal(120)
    assert asset["unabsorbed_usd"] == asset["accrued_usd"] - asset["charged_usd"]


@pytest.mark.slow
def test_a_write_off_does_not_rewrite_what_the_days_cost(store: Store) -> None:
    """50 of 100 days, 30 charged: 20 came too few, also once the rest is written off."""
    with store.connect() as connection:
        settled(store, connection, _rent())
        runs = [row for trace in (1, 2, 3) for row in ran(trace, 0)]
        settled(store, connection, _days_ago(0, runs))
        assert round(books_of(connection)["unabsorbed_usd"]) == 20
        settled(store, connection, _days_ago(0, [entered(3, 0, "write_off")]))
        asset = books_of(connection)
    assert (asset["capital_usd"], asset["charged_usd"]) == (Decimal(30), Decimal(30))
    assert (round(asset["accrued_usd"]), round(asset["unabsorbed_usd"])) == (50, 20)


@pytest.mark.slow
def test_each_stretch_of_days_costs_by_the_capital_and_the_plan_of_its_time(store: Store) -> None:
    """100 over 100 days: 50 cost 50. 60 more over the other 50: 10 cost 22. 20 more days: 20 x 1.1.

    The plan after 60 days says 80 days more, for what is left: 88 / 80 a day.
    """
    plan = {"method": "straight_line_per_time", "unit": "execution", "expected_units": 10}
    with store.connect() as connection:
        first, second = _days_ago(80, _rent())
        settled(
            store,
            connection,
            [first, second],
            _days_ago(30, [entered(3, 0, "cost", amount="60", kind="hosting")]),
            _days_ago(20, [entered(4, 0, "plan", life_days=80, **plan)]),
            _days_ago(1, ran(1, 0)),
        )
        asset = books_of(connection)
    assert round(asset["accrued_usd"], 1) == Decimal(50 + 22 + 22)
    assert asset["unabsorbed_usd"] == asset["accrued_usd"] - asset["charged_usd"]


@pytest.mark.slow
def test_after_the_last_day_no_run_is_charged_and_the_rest_is_what_no_run_carried(
    store: Store,
) -> None:
    """100 USD over 100 days from 150 days ago, 10 a run; two runs of its days, one is settled late.

    The third comes a day after the last. 4 more days are planned: what no run carried of the first
    100 is no cost of theirs, so the fourth carries nothing. The fifth is of what is then paid anew.
    """
    plan = {"method": "straight_line_per_time", "unit": "execution"}
    with store.connect() as connection:
        books = [
            entered(1, 0, "cost", amount="100", kind="hosting"),
            entered(2, 0, "plan", life_days=100, expected_units=10, **plan),
        ]
        settled(store, connection, _days_ago(150, books), _days_ago(120, ran(1, 0)))
        settled(store, connection, _days_ago(51, ran(2, 0)), _days_ago(49, ran(3, 0)))
        asset = books_of(connection)
        found = [asset[name] for name in ("charged_usd", "accrued_usd", "unabsorbed_usd", "state")]
        assert found == [Decimal(20), Decimal(100), Decimal(80), "ended"]
        assert str(asset["ends_at"])[:10] == _days_ago(50, [{}])[0]["received_at"][:10]
        assert connection.rows("SELECT * FROM asset_rests") == []
        more = entered(3, 0, "plan", life_days=4, expected_units=5, **plan)
        settled(store, connection, _days_ago(20, [more]), _days_ago(18, ran(4, 0)))
        asset = books_of(connection)
        found = [asset[name] for name in ("chargeable_usd", "rate_usd", "state")]
        assert found == [ZERO, ZERO, "ended"]
        renewed = [
            entered(4, 0, "cost", amount="30", kind="hosting"),
            entered(5, 0, "plan", life_days=40, expected_units=10, **plan),
        ]
        settled(store, connection, _days_ago(14, renewed), _days_ago(10, ran(5, 0)))
        scene.settle(store, [1, 2, 3, 4, 5])
        asset = books_of(connection)
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in range(1, 6)]
    assert carried == [Decimal(10), Decimal(10), None, None, Decimal(3)]
    assert (asset["state"], asset["chargeable_usd"], asset["remaining_units"]) == ("active", 27, 9)


@pytest.mark.slow
def test_a_later_entry_charges_no_run_what_none_carried_before(store: Store) -> None:
    """62 USD over 31 days at 2 runs a day, 1 USD each; 10 runs in 17 days: 34 accrued, 24 idle.

    28 are left, for 14 days. Then they are 28 days: 0.50 a run. Or 14 are written off: 1 USD a day,
    0.50 a run. Or 14 more are paid: 3 a day, 1.50 a run. Or nothing changes, and the rate neither.
    Or a plan by runs: 28 over 14 of them. With twice the runs that were planned 28 is all.
    """
    per_time = {"method": "straight_line_per_time", "unit": "execution"}
    by_run = {"method": "x", "unit": "execution", "expected_units": 14}
    half, same = Decimal("0.5"), Decimal(1)
    rates = {"days": half, "off": half, "paid": 3 * half, "same": same, "runs": 2 * same}
    later: dict[str, tuple[str, dict[str, Any]]] = {
        "days": ("plan", {**per_time, "life_days": 28, "expected_units": 56}),
        "off": ("write_off", {"amount": "14"}),
        "paid": ("cost", {"amount": "14", "kind": "hosting"}),
        "same": ("write_off", {"amount": "0.000000000001"}),
        "runs": ("plan", by_run),
    }
    first: list[scene.Row] = []
    changed: list[scene.Row] = []
    runs: list[scene.Row] = []
    for place, (name, (entry, told)) in enumerate(later.items()):
        plan = {**per_time, "life_days": 31, "expected_units": 62, "agent__name": name}
        scope = {"agent__name": name} if entry == "plan" else {}
        first.append(entered(10 * place + 1, 0, "cost", amount="62", kind="hosting", id=name))
        first.append(entered(10 * place + 2, 0, "plan", id=name, **plan))
        changed.append(entered(10 * place + 3, 0, entry, id=name, **told, **scope))
        runs += [row for one in range(1, 41) for row in ran(100 * place + one, 0, name)]
    before = [row for row in runs if int(row["trace_id"], 16) % 100 <= 10]
    after = [row for row in runs if row not in before]
    with store.connect() as connection:
        settled(store, connection, _days_ago(30, first), _days_ago(29, before))
        charged = {row["amount_usd"] for row in postings(connection)}
        settled(store, connection, _days_ago(13, changed), _days_ago(12, after))
        books = {name: books_of(connection, name) for name in later}
        scene.settle(store, [int(row["trace_id"], 16) for row in before])
        again = {name: books_of(connection, name)["charged_usd"] for name in later}
        posted = postings(connection)
    assert charged == {Decimal(1)}
    assert {name: round(row["rate_usd"], 6) for name, row in books.items()} == rates
    usd = {"days": 25, "off": 24, "paid": 52, "same": 38, "runs": 38}
    assert {name: round(row["charged_usd"], 6) for name, row in books.items()} == usd
    assert again == {name: row["charged_usd"] for name, row in books.items()}
    left = {name: round(row["net_book_value_usd"], 6) for name, row in books.items()}
    assert left == {"days": 37, "off": 24, "paid": 24, "same": 24, "runs": 24}
    states = {name: row["state"] for name, row in books.items()}
    used = {"off": "needs_plan", "paid": "needs_plan", "same": "needs_plan", "runs": "ended"}
    assert states == {"days": "active", **used}
    for row in posted:
        assert round(row["amount_usd"], 6) in {Decimal(1), rates[row["asset_id"]]}


@pytest.mark.slow
def test_what_was_charged_by_the_rule_of_old_is_left_as_it_is(store: Store) -> None:
    """62 USD over 31 days, 34 of them accrued; 28 more days: 0.50 a run, whatever runs carried.

    Four runs carry what they did when what was idle was spread over them: that stays, and counts.
    """
    plan = {"method": "straight_line_per_time", "unit": "execution"}
    with store.connect() as connection:
        first = [
            entered(1, 0, "cost", amount="62", kind="hosting"),
            entered(2, 0, "plan", life_days=31, expected_units=62, **plan),
        ]
        again = entered(3, 0, "plan", life_days=28, expected_units=56, **plan)
        settled(store, connection, _days_ago(30, first), _days_ago(13, [again]))
        name, rate = books_of(connection)["plan_id"], Decimal("0.928571428571")
        columns = (
            "workspace", "trace_id", "run_id", "asset_id", "agent_name", "plan_id", "basis_id",
            "units", "rate_usd", "amount_usd", "posted_at",
        )  # fmt: skip
        connection.insert_rows("amortization_charges", columns, [
            ("default", scene.hex32(run), f"old{run}", "ft", "a", name, f"3 plan {name}",
             Decimal(1), rate, rate, NOW - timedelta(days=12))
            for run in range(101, 105)
        ])  # fmt: skip
        settled(store, connection, _days_ago(11, [*ran(1, 0), *ran(2, 0)]))
        posted = {row["run_id"]: row["amount_usd"] for row in postings(connection)}
        asset = books_of(connection)
    half = Decimal("0.5")
    assert posted == {**{f"old{run}": rate for run in range(101, 105)}, "r1": half, "r2": half}
    assert (asset["rate_usd"], asset["remaining_units"]) == (half, 50)
