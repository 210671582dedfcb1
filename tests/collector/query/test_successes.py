"""A success is one of an agent that no agent called: not of what is around or beside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import cast

import pytest
from rich.console import Console
from tests.collector.settle import scene

from spanledger_collector.cli.agent import show
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store
from spanledger_collector.watch import Rules
from spanledger_collector.watch.evaluation import Readings

#: of a tenant: (cost of its runs, successes of what it asked for)
ASKED = {
    "failed": (Decimal(1), 0),
    "beside": (Decimal(1), 1),
    "nested": (Decimal(4), 2),
    "broken": (Decimal(2), 1),
    "no agent": (Decimal(3), 0),
    "lost": (Decimal(3), 0),
    "elsewhere": (Decimal(2), 1),
    "helped": (Decimal(6), 0),
}
#: of a tenant: what it asked for that failed.
FAILED = dict.fromkeys(ASKED, 0) | {"failed": 1, "helped": 2}
COST = sum((cost for cost, _ in ASKED.values()), Decimal(0))
SUCCESSES = sum(won for _, won in ASKED.values())


def _agent(number: int, parent: int, outcome: str, **where: object) -> scene.Row:
    told = {"spanledger.outcome": outcome}
    return scene.span(number, parent, "agent", agent_name=f"a{number}", attributes=told, **where)


def _rows() -> list[scene.Row]:
    """Of each tenant what its name says; a token costs a cent."""
    rows: list[scene.Row] = []
    failed = {"trace": 1, "tenant": "failed"}
    rows += [
        scene.span(1, 0, "workflow", workflow_name="w", **failed),
        _agent(2, 1, "failure", **failed),
        scene.call(3, 2, (100, 0), **failed),
    ]
    rows += [
        _agent(1, 0, "success", trace=2, tenant="beside"),
        scene.call(2, 1, (99, 0), trace=2, tenant="beside"),
        scene.call(1, 0, (1, 0), trace=3, tenant="beside"),
    ]
    nested = {"trace": 4, "tenant": "nested"}
    rows += [
        scene.span(1, 0, "workflow", workflow_name="w", **nested),
        _agent(2, 1, "success", **nested),
        scene.call(3, 2, (100, 0), **nested),
        _agent(4, 2, "success", **nested),
        scene.call(5, 4, (100, 0), **nested),
        # A workflow between two agents: the upper one called the lower one all the same.
        scene.span(6, 2, "workflow", workflow_name="v", **nested),
        _agent(7, 6, "success", **nested),
        scene.call(8, 7, (100, 0), **nested),
        _agent(9, 1, "success", **nested),
        scene.call(10, 9, (100, 0), **nested),
    ]
    broken = {"trace": 5, "tenant": "broken"}
    rows += [
        scene.span(1, 0, "workflow", workflow_name="w", status="error", **broken),
        _agent(2, 1, "success", **broken),
        scene.call(3, 2, (200, 0), **broken),
    ]
    loose = {"trace": 6, "tenant": "no agent"}
    rows += [
        scene.span(1, 0, "workflow", workflow_name="w", **loose),
        scene.call(2, 1, (300, 0), **loose),
    ]
    # Three helpers whose caller was killed; one has a workflow between. And a caller whose helper
    # is in a trace of its own, as a consumer of a queue is.
    lost = {"trace": 7, "tenant": "lost"}
    called = {"parent_run_id": "never came", **lost}
    rows += [
        *(_agent(1, 99, "success", **called), scene.call(2, 1, (100, 0), **lost)),
        *(_agent(3, 99, "success", **called), scene.call(4, 3, (100, 0), **lost)),
        scene.span(5, 99, "workflow", workflow_name="w", run_id="between", **called),
        *(_agent(6, 5, "success", **lost), scene.call(7, 6, (100, 0), **lost)),
    ]
    for trace, given in ((8, {"run_id": "boss"}), (9, {"parent_run_id": "boss"})):
        where = {"trace": trace, "tenant": "elsewhere"}
        rows += [_agent(1, 0, "success", **given, **where), scene.call(2, 1, (100, 0), **where)]
    # Two asks that failed, each with three helpers that ended well.
    for trace in (10, 11):
        where = {"trace": trace, "tenant": "helped"}
        told = {"spanledger.outcome": "failure"}
        rows.append(scene.span(1, 0, "agent", agent_name="asker", attributes=told, **where))
        for helper in (2, 3, 4):
            rows += [
                scene.span(helper, 1, "agent", agent_name="h", **where),
                scene.call(10 + helper, helper, (100, 0), **where),
            ]
    return rows


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price("m1", input="0.01")])
        scene.load(connection, _rows())
    scene.settle(module_store, range(1, 12))
    with Ledger(DirectReader(module_store)) as found:
        yield found


def test_an_agent_without_attempts_says_nothing_of_their_cost(ledger: Ledger) -> None:
    """All its work is its helpers': of its own there is no share whose cost is known."""
    said: dict[str, str] = {}
    for agent in ("asker", "h"):
        out = Console(file=StringIO(), width=200)
        show(ledger.agent(agent), out)
        said[agent] = cast("StringIO", out.file).getvalue().splitlines()[0]
    assert said["asker"].endswith(" 0 with a value")
    assert said["h"].endswith(" 0 with a value, cost known of 100.0%")


def _each(cost: Decimal, successes: int) -> Decimal | None:
    return (cost / successes).quantize(Decimal("1e-12")) if successes else None


