"""Assets: charged over the runs that come, re-estimated forward only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from spanledger_collector.query import AssetShareRow, DirectReader, Ledger
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
        "SELECT amount_usd FROM amortization_charges FINAL WHERE amount_usd > 0 "
        "ORDER BY length(run_id), run_id, units_before"
    )
    return [Decimal(str(row["amount_usd"])) for row in rows]


def _posted(connection: Connection) -> list[scene.Row]:
    return connection.rows("SELECT * FROM amortization_charges FINAL ORDER BY run_id, units_before")


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


@pytest.mark.slow
def test_a_change_of_the_estimate_acts_forward_only(any_store: Store) -> None:
    """120 over 12 runs; after 5 of them 4 are still to come: 10 each before, 17.50 each after."""
    with any_store.connect() as connection:
        _settle(
            any_store,
            connection,
            [
                _entry(1, 0, "cost", amount="120", kind="training"),
                _entry(2, 1, "plan", method="x", unit="execution", expected_units=12),
            ],
            [row for trace in (1, 2, 3, 4, 5) for row in _run(trace, 2)],
            [_entry(3, 3, "plan", method="x", unit="execution", expected_units=4)],
            *[[*_run(one, 4), *_run(other, 4)] for one, other in ((6, 7), (8, 9), (11, 12))],
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


@pytest.mark.slow
def test_only_runs_in_scope_that_came_after_the_plan_are_charged(store: Store) -> None:
    with store.connect() as connection:
        plan = {"method": "x", "unit": "execution", "expected_units": 10, "salvage": "20"}
        _settle(
            store,
            connection,
            _run(1, 0),
            [
                _entry(1, 1, "cost", amount="120", kind="data_curation"),
                _entry(2, 2, "plan", agent__name="a", agent__version="2", **plan),
            ],
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


@pytest.mark.slow
def test_tokens_are_charged_as_they_come_and_a_late_span_adds_its_own(store: Store) -> None:
    with store.connect() as connection:
        _settle(
            store,
            connection,
            [
                _entry(1, 0, "cost", amount="10", kind="training"),
                _entry(2, 0, "plan", method="x", unit="token", expected_units=1000),
            ],
            _run(1, 2, tokens=30),
            [scene.call(3, 1, (5, 0)) | {"received_at": _minute(5)}],
        )
        assert _charges(connection) == [Decimal("0.3"), Decimal("0.05")]
        (run,) = scene.runs(connection).values()
    assert run["amortized_cost_usd"] == Decimal("0.35")


@pytest.mark.slow
def test_what_a_charged_run_grows_by_at_rest_is_not_charged_later(store: Store) -> None:
    """10 over 10 tokens: the run has all; what it grows by has a row of 0, so that it stays so."""
    with store.connect() as connection:
        plan = {"method": "x", "unit": "token", "expected_units": 10}
        _settle(
            store,
            connection,
            [_entry(1, 0, "cost", amount="10"), _entry(2, 0, "plan", **plan)],
            _run(1, 2, tokens=10),
            [scene.call(3, 1, (5, 0)) | {"received_at": _minute(5)}],
            [_entry(3, 6, "cost", amount="10"), _entry(4, 6, "plan", **plan)],
        )
        scene.settle(store, [1])
        assert [(row["units_before"], row["amount_usd"]) for row in _posted(connection)] == [
            (0, 10), (10, 0),
        ]  # fmt: skip
        assert connection.rows("SELECT * FROM asset_rests") == []


@pytest.mark.slow
def test_a_write_off_and_a_transfer_take_capital_out(store: Store) -> None:
    """What is written off is charged to no run; what is transferred goes on in the next asset."""
    execution = {"method": "x", "unit": "execution"}
    with store.connect() as connection:
        _settle(
            store,
            connection,
            [
                _entry(1, 0, "cost", amount="100", kind="training"),
                _entry(2, 0, "plan", expected_units=10, **execution),
            ],
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


@pytest.mark.slow
def test_a_cost_that_comes_later_is_spread_over_what_is_still_to_come(store: Store) -> None:
    with store.connect() as connection:
        _settle(
            store,
            connection,
            [
                _entry(1, 0, "cost", amount="100", kind="training"),
                _entry(2, 0, "plan", method="x", unit="execution", expected_units=10),
            ],
            *[_run(trace, 1) for trace in (1, 2)],
            [_entry(3, 2, "cost", amount="40", kind="training")],
            _run(3, 3),
        )
        assert _charges(connection) == [Decimal(10), Decimal(10), Decimal(15)]


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
        _settle(
            store,
            connection,
            [
                _entry(1, 0, "cost", amount="100", id="named"),
                named(_entry(2, 0, "plan", id="named", **plan), "2026-11"),
                _entry(3, 0, "cost", amount="100", id="heir"),
                _entry(4, 0, "plan", id="heir", **plan),
                _entry(10, 0, "transfer", id="source", to="heir", amount="50"),
                _entry(6, 0, "cost", amount="100", id="used"),
                _entry(7, 0, "plan", id="used", unit="token", expected_units=1000),
                _entry(8, 0, "cost", amount="100", id="below"),
                _entry(9, 0, "plan", id="below", salvage="-50", **plan | {"expected_units": 2}),
            ],
            [row for trace in range(1, 6) for row in _run(trace, 1, tokens=200)],
            [
                named(_entry(11, 2, "cost", amount="50", id="named"), "2026-11"),
                _entry(5, 2, "cost", amount="50", id="source"),
                _entry(13, 2, "cost", amount="50", id="used"),
            ],
            [
                *_run(6, 3),
                *_run(7, 3),
                scene.call(3, 1, (10, 0), trace=1) | {"received_at": _minute(3)},
            ],
        )
        posted = {
            asset: [row for row in _posted(connection) if row["asset_id"] == asset]
            for asset in ("named", "heir", "used", "below")
        }
        used, below = _asset(connection, "used"), _asset(connection, "below")
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
        _settle(
            store,
            connection,
            [
                _entry(1, 0, "cost", amount="0.000001", id="flops"),
                _entry(2, 0, "plan", id="flops", unit="flop", expected_units=7 * 10**15),
                _entry(3, 0, "cost", amount="0.000000000002", id="runs"),
                _entry(4, 0, "plan", id="runs", unit="execution", expected_units=5),
            ],
        )
        for trace in range(1, 8):
            call = scene.call(2, 1, (1, 0), trace=trace, flops_total=10**15)
            _settle(store, connection, [*_run(trace, 1), call | {"received_at": _minute(1)}])
        charges = [
            [row["amount_usd"] * 10**12 for row in _posted(connection) if row["asset_id"] == asset]
            for asset in ("flops", "runs")
        ]
        (rate,) = {row["rate_usd"] for row in _posted(connection) if row["asset_id"] == "flops"}
        books = [_asset(connection, asset)["state"] for asset in ("flops", "runs")]
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
        _settle(
            store,
            connection,
            [
                _entry(1, 0, "cost", amount="120", kind="training"),
                _entry(2, 0, "plan", expected_units=12, **ends, **plan),
            ],
            [row for trace in range(1, 6) for row in _run(trace, 1)],
        )
        each, books, share = told()
        assert (each, books) == ({(5, 10, 20)}, [5, 10, 20, 1, 19])
        assert (share.runs, share.charged_low_usd, share.charged_high_usd) == (5, 25, 100)
        assert (share.per_run_low_usd, share.per_run_usd, share.per_run_high_usd) == (5, 10, 20)
        _settle(store, connection, [row for trace in (6, 7, 8) for row in _run(trace, 2)])
        each, books, share = told()
        assert (each, books) == ({(5, 10, 15)}, [5, 10, 15, 0, 16])
        assert (share.charged_usd, share.charged_high_usd) == (80, 120)  # all that there is
        _settle(store, connection, [_entry(3, 3, "plan", expected_units=4, **plan)], _run(9, 4))
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
        return record | {"received_at": _minute(minute)}

    with store.connect() as connection:
        _settle(
            store,
            connection,
            [_entry(1, 0, "cost", amount="30"), _entry(2, 0, "plan", **plan)],
            [*_run(1, 1), said(1, 1, "success"), *_run(2, 1), *_run(3, 1), *_run(4, 1)],
        )
        assert _charges(connection) == [Decimal(10)]
        later = [said(1, 5, "failure"), said(2, 5, "success"), said(3, 5, "failure")]
        _settle(store, connection, later, [said(1, 6, "success")])
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in (1, 2, 3, 4)]
        assert _asset(connection)["remaining_units"] == 1
        # Another unit is for runs that come after it.
        _settle(store, connection, [_entry(3, 7, "plan", **{**plan, "unit": "execution"})])
        _settle(store, connection, _run(5, 8))
        scene.settle(store, [1, 2, 3, 4, 5])
        assert _charges(connection) == [Decimal(10), Decimal(10), Decimal("3.333333333333")]
    assert carried == [Decimal(10), Decimal(10), None, None]


@pytest.mark.slow
def test_a_success_that_found_nothing_is_not_charged_when_it_is_told_again(store: Store) -> None:
    """100 for one success, the rest of it transferred; later there is capital again."""
    plan = {"method": "units_of_production", "unit": "success", "expected_units": 2}

    def said(number: int, trace: int, minute: int, outcome: str) -> scene.Row:
        told = {"spanledger.outcome": outcome, "spanledger.record.id": f"o{number}"}
        at = {"trace": trace, "at": minute, "lasts": 0}
        record = scene.span(100 + minute, 1, "record", attributes=told, **at)
        return record | {"received_at": _minute(minute)}

    with store.connect() as connection:
        _settle(
            store,
            connection,
            [_entry(1, 0, "cost", amount="100"), _entry(2, 0, "plan", **plan)],
            [*_run(1, 1), said(1, 1, 1, "success"), *_run(2, 1), *_run(3, 1), *_run(4, 1)],
            [_entry(3, 2, "transfer", to="heir")],
            [said(2, 2, 3, "success"), said(3, 3, 4, "success")],
            [_entry(4, 5, "cost", amount="60"), _entry(5, 5, "plan", **plan)],
            # Amended and amended back, under another name, and, of the fourth, for the first time.
            [said(2, 2, 6, "failure"), said(33, 3, 6, "success"), said(4, 4, 6, "success")],
            [said(2, 2, 7, "success"), said(1, 1, 7, "success")],
        )
        scene.settle(store, [1, 2, 3, 4])
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in (1, 2, 3, 4)]
        assert _asset(connection)["charged_usd"] == Decimal(80)
    assert carried == [Decimal(50), None, None, Decimal(30)]


@pytest.mark.slow
@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 3, 2, 1), (2, 4, 1, 3)])
def test_the_sum_does_not_depend_on_the_order_of_the_runs(
    store: Store, order: tuple[int, ...]
) -> None:
    """100 over 3 runs and 4 come: each carries a third, rounded so that they sum to it."""
    with store.connect() as connection:
        _settle(
            store,
            connection,
            [
                _entry(1, 0, "cost", amount="100", kind="training"),
                _entry(2, 0, "plan", method="x", unit="execution", expected_units=3),
            ],
            *[_run(trace, 1) for trace in order],
        )
        charges = _charges(connection)
        assert _asset(connection)["charged_usd"] == Decimal(100)
    assert sorted(charges) == [Decimal("33.333333333333")] * 2 + [Decimal("33.333333333334")]


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


def _days_ago(days: int, rows: Iterable[scene.Row]) -> list[scene.Row]:
    """The same, received so many days ago."""
    received = scene.moment(datetime.now(timezone.utc) - timedelta(days=days))
    return [row | {"received_at": received} for row in rows]


def _rent(usd: str = "100") -> list[scene.Row]:
    """A cost over the 100 days that have half passed; 10 a run."""
    plan = {"method": "straight_line_per_time", "unit": "execution", "expected_units": 10}
    cost = _entry(1, 0, "cost", amount=usd, kind="hosting")
    return _days_ago(50, [cost, _entry(2, 0, "plan", life_days=100, **plan)])


def test_what_the_days_cost_holds_when_a_cost_comes_later(store: Store) -> None:
    """100 USD over 100 days, half of them passed, cost 50; 20 more are spread over the others."""
    with store.connect() as connection:
        _settle(store, connection, _rent())
        assert round(_asset(connection)["accrued_usd"]) == 50
        _settle(
            store,
            connection,
            _days_ago(0, _run(1, 0)),
            _days_ago(0, [_entry(3, 0, "cost", amount="20", kind="hosting")]),
        )
        asset = _asset(connection)
    assert round(asset["accrued_usd"]) == 50
    assert asset["capital_usd"] == Decimal(120)
    assert asset["unabsorbed_usd"] == asset["accrued_usd"] - asset["charged_usd"]


@pytest.mark.slow
def test_a_write_off_does_not_rewrite_what_the_days_cost(store: Store) -> None:
    """50 of 100 days, 30 charged: 20 came too few, also once the rest is written off."""
    with store.connect() as connection:
        _settle(store, connection, _rent())
        runs = [row for trace in (1, 2, 3) for row in _run(trace, 0)]
        _settle(store, connection, _days_ago(0, runs))
        assert round(_asset(connection)["unabsorbed_usd"]) == 20
        _settle(store, connection, _days_ago(0, [_entry(3, 0, "write_off")]))
        asset = _asset(connection)
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
        _settle(
            store,
            connection,
            [first, second],
            _days_ago(30, [_entry(3, 0, "cost", amount="60", kind="hosting")]),
            _days_ago(20, [_entry(4, 0, "plan", life_days=80, **plan)]),
            _days_ago(1, _run(1, 0)),
        )
        asset = _asset(connection)
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
            _entry(1, 0, "cost", amount="100", kind="hosting"),
            _entry(2, 0, "plan", life_days=100, expected_units=10, **plan),
        ]
        _settle(store, connection, _days_ago(150, books), _days_ago(120, _run(1, 0)))
        _settle(store, connection, _days_ago(51, _run(2, 0)), _days_ago(49, _run(3, 0)))
        asset = _asset(connection)
        found = [asset[name] for name in ("charged_usd", "accrued_usd", "unabsorbed_usd", "state")]
        assert found == [Decimal(20), Decimal(100), Decimal(80), "ended"]
        assert str(asset["ends_at"])[:10] == _days_ago(50, [{}])[0]["received_at"][:10]
        assert connection.rows("SELECT * FROM asset_rests") == []
        more = _entry(3, 0, "plan", life_days=50, expected_units=4, **plan)
        _settle(store, connection, _days_ago(20, [more]), _days_ago(10, _run(4, 0)))
        scene.settle(store, [1, 2, 3, 4])
        asset = _asset(connection)
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in (1, 2, 3, 4)]
    assert carried == [Decimal(10), Decimal(10), None, Decimal(20)]
    assert asset["state"] == "active"


@pytest.mark.slow
def test_a_run_in_flight_or_not_settled_yet_is_charged_whatever_is_booked_meanwhile(
    store: Store,
) -> None:
    """100 over 10. The agent's child at 2, 1 USD at 3, the agent at 4; a run of 6 settled after 7.

    Each is charged once, at the rate of the moment it is settled.
    """
    with store.connect() as connection:
        child = scene.call(2, 1, (5, 0), trace=1, run_id="r1") | {"received_at": _minute(2)}
        waiting = _run(2, 6)
        _settle(
            store,
            connection,
            [
                _entry(1, 0, "cost", amount="100", kind="training"),
                _entry(2, 0, "plan", method="x", unit="execution", expected_units=10),
            ],
            [child],
            [_entry(3, 3, "cost", amount="1", kind="training")],
            _run(1, 4),
        )
        scene.load(connection, waiting)
        _settle(store, connection, [_entry(4, 7, "write_off", amount="0.9")])
        scene.settle(store, [1, 2])
        scene.settle(store, [1, 2])
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in (1, 2)]
    assert carried == [Decimal("10.1"), Decimal(10)]


@pytest.mark.slow
def test_a_run_that_was_there_before_the_plan_is_never_charged(store: Store) -> None:
    """Settled before it or after: what decides is the arrival of the agent's own span."""
    with store.connect() as connection:
        _settle(store, connection, [_entry(1, 0, "cost", amount="100")], _run(1, 1))
        scene.load(connection, _run(2, 1))
        in_flight = scene.call(2, 1, (5, 0), trace=3, run_id="r3") | {"received_at": _minute(1)}
        plan = {"method": "x", "unit": "execution", "expected_units": 10}
        _settle(store, connection, [in_flight], [_entry(2, 2, "plan", **plan)], _run(3, 3))
        scene.settle(store, [1, 2, 3])
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in (1, 2, 3)]
    assert carried == [None, None, Decimal(10)]


