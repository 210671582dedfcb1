"""One ledger with every kind of cost: calls, tools, people, expenses, credits, assets, unknown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.collector.settle import scene

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store

FORMULA = "=HYPERLINK(1)"


def _record(span_id: int, trace: int = 1, **told: object) -> scene.Row:
    attributes = {
        "spanledger." + name.replace("__", "."): str(value) for name, value in told.items()
    }
    parent = 0 if "asset__id" in told else 1
    return scene.span(span_id, parent, "record", trace=trace, at=5, lasts=0, attributes=attributes)


def _asset() -> list[scene.Row]:
    early = {"received_at": scene.moment(scene.START - timedelta(days=1))}
    cost = {"id": "ft", "entry": "cost", "kind": "training", "amount": "1200"}
    plan = {
        "id": "ft", "entry": "plan", "method": "straight_line_per_execution",
        "unit": "execution", "expected_units": "100",
    }  # fmt: skip
    return [
        _record(90 + place, 9, **{f"asset__{name}": value for name, value in told.items()}) | early
        for place, told in enumerate((cost, plan))
    ]


def _first_day() -> list[scene.Row]:
    rework: dict[str, Any] = {
        "rework_of": 2, "usage_source": "estimated", "region": "eu-west-1",
        "service_tier": "batch",
    }  # fmt: skip
    return [
        scene.span(
            1, 0, "agent", agent_name=FORMULA, agent_version="1", tenant="acme", lasts=60,
            run_id="r1",
        ),
        scene.call(2, 1, (333, 7), cache_read_tokens=11),
        scene.call(3, 1, (100, 3), **rework),
        scene.call(4, 1, (1, 1), request_model="unknown-model"),
        scene.span(5, 1, "tool", tool_name="search"),
        _record(6, effort__minutes="12.5", effort__role="reviewer"),
        _record(7, expense__amount="0.25", expense__category="sms"),
        _record(8, expense__amount="-0.05", expense__category="refund"),
        _record(9, outcome="success"),
        scene.call(10, 2, (333, 7), scope_name="twin"),
    ]  # fmt: skip


def _third_day() -> list[scene.Row]:
    at = 2 * 86_400
    return [
        scene.span(1, 0, "agent", trace=2, at=at, agent_name="b", agent_version="2"),
        scene.call(2, 1, (17, 1), trace=2, at=at + 1),
    ]


@pytest.fixture(scope="module")
def ledger(module_store: Store) -> Ledger:
    """The ledger, read directly."""
    prices = [
        # More digits than a cost has: every call is rounded.
        scene.price(
            input="0.0000030000001", output="0.000015123456789123",
            cache_read_usd_per_token="0.0000003",
        ),
        scene.price("search", "tool", units={"calls": ("5", 1000)}),
        scene.price("reviewer", "human", units={"minutes": ("1.20", 1)}),
    ]  # fmt: skip
    with module_store.connect() as connection:
        scene.publish(connection, prices)
        for spans in (_asset(), _first_day(), _third_day()):
            scene.load(connection, spans)
    scene.settle(module_store, (1, 2))
    return Ledger(DirectReader(module_store))
