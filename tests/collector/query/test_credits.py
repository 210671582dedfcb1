"""Credits are costs below 0: every interval still holds its own figure, and no share is none."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

import pytest
from tests.collector.settle import scene
from tests.collector.settle.told import record_span

from spanledger_collector.query import AgentEconomics, DirectReader, Estimate, Ledger
from spanledger_collector.store import Store

#: Agent -> the credit of each of its 20 runs, which cost $0.1 and $0.05 that was wasted.
_CREDITS = {"more": "-0.5", "some": "-0.02", "less-than-wasted": "-0.12"}


def _run(agent: str, number: int, trace: int) -> list[scene.Row]:
    where = {"trace": trace, "at": trace * 60}
    told = {"spanledger.outcome": "failure" if number < 6 else "success"}
    credit = {"expense__amount": str(Decimal(_CREDITS[agent]) - number % 3 * Decimal("0.001"))}
    return [
        scene.span(1, 0, "agent", agent_name=agent, attributes=told, **where),
        scene.call(2, 1, (100 + number, 0), **where),
        scene.call(4, 1, (50, 0), status="error", error_type="timeout", **where)
        | {"usage_source": "estimated"},
        record_span(3, 1, expense__category="credit", **credit, **where),
    ]


def _holds(estimate: Estimate) -> bool:
    value, low, high = estimate.value, estimate.low, estimate.high
    return value is None or ((low is None or low <= value) and (high is None or value <= high))


@pytest.mark.slow
def test_intervals_hold_their_figures_with_credits(store: Store) -> None:
    runs = [(agent, number) for agent in _CREDITS for number in range(20)]
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.001")])
        rows = [_run(*run, trace) for trace, run in enumerate(runs, 1)]
        scene.load(connection, [row for run in rows for row in run])
    scene.settle(store, range(1, len(runs) + 1))
    with Ledger(DirectReader(store)) as ledger:
        found = {agent: ledger.agent(agent).total for agent in _CREDITS}
        listed = {row.agent_name: row for row in ledger.agents()}
        rates = {rate.key: rate for rate in ledger.rework(by="agent").rates}
        quality = {row.key: row for row in ledger.quality(by="agent")}
        (all_of_them,) = ledger.sums_by("total")
    for agent, total in found.items():
        for field in fields(AgentEconomics):
            told = getattr(total, field.name)
            assert not isinstance(told, Estimate) or _holds(told), (agent, field.name, told)
        assert _holds(listed[agent].inclusive_cost_per_success)
        for share in (total.rework_share, listed[agent].rework_share, rates[agent].rework_share,
                      quality[agent].quality_share):  # fmt: skip
            assert (share.value is None) == (agent != "some"), (agent, share)
            if share.value is None:
                assert (share.low, share.high) == (None, None)
                assert share.reason == "credits leave less than this part of it: no share"
        assert (total.rework_multiplier.value is None) == (agent != "some")
    cost = found["more"].cost_per_run
    assert cost.high is not None
    assert cost.low is not None
    assert cost.low < (cost.value or 0) < cost.high < 0
    # A credit that was more than the cost of some runs alone: what the mean is may be below 0 too.
    assert found["some"].sums.rework_cost_ratio is not None
    assert all_of_them.rework_share.value is None
    assert _holds(all_of_them.margin_per_trace)
