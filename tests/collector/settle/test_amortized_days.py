"""Assets that are charged per time: what their days cost, and what no run carried of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from spanledger_collector.store import Store

from . import scene
from .booked import (
    books_of,
    entered,
    ran,
    settled,
)

ZERO = Decimal(0)


def _days_ago(days: int, rows: Iterable[scene.Row]) -> list[scene.Row]:
    """The same, received so many days ago."""
    received = scene.moment(datetime.now(timezone.utc) - timedelta(days=days))
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

    The third comes a day after the last, the fourth after 50 more days are planned: 80 / 4 each.
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
        more = entered(3, 0, "plan", life_days=50, expected_units=4, **plan)
        settled(store, connection, _days_ago(20, [more]), _days_ago(10, ran(4, 0)))
        scene.settle(store, [1, 2, 3, 4])
        asset = books_of(connection)
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in (1, 2, 3, 4)]
    assert carried == [Decimal(10), Decimal(10), None, Decimal(20)]
    assert asset["state"] == "active"