@pytest.mark.slow
def test_a_run_that_came_when_nothing_was_left_is_not_charged_by_what_is_booked_later(
    store: Store,
) -> None:
    with store.connect() as connection:
        plan = {"method": "x", "unit": "execution", "expected_units": 2}
        late = [_entry(3, 3, "cost", amount="50"), _entry(4, 3, "plan", **plan)]
        _settle(
            store,
            connection,
            [_entry(1, 0, "cost", amount="100"), _entry(2, 0, "plan", **plan)],
            [row for trace in (1, 2, 3) for row in _run(trace, 1)],
            _run(4, 2),
            late,
        )
        scene.settle(store, [1, 2, 3, 4])
        _settle(store, connection, _run(5, 4))
        # A rest is one row; those that came in it have none.
        assert [row["run_id"] for row in _posted(connection)] == ["r1", "r2", "r5"]
        (rest,) = connection.rows("SELECT * FROM asset_rests FINAL")
        assert (rest["charged_usd"], str(rest["entered_to"])[:19]) == (100, _minute(2)[:19])
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in range(1, 6)]
    assert carried == [Decimal(50), Decimal(50), None, None, Decimal(25)]


def test_a_rest_whose_charges_a_kill_took_charges_its_runs(store: Store) -> None:
    """Two runs of one request, the first used up the asset: the rest was stored, the charge not."""
    with store.connect() as connection:
        plan = {"method": "x", "unit": "execution", "expected_units": 1}
        _settle(
            store, connection, [_entry(1, 0, "cost", amount="100"), _entry(2, 0, "plan", **plan)]
        )
        rest = ["default", "ft", scene.hex16(2), 100, *[scene.START + timedelta(minutes=1)] * 2]
        columns = ["workspace", "asset_id", "basis_id", "charged_usd", "entered_from", "entered_to"]
        connection.insert_rows("asset_rests", columns, [rest])
        _settle(store, connection, [*_run(1, 1), *_run(2, 1)])
        assert _charges(connection) == [Decimal(100)]
        assert [row["run_id"] for row in _posted(connection)] == ["r1"]


