"""A run with all that it hands on: inclusive figures are its own and those of every run below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Connection, Store
from spanledger_collector.value import ValueRule, publish

from . import scene

ZERO = Decimal(0)
#: Own figure of a run -> the same with all runs below.
INCLUSIVE = {
    "attempts": "inclusive_attempts",
    "unpriced_attempts": "inclusive_unpriced_attempts",
    "cost_usd": "inclusive_cost_usd",
    "rework_cost_usd": "inclusive_rework_cost_usd",
    "estimated_cost_usd": "inclusive_estimated_cost_usd",
    "amortized_cost_usd": "inclusive_amortized_cost_usd",
    "unconverted_records": "inclusive_unconverted_records",
    "value_usd": "inclusive_value_usd",
}
_EXAMPLES = count(5)


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[tuple[Store, Connection]]:
    """One ledger; each test has traces and agents of its own."""
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        yield module_store, connection


def _minute(row: scene.Row, minute: int) -> scene.Row:
    return row | {"received_at": scene.moment(scene.START + timedelta(minutes=minute))}


def _fine_tune(number: int, agent: str, usd: str = "100", runs: str = "100") -> list[scene.Row]:
    """An asset of this agent: capital over so many runs. Traces ``number`` and the next."""
    plan = {"method": "x", "unit": "execution", "expected_units": runs, "agent.name": agent}
    entries = ({"entry": "cost", "kind": "training", "amount": usd}, {"entry": "plan", **plan})
    return [
        _minute(
            scene.span(
                1, role="record", trace=number + place, lasts=0,
                attributes={
                    f"spanledger.asset.{name}": value
                    for name, value in {"id": f"ft{number}", **entry}.items()
                },
            ),
            0,
        )
        for place, entry in enumerate(entries)
    ]  # fmt: skip


def _settle(ledger: tuple[Store, Connection], rows: Sequence[scene.Row]) -> None:
    store, connection = ledger
    scene.load(connection, rows)
    scene.settle(store, sorted({int(row["trace_id"], 16) for row in rows}))


def _record(span_id: int, parent: int, trace: int, **told: str) -> scene.Row:
    attributes = {"spanledger." + name.replace("__", "."): value for name, value in told.items()}
    return scene.span(span_id, parent, "record", trace=trace, lasts=0, attributes=attributes)


def _economics(connection: Connection, trace: int) -> dict[str, dict[str, Any]]:
    """Rows of the view by run id."""
    rows = connection.rows(
        "SELECT * FROM run_economics WHERE trace_id = {trace:String}", {"trace": scene.hex32(trace)}
    )
    return {str(row["run_id"]): cast("dict[str, Any]", row) for row in rows}


def _boss(trace: int) -> list[scene.Row]:
    """An orchestrator that calls a small model once and leaves the rest to two helpers."""
    rows = [
        scene.span(1, 0, "agent", agent_name=f"boss{trace}", agent_version="2", run_id="boss"),
        scene.call(2, 1, (1, 0)),
        scene.span(3, 1, "agent", agent_name=f"writer{trace}", run_id="writer"),
        scene.call(4, 3, (10, 0)),
        scene.span(5, 3, "agent", agent_name=f"critic{trace}", run_id="critic"),
        scene.call(6, 5, (100, 0), rework_of=4, rework_reason="regenerated"),
    ]
    return [_minute(row | {"trace_id": scene.hex32(trace)}, 5) for row in rows]


def test_an_orchestrator_carries_what_it_hands_on(ledger: tuple[Store, Connection]) -> None:
    """Variable, rework and amortized cost of every depth; value recorded below belongs to it."""
    _settle(ledger, _fine_tune(100, "critic1"))
    told = [
        _record(7, 1, 1, revenue__amount="5"),
        _record(8, 5, 1, outcome="success", value__amount="0.5"),
    ]
    _settle(ledger, [*_boss(1), *told])
    runs = _economics(ledger[1], 1)
    boss, writer, critic = (runs[name] for name in ("boss", "writer", "critic"))
    assert boss["cost_usd"] == boss["total_cost_usd"] == Decimal("0.01")
    assert boss["margin_usd"] == Decimal("4.99")
    assert boss["inclusive_cost_usd"] == Decimal("1.11")
    assert boss["inclusive_rework_cost_usd"] == Decimal("0.1")
    assert boss["inclusive_amortized_cost_usd"] == Decimal(1)
    assert boss["inclusive_total_cost_usd"] == Decimal("2.11")
    assert boss["inclusive_value_usd"] == Decimal("5.5")
    assert boss["inclusive_margin_usd"] == Decimal("3.39")
    assert writer["amortized_cost_usd"] is None
    assert writer["value_usd"] is None
    assert writer["inclusive_total_cost_usd"] == Decimal("2.1")
    assert writer["inclusive_margin_usd"] == Decimal("-1.6")
    assert critic["inclusive_total_cost_usd"] == critic["total_cost_usd"] == Decimal(2)
    callers = [[tuple(one.values()) for one in r["callers"]] for r in (boss, writer, critic)]
    assert callers == [[], [("boss1", "2")], [("boss1", "2"), ("writer1", "")]]


@pytest.mark.slow
def test_a_sub_agent_that_comes_later_is_in_its_callers_figures(
    ledger: tuple[Store, Connection],
) -> None:
    """The shares of assets too: they are posted when it comes, after its caller's were."""
    for number, name in ((110, "boss2"), (112, "writer2"), (114, "critic2")):
        _settle(ledger, _fine_tune(number, name))
    rows = _boss(2)
    _settle(ledger, rows[:2])
    assert _economics(ledger[1], 2)["boss"]["inclusive_total_cost_usd"] == Decimal("1.01")
    _settle(ledger, rows[4:])  # the critic, whose caller is not there yet
    _settle(ledger, rows[2:4])
    boss = _economics(ledger[1], 2)["boss"]
    assert (boss["amortized_cost_usd"], boss["inclusive_amortized_cost_usd"]) == (1, 3)
    assert boss["inclusive_total_cost_usd"] == Decimal("4.11")


