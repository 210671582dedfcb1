"""Which runs are charged of an asset: arrivals alone say so."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from spanledger_collector.store import Store

from . import scene
from .booked import (
    books_of,
    charges_of,
    clock,
    entered,
    postings,
    ran,
    settled,
)

ZERO = Decimal(0)


@pytest.mark.slow
def test_a_run_in_flight_or_not_settled_yet_is_charged_whatever_is_booked_meanwhile(
    store: Store,
) -> None:
    """100 over 10. The agent's child at 2, 1 USD at 3, the agent at 4; a run of 6 settled after 7.

    Each is charged once, at the rate of the moment it is settled.
    """
    with store.connect() as connection:
        child = scene.call(2, 1, (5, 0), trace=1, run_id="r1") | {"received_at": clock(2)}
        waiting = ran(2, 6)
        settled(
            store,
            connection,
            [
                entered(1, 0, "cost", amount="100", kind="training"),
                entered(2, 0, "plan", method="x", unit="execution", expected_units=10),
            ],
            [child],
            [entered(3, 3, "cost", amount="1", kind="training")],
            ran(1, 4),
        )
        scene.load(connection, waiting)
        settled(store, connection, [entered(4, 7, "write_off", amount="0.9")])
        scene.settle(store, [1, 2])
        scene.settle(store, [1, 2])
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in (1, 2)]
    assert carried == [Decimal("10.1"), Decimal(10)]


@pytest.mark.slow
def test_a_run_that_was_there_before_the_plan_is_never_charged(store: Store) -> None:
    """Settled before it or after: what decides is the arrival of the agent's own span."""
    with store.connect() as connection:
        settled(store, connection, [entered(1, 0, "cost", amount="100")], ran(1, 1))
        scene.load(connection, ran(2, 1))
        in_flight = scene.call(2, 1, (5, 0), trace=3, run_id="r3") | {"received_at": clock(1)}
        plan = {"method": "x", "unit": "execution", "expected_units": 10}
        settled(store, connection, [in_flight], [entered(2, 2, "plan", **plan)], ran(3, 3))
        scene.settle(store, [1, 2, 3])
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in (1, 2, 3)]
    assert carried == [None, None, Decimal(10)]


@pytest.mark.slow
def test_a_run_that_came_when_nothing_was_left_is_not_charged_by_what_is_booked_later(
    store: Store,
) -> None:
    with store.connect() as connection:
        plan = {"method": "x", "unit": "execution", "expected_units": 2}
        late = [entered(3, 3, "cost", amount="50"), entered(4, 3, "plan", **plan)]
        settled(
            store,
            connection,
            [entered(1, 0, "cost", amount="100"), entered(2, 0, "plan", **plan)],
            [row for trace in (1, 2, 3) for row in ran(trace, 1)],
            ran(4, 2),
            late,
        )
        scene.settle(store, [1, 2, 3, 4])
        settled(store, connection, ran(5, 4))
        # A rest is one row; those that came in it have none.
        assert [row["run_id"] for row in postings(connection)] == ["r1", "r2", "r5"]
        (rest,) = connection.rows("SELECT * FROM asset_rests FINAL")
        assert (rest["charged_usd"], str(rest["entered_to"])[:19]) == (100, clock(2)[:19])
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in range(1, 6)]
    assert carried == [Decimal(50), Decimal(50), None, None, Decimal(25)]


def test_a_rest_whose_charges_a_kill_took_charges_its_runs(store: Store) -> None:
    """Two runs of one request, the first used up the asset: the rest was stored, the charge not."""
    with store.connect() as connection:
        plan = {"method": "x", "unit": "execution", "expected_units": 1}
        settled(
            store, connection, [entered(1, 0, "cost", amount="100"), entered(2, 0, "plan", **plan)]
        )
        rest = ["default", "ft", scene.hex16(2), 100, *[scene.START + timedelta(minutes=1)] * 2]
        columns = ["workspace", "asset_id", "basis_id", "charged_usd", "entered_from", "entered_to"]
        connection.insert_rows("asset_rests", columns, [rest])
        settled(store, connection, [*ran(1, 1), *ran(2, 1)])
        assert charges_of(connection) == [Decimal(100)]
        assert [row["run_id"] for row in postings(connection)] == ["r1"]


@pytest.mark.slow
def test_a_plan_with_another_scope_or_unit_acts_on_runs_that_come_after_it(store: Store) -> None:
    """A run is of the plan that held when it came; the same run is not charged by two units."""
    with store.connect() as connection:
        one = {"method": "x", "unit": "execution", "expected_units": 10, "agent__name": "a"}
        other = {"method": "x", "unit": "token", "expected_units": 1000, "agent__name": "b"}
        settled(
            store,
            connection,
            [entered(1, 0, "cost", amount="100"), entered(2, 0, "plan", **one)],
            [*ran(1, 1, tokens=7), *ran(2, 1, agent="b", tokens=7)],
            [entered(3, 2, "plan", **other)],
            ran(3, 3, agent="b", tokens=10),
        )
        scene.settle(store, [1, 2, 3])
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in (1, 2, 3)]
    assert carried == [Decimal(10), None, Decimal("0.9")]


@pytest.mark.slow
def test_what_is_derived_can_be_dropped_and_settled_again(store: Store) -> None:
    """Runs and attempts come out the same, for what was posted in the books is a fact."""
    derived = ("attempts", "runs", "span_runs", "settling", "settling_spans", "call_verdicts")
    with store.connect() as connection:
        settled(
            store,
            connection,
            ran(1, 0, tokens=3),
            [
                entered(1, 0, "cost", amount="100"),
                entered(2, 1, "plan", method="x", unit="execution", expected_units=10),
            ],
            ran(2, 2, tokens=3),
            [entered(3, 3, "write_off", amount="45")],
            ran(3, 4),
        )
        before = [(scene.runs(connection, n), scene.attempts(connection, n)) for n in (1, 2, 3)]
        books = books_of(connection)
        for table in derived:
            connection.execute(f"TRUNCATE TABLE {table}")
        scene.settle(store, [1, 2, 3, 10_001, 10_002, 10_003])
        after = [(scene.runs(connection, n), scene.attempts(connection, n)) for n in (1, 2, 3)]
        assert (after, books_of(connection)) == (before, books)
    carried = [rows[f"r{n}"]["amortized_cost_usd"] for n, (rows, _) in enumerate(after, 1)]
    assert carried == [None, Decimal(10), Decimal(5)]
