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
from spanledger_collector.query import DirectReader, Ledger, Slice, estimates
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


@dataclass(frozen=True, slots=True)
class Team:
    """A tenant whose agents succeed in none of 40 traces: who is in each, by who called whom.

    Attributes:
        callers: agent -> who called it; ``workflow`` and empty are no agents.
        rules: of the agents, as those of a loser.
        answer: of all of it.
        amount: recorded of the last one, in one trace.
    """

    callers: Mapping[str, str]
    rules: Mapping[str, Mapping[str, Mapping[str, Any]]]
    answer: str
    amount: str = ""


#: Agents of a team have its name before their own. A trace costs a dollar.
TEAMS: Mapping[str, Team] = {
    "helped": Team({"lead": "", "helper": "lead"}, {"lead": {"success": {"amount": "2"}}}, "no"),
    "in a workflow": Team({"lead": "workflow"}, {"lead": {"success": {"amount": "2"}}}, "no"),
    "both paid": Team(
        {"lead": "", "helper": "lead"},
        {"lead": {"success": {"amount": "2"}}, "helper": {"success": {"amount": "1"}}}, "no",
    ),
    "both paid much": Team(
        {"lead": "", "helper": "lead"},
        {"lead": {"success": {"amount": "2"}}, "helper": {"success": {"amount": "18"}}},
        "too few data",
    ),
    "helper by unit": Team(
        {"lead": "", "helper": "lead"},
        {"lead": {"success": {"amount": "2"}}, "helper": {"minutes": {"amount": "1"}}},
        "too few data",
    ),
    "helper recorded": Team(
        {"lead": "", "helper": "lead"}, {"lead": {"success": {"amount": "2"}}}, "too few data", "0"
    ),
    "beside one without a rule": Team(
        {"lead": "workflow", "other": "workflow"}, {"lead": {"success": {"amount": "2"}}},
        "too few data",
    ),
}  # fmt: skip
_FIRST_OF_TEAMS = 1 + RUNS * len(AGENTS)


def _runs(agent: str, loser: Loser, first: int) -> Iterator[scene.Row]:
    for number in range(RUNS):
        told = {"spanledger.outcome": "failure", **(loser.recorded if number == 7 else {})}
        where: dict[str, Any] = {
            "trace": first + number, "at": 60 * (first + number), "tenant": agent,
        }  # fmt: skip
        yield scene.span(1, 0, "agent", agent_name=agent, attributes=told, lasts=5, **where)
        yield scene.call(2, 1, (1000 + number % 5, 0), **where)


def _teams() -> Iterator[scene.Row]:
    for place, (name, team) in enumerate(TEAMS.items()):
        for number in range(RUNS):
            trace = _FIRST_OF_TEAMS + place * RUNS + number
            yield from _together(name, team, number, {"trace": trace, "at": 60 * trace})


def _together(name: str, team: Team, number: int, where: dict[str, Any]) -> Iterator[scene.Row]:
    given = {**where, "tenant": name}
    spans = {"": 0}
    if "workflow" in team.callers.values():
        spans["workflow"] = 1
        yield scene.span(1, 0, "workflow", lasts=9, **given)
    for agent, caller in team.callers.items():
        spans[agent] = len(spans) + 1
        told = {"spanledger.outcome": "failure"}
        if team.amount and number == 7 and agent == [*team.callers][-1]:
            told["spanledger.revenue.amount"] = team.amount
        yield scene.span(
            spans[agent], spans[caller], "agent", agent_name=f"{name} {agent}",
            attributes=told, lasts=5, **given,
        )  # fmt: skip
    yield scene.call(9, spans[next(iter(team.callers))], (1000 + number % 5, 0), **given)


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    rules = [
        ValueRule.model_validate({"agent": agent, "per": per, "valid_from": "2026-01-01", **rule})
        for agent, loser in AGENTS.items()
        for per, rule in loser.rules.items()
    ]
    rules += [
        ValueRule.model_validate(
            {"agent": f"{name} {agent}", "per": per, "valid_from": "2026-01-01", **rule}
        )
        for name, team in TEAMS.items()
        for agent, told in team.rules.items()
        for per, rule in told.items()
    ]
    rows = [
        row
        for place, (agent, loser) in enumerate(AGENTS.items())
        for row in _runs(agent, loser, 1 + place * RUNS)
    ]
    rows += _teams()
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.001")])
        publish(connection, rules)
        scene.load(connection, rows)
    scene.settle(module_store, range(1, _FIRST_OF_TEAMS + RUNS * len(TEAMS)))
    with Ledger(DirectReader(module_store)) as found:
        yield found


@pytest.mark.slow
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


def test_sums_say_it_by_the_same_rule(ledger: Ledger) -> None:
    sums = {row.key: row for row in ledger.sums_by("tenant")}
    for agent, loser in AGENTS.items():
        own = ledger.agent(agent).total
        (total,) = ledger.sums_by("total", Slice(agent_name=agent))
        assert sums[agent].verdict.sustainable == loser.answer, agent
        for row in (sums[agent], total):
            assert row.verdict.why == own.verdict.why.replace("runs", "traces")
            margin = row.margin_per_trace
            assert (margin.low, margin.high) == (
                own.inclusive_margin_per_run.low, own.inclusive_margin_per_run.high,
            )  # fmt: skip


def test_a_trace_is_worth_at_most_what_rules_say_of_all_its_runs(ledger: Ledger) -> None:
    sums = {row.key: row for row in ledger.sums_by("tenant")}
    for name, team in TEAMS.items():
        assert sums[name].verdict.sustainable == team.answer, name
    assert sums["helped"].margin_per_trace == sums["paid 2"].margin_per_trace
    # 11.2 % of 3 dollars a trace; of 20 they pay for it.
    lead, both = (float(sums[name].margin_per_trace.high or 0) for name in ("helped", "both paid"))
    assert both - lead == pytest.approx(2.2414**2 / (RUNS + 2.2414**2), rel=1e-4)
    assert (sums["both paid much"].margin_per_trace.high or 0) > 0
    for name in ("helper by unit", "helper recorded", "beside one without a rule"):
        assert sums[name].margin_per_trace.high is None, name
        assert "how much is not known" in sums[name].verdict.reason
    # A helper's recorded amount, of $0 too, may be any other time: so say its caller's books.
    for name, answer in (("helped", "no"), ("helper recorded", "too few data")):
        assert ledger.agent(f"{name} lead").total.verdict.sustainable == answer


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
