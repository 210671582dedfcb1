"""What no other option of an agent beats: equals, and options that never succeeded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from tests.collector.settle import scene

from spanledger_collector.query import DirectReader, FrontierPoint, Ledger
from spanledger_collector.store import Store

RUNS = 3
#: Agent -> by model: seconds, tokens of a cent, whether its runs succeed, whether it is efficient.
AGENTS: Mapping[str, Mapping[str, tuple[int, int, bool, bool | None]]] = {
    "equals": {"m1": (5, 100, True, True), "m2": (5, 100, True, True), "m3": (9, 50, True, True)},
    "as cheap": {"m1": (5, 100, True, True), "m2": (9, 100, True, False)},
    "as fast": {"m1": (5, 100, True, True), "m2": (5, 110, True, False)},
    "alone": {"m1": (5, 100, False, None)},
    "fails": {"m1": (5, 100, True, True), "m2": (9, 1, False, False), "m3": (5, 1, False, False)},
    "fails at once": {"m1": (5, 100, True, True), "m2": (1, 1, False, None)},
}


def _rows() -> Iterator[scene.Row]:
    trace = 0
    for agent, options in AGENTS.items():
        for model, (seconds, tokens, succeeds, _) in options.items():
            for _ in range(RUNS):
                trace += 1
                told = {"spanledger.outcome": "success" if succeeds else "failure"}
                where: dict[str, Any] = {"trace": trace, "lasts": seconds}
                yield scene.span(1, 0, "agent", agent_name=agent, attributes=told, **where)
                yield scene.call(2, 1, (tokens, 0), request_model=model, **where)


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    rows = [*_rows()]
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price(one, input="0.01") for one in ("m1", "m2", "m3")])
        scene.load(connection, rows)
    scene.settle(module_store, sorted({int(row["trace_id"], 16) for row in rows}))
    with Ledger(DirectReader(module_store)) as found:
        yield found


@pytest.mark.parametrize("agent", AGENTS)
def test_efficient_is_what_no_other_option_beats(
    ledger: Ledger, module_store: Store, agent: str
) -> None:
    found = {point.model: point for point in ledger.frontier(agent)}
    expected = {model: told for model, (*_, told) in AGENTS[agent].items()}
    assert {model: point.is_efficient for model, point in found.items()} == expected
    with module_store.connect() as connection:
        rows = connection.rows("SELECT agent_name, model, is_efficient FROM latency_frontier")
    mine = {row["model"]: row["is_efficient"] for row in rows if row["agent_name"] == agent}
    assert mine == expected
    for point in found.values():
        assert (point.why == "") == (point.is_efficient is not None)
        assert (point.usd_per_second.value is None) == (not _has_slower(point, found))


def _has_slower(point: FrontierPoint, found: Mapping[str, FrontierPoint]) -> bool:
    at = point.p50_latency.value or 0
    slower = (one for one in found.values() if (one.p50_latency.value or 0) > at)
    return point.is_efficient is True and any(one.is_efficient for one in slower)


def test_both_of_two_equals_have_a_price_of_a_second(ledger: Ledger) -> None:
    """Half a dollar for four seconds, each against the next that is slower."""
    found = {point.model: point for point in ledger.frontier("equals")}
    for model in ("m1", "m2"):
        assert found[model].usd_per_second.value == Decimal("0.125")


def test_an_option_that_never_succeeded_says_why_nobody_can_tell(ledger: Ledger) -> None:
    for agent, model in (("alone", "m1"), ("fails at once", "m2")):
        (point,) = [one for one in ledger.frontier(agent) if one.model == model]
        assert point.why == "none of 3 runs succeeded: what a success costs is not known"
        assert point.usd_per_second.reason == point.why
