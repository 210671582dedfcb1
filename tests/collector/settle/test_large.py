"""Traces of ten thousand spans: wide, deep and nested."""

from decimal import Decimal

import pytest

from spanledger_collector.store import Store

from . import scene

pytestmark = pytest.mark.slow


def test_large_traces_are_attributed_whole(store: Store) -> None:
    """A flat one of 10,000 spans, a chain 5,000 deep, 1,000 agents inside one another."""
    flat = [scene.span(1, 0, "agent"), *(scene.call(n, 1, (1, 0)) for n in range(2, 10_001))]
    chain = [
        scene.span(1, 0, "agent", trace=2),
        *(scene.span(n, n - 1, trace=2) for n in range(2, 5_000)),
        scene.call(5_000, 4_999, (1, 0), trace=2),
    ]
    nested = [
        *(scene.span(n, n - 1, "agent", trace=3) for n in range(1, 1_000)),
        scene.call(1_000, 999, (1, 0), trace=3),
    ]
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.000001")])
        for spans in (flat, chain, nested):
            scene.load(connection, spans)
        assert scene.settle(store, (1, 2, 3)) == 3
        assert scene.runs(connection, 1)[scene.hex16(1)]["cost_usd"] == Decimal("0.009999")
        deep = scene.runs(connection, 2)
        assert deep[scene.hex16(1)]["span_count"] == 5_000
        assert deep[scene.hex16(1)]["cost_usd"] == Decimal("0.000001")
        agents = scene.runs(connection, 3)
        assert len(agents) == 999
        assert {run["inclusive_cost_usd"] for run in agents.values()} == {Decimal("0.000001")}
        assert scene.cost(connection, "runs") == scene.cost(connection, "attempts")