def test_what_is_unknown_below_is_unknown_above(ledger: tuple[Store, Connection]) -> None:
    """A helper's call without a price: the caller's own cost is known, the inclusive one is not."""
    rows = _boss(3)
    rows[3]["request_model"] = "unknown-x"
    _settle(ledger, rows)
    runs = _economics(ledger[1], 3)
    assert (runs["boss"]["known_cost_ratio"], runs["boss"]["unpriced_attempts"]) == (1, 0)
    assert runs["boss"]["inclusive_unpriced_attempts"] == 1
    assert runs["boss"]["inclusive_known_cost_ratio"] == 1 - 1 / 3
    assert runs["critic"]["inclusive_unpriced_attempts"] == 0


def test_a_rule_for_a_sub_agent_is_of_its_own_books(ledger: tuple[Store, Connection]) -> None:
    """The worth of what the top run delivers is said once: by its rule, or by what is recorded."""
    rules = [
        {"agent": name, "per": "run", "amount": amount, "valid_from": "2020-01-01"}
        for name, amount in (("boss4", "4"), ("writer4", "3"))
    ]
    publish(ledger[1], [ValueRule.model_validate(rule) for rule in rules])
    _settle(ledger, [*_boss(4), _record(7, 5, 4, revenue__amount="0.25")])
    runs = _economics(ledger[1], 4)
    worth = {name: run["value_usd"] for name, run in runs.items()}
    assert worth == {"boss": Decimal(4), "writer": Decimal(3), "critic": Decimal("0.25")}
    assert runs["boss"]["inclusive_value_usd"] == Decimal("4.25")
    assert runs["writer"]["inclusive_value_usd"] == Decimal("3.25")


@st.composite
def _tree(draw: st.DrawFn) -> list[scene.Row]:
    """Agents inside one another, each with calls and records of all kinds, in any order.

    Some say themselves who called them: one that never came, one of another trace, or any of
    these, so that they call each other in circles.
    """
    rows: list[scene.Row] = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        parent = draw(st.integers(0, number - 1))
        name = draw(st.sampled_from(("a", "b", "c")))
        agent = scene.span(number, parent, "agent", agent_name=name, at=number)
        agent["run_id"] = "only" if number == 1 else scene.hex16(number)
        said = draw(st.sampled_from(("", "", "", "", "lost", "elsewhere", "any")))
        agent["parent_run_id"] = scene.hex16(draw(st.integers(2, 6))) if said == "any" else said
        rows.append(agent)
        rows += [
            scene.call(
                number * 10 + place, number, (draw(st.integers(0, 9)), 0), at=number + 1,
                request_model=draw(st.sampled_from(("m1", "m1", "unknown-x"))),
                usage_source=draw(st.sampled_from(("provider", "estimated"))),
                rework_reason=draw(st.sampled_from(("", "regenerated"))),
            )
            for place in range(draw(st.integers(0, 2)))
        ]  # fmt: skip
        told = draw(st.sampled_from(_TOLD))
        if told:
            rows.append(_record(number * 10 + 5, number, 1, **told))
    return draw(st.permutations(rows))


