"""Runs whose cost or value is not wholly known: what is said where they are left out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.collector.settle import scene

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store

RUNS = 12


def _told(trace: int, place: int, amount: str, currency: str) -> scene.Row:
    attributes = {"spanledger.revenue.amount": amount, "spanledger.revenue.currency": currency}
    return scene.span(place, 1, "record", trace=trace, lasts=0, attributes=attributes)


def _run(name: str, trace: int) -> list[scene.Row]:
    """Of half of them the cost is known; a run earns 5 and costs 0.001, dear ones more.

    ``dear``: the others are known to cost 50 at least; ``gaps``: 0.001 at least; ``refunded``: all
    gave back what has no rate; ``abroad``: half earned 5 of a currency without a rate.
    """
    half = trace % 2 == 0
    rows = [scene.span(1, 0, "agent", trace=trace, agent_name=name, agent_version="1")]
    rows += [scene.call(2, 1, (1000 + trace, 0), trace=trace)]
    abroad = name == "abroad" and half
    rows += [_told(trace, 3, "5", "EUR" if abroad else "USD")]
    if name == "refunded":
        rows += [_told(trace, 4, "-4.9", "CHF")]
    if name in ("dear", "gaps") and half:
        rows += [scene.call(5, 1, (10, 0), trace=trace, request_model="nobody-knows")]
    if name == "dear" and half:
        rows += [scene.call(6, 1, (5000, 0), trace=trace, request_model="m2")]
    return rows


@pytest.fixture
def ledger(store: Store) -> Iterator[Ledger]:
    names = ("dear", "gaps", "refunded", "abroad")
    with store.connect() as connection:
        prices = [scene.price(input="0.000001"), scene.price("m2", input="0.01")]
        scene.publish(connection, prices)
        told = [
            row
            for place, name in enumerate(names)
            for number in range(RUNS)
            for row in _run(name, 1 + place * RUNS + number)
        ]
        scene.load(connection, told)
    scene.settle(store, range(1, len(names) * RUNS + 1))
    with Ledger(DirectReader(store)) as found:
        yield found


def test_no_verdict_stands_on_the_runs_that_happen_to_be_known(ledger: Ledger) -> None:
    rows = {row.agent_name: row.verdict for row in ledger.agents()}
    for name, verdict in rows.items():
        assert verdict == ledger.agent(name).total.verdict, name
    assert rows["dear"].sustainable == "no"
    assert rows["dear"].reason.startswith("the margin of all 12 runs is at most -$240")
    assert "the cost of 6 of 12 runs is not wholly known" in rows["dear"].reason
    assert rows["gaps"].sustainable == "too few data"
    assert rows["gaps"].reason.startswith("the cost of 6 of 12 runs is not wholly known")
    told = "6 amounts are in a currency without a rate: add it to the price file"
    assert rows["abroad"].sustainable == "too few data"
    assert rows["abroad"].reason.startswith(told)
    (total,) = ledger.sums_by("total")
    assert total.verdict.sustainable == "too few data"
    assert "the cost of 12 of 48 traces is not wholly known" in total.verdict.reason
    assert "18 amounts are in a currency" in total.verdict.reason
