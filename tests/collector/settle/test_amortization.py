"""Assets: charged over the runs that come, re-estimated forward only."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from spanledger_collector.query import AssetShareRow, DirectReader, Ledger
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
def test_a_change_of_the_estimate_acts_forward_only(any_store: Store) -> None:
    """120 over 12 runs; after 5 of them 4 are still to come: 10 each before, 17.50 each after."""
    with any_store.connect() as connection:
        settled(
            any_store,
            connection,
            [
                entered(1, 0, "cost", amount="120", kind="training"),
                entered(2, 1, "plan", method="x", unit="execution", expected_units=12),
            ],
            [row for trace in (1, 2, 3, 4, 5) for row in ran(trace, 2)],
            [entered(3, 3, "plan", method="x", unit="execution", expected_units=4)],
            *[[*ran(one, 4), *ran(other, 4)] for one, other in ((6, 7), (8, 9), (11, 12))],
        )
        # Settling again changes nothing.
        scene.settle(any_store, range(1, 13))
        assert charges_of(connection) == [Decimal(10)] * 5 + [Decimal("17.5")] * 4
        asset = books_of(connection)
        amounts = {
            name: run["amortized_cost_usd"]
            for trace in (1, 9, 12)
            for name, run in scene.runs(connection, trace).items()
        }
    assert (asset["charged_usd"], asset["net_book_value_usd"]) == (Decimal(120), ZERO)
    assert (asset["state"], asset["estimates"]) == ("fully_amortized", 2)
    assert amounts == {"r1": Decimal(10), "r9": Decimal("17.5"), "r12": None}


@pytest.mark.slow
def test_only_runs_in_scope_that_came_after_the_plan_are_charged(store: Store) -> None:
    with store.connect() as connection:
        plan = {"method": "x", "unit": "execution", "expected_units": 10, "salvage": "20"}
        settled(
            store,
            connection,
            ran(1, 0),
            [
                entered(1, 1, "cost", amount="120", kind="data_curation"),
                entered(2, 2, "plan", agent__name="a", agent__version="2", **plan),
            ],
            ran(2, 3, agent_version="2"),
            ran(3, 3, agent_version="1"),
            ran(4, 3, agent="b", agent_version="2"),
        )
        scene.settle(store, range(1, 5))
        (charge,) = connection.rows("SELECT * FROM amortization_charges FINAL")
        asset = books_of(connection)
    assert (charge["run_id"], charge["amount_usd"]) == ("r2", Decimal(10))
    assert charge["kind"] == "data_curation"
    assert asset["net_book_value_usd"] == Decimal(110)
    assert asset["chargeable_usd"] == Decimal(90)


@pytest.mark.slow
def test_tokens_are_charged_as_they_come_and_a_late_span_adds_its_own(store: Store) -> None:
    with store.connect() as connection:
        settled(
            store,
            connection,
            [
                entered(1, 0, "cost", amount="10", kind="training"),
                entered(2, 0, "plan", method="x", unit="token", expected_units=1000),
            ],
            ran(1, 2, tokens=30),
            [scene.call(3, 1, (5, 0)) | {"received_at": clock(5)}],
        )
        assert charges_of(connection) == [Decimal("0.3"), Decimal("0.05")]
        (run,) = scene.runs(connection).values()
    assert run["amortized_cost_usd"] == Decimal("0.35")


@pytest.mark.slow
def test_what_a_charged_run_grows_by_at_rest_is_not_charged_later(store: Store) -> None:
    """10 over 10 tokens: the run has all; what it grows by has a row of 0, so that it stays so."""
    with store.connect() as connection:
        plan = {"method": "x", "unit": "token", "expected_units": 10}
        settled(
            store,
            connection,
            [entered(1, 0, "cost", amount="10"), entered(2, 0, "plan", **plan)],
            ran(1, 2, tokens=10),
            [scene.call(3, 1, (5, 0)) | {"received_at": clock(5)}],
            [entered(3, 6, "cost", amount="10"), entered(4, 6, "plan", **plan)],
        )
        scene.settle(store, [1])
        assert [(row["units_before"], row["amount_usd"]) for row in postings(connection)] == [
            (0, 10), (10, 0),
        ]  # fmt: skip
        assert connection.rows("SELECT * FROM asset_rests") == []


@pytest.mark.slow
def test_a_write_off_and_a_transfer_take_capital_out(store: Store) -> None:
    """What is written off is charged to no run; what is transferred goes on in the next asset."""
    execution = {"method": "x", "unit": "execution"}
    with store.connect() as connection:
        settled(
            store,
            connection,
            [
                entered(1, 0, "cost", amount="100", kind="training"),
                entered(2, 0, "plan", expected_units=10, **execution),
            ],
            ran(1, 1),
            [entered(3, 2, "transfer", to="ft-2", amount="45", kind="training")],
            ran(2, 3),
            [entered(4, 4, "write_off")],
            ran(3, 5),
        )
        asset, heir = books_of(connection), books_of(connection, "ft-2")
        assert charges_of(connection) == [Decimal(10), Decimal(5)]
    assert (asset["state"], asset["net_book_value_usd"]) == ("fully_amortized", ZERO)
    assert (heir["capital_usd"], heir["state"]) == (Decimal(45), "needs_plan")


@pytest.mark.slow
def test_a_cost_that_comes_later_is_spread_over_what_is_still_to_come(store: Store) -> None:
    with store.connect() as connection:
        settled(
            store,
            connection,
            [
                entered(1, 0, "cost", amount="100", kind="training"),
                entered(2, 0, "plan", method="x", unit="execution", expected_units=10),
            ],
            *[ran(trace, 1) for trace in (1, 2)],
            [entered(3, 2, "cost", amount="40", kind="training")],
            ran(3, 3),
        )
        assert charges_of(connection) == [Decimal(10), Decimal(10), Decimal(15)]


@pytest.mark.slow
def test_capital_that_grows_is_spread_over_what_is_still_to_come_alone(store: Store) -> None:
    """100 over 10, five runs, 50 more: 20 a run to come. None carries what earlier ones did not.

    The newest entry may keep its name (a cost as the plan before), or stay (a transfer that came
    before its money). Where the units are used up there is no rate, and so no charge, until there
    is a plan. A salvage below 0 is none: no more than the capital is charged.
    """
    plan = {"method": "x", "unit": "execution", "expected_units": 10}

    def named(row: scene.Row, name: str) -> scene.Row:
        row["attributes"]["spanledger.record.id"] = name
        return row

    with store.connect() as connection:
        settled(
            store,
            connection,
            [
                entered(1, 0, "cost", amount="100", id="named"),
                named(entered(2, 0, "plan", id="named", **plan), "2026-11"),
                entered(3, 0, "cost", amount="100", id="heir"),
                entered(4, 0, "plan", id="heir", **plan),
                entered(10, 0, "transfer", id="source", to="heir", amount="50"),
                entered(6, 0, "cost", amount="100", id="used"),
                entered(7, 0, "plan", id="used", unit="token", expected_units=1000),
                entered(8, 0, "cost", amount="100", id="below"),
                entered(9, 0, "plan", id="below", salvage="-50", **plan | {"expected_units": 2}),
            ],
            [row for trace in range(1, 6) for row in ran(trace, 1, tokens=200)],
            [
                named(entered(11, 2, "cost", amount="50", id="named"), "2026-11"),
                entered(5, 2, "cost", amount="50", id="source"),
                entered(13, 2, "cost", amount="50", id="used"),
            ],
            [
                *ran(6, 3),
                *ran(7, 3),
                scene.call(3, 1, (10, 0), trace=1) | {"received_at": clock(3)},
            ],
        )
        posted = {
            asset: [row for row in postings(connection) if row["asset_id"] == asset]
            for asset in ("named", "heir", "used", "below")
        }
        used, below = books_of(connection, "used"), books_of(connection, "below")
    amounts = {asset: [row["amount_usd"] for row in rows] for asset, rows in posted.items()}
    assert amounts["named"] == amounts["heir"] == [10] * 5 + [20] * 2
    assert sorted(amounts["used"]) == [0, *[20] * 5]
    assert (used["state"], used["chargeable_usd"]) == ("needs_plan", 50)
    assert amounts["below"] == [50, 50]
    assert (below["salvage_usd"], below["state"]) == (0, "fully_amortized")
    for asset in ("named", "heir"):  # one rate a basis
        assert len({(row["basis_id"], row["rate_usd"]) for row in posted[asset]}) == 2


@pytest.mark.slow
def test_charges_sum_to_the_capital_however_small_a_unit_is(store: Store) -> None:
    """1.4e-22 USD a FLOP, and 4e-13 USD an execution, which no charge of 12 decimals can hold."""
    with store.connect() as connection:
        settled(
            store,
            connection,
            [
                entered(1, 0, "cost", amount="0.000001", id="flops"),
                entered(2, 0, "plan", id="flops", unit="flop", expected_units=7 * 10**15),
                entered(3, 0, "cost", amount="0.000000000002", id="runs"),
                entered(4, 0, "plan", id="runs", unit="execution", expected_units=5),
            ],
        )
        for trace in range(1, 8):
            call = scene.call(2, 1, (1, 0), trace=trace, flops_total=10**15)
            settled(store, connection, [*ran(trace, 1), call | {"received_at": clock(1)}])
        charges = [
            [row["amount_usd"] * 10**12 for row in postings(connection) if row["asset_id"] == asset]
            for asset in ("flops", "runs")
        ]
        (rate,) = {row["rate_usd"] for row in postings(connection) if row["asset_id"] == "flops"}
        books = [books_of(connection, asset)["state"] for asset in ("flops", "runs")]
    assert {*charges[0]} == {142857, 142858}
    assert [sum(each) for each in charges] == [10**6, 2]
    assert charges[1] == [0, 1, 0, 1]  # 0.4, 0.8, 1.2 and 1.6 so far
    assert abs(rate * 7 * 10**21 - 1) < Decimal("1e-17")
    assert books == ["fully_amortized"] * 2


@pytest.mark.slow
def test_a_share_has_the_interval_of_the_units_that_were_expected(store: Store) -> None:
    """120 over 12 runs, 6 to 24: 10 a run, 5 to 20. After 8 runs there were 8 at least: 5 to 15.

    Then nobody says how sure 4 more are: 10 a run without ends, and so the sum has none.
    """
    plan = {"method": "x", "unit": "execution"}
    ends = {"expected_units__low": 6, "expected_units__high": 24}

    def told() -> tuple[set[Any], list[Any], AssetShareRow]:
        with Ledger(DirectReader(store)) as ledger:
            charges = ledger.asset_charges("ft")
            (row,) = ledger.assets()
            (share,) = ledger.asset_shares("ft", "a")
        each = {(c.amount_low_usd, c.amount_usd, c.amount_high_usd) for c in charges}
        rate = [row.rate_low_usd, row.rate_usd, row.rate_high_usd]
        return each, [*rate, row.remaining_low_units, row.remaining_high_units], share

    with store.connect() as connection:
        settled(
            store,
            connection,
            [
                entered(1, 0, "cost", amount="120", kind="training"),
                entered(2, 0, "plan", expected_units=12, **ends, **plan),
            ],
            [row for trace in range(1, 6) for row in ran(trace, 1)],
        )
        each, books, share = told()
        assert (each, books) == ({(5, 10, 20)}, [5, 10, 20, 1, 19])
        assert (share.runs, share.charged_low_usd, share.charged_high_usd) == (5, 25, 100)
        assert (share.per_run_low_usd, share.per_run_usd, share.per_run_high_usd) == (5, 10, 20)
        settled(store, connection, [row for trace in (6, 7, 8) for row in ran(trace, 2)])
        each, books, share = told()
        assert (each, books) == ({(5, 10, 15)}, [5, 10, 15, 0, 16])
        assert (share.charged_usd, share.charged_high_usd) == (80, 120)  # all that there is
        settled(store, connection, [entered(3, 3, "plan", expected_units=4, **plan)], ran(9, 4))
        each, books, share = told()
    assert (each, books) == ({(5, 10, 15), (None, 10, None)}, [None, 10, None, None, None])
    assert (share.charged_usd, share.charged_low_usd, share.charged_high_usd) == (90, None, None)


@pytest.mark.slow
def test_a_success_is_charged_when_it_is_told_and_stays_charged(store: Store) -> None:
    """30 USD over 3 successes: told with the run, later, amended to a failure, and never."""
    plan = {"method": "units_of_production", "unit": "success", "expected_units": 3}

    def said(trace: int, minute: int, outcome: str) -> scene.Row:
        told = {"spanledger.outcome": outcome, "spanledger.record.id": f"o{trace}"}
        at = {"trace": trace, "at": minute, "lasts": 0}
        record = scene.span(100 + minute, 1, "record", attributes=told, **at)
        return record | {"received_at": clock(minute)}

    with store.connect() as connection:
        settled(
            store,
            connection,
            [entered(1, 0, "cost", amount="30"), entered(2, 0, "plan", **plan)],
            [*ran(1, 1), said(1, 1, "success"), *ran(2, 1), *ran(3, 1), *ran(4, 1)],
        )
        assert charges_of(connection) == [Decimal(10)]
        later = [said(1, 5, "failure"), said(2, 5, "success"), said(3, 5, "failure")]
        settled(store, connection, later, [said(1, 6, "success")])
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in (1, 2, 3, 4)]
        assert books_of(connection)["remaining_units"] == 1
        # Another unit is for runs that come after it.
        settled(store, connection, [entered(3, 7, "plan", **{**plan, "unit": "execution"})])
        settled(store, connection, ran(5, 8))
        scene.settle(store, [1, 2, 3, 4, 5])
        assert charges_of(connection) == [Decimal(10), Decimal(10), Decimal("3.333333333333")]
    assert carried == [Decimal(10), Decimal(10), None, None]


@pytest.mark.slow
def test_a_success_that_found_nothing_is_not_charged_when_it_is_told_again(store: Store) -> None:
    """100 for one success, the rest of it transferred; later there is capital again."""
    plan = {"method": "units_of_production", "unit": "success", "expected_units": 2}

    def said(number: int, trace: int, minute: int, outcome: str) -> scene.Row:
        told = {"spanledger.outcome": outcome, "spanledger.record.id": f"o{number}"}
        at = {"trace": trace, "at": minute, "lasts": 0}
        record = scene.span(100 + minute, 1, "record", attributes=told, **at)
        return record | {"received_at": clock(minute)}

    with store.connect() as connection:
        settled(
            store,
            connection,
            [entered(1, 0, "cost", amount="100"), entered(2, 0, "plan", **plan)],
            [*ran(1, 1), said(1, 1, 1, "success"), *ran(2, 1), *ran(3, 1), *ran(4, 1)],
            [entered(3, 2, "transfer", to="heir")],
            [said(2, 2, 3, "success"), said(3, 3, 4, "success")],
            [entered(4, 5, "cost", amount="60"), entered(5, 5, "plan", **plan)],
            # Amended and amended back, under another name, and, of the fourth, for the first time.
            [said(2, 2, 6, "failure"), said(33, 3, 6, "success"), said(4, 4, 6, "success")],
            [said(2, 2, 7, "success"), said(1, 1, 7, "success")],
        )
        scene.settle(store, [1, 2, 3, 4])
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in (1, 2, 3, 4)]
        assert books_of(connection)["charged_usd"] == Decimal(80)
    assert carried == [Decimal(50), None, None, Decimal(30)]


@pytest.mark.slow
@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 3, 2, 1), (2, 4, 1, 3)])
def test_the_sum_does_not_depend_on_the_order_of_the_runs(
    store: Store, order: tuple[int, ...]
) -> None:
    """100 over 3 runs and 4 come: each carries a third, rounded so that they sum to it."""
    with store.connect() as connection:
        settled(
            store,
            connection,
            [
                entered(1, 0, "cost", amount="100", kind="training"),
                entered(2, 0, "plan", method="x", unit="execution", expected_units=3),
            ],
            *[ran(trace, 1) for trace in order],
        )
        charges = charges_of(connection)
        assert books_of(connection)["charged_usd"] == Decimal(100)
    assert sorted(charges) == [Decimal("33.333333333333")] * 2 + [Decimal("33.333333333334")]


def test_a_cost_in_another_currency_is_capital_at_the_rate_of_its_day(store: Store) -> None:
    with store.connect() as connection:
        rate = {
            "currency": "EUR", "valid_from": "2026-01-01 00:00:00", "usd": "1.25",
            "valid_to": "2299-12-31 00:00:00", "known_from": "2026-01-01 00:00:00",
        }  # fmt: skip
        connection.insert_rows("fx", tuple(rate), [tuple(rate.values())])
        settled(
            store,
            connection,
            [entered(1, 0, "cost", amount="100", currency="EUR", kind="training")],
            [entered(2, 0, "cost", amount="7", currency="XTS", kind="training")],
        )
        asset = books_of(connection)
    assert (asset["capital_usd"], asset["unconverted_entries"]) == (Decimal(125), 1)