@pytest.mark.slow
def test_a_plan_with_another_scope_or_unit_acts_on_runs_that_come_after_it(store: Store) -> None:
    """A run is of the plan that held when it came; the same run is not charged by two units."""
    with store.connect() as connection:
        one = {"method": "x", "unit": "execution", "expected_units": 10, "agent__name": "a"}
        other = {"method": "x", "unit": "token", "expected_units": 1000, "agent__name": "b"}
        _settle(
            store,
            connection,
            [_entry(1, 0, "cost", amount="100"), _entry(2, 0, "plan", **one)],
            [*_run(1, 1, tokens=7), *_run(2, 1, agent="b", tokens=7)],
            [_entry(3, 2, "plan", **other)],
            _run(3, 3, agent="b", tokens=10),
        )
        scene.settle(store, [1, 2, 3])
        carried = [scene.runs(connection, n)[f"r{n}"]["amortized_cost_usd"] for n in (1, 2, 3)]
    assert carried == [Decimal(10), None, Decimal("0.9")]


@pytest.mark.slow
def test_what_is_derived_can_be_dropped_and_settled_again(store: Store) -> None:
    """Runs and attempts come out the same, for what was posted in the books is a fact."""
    derived = ("attempts", "runs", "span_runs", "settling", "settling_spans", "call_verdicts")
    with store.connect() as connection:
        _settle(
            store,
            connection,
            _run(1, 0, tokens=3),
            [
                _entry(1, 0, "cost", amount="100"),
                _entry(2, 1, "plan", method="x", unit="execution", expected_units=10),
            ],
            _run(2, 2, tokens=3),
            [_entry(3, 3, "write_off", amount="45")],
            _run(3, 4),
        )
        before = [(scene.runs(connection, n), scene.attempts(connection, n)) for n in (1, 2, 3)]
        books = _asset(connection)
        for table in derived:
            connection.execute(f"TRUNCATE TABLE {table}")
        scene.settle(store, [1, 2, 3, 10_001, 10_002, 10_003])
        after = [(scene.runs(connection, n), scene.attempts(connection, n)) for n in (1, 2, 3)]
        assert (after, _asset(connection)) == (before, books)
    carried = [rows[f"r{n}"]["amortized_cost_usd"] for n, (rows, _) in enumerate(after, 1)]
    assert carried == [None, Decimal(10), Decimal(5)]
