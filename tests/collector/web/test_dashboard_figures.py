"""What the panels show where a figure is below zero, unknown or a known zero."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest
from tests.collector.settle import scene
from tests.collector.settle.told import record_span
from tests.support.dashboards import PANELS, check_nested_set, expanded
from tests.support.ledger_pool import LedgerPool

from spanledger_collector.query import DirectReader, Reader
from spanledger_collector.store import Store

STATEMENTS = {panel.sql: panel.statement for panel in PANELS}


@pytest.fixture(scope="module")
def reader(pool: LedgerPool) -> Iterator[Reader]:
    """Alpha paid $4 and was credited $10, beta paid $9; gamma lost an attempt and paid $2."""
    with pool.ledger() as dsn, closing(Store.open(dsn)) as store:
        with store.connect() as connection:
            scene.publish(connection, [scene.price(input="0.001", output="0.001")])
            credit = record_span(3, 1, expense__category="credit", expense__amount="-10")
            scene.load(connection, [*_run("alpha", 1, 2000), credit])
            scene.load(connection, _run("beta", 2, 4500))
            lost = {"status": "error", "error_type": "timeout", "usage_source": "missing"}
            again = scene.call(3, 1, (1000, 1000), trace=3, agent_name="gamma", run_id="r3")
            scene.load(connection, [*_run("gamma", 3, 0, **lost), again])
        scene.settle(store, [1, 2, 3])
        with closing(DirectReader(store)) as reader:
            yield reader


def _run(agent: str, trace: int, tokens: int, **call: Any) -> list[scene.Row]:
    who = {"agent_name": agent, "run_id": f"r{trace}", "trace": trace}
    return [scene.span(1, 0, "agent", **who), scene.call(2, 1, (tokens, tokens), **who, **call)]


def shown(reader: Reader, panel: str) -> list[dict[str, Any]]:
    """Rows of a panel over all agents."""
    return reader.sql(expanded(STATEMENTS[panel], all_agents=True)).to_pylist()


def test_credits_take_no_width_of_the_flame_graph(reader: Reader) -> None:
    """A box is as wide as what was paid in it; the table has the cost, credits in it."""
    rows = shown(reader, "cost_flame")
    check_nested_set(rows)
    assert [(row["level"], row["label"], row["value"]) for row in rows] == [
        (0, "all", 15), (1, "alpha", 4), (2, "m1", 4), (1, "beta", 9), (2, "m1", 9),
        (1, "gamma", 2), (2, "m1", 2),
    ]  # fmt: skip
    costs = {row["path"]: row["cost_usd"] for row in shown(reader, "cost_paths")}
    assert (costs["alpha"], costs["alpha > m1"], costs["beta"]) == (-6, 4, Decimal(9))
