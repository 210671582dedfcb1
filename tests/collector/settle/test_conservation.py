"""Every cent has one home: whatever the shape of a trace and the order it arrives in."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spanledger_collector.store import Connection, Store

from . import scene

_ROLES = (
    "agent", "call", "call", "call", "tool", "task", "workflow", "other", "engine", "record",
    "record",
)  # fmt: skip
#: Traces that are drawn, and waves in which they come.
TRACES = 400
WAVES = 3
WHOLE = "all at once"
_TENANTS = ("", "acme", "zeta")
_AGENTS = ("planner", "writer", "critic")
_RUN = "trace_id || run_id"


@dataclass(frozen=True)
class _Delivery:
    """The spans of a trace, each with the waves in which a copy of it comes."""

    spans: list[tuple[scene.Row, list[int]]]


@st.composite
def _record(draw: st.DrawFn) -> dict[str, str]:
    """What an application says of the run around it, or of a span of its trace."""
    told = draw(
        st.sampled_from(
            (
                {"outcome": "success", "value.amount": "2"},
                {"revenue.amount": "0.1"},
                {"evaluation.verdict": "wrong"},
                {"evaluation.verdict": "hallucinated"},
                {"effort.minutes": "3", "effort.role": "reviewer"},
                {"expense.amount": "0.07", "expense.category": "sms", "purpose": "prevention"},
            )
        )
    )
    if "evaluation.verdict" in told and draw(st.booleans()):
        told = {
            **told,
            "subject.trace_id": "of this trace",
            "subject.span_id": scene.hex16(draw(st.integers(1, 9))),
        }
    if draw(st.booleans()):  # one of several tellings of a record
        said = f"2026-11-02T12:00:0{draw(st.integers(0, 3))}Z"
        told = {**told, "record.id": "told again", "record.recorded_at": said}
    return {f"spanledger.{name}": value for name, value in told.items()}


@st.composite
def _trace(draw: st.DrawFn) -> list[scene.Row]:
    """Up to 8 spans with any parent, cycles and orphans included."""
    spans: list[scene.Row] = []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        role = draw(st.sampled_from(_ROLES))
        row = scene.span(number, draw(st.integers(0, 9)), role, at=draw(st.integers(0, 5)))
        if role == "call" or draw(st.integers(0, 4)) == 0:
            row |= {
                "provider": "acme",
                "request_model": draw(st.sampled_from(("m1", "m1", "m2", "unknown-x"))),
                "usage_source": draw(st.sampled_from(("provider", "provider", "estimated"))),
                "input_uncached_tokens": draw(st.integers(0, 3)),
                "output_tokens": draw(st.integers(0, 3)),
                "response_id": draw(st.sampled_from(("", "", "x", "y"))),
                "scope_name": draw(st.sampled_from(("a", "b"))),
                "status": draw(st.sampled_from(("ok", "ok", "error"))),
                "error_type": draw(st.sampled_from(("", "429", "timeout"))),
                "retry_reasons": draw(st.lists(st.sampled_from(("429", "timeout")), max_size=2)),
            }
            row |= {"attributes": draw(st.sampled_from(({}, {"spanledger.purpose": "appraisal"})))}
        if role == "tool":
            row["tool_name"] = draw(st.sampled_from(("lookup", "free")))
        if role == "record":
            row |= {"lasts": 0, "attributes": draw(_record())}
        if role == "agent":
            row["agent_name"] = draw(st.sampled_from(_AGENTS))
        if role == "agent" and draw(st.booleans()):
            row["run_id"] = draw(st.sampled_from(("run-1", "run-2")))
            row["parent_run_id"] = draw(st.sampled_from(("", "run-1", "run-2")))
        spans.append(row)
    return spans


@st.composite
def _delivery(draw: st.DrawFn) -> _Delivery:
    """A trace, and in which waves each of its spans comes: late, in pieces, several times."""
    spans = draw(_trace())
    some = st.sets(st.integers(0, WAVES - 1), min_size=1).map(sorted)
    return _Delivery(
        [(row | {"tenant": draw(st.sampled_from(_TENANTS))}, draw(some)) for row in spans]
    )


def _drawn() -> list[_Delivery]:
    """Many traces for few settlements: what an example costs is the engine's planning."""
    drawn: list[_Delivery] = []

    @settings(
        max_examples=TRACES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(_delivery())
    def draw(delivery: _Delivery) -> None:
        drawn.append(delivery)

    draw()
    return drawn


def _copy(row: scene.Row, number: int, wave: int) -> scene.Row:
    """The span of this trace as it comes in this wave."""
    trace_id = scene.hex32(number)
    attributes = row.get("attributes", {})
    if "spanledger.subject.trace_id" in attributes:
        attributes = {**attributes, "spanledger.subject.trace_id": trace_id}
    at = scene.moment(scene.START + timedelta(hours=1 + wave))
    return {**row, "trace_id": trace_id, "attributes": attributes, "received_at": at}


def _rows(connection: Connection, table: str, workspace: str) -> dict[str, list[object]]:
    """All rows by trace, without what belongs to the settlement that wrote them."""
    told = connection.rows(
        f"SELECT * EXCEPT (workspace, version, is_deleted) FROM {table} FINAL "
        "WHERE workspace = {workspace:String} ORDER BY ALL",
        {"workspace": workspace},
    )
    rows: dict[str, list[object]] = defaultdict(list)
    for row in told:
        rows[str(row["trace_id"])].append(dict(row))
    return rows


_SUMS = {
    "attempts": "attempts FINAL WHERE counted AND workspace = {workspace:String}",
    "runs": "runs FINAL WHERE workspace = {workspace:String}",
    "agent_unit_economics": "agent_unit_economics WHERE workspace = {workspace:String}",
    "quality_cost": "quality_cost WHERE workspace = {workspace:String}",
}


def _sums(connection: Connection, table: str, by: str, workspace: str) -> dict[str, Decimal]:
    """What is known to have been spent, by such a key; those of whom nothing is, left out."""
    rows = connection.rows(
        f"SELECT {by} AS k, sum(cost_usd) AS usd FROM {_SUMS[table]} GROUP BY k",
        {"workspace": workspace},
    )
    return {str(row["k"]): Decimal(str(row["usd"])) for row in rows if row["usd"]}


def _assert_conserved(connection: Connection, workspace: str) -> None:
    """Attempts, runs and views say one sum of each tenant, agent, run and trace, exactly."""
    keys = ("tenant", "agent_name", "trace_id", _RUN)
    attempts = {by: _sums(connection, "attempts", by, workspace) for by in keys}
    assert set(attempts["tenant"]) == set(_TENANTS)
    assert set(attempts["agent_name"]) == {"", *_AGENTS}
    for by in keys:
        assert _sums(connection, "runs", by, workspace) == attempts[by], by
    for table in _SUMS:
        for by in ("tenant", "agent_name"):
            assert _sums(connection, table, by, workspace) == attempts[by], (table, by)
    assert len({sum(of.values()) for of in attempts.values()}) == 1
    [held] = connection.rows(
        "SELECT count() AS n FROM attempts FINAL WHERE counted AND workspace = {workspace:String}",
        {"workspace": workspace},
    )
    [owned] = connection.rows(
        "SELECT sum(attempts) AS n FROM runs FINAL WHERE workspace = {workspace:String}",
        {"workspace": workspace},
    )
    [traces] = connection.rows(
        "SELECT sum(cost_usd) AS usd FROM trace_cost WHERE workspace = {workspace:String}",
        {"workspace": workspace},
    )
    assert held["n"] == owned["n"]
    assert traces["usd"] == sum(attempts["trace_id"].values())


@pytest.mark.slow
def test_any_delivery_gives_the_same_ledger(store: Store) -> None:
    """Shuffled, late, in pieces, twice, or all at once: the same rows, and attempts = runs."""
    drawn = _drawn()
    numbers = range(1, len(drawn) + 1)
    waves: list[list[scene.Row]] = [[] for _ in range(WAVES)]
    whole: list[scene.Row] = []
    for number, delivery in zip(numbers, drawn, strict=True):
        for row, comes in delivery.spans:
            for wave in comes:
                waves[wave].append(_copy(row, number, wave))
            whole.append(_copy(row, number, comes[0]) | {"workspace": WHOLE})
    shuffle = random.Random(7).shuffle  # noqa: S311 -- the order of a delivery
    with store.connect() as connection:
        scene.publish(
            connection,
            [
                scene.price(input="0.0000031", output="0.0000157"),
                scene.price("m2", input="0.1"),
                scene.price("lookup", "tool", units={"calls": ("5", 1000)}),
                scene.price("reviewer", "human", units={"minutes": ("0.9", 1)}),
            ],
        )
        for wave in waves:
            shuffle(wave)
            scene.load(connection, wave[::2])
            scene.load(connection, wave[1::2])
            scene.settle(store, numbers)
            _assert_conserved(connection, "default")
        in_waves = {table: _rows(connection, table, "default") for table in ("attempts", "runs")}
        scene.settle(store, numbers)
        for table, rows in in_waves.items():
            assert _rows(connection, table, "default") == rows  # settling again changes nothing
        shuffle(whole)
        scene.load(connection, whole)
        scene.settle(store, numbers, WHOLE)
        _assert_conserved(connection, WHOLE)
        for table, rows in in_waves.items():
            at_once = _rows(connection, table, WHOLE)
            for number, delivery in zip(numbers, drawn, strict=True):
                trace_id = scene.hex32(number)
                assert rows.get(trace_id) == at_once.get(trace_id), (table, delivery)
