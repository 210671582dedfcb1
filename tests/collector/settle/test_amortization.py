"""Assets: charged over the runs that come, re-estimated forward only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from spanledger_collector.store import Connection, Store

from . import scene

ZERO = Decimal(0)


def _entry(number: int, minute: int, entry: str, **told: Any) -> scene.Row:
    """The span of one entry, received at this minute."""
    told = {"entry": entry, "id": "ft", **told}
    attributes = {
        "spanledger.asset." + name.replace("__", "."): str(value) for name, value in told.items()
    }
    row = scene.span(number, role="record", trace=10_000 + number, lasts=0, attributes=attributes)
    return row | {"received_at": _minute(minute)}


def _minute(minute: int) -> str:
    return scene.moment(scene.START + timedelta(minutes=minute))


def _run(
    trace: int, minute: int, agent: str = "a", tokens: int = 0, **given: Any
) -> list[scene.Row]:
    rows = [scene.span(1, 0, "agent", trace=trace, agent_name=agent, run_id=f"r{trace}", **given)]
    if tokens:
        rows.append(scene.call(2, 1, (tokens, 0), trace=trace))
    return [row | {"received_at": _minute(minute)} for row in rows]


def _charges(connection: Connection) -> list[Decimal]:
    """By run, in the order they were posted."""
    rows = connection.rows(
        "SELECT amount_usd FROM amortization_charges FINAL "
        "ORDER BY length(run_id), run_id, units_before"
    )
    return [Decimal(str(row["amount_usd"])) for row in rows]


def _asset(connection: Connection, asset: str = "ft") -> scene.Row:
    (row,) = connection.rows(
        "SELECT * FROM amortization WHERE asset_id = {asset:String}", {"asset": asset}
    )
    return dict(row)


def _settle(store: Store, connection: Connection, *batches: Iterable[scene.Row]) -> None:
    for batch in batches:
        rows = list(batch)
        scene.load(connection, rows)
        scene.settle(store, sorted({int(row["trace_id"], 16) for row in rows}))


def test_a_change_of_the_estimate_acts_forward_only(any_store: Store) -> None:
    """120 over 12 runs; after 5 of them 4 are still to come: 10 each before, 17.50 each after."""
    with any_store.connect() as connection:
        _settle(
            any_store,
            connection,
            [_entry(1, 0, "cost", amount="120", kind="training")],
            [_entry(2, 1, "plan", method="x", unit="execution", expected_units=12)],
            *[_run(trace, 2) for trace in (1, 2, 3, 4, 5)],
            [_entry(3, 3, "plan", method="x", unit="execution", expected_units=4)],
            *[_run(trace, 4) for trace in (6, 7, 8, 9, 11, 12)],
        )
        # Settling again changes nothing.
        scene.settle(any_store, range(1, 13))
        assert _charges(connection) == [Decimal(10)] * 5 + [Decimal("17.5")] * 4
        asset = _asset(connection)
        amounts = {
            name: run["amortized_cost_usd"]
            for trace in (1, 9, 12)
            for name, run in scene.runs(connection, trace).items()
        }
    assert (asset["charged_usd"], asset["net_book_value_usd"]) == (Decimal(120), ZERO)
    assert (asset["state"], asset["estimates"]) == ("fully_amortized", 2)
    assert amounts == {"r1": Decimal(10), "r9": Decimal("17.5"), "r12": None}


def test_only_runs_in_scope_that_came_after_the_plan_are_charged(store: Store) -> None:
    with store.connect() as connection:
        plan = {"method": "x", "unit": "execution", "expected_units": 10, "salvage": "20"}
        _settle(
            store,
            connection,
            _run(1, 0),
            [_entry(1, 1, "cost", amount="120", kind="data_curation")],
            [_entry(2, 2, "plan", agent__name="a", agent__version="2", **plan)],
            _run(2, 3, agent_version="2"),
            _run(3, 3, agent_version="1"),
            _run(4, 3, agent="b", agent_version="2"),
        )
        scene.settle(store, range(1, 5))
        (charge,) = connection.rows("SELECT * FROM amortization_charges FINAL")
        asset = _asset(connection)
    assert (charge["run_id"], charge["amount_usd"]) == ("r2", Decimal(10))
    assert charge["kind"] == "data_curation"
    assert asset["net_book_value_usd"] == Decimal(110)
    assert asset["chargeable_usd"] == Decimal(90)


def test_tokens_are_charged_as_they_come_and_a_late_span_adds_its_own(store: Store) -> None:
    with store.connect() as connection:
        _settle(
            store,
            connection,
            [_entry(1, 0, "cost", amount="10", kind="training")],
            [_entry(2, 0, "plan", method="x", unit="token", expected_units=1000)],
            _run(1, 2, tokens=30),
            [scene.call(3, 1, (5, 0)) | {"received_at": _minute(5)}],
        )
        assert _charges(connection) == [Decimal("0.3"), Decimal("0.05")]
        (run,) = scene.runs(connection).values()
    assert run["amortized_cost_usd"] == Decimal("0.35")


def test_a_write_off_and_a_transfer_take_capital_out(store: Store) -> None:
    """What is written off is charged to no run; what is transferred goes on in the next asset."""
    execution = {"method": "x", "unit": "execution"}
    with store.connect() as connection:
        _settle(
            store,
            connection,
            [_entry(1, 0, "cost", amount="100", kind="training")],
            [_entry(2, 0, "plan", expected_units=10, **execution)],
            _run(1, 1),
            [_entry(3, 2, "transfer", to="ft-2", amount="45", kind="training")],
            _run(2, 3),
            [_entry(4, 4, "write_off")],
            _run(3, 5),
        )
        asset, heir = _asset(connection), _asset(connection, "ft-2")
        assert _charges(connection) == [Decimal(10), Decimal(5)]
    assert (asset["state"], asset["net_book_value_usd"]) == ("fully_amortized", ZERO)
    assert (heir["capital_usd"], heir["state"]) == (Decimal(45), "needs_plan")


def test_a_cost_that_comes_later_is_spread_over_what_is_still_to_come(store: Store) -> None:
    with store.connect() as connection:
        _settle(
            store,
            connection,
            [_entry(1, 0, "cost", amount="100", kind="training")],
            [_entry(2, 0, "plan", method="x", unit="execution", expected_units=10)],
            *[_run(trace, 1) for trace in (1, 2)],
            [_entry(3, 2, "cost", amount="40", kind="training")],
            _run(3, 3),
        )
        assert _charges(connection) == [Decimal(10), Decimal(10), Decimal(15)]


@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 3, 2, 1), (2, 4, 1, 3)])
def test_the_sum_does_not_depend_on_the_order_of_the_runs(
    store: Store, order: tuple[int, ...]
) -> None:
    """100 over 3 runs and 4 come: each carries a third, the last one what rounding left."""
    with store.connect() as connection:
        _settle(
            store,
            connection,
            [_entry(1, 0, "cost", amount="100", kind="training")],
            [_entry(2, 0, "plan", method="x", unit="execution", expected_units=3)],
            *[_run(trace, 1) for trace in order],
        )
        charges = _charges(connection)
        assert _asset(connection)["charged_usd"] == Decimal(100)
    assert sorted(charges) == [Decimal("0.000000000001")] + [Decimal("33.333333333333")] * 3


def test_a_cost_in_another_currency_is_capital_at_the_rate_of_its_day(store: Store) -> None:
    with store.connect() as connection:
        rate = {
            "currency": "EUR", "valid_from": "2026-01-01 00:00:00", "usd": "1.25",
            "valid_to": "2299-12-31 00:00:00", "known_from": "2026-01-01 00:00:00",
        }  # fmt: skip
        connection.insert_rows("fx", tuple(rate), [tuple(rate.values())])
        _settle(
            store,
            connection,
            [_entry(1, 0, "cost", amount="100", currency="EUR", kind="training")],
            [_entry(2, 0, "cost", amount="7", currency="XTS", kind="training")],
        )
        asset = _asset(connection)
    assert (asset["capital_usd"], asset["unconverted_entries"]) == (Decimal(125), 1)


def test_what_the_days_cost_holds_when_a_cost_comes_later(store: Store) -> None:
    """100 USD over 100 days, of which about 50 have passed; 20 more are spread from the plan on."""
    days = (datetime.now(timezone.utc) - timedelta(days=50)).strftime("%Y-%m-%d %H:%M:%S")
    later = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    plan = {"method": "straight_line_per_time", "unit": "execution", "expected_units": 100}
    with store.connect() as connection:
        _settle(
            store,
            connection,
            [_entry(1, 0, "cost", amount="100", kind="hosting") | {"received_at": days}],
            [_entry(2, 0, "plan", life_days=100, **plan) | {"received_at": days}],
        )
        assert round(_asset(connection)["accrued_usd"]) == 50
        _settle(
            store,
            connection,
            [row | {"received_at": later} for row in _run(1, 0)],
            [_entry(3, 0, "cost", amount="20", kind="hosting") | {"received_at": later}],
        )
        asset = _asset(connection)
    assert round(asset["accrued_usd"]) == 60
    assert asset["unabsorbed_usd"] == asset["accrued_usd"] - asset["charged_usd"]