_TOLD: Sequence[dict[str, str]] = (
    {},
    {"revenue__amount": "5"},
    {"revenue__amount": "-3"},
    {"outcome": "success", "value__amount": "0.7"},
    {"revenue__amount": "2", "revenue__currency": "XTS"},
)


def _below(runs: dict[str, dict[str, Any]], top: str) -> list[dict[str, Any]]:
    """The run and all runs below it."""
    found = [runs[top]]
    for run in found:
        found += [
            one
            for one in runs.values()
            if one["parent_run_id"] == run["run_id"] and one not in found
        ]
    return found


def _above(runs: dict[str, dict[str, Any]], run_id: str) -> list[str]:
    """Run ids from this one up, the last one perhaps not there; in a circle each once."""
    found: list[str] = []
    while run_id and run_id not in found:
        found.append(run_id)
        run_id = runs[run_id]["parent_run_id"] if run_id in runs else ""
    return found


def _sum(rows: Sequence[dict[str, Any]], column: str) -> Any:
    """Of what is known; cost of nothing that was attempted is 0, of what has no price unknown."""
    if column == "cost_usd" and any(row["attempts"] for row in rows):
        rows = [row for row in rows if row["attempts"]]
    if column == "value_usd" and any(row["unconverted_records"] for row in rows):
        return None  # what has no rate may be a refund
    known = [row[column] for row in rows if row[column] is not None]
    return sum(known, ZERO) if known else None


def _check(runs: dict[str, dict[str, Any]]) -> None:
    for run_id, run in runs.items():
        above = _above(runs, run_id)
        assert run["caller_missing"] == (above[-1] not in runs), above
        if run["parent_run_id"] not in runs:
            assert run["is_top"], above
        below = _below(runs, run_id)
        for own, inclusive in INCLUSIVE.items():
            assert run[inclusive] == _sum(below, own), (run, inclusive)
        cost, value = run["inclusive_total_cost_usd"], run["inclusive_value_usd"]
        margin = None if cost is None or value is None else value - cost
        assert run["inclusive_margin_usd"] == margin


@pytest.mark.slow
@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),  # each example is an engine's work: no shrinking
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(trees=st.lists(_tree(), min_size=25, max_size=25))
def test_top_runs_hold_the_ledger_once(
    ledger: tuple[Store, Connection], trees: list[list[scene.Row]]
) -> None:
    """Inclusive = own of all runs below; over top runs it sums to what is own of all runs."""
    first = next(_EXAMPLES) * 1000
    _settle(ledger, _fine_tune(first, "b", "7", "30"))
    traces = range(first + 10, first + 10 + len(trees))
    placed: list[scene.Row] = []
    for number, tree in zip(traces, trees, strict=True):
        other = number + 1 if number + 1 in traces else traces[0]
        names = {"only": f"only {number}", "elsewhere": f"only {other}"}
        for row in tree:
            named = {
                name: names.get(row[name], row[name])
                for name in ("run_id", "parent_run_id")
                if name in row
            }
            placed.append(_minute({**row, **named, "trace_id": scene.hex32(number)}, 5))
    _settle(ledger, placed)
    found = [_economics(ledger[1], number) for number in traces]
    for runs in found:
        _check(runs)
    everything = [run for runs in found for run in runs.values()]
    shapes = {(run["caller_missing"], run["is_top"], not run["callers"]) for run in everything}
    if max(map(len, trees)) > 1:  # hypothesis begins with the least example
        assert shapes >= {(True, True, True), (True, False, False), (False, True, False)}
    tops = [run for run in everything if run["is_top"]]
    for own, inclusive in INCLUSIVE.items():
        if own == "value_usd":
            told = [runs for runs in found if _sum([*runs.values()], own) is not None]
            everything = [run for runs in told for run in runs.values()]
            tops = [run for run in everything if run["is_top"]]
        assert (_sum(tops, inclusive) or 0) == (_sum(everything, own) or 0), inclusive


