"""Runs whose cost or value is not wholly known: what is said where they are left out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import cast

import pytest
from rich.console import Console
from tests.collector.settle import scene

from spanledger_collector.cli.agent import show
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store
from spanledger_collector.value import ValueRule, publish

RUNS = 12


def _told(trace: int, place: int, amount: str, currency: str) -> scene.Row:
    attributes = {"spanledger.revenue.amount": amount, "spanledger.revenue.currency": currency}
    return scene.span(place, 1, "record", trace=trace, lasts=0, attributes=attributes)


def _run(name: str, trace: int) -> list[scene.Row]:
    """Of half of them the cost is known; a run earns 5 and costs 0.001, dear ones more.

    ``dear``: the others are known to cost 50 at least; ``gaps``: 0.001 at least; ``refunded``: all
    gave back what has no rate; ``abroad``: half earned 5 of a currency without a rate; ``ruled``:
    half are worth 5 by a rule, the others would be, had its currency a rate then; ``tuned``: half
    of version 2, which an asset serves, cost 50 at least.
    """
    half = trace % 2 == 0
    tuned = name == "tuned" and (trace - 1) % RUNS >= RUNS / 2
    version = {"agent_version": "2" if tuned else "1"}
    rows = [scene.span(1, 0, "agent", trace=trace, agent_name=name, at=trace * 60, **version)]
    rows += [scene.call(2, 1, (1000 + trace, 0), trace=trace)]
    abroad = name == "abroad" and half
    if name != "ruled":
        rows += [_told(trace, 3, "5", "EUR" if abroad else "USD")]
    if name == "refunded":
        rows += [_told(trace, 4, "-4.9", "CHF")]
    if (name in ("dear", "gaps") or tuned) and half:
        rows += [scene.call(5, 1, (10, 0), trace=trace, request_model="nobody-knows")]
    if (name == "dear" or tuned) and half:
        rows += [scene.call(6, 1, (5000, 0), trace=trace, request_model="m2")]
    return rows


def _asset() -> list[scene.Row]:
    """What version 2 of ``tuned`` cost, in the books before it ran."""
    plan = {"entry": "plan", "unit": "execution", "expected_units": "100",
            "agent.name": "tuned", "agent.version": "2"}  # fmt: skip
    cost = {"entry": "cost", "kind": "training", "amount": "40"}
    return [
        scene.span(
            place, role="record", trace=900, lasts=0, received_at=scene.moment(scene.START),
            attributes={f"spanledger.asset.{k}": v for k, v in {"id": "ft", **entry}.items()},
        )
        for place, entry in enumerate((cost, plan), 1)
    ]  # fmt: skip


@pytest.fixture
def ledger(store: Store) -> Iterator[Ledger]:
    names = ("dear", "gaps", "refunded", "abroad", "tuned", "ruled")
    since = scene.START + timedelta(minutes=1 + RUNS * 5 + RUNS / 2)
    rate = {
        "currency": "GBP", "valid_from": scene.moment(since), "usd": "1.25",
        "valid_to": "2299-12-31 00:00:00", "known_from": "2026-01-01 00:00:00",
    }  # fmt: skip
    rule = {"agent": "ruled", "per": "success", "amount": "4", "currency": "GBP"}
    with store.connect() as connection:
        connection.insert_rows("fx", tuple(rate), [tuple(rate.values())])
        publish(connection, [ValueRule.model_validate({**rule, "valid_from": "2026-01-01"})])
        prices = [scene.price(input="0.000001"), scene.price("m2", input="0.01")]
        scene.publish(connection, prices)
        scene.load(connection, _asset())
    scene.settle(store, [900])
    with store.connect() as connection:
        told = [
            row
            for place, name in enumerate(names)
            for number in range(RUNS)
            for row in _run(name, 1 + place * RUNS + number)
        ]
        scene.load(connection, told)
    scene.settle(store, range(1, len(names) * RUNS + 1))
    with Ledger(DirectReader(store)) as found:
        yield found


@pytest.mark.slow
def test_no_verdict_stands_on_the_runs_that_happen_to_be_known(ledger: Ledger) -> None:
    rows = {row.agent_name: row.verdict for row in ledger.agents() if row.agent_name != "tuned"}
    for name, verdict in rows.items():
        assert verdict == ledger.agent(name).total.verdict, name
    assert rows["dear"].sustainable == "no"
    assert rows["dear"].reason.startswith("the margin of all 12 runs is at most -$240")
    assert "the cost of 6 of 12 runs is not wholly known" in rows["dear"].reason
    assert rows["gaps"].sustainable == "too few data"
    assert rows["gaps"].reason.startswith("the cost of 6 of 12 runs is not wholly known")
    told = "6 amounts are in a currency without a rate: add it to the price file"
    for name in ("abroad", "ruled"):
        assert rows[name].sustainable == "too few data"
        assert rows[name].reason.startswith(told)
        assert "counted as 0" not in rows[name].reason
    assert rows["refunded"].sustainable == "too few data"
    assert rows["refunded"].reason == told.replace("6", "12", 1)
    (total,) = ledger.sums_by("total")
    assert total.verdict.sustainable == "too few data"
    assert "the cost of 15 of 72 traces is not wholly known" in total.verdict.reason
    assert "24 amounts are in a currency" in total.verdict.reason


@pytest.mark.slow
def test_a_refund_without_a_rate_leaves_the_value_unknown(ledger: Ledger) -> None:
    """5 USD earned and 4.9 CHF given back are not 5 USD: in no sum, of runs, agents or alerts."""
    for run in ledger.runs(agent_name="refunded"):
        assert (run.value_usd, run.margin_usd, run.inclusive_margin_usd) == (None, None, None)
    known = {row.agent_name: row.margin_usd is not None for row in ledger.agents()}
    for name in ("refunded", "abroad", "ruled", "gaps"):
        sums = ledger.agent(name).total.sums
        rows = [row for row in ledger.query("earned_by") if row["key"] == name]
        rows += ledger.sql(
            f"SELECT * FROM agent_unit_economics WHERE agent_name = '{name}'"
        ).to_pylist()
        assert len(rows) == 2
        assert rows[0]["inclusive_uncosted_runs"] == (6 if name == "gaps" else 0)
        assert known[name] == (name == "gaps")
        assert {row["inclusive_margin_usd"] is not None for row in rows} == {known[name]}
        assert (sums.value_usd is not None, sums.margin_usd is not None) == (known[name],) * 2
        unconverted = {"refunded": 12, "abroad": 6, "ruled": 6, "gaps": 0}[name]
        assert sums.inclusive_unconverted_records == unconverted
        assert sums.uncosted_runs == sums.inclusive_uncosted_runs == (6 if name == "gaps" else 0)
        out = Console(file=StringIO(), width=200)
        show(ledger.agent(name), out)
        printed = cast("StringIO", out.file).getvalue()
        said = f"value and margin are not known: {unconverted} amounts are in a currency without"
        assert (said in printed) == (not known[name])
        assert ("with a cost not wholly known" in printed) == (name == "gaps")
    abroad = ledger.agent("abroad").total
    assert (abroad.cost_per_run.n, abroad.inclusive_cost_per_success.n) == (RUNS, RUNS)
    assert (abroad.margin_per_run.n, abroad.value_per_run.value) == (RUNS / 2, 5)
    (total,) = ledger.sums_by("total")
    assert (total.value_usd, total.margin_usd) == (None, None)


@pytest.mark.slow
def test_the_frontier_leaves_out_what_is_not_known_and_only_that(ledger: Ledger) -> None:
    """An amount without a rate leaves the cost of its run known; half of ``gaps`` costs more."""
    (abroad,) = ledger.frontier("abroad")
    assert (abroad.runs, abroad.left_out_runs) == (RUNS, 0)
    assert abroad.inclusive_cost_per_success == (
        ledger.agent("abroad").total.inclusive_cost_per_success
    )
    margin = ledger.agent("abroad").total.inclusive_margin_per_run
    assert abroad.inclusive_margin_per_run == margin
    assert (margin.n, abroad.value_per_run_usd) == (RUNS / 2, 5)
    assert sum(point.left_out_runs for point in ledger.frontier("gaps")) == RUNS / 2
    (refunded,) = ledger.frontier("refunded")
    assert (refunded.left_out_runs, refunded.value_per_run_usd) == (0, None)
    assert refunded.inclusive_margin_per_run.value is None
    # And what a better answer at once would have saved is of every run whose cost is known.
    (ends,) = ledger.query("rework_ends", agent_name="abroad")
    assert ends["costed_runs"] == RUNS


def test_nothing_is_earned_back_by_the_runs_that_happen_to_be_known(ledger: Ledger) -> None:
    """Of 6 runs 3 earned 5 at hardly any cost, and 3 earned 5 at 50 or more."""
    (earned,) = ledger.break_even("tuned")
    assert (earned.runs, earned.left_out_runs, earned.capital_usd) == (6, 3, 40)
    assert earned.recovered_usd is not None
    assert -121 < earned.recovered_usd < -120
    assert earned.unrecovered_usd == 40 - earned.recovered_usd
    for figure in (earned.contribution_per_run, earned.break_even_runs, earned.runs_to_go):
        assert (figure.value, figure.low) == (None, None)
        assert figure.reason == "the cost of 3 of 6 runs is not wholly known"
    (paid,) = ledger.agent("tuned").paybacks
    assert paid.left_out_runs == 3
    for figure in (paid.saving_per_run, paid.gain_per_run, paid.runs_by_saving, paid.runs_by_gain):
        assert (figure.value, figure.low) == (None, None)
        assert figure.reason == "the cost of 3 of 12 runs is not wholly known"
