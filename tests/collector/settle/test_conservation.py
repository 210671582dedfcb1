"""Every cent has one home: whatever the shape of a trace and the order it arrives in."""

from __future__ import annotations

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
_MADE = ("spans", "arrivals", "attempts", "runs", "span_runs", "records", "run_keys", "run_records")
_VERDICTS = ("call_verdicts", "answer_verdicts")


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
        if role == "agent" and draw(st.booleans()):
            row["run_id"] = draw(st.sampled_from(("run-1", "run-2")))
            row["parent_run_id"] = draw(st.sampled_from(("", "run-1", "run-2")))
        spans.append(row)
    return spans


def _state(connection: Connection, traces: range) -> list[object]:
    """All rows of these traces, without the record they came with."""
    return [
        (scene.attempts(connection, number), scene.runs(connection, number)) for number in traces
    ]


def _assert_conserved(connection: Connection) -> None:
    rows = connection.rows(
        """
        SELECT a.trace_id AS trace_id, a.usd AS paid, r.usd AS owned, a.n AS attempts, r.n AS held
        FROM (SELECT trace_id, sum(cost_usd) AS usd, count() AS n FROM attempts FINAL
              WHERE counted GROUP BY trace_id) AS a
        FULL JOIN (SELECT trace_id, sum(cost_usd) AS usd, sum(attempts) AS n FROM runs FINAL
              GROUP BY trace_id) AS r ON r.trace_id = a.trace_id
        """
    )
    for row in rows:
        assert (row["paid"] or Decimal(0)) == (row["owned"] or Decimal(0)), row
        assert row["attempts"] == row["held"], row
    sums = {
        by: connection.rows(f"SELECT sum(cost_usd) AS usd FROM {by}")[0]["usd"] or Decimal(0)
        for by in (
            "(SELECT cost_usd FROM attempts FINAL WHERE counted)",
            "(SELECT tenant, sum(cost_usd) AS cost_usd FROM runs FINAL GROUP BY tenant)",
            "agent_unit_economics",
            "quality_cost",
            "trace_cost",
        )
    }
    assert len(set(sums.values())) == 1, sums


def _placed(row: scene.Row, trace_id: str) -> scene.Row:
    attributes = row.get("attributes", {})
    if "spanledger.subject.trace_id" in attributes:
        attributes = {**attributes, "spanledger.subject.trace_id": trace_id}
    tenant = ("", "acme", "zeta")[int(trace_id, 16) % 3]
    return {**row, "trace_id": trace_id, "tenant": tenant, "attributes": attributes}


@pytest.mark.slow
@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),  # each example is an engine's work: no shrinking
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    traces=st.lists(_trace(), min_size=12, max_size=12),
    late=st.integers(0, 255),
    shuffled=st.permutations(range(96)),
)
def test_any_delivery_gives_the_same_ledger(
    store: Store, traces: list[list[scene.Row]], late: int, shuffled: list[int]
) -> None:
    """Shuffled, in pieces, twice, or all at once: the same rows, and attempts = runs in Decimal."""
    numbers = range(1, len(traces) + 1)
    spans = [
        _placed(row, scene.hex32(number))
        for number, rows in zip(numbers, traces, strict=True)
        for row in rows
    ]
    spans = [spans[place] for place in shuffled if place < len(spans)]
    with store.connect() as connection:
        for table in ("prices", *_MADE, *_VERDICTS):
            connection.execute(f"TRUNCATE TABLE {table}")
        scene.publish(
            connection,
            [
                scene.price(input="0.0000031", output="0.0000157"),
                scene.price("m2", input="0.1"),
                scene.price("lookup", "tool", units={"calls": ("5", 1000)}),
                scene.price("reviewer", "human", units={"minutes": ("0.9", 1)}),
            ],
        )
        cut = late % (len(spans) + 1)
        if cut:
            scene.load(connection, spans[:cut])
            scene.settle(store, numbers)
            _assert_conserved(connection)
        scene.load(connection, spans[cut // 2 :])
        scene.settle(store, numbers)
        _assert_conserved(connection)
        in_pieces = _state(connection, numbers)
        scene.settle(store, numbers)
        assert _state(connection, numbers) == in_pieces  # settling again changes nothing
        for table in (*_MADE, *_VERDICTS):
            connection.execute(f"TRUNCATE TABLE {table}")
        scene.load(connection, spans)
        scene.settle(store, numbers)
        at_once = _state(connection, numbers)
    assert in_pieces == at_once
