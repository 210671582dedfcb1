"""The flame graph of a ledger with credits: costs below 0, which no box can be as wide as."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import pytest
from tests.collector.settle import scene
from tests.collector.settle.told import record_span

from spanledger_collector.query import DirectReader, Ledger, Slice
from spanledger_collector.store import Store
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.charts.flame import Flame, path_of
from spanledger_collector.web.figures import MINUS
from spanledger_collector.web.pages.flame import page
from spanledger_collector.web.parts import Drawing, Note, Page

_CREDITED = f"credited > credit: {MINUS}$14.00"
_GIVEN = f"given > credit: {MINUS}$2.00"
_WORK = (("agent", "credited"), ("tool", "work"))


def _run(trace: int, agent: str, tokens: int) -> list[scene.Row]:
    who = {"trace": trace, "agent_name": agent}
    return [
        scene.span(1, 0, "agent", at=trace * 60, lasts=30, **who),
        scene.span(2, 1, "tool", at=trace * 60, tool_name="work", **who),
        scene.call(3, 2, (tokens, 0), at=trace * 60, **who),
    ]


def _credit(trace: int, agent: str, usd: int) -> scene.Row:
    told = {"expense__amount": usd, "expense__category": "credit"}
    return record_span(4, 1, trace=trace, at=trace * 60, **told) | {"agent_name": agent}


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Ledger:
    """$20 less a credit of $14; $1; nothing but a credit of $2."""
    rows = [
        *_run(1, "credited", 20), _credit(1, "credited", -14), *_run(2, "plain", 1),
        *_run(3, "given", 0), _credit(3, "given", -2),
    ]  # fmt: skip
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price(input="1")])
        scene.load(connection, rows)
    scene.settle(module_store, [1, 2, 3])
    return Ledger(DirectReader(module_store))


def _shown(ledger: Ledger, **given: str) -> tuple[Page, Flame]:
    now = datetime(2026, 11, 28, tzinfo=timezone.utc)
    shown = page(ledger, Asked("flame", {"range": "all", **given}, now))
    (drawn,) = (part.chart for part in shown.parts if isinstance(part, Drawing))
    assert isinstance(drawn, Flame)
    return shown, drawn


def test_a_box_is_as_wide_as_what_was_paid(ledger: Ledger) -> None:
    """$20 of $21 paid, whatever came back; the amount is what is left of it."""
    _, drawn = _shown(ledger)
    boxes = {path_of(one.row): one for one in drawn.frames}
    assert boxes[_WORK].width == boxes[_WORK[:1]].width == pytest.approx(1000 * 20 / 21, abs=0.01)
    assert (boxes[_WORK].told, boxes[_WORK[:1]].told) == ("$20.00", "$6.00")
    assert "Credits make no box narrower" in drawn.about


def test_credits_are_named(ledger: Ledger) -> None:
    """Those of the box that is shown: they have no box."""
    for given, told in (
        ({}, [_CREDITED, _GIVEN]),
        ({"at": '[["agent","given"]]'}, [_GIVEN]),
        ({"agent": "plain"}, []),
    ):
        shown, drawn = _shown(ledger, **given)
        notes = [part for part in shown.parts if isinstance(part, Note) and part.title == "Credits"]
        assert [note.lines[:-1] for note in notes] == ([told] if told else [])
        assert ("Credits" in drawn.about) == bool(told)


def test_a_share_is_of_all(ledger: Ledger) -> None:
    """Not of the dearest box, which credits make dearer than all; of no money there is none."""
    shares = {path_of(row): row.cost_ratio for row in ledger.cost_paths()}
    assert shares[()] == 1
    assert shares[_WORK] == pytest.approx(20 / 5)
    assert shares[_WORK[:1]] == pytest.approx(6 / 5)
    rows = ledger.cost_paths(Slice(agent_name="given"))
    assert rows[0].cost_usd == Decimal(-2)
    assert {row.cost_ratio for row in rows} == {None}