def test_a_cost_per_success_is_over_what_was_asked_for(ledger: Ledger) -> None:
    """Of a tenant, a day and all: neither workflows nor loose calls nor helpers are successes."""
    told = ledger.overview()
    found = {
        row.key: (row.total_cost_usd, row.successes, row.total_cost_per_success_usd)
        for row in told["tenant"]
    }
    assert found == {key: (*asked, _each(*asked)) for key, asked in ASKED.items()}
    for kind in ("total", "day"):
        (row,) = told[kind]
        assert (row.total_cost_usd, row.successes) == (COST, SUCCESSES)
        assert row.total_cost_per_success_usd == row.inclusive_cost_per_success_usd
        assert row.inclusive_cost_per_success_usd == _each(COST, SUCCESSES)


def _rate(name: str) -> Decimal | None:
    asked = ASKED[name][1] + FAILED[name]
    return Decimal(ASKED[name][1]) / asked if asked else None


def test_a_success_rate_is_of_what_was_asked_for(ledger: Ledger) -> None:
    """Beside the cost per success, of the same successes: helpers that end well are none."""
    told = ledger.overview()
    for row in told["tenant"]:
        assert (row.successes, row.failures) == (ASKED[row.key][1], FAILED[row.key]), row.key
        assert row.success_ratio == _rate(row.key), row.key
    for kind in ("total", "day"):
        (row,) = told[kind]
        assert (row.successes, row.failures) == (SUCCESSES, 3)
        assert row.success_ratio == SUCCESSES / (SUCCESSES + 3)
    (row,) = [one for one in told["agent"] if one.key == "h"]
    assert (row.successes, row.failures, row.success_ratio) == (6, 0, 1)
    rows = ledger.query("view:agent_unit_economics")
    assert sum(row["top_successful_runs"] for row in rows) == SUCCESSES
    assert sum(row["top_failed_runs"] for row in rows) == 3
    (helper,) = [row for row in rows if row["agent_name"] == "h"]
    assert (helper["successful_runs"], helper["top_successful_runs"]) == (6, 0)


def test_an_alert_on_the_success_rate_is_of_what_was_asked_for(ledger: Ledger) -> None:
    """Of an agent its own runs'; `at_least` counts what the rate is of."""
    alert = {"metric": "success_ratio", "below": "0.5"}
    pers = ("workspace", "tenant", "agent")
    told = [{"name": per, "per": per, **alert} for per in pers]
    readings = Readings(ledger._reader.rows, scene.START + timedelta(hours=1))
    conditions = Rules.model_validate({"alerts": told}).conditions()
    whole, tenants, agents = (
        {one.key: (one.value, one.count) for one in readings.of(condition)}
        for condition in conditions
    )
    asked = SUCCESSES + 3
    assert whole == {"": (Decimal(SUCCESSES) / asked, asked)}
    assert tenants == {key: (_rate(key), ASKED[key][1] + FAILED[key]) for key in ASKED}
    assert agents["h"] == (1, 6)


def test_what_ran_outside_any_agent_is_no_success(ledger: Ledger) -> None:
    """Nobody said that it succeeded: neither does a ratio, nor a cost per success count it."""
    by_agent = {row.key: row for row in ledger.economics_by("agent")}
    loose = by_agent[""]
    assert (loose.runs, loose.successful_runs, loose.failed_runs) == (6, 0, 1)
    assert (loose.success_ratio, loose.total_cost_per_success_usd) == (0, None)
    no_agent = next(row for row in ledger.economics_by("tenant") if row.key == "no agent")
    assert (no_agent.runs, no_agent.failed_runs, no_agent.success_ratio) == (1, 0, None)
    (total,) = ledger.economics_by()
    agents = [row for key, row in by_agent.items() if key]
    assert total.successful_runs == sum(row.successful_runs for row in agents)
    assert total.failed_runs == sum(row.failed_runs for row in agents) + 1


def test_what_an_agent_called_in_other_traces_is_told(ledger: Ledger) -> None:
    """Of the caller's agent and of those above it: its inclusive figures do not hold it."""
    report = ledger.agent("a1")
    assert (report.elsewhere.runs, report.elsewhere.traces) == (1, 1)
    assert report.elsewhere.cost_usd == Decimal(1)
    out = Console(file=StringIO(), width=200)
    show(report, out)
    told = "called 1 run in 1 other trace ($1): in none of its inclusive figures"
    assert told in cast("StringIO", out.file).getvalue()
    other = ledger.agent("a2")
    assert (other.elsewhere.runs, other.elsewhere.cost_usd) == (0, None)


def test_alerts_divide_by_the_same(ledger: Ledger) -> None:
    """Of each tenant and of the workspace; where nothing succeeded nobody can tell."""
    alert = {"metric": "cost_per_success_usd", "above": "0"}
    rules = Rules.model_validate(
        {"alerts": [{"name": "a", "per": "tenant", **alert}, {"name": "b", **alert}]}
    )
    readings = Readings(ledger._reader.rows, scene.START + timedelta(hours=1))
    each, whole = (list(readings.of(condition)) for condition in rules.conditions())
    told = {reading.key: reading.value for reading in each}
    assert told == {key: _each(*asked) for key, asked in ASKED.items()}
    assert [reading.value for reading in whole] == [_each(COST, SUCCESSES)]
