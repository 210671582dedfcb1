"""Agents that never succeeded: a loss is certain where rules say what a success is worth."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from tests.collector.settle import scene

from spanledger_collector.estimate import Sample, Stake, stake_interval
from spanledger_collector.query import DirectReader, Ledger, estimates
from spanledger_collector.query.sustainability import Told, sustainability
from spanledger_collector.store import Store
from spanledger_collector.value import ValueRule, publish

RUNS = 40


@dataclass(frozen=True, slots=True)
class Loser:
    """An agent none of whose runs succeeded, at a dollar a run: what is known of a success."""

    rules: Mapping[str, Mapping[str, Any]]
    answer: str
    recorded: Mapping[str, str] = field(default_factory=dict)


#: Of 40 runs without a success up to 8.8 % succeed (11.2 % at half the doubt).
AGENTS: Mapping[str, Loser] = {
    "paid 2": Loser({"success": {"amount": "2"}}, "no"),
    "paid 2 in time": Loser(
        {"success": {"amount": "2", "decay": {"half_life_seconds": "1"}}}, "no"
    ),
    "paid 2, and a tenth a run": Loser(
        {"success": {"amount": "2"}, "run": {"amount": "0.1"}}, "no"
    ),
    "paid 20": Loser({"success": {"amount": "20"}}, "too few data"),
    "paid by unit": Loser(
        {"success": {"amount": "2"}, "minutes": {"amount": "1"}}, "too few data"
    ),
    "paid abroad": Loser({"success": {"amount": "2", "currency": "CHF"}}, "too few data"),
    "once recorded": Loser(
        {"success": {"amount": "2"}}, "too few data", {"spanledger.revenue.amount": "0"}
    ),
}  # fmt: skip


def _runs(agent: str, loser: Loser, first: int) -> Iterator[scene.Row]:
    for number in range(RUNS):
        told = {"spanledger.outcome": "failure", **(loser.recorded if number == 7 else {})}
        where: dict[str, Any] = {"trace": first + number, "at": 60 * (first + number)}
        yield scene.span(1, 0, "agent", agent_name=agent, attributes=told, lasts=5, **where)
        yield scene.call(2, 1, (1000 + number % 5, 0), **where)


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    rules = [
        ValueRule.model_validate({"agent": agent, "per": per, "valid_from": "2026-01-01", **rule})
        for agent, loser in AGENTS.items()
        for per, rule in loser.rules.items()
    ]
    rows = [
        row
        for place, (agent, loser) in enumerate(AGENTS.items())
        for row in _runs(agent, loser, 1 + place * RUNS)
    ]
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.001")])
        publish(connection, rules)
        scene.load(connection, rows)
    scene.settle(module_store, range(1, 1 + RUNS * len(AGENTS)))
    with Ledger(DirectReader(module_store)) as found:
        yield found


def test_a_loss_is_certain_where_the_most_of_a_success_is_known(ledger: Ledger) -> None:
    rows = {row.agent_name: row for row in ledger.agents()}
    for agent, loser in AGENTS.items():
        total = ledger.agent(agent).total
        assert total.verdict.sustainable == loser.answer, agent
        assert rows[agent].verdict == total.verdict
        assert rows[agent].inclusive_margin_per_run == total.inclusive_margin_per_run
        (point,) = ledger.frontier(agent)
        assert point.inclusive_margin_per_run == total.inclusive_margin_per_run
    assert "how much is not known" in rows["paid by unit"].verdict.reason
    assert "how much is not known" in rows["once recorded"].verdict.reason
    assert rows["paid 2"].verdict.why == "margin below 0"
    assert "(95% interval, 40 runs) is below 0" in rows["paid 2"].verdict.reason


def test_its_ends_are_those_of_how_often_it_may_succeed(ledger: Ledger) -> None:
    """Nothing to 11.2 % of 2 dollars (Wilson at half the doubt), less the cost of a run."""
    total = ledger.agent("paid 2").total
    sample = Sample.of([-(1000 + number % 5) / 1000 for number in range(RUNS)])
    expected = stake_interval(sample, Stake(RUNS, 0, 2.0))
    assert expected.high is not None
    assert 2 * 0.11 - 1.01 < expected.high < 2 * 0.12 - 1
    margin, value = total.inclusive_margin_per_run, total.value_per_run
    assert margin.interval.low == pytest.approx(expected.low, rel=1e-6)
    assert margin.interval.high == pytest.approx(expected.high, rel=1e-6)
    assert (value.value, value.low) == (0, 0)
    # z^2 / (n + z^2) of 2 dollars.
    assert float(value.high or 0) == pytest.approx(2 * 2.2414**2 / (RUNS + 2.2414**2), rel=1e-4)
    # A tenth a run is paid whatever comes: what a success adds is 2 dollars there, too.
    both = ledger.agent("paid 2, and a tenth a run").total.inclusive_margin_per_run
    assert float(both.high or 0) == pytest.approx(float(margin.high or 0) + 0.1, rel=1e-6)


@pytest.mark.parametrize("runs", [40, 150, 300])
def test_an_agent_that_earns_its_cost_is_seldom_told_no(runs: int) -> None:
    """Promised are 2.5 %: one success in 50 pays for all of them, and a little more."""
    rng, said = random.Random(runs), 0  # noqa: S311 - a simulation, the same each time
    for _ in range(2000):
        won = [rng.random() < 0.02 for _ in range(runs)]
        if any(won):
            continue  # then its worth was seen
        costs = [0.02 * 1.9 * rng.uniform(0.5, 1.5) for _ in won]
        sample = Sample.of([-one for one in costs])
        stake = estimates.stake(runs, 0, runs, 0.0, 0.0, most=Decimal(2))
        figure = estimates.mean(
            estimates.decimal(sample.mean), sample.variance, sample.skewness, runs, stake=stake
        )
        said += sustainability(figure, Told(runs, runs)).sustainable == "no"
    assert said / 2000 <= 0.025
