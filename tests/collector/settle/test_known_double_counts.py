"""Double counts that other cost trackers were told of, by their issue: what is counted here.

Family B of the known bugs: cost that is told by parents and children, by two instrumentations of
one call, or multiplied by what is joined to it (families A, C and D: ``price/test_known_bugs.py``).
Every input and output token costs a cent, one that was read from the cache a tenth of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from spanledger_collector.store import Store

from . import scene

A, B = "otel.a", "otel.b"
_AGENTS = """
SELECT sum(cost_usd) AS usd FROM agent_unit_economics WHERE tenant = {tenant:String}
"""
_TRACE = """
SELECT cost_usd, input_uncached_tokens + cache_read_tokens + output_tokens AS tokens
FROM trace_cost WHERE trace_id = {trace:String}
"""


@dataclass(frozen=True)
class Bug:
    """One trace, the issues it stands for, and which of its spans are paid: tokens and cost."""

    issues: str
    spans: Sequence[scene.Row]
    counted: tuple[int, ...]
    tokens: int
    usd: str

    def rows(self, trace: int) -> list[scene.Row]:
        place = {"trace_id": scene.hex32(trace), "tenant": f"tenant{trace}"}
        place["service_name"] = f"app{trace}"
        return [row | place for row in self.spans]


def _agent(span_id: int, parent: int = 0, tokens: tuple[int, int] = (0, 0), **given: Any) -> Any:
    """An agent; with tokens, one that repeats what its calls used."""
    usage: scene.Row = {"run_id": f"r{span_id}", "agent_name": f"agent{span_id}", "lasts": 60}
    if any(tokens):
        usage |= {"usage_source": "provider", "request_model": "m1", "provider": "acme"}
        usage |= {"input_uncached_tokens": tokens[0], "output_tokens": tokens[1]}
    return scene.span(span_id, parent, "agent", **(usage | given))


def _record(span_id: int, parent: int, **told: str) -> scene.Row:
    attributes = {f"spanledger.{name}": value for name, value in told.items()}
    return scene.span(span_id, parent, "record", lasts=0, attributes=attributes)


BUGS = (
    Bug(
        "Arize-ai/phoenix#12768",  # three layers told it (mended by Arize-ai/phoenix#12775)
        [
            scene.call(1, 0, (9, 9), scope_name=A, lasts=9),
            scene.call(2, 1, (9, 9), scope_name=B, lasts=8),
            scene.call(3, 2, (9, 9), lasts=7, response_id="x"),
        ],
        (3,), 18, "0.18",
    ),
    Bug(
        "Arize-ai/phoenix#15793",  # a call inside a call of the same kind and teller
        [
            scene.call(1, 0, (9, 9), scope_name=A, lasts=9),
            scene.call(2, 1, (9, 9), scope_name=A, lasts=8),
        ],
        (2,), 18, "0.18",
    ),
    Bug(
        "Arize-ai/phoenix#15793, over several",  # one that sums the calls inside it
        [
            scene.call(1, 0, (30, 3), scope_name=A, lasts=9),
            scene.call(2, 1, (10, 1), scope_name=A, lasts=2),
            scene.call(3, 1, (20, 2), scope_name=A, lasts=2),
        ],
        (2, 3), 33, "0.33",
    ),
    Bug(
        "Arize-ai/openinference#3164",  # the root's total and its calls: exactly 2x
        [_agent(1, 0, (30, 3)), scene.call(2, 1, (10, 1)), scene.call(3, 1, (20, 2))],
        (2, 3), 33, "0.33",
    ),
    Bug(
        "pydantic/pydantic-ai#3995",  # an agent under a tool of an agent, each with its total
        [
            _agent(1, 0, (30, 3)),
            scene.call(2, 1, (10, 1), run_id="r1"),
            scene.span(3, 1, "tool", run_id="r1"),
            _agent(4, 3, (20, 2), parent_run_id="r1"),
            scene.call(5, 4, (20, 2), run_id="r4"),
        ],
        (2, 5), 33, "0.33",
    ),
    Bug(
        "strands-agents/harness-sdk#1267, alibaba/loongsuite-pilot#268",  # agent, cycle and call
        [
            _agent(1, 0, (20, 2)),
            scene.span(2, 1, "workflow", usage_source="provider", request_model="m1",
                       input_uncached_tokens=20, output_tokens=2, lasts=30),
            scene.call(3, 2, (20, 2)),
        ],
        (3,), 22, "0.22",
    ),
    Bug(
        "mlflow/mlflow#25007",  # tokens of other spans than the cost
        [
            _agent(1, 0, (9, 9)),
            scene.call(2, 1, (9, 9), scope_name=A, lasts=9),
            scene.call(3, 2, (9, 9), scope_name=B, lasts=8, response_id="x"),
            scene.span(4, 1, "engine", input_uncached_tokens=9, output_tokens=9,
                       usage_source="provider"),
        ],
        (3,), 18, "0.18",
    ),
    Bug(
        "DataDog/dd-trace-js#8936",  # two layers that disagree on what was cached
        [
            scene.call(1, 0, (9, 9), scope_name=A, dialect="otel", lasts=9, response_id="x"),
            scene.call(2, 1, (5, 9), scope_name=B, dialect="otel", lasts=8, response_id="x",
                       cache_read_tokens=4),
        ],
        (2,), 18, "0.144",
    ),
    Bug(
        "Arize-ai/openinference#2101, Arize-ai/openinference#2119",  # told again inside
        [
            scene.call(1, 0, (9, 9), scope_name=A, lasts=9),
            scene.call(2, 1, (9, 9), scope_name=B, lasts=8, response_id="x"),
        ],
        (2,), 18, "0.18",
    ),
    Bug(
        "AgentOps-AI/agentops#974, traceloop/openllmetry#2845",  # told again beside
        [
            scene.call(1, 0, (9, 9), scope_name=A, at=1, lasts=9),
            scene.call(2, 0, (9, 9), scope_name=B, at=2, lasts=7, response_id="x"),
        ],
        (2,), 18, "0.18",
    ),
    Bug(
        "langfuse/langfuse#14338",  # a run of several agents: nothing above, all of it below
        [
            _agent(1),
            _agent(2, 1, parent_run_id="r1"),
            _agent(3, 1, parent_run_id="r1"),
            scene.call(4, 2, (10, 1), run_id="r2"),
            scene.call(5, 3, (20, 2), run_id="r3"),
        ],
        (4, 5), 33, "0.33",
    ),
    Bug(
        "paperclipai/paperclip#13016",  # joined to what is known of a run, its cost multiplies
        [
            _agent(1),
            scene.call(2, 1, (10, 1), run_id="r1"),
            _record(3, 1, outcome="success"),
            _record(4, 1, **{"revenue.amount": "1", "revenue.currency": "USD"}),
            _record(5, 1, **{"revenue.amount": "2", "revenue.currency": "USD"}),
        ],
        (2,), 11, "0.11",
    ),
)  # fmt: skip


@pytest.fixture(scope="module", name="settled")
def _settled(module_store: Store) -> Store:
    price = scene.price(input="0.01", output="0.01", cache_read_usd_per_token="0.001")
    with module_store.connect() as connection:
        scene.publish(connection, [price])
        for trace, bug in enumerate(BUGS, 1):
            scene.load(connection, bug.rows(trace))
    scene.settle(module_store, range(1, len(BUGS) + 1))
    return module_store


@pytest.mark.parametrize("trace", range(1, len(BUGS) + 1), ids=[bug.issues for bug in BUGS])
def test_every_call_is_paid_once(settled: Store, trace: int) -> None:
    """The same calls make up attempts, runs, trace and agents, in tokens as in cost."""
    bug = BUGS[trace - 1]
    with settled.connect() as connection:
        attempts = [row for row in scene.attempts(connection, trace) if row["counted"]]
        runs = list(scene.runs(connection, trace).values())
        (told,) = connection.rows(_TRACE, {"trace": scene.hex32(trace)})
        (agents,) = connection.rows(_AGENTS, {"tenant": f"tenant{trace}"})
    assert tuple(int(row["span_id"], 16) for row in attempts) == bug.counted
    sums = [sum(row["cost_usd"] for row in rows if row["cost_usd"]) for rows in (attempts, runs)]
    assert [*sums, told["cost_usd"], agents["usd"]] == [Decimal(bug.usd)] * 4
    buckets = ("input_uncached_tokens", "cache_read_tokens", "output_tokens")
    for rows in (attempts, runs):
        assert sum(row[bucket] for row in rows for bucket in buckets) == bug.tokens
    assert told["tokens"] == bug.tokens
