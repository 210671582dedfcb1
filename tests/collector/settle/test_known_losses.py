"""Money that other cost trackers were told of losing, by the issue: what the ledger keeps.

Family C of the known bugs where it takes a whole run to see them (single calls, and families A and
D: ``price/test_known_bugs.py``). Every token costs a cent.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from spanledger_collector.query import AgentRow, DirectReader, Ledger
from spanledger_collector.store import Store

from . import scene

_FAILED, _UNKNOWN, _TWICE, _TOOL = 1, 2, 3, 4


def _runs() -> list[list[scene.Row]]:
    """One trace each: wasted and repeated, without any name, sent twice, called by a tool."""
    failed = {"status": "error", "error_type": "timeout"}
    mine = {"run_id": "failed", "agent_name": "solver"}
    lost = {"run_id": "lost", "agent_name": "solver"}
    asked = {"run_id": "asked", "agent_name": "reader"}
    return [
        [
            scene.span(1, 0, "agent", lasts=60, **mine),
            scene.call(2, 1, (10, 1), **failed, **mine),
            scene.call(3, 1, (10, 1), retry_of=2, **mine),
            scene.span(4, 0, "agent", lasts=60, at=70, status="error", **lost),
            scene.call(5, 4, (20, 2), at=71, **failed, **lost),
        ],
        [scene.call(1, 0, provider="", request_model="", usage_source="missing", trace=2)],
        [scene.call(1, 0, (10, 1), trace=3)],
        [
            scene.span(1, 0, "agent", lasts=60, trace=4, **asked),
            scene.call(2, 1, (10, 1), trace=4, **asked),
            scene.span(3, 1, "tool", tool_name="search", lasts=20, trace=4, **asked),
            scene.call(4, 3, (30, 3), trace=4, **asked),
        ],
    ]


@pytest.fixture(scope="module", name="settled")
def _settled(module_store: Store) -> Store:
    runs = _runs()
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01", output="0.01")])
        for spans in (*runs, runs[_TWICE - 1]):  # one is sent again
            scene.load(connection, spans)
    scene.settle(module_store, range(1, len(runs) + 1))
    return module_store


def _agent(store: Store, name: str) -> AgentRow:
    with Ledger(DirectReader(store)) as ledger:
        (row,) = [row for row in ledger.agents() if row.agent_name == name]
    return row


def test_a_failed_attempt_keeps_its_cost(settled: Store) -> None:
    """promptdriven/pdd#509, boundflow/charter#1, supernovae-st/nika#288: overwritten or lost."""
    with settled.connect() as connection:
        costs = [row["cost_usd"] for row in scene.attempts(connection, _FAILED)]
        runs = scene.runs(connection, _FAILED)
    assert costs == [Decimal("0.11"), Decimal("0.11"), Decimal("0.22")]
    assert (runs["failed"]["cost_usd"], runs["lost"]["cost_usd"]) == (
        Decimal("0.22"),
        Decimal("0.22"),
    )


def test_a_finished_task_carries_what_failed(settled: Store) -> None:
    """satya-anguluri/capstead#10, heypinchy/pinchy#798: by the attempt, bad agents look cheap."""
    solver = _agent(settled, "solver")
    assert (solver.runs, solver.successful_runs) == (2, 1)
    assert solver.cost_per_success_usd == Decimal("0.44")


def test_what_was_wasted_is_a_part_of_the_cost(settled: Store) -> None:
    """Siddhant-K-code/agent-trace#82, getagentseal/codeburn#4, latitude-dev/latitude-llm#4364."""
    solver = _agent(settled, "solver")
    assert (solver.cost_usd, solver.rework_cost_usd) == (Decimal("0.44"), Decimal("0.33"))


def test_a_call_that_lacks_everything_is_a_row(settled: Store) -> None:
    """BerriAI/litellm#36426: the row was dropped silently."""
    with settled.connect() as connection:
        row = scene.attempt(connection, 1, trace=_UNKNOWN)
        (run,) = scene.runs(connection, _UNKNOWN).values()
    assert (row["counted"], row["price_status"], row["cost_usd"]) == (True, "unmetered", None)
    assert (run["attempts"], run["unpriced_attempts"], run["cost_usd"]) == (1, 1, None)


def test_a_call_sent_twice_is_a_row(settled: Store) -> None:
    """BerriAI/litellm#15740, BerriAI/litellm#6633: duplicate rows, empty keys."""
    with settled.connect() as connection:
        (row,) = scene.attempts(connection, _TWICE)
        (run,) = scene.runs(connection, _TWICE).values()
    assert (row["cost_usd"], run["cost_usd"]) == (Decimal("0.11"), Decimal("0.11"))


def test_a_call_inside_a_tool_belongs_to_the_run(settled: Store) -> None:
    """wri/project-zeno#814: calls of tools were not counted, 33 % of the cost."""
    assert _agent(settled, "reader").cost_usd == Decimal("0.44")