@pytest.mark.slow
def test_totals_are_the_sum_of_their_parts_where_a_cost_is_unknown(
    ledger: tuple[Store, Connection],
) -> None:
    """The share of an asset is known though the model is not: a lower bound, alike in any sum."""
    store, connection = ledger
    rows = _fine_tune(800, "tuned", runs="10")
    for trace, model in ((802, ""), (803, "our-own-model")):
        rows += [
            _minute(scene.span(1, 0, "agent", agent_name="tuned", trace=trace), 1),
            _minute(
                scene.call(
                    2, 1, (100, 0), trace=trace, **({"request_model": model} if model else {})
                ),
                1,
            ),
        ]
    scene.load(connection, rows)
    scene.settle(store, [800, 801])
    scene.settle(store, [802, 803])
    runs = connection.rows(
        "SELECT total_cost_usd, inclusive_total_cost_usd, unpriced_attempts FROM run_economics "
        "WHERE agent_name = 'tuned' ORDER BY trace_id"
    )
    totals = [(run["total_cost_usd"], run["inclusive_total_cost_usd"]) for run in runs]
    assert totals == [(Decimal(11), Decimal(11)), (Decimal(10), Decimal(10))]
    assert [run["unpriced_attempts"] for run in runs] == [0, 1]
    with Ledger(DirectReader(store)) as asked:
        (agent,) = [row for row in asked.agents() if row.agent_name == "tuned"]
        (group,) = asked.agent("tuned").groups
        days = asked.query("view:agent_unit_economics")
    (day,) = [row for row in days if row["agent_name"] == "tuned"]
    for told in (agent, group.sums):
        parts = (told.cost_usd, told.amortized_cost_usd)
        assert (parts, told.total_cost_usd) == ((Decimal(1), Decimal(20)), Decimal(21))
    assert day["total_cost_usd"] == day["inclusive_total_cost_usd"] == Decimal(21)


def test_a_rule_of_no_agent_is_for_the_agent_in_a_workflow_too(
    ledger: tuple[Store, Connection],
) -> None:
    """It is what no agent called; the workflow around it is none, and its helper was called.

    Of agents that call each other in a circle (bad data) it is the first: all of them cost, so one
    of them is what was asked for, in sums of all agents as for the rule.
    """
    store, connection = ledger
    rule = {"per": "success", "amount": "2", "workspace": "flow", "valid_from": "2026-01-01"}
    publish(connection, [ValueRule.model_validate(rule)])
    spans = [
        scene.span(1, 0, "workflow", trace=810, workspace="flow"),
        scene.span(2, 1, "agent", agent_name="planner", trace=810, workspace="flow"),
        scene.span(3, 2, "agent", agent_name="helper", trace=810, workspace="flow"),
        scene.span(1, 2, "agent", agent_name="ping", trace=811, workspace="flow"),
        scene.span(2, 1, "agent", agent_name="pong", trace=811, workspace="flow"),
        scene.call(3, 2, (100, 0), trace=811, workspace="flow"),
    ]
    scene.load(connection, spans)
    scene.settle(store, [810, 811], "flow")
    values = connection.rows(
        "SELECT agent_name, value_usd FROM run_economics WHERE workspace = 'flow'"
    )
    worth = {row["agent_name"]: row["value_usd"] for row in values}
    circle = {"ping": Decimal(2), "pong": None}
    assert worth == {"": None, "planner": Decimal(2), "helper": None, **circle}
    with Ledger(DirectReader(store), workspace="flow") as asked:
        (total,) = asked.sums_by("total")
    assert (total.successes, total.value_usd, total.cost_usd) == (2, Decimal(4), Decimal(1))


def test_work_of_another_purpose_is_never_rework(ledger: tuple[Store, Connection]) -> None:
    """A judge that fails and is asked again costs appraisal; no screen calls it wasted."""
    store, connection = ledger
    judge = {"spanledger.purpose": "appraisal"}
    rows = [
        scene.span(1, 0, "agent", agent_name="judged", trace=820),
        scene.call(2, 1, (100, 0), trace=820),
        scene.call(3, 1, (200, 0), trace=820, status="error", error_type="500", attributes=judge),
        scene.call(4, 1, (200, 0), trace=820, attributes=judge),
    ]
    scene.load(connection, rows)
    scene.settle(store, [820])
    (run,) = connection.rows("SELECT * FROM runs FINAL WHERE agent_name = 'judged'")
    assert (run["cost_usd"], run["rework_cost_usd"]) == (Decimal(5), Decimal(0))
    assert run["appraisal_cost_usd"] == Decimal(4)
    assert not connection.rows("SELECT * FROM rework WHERE agent_name = 'judged'")
