"""Break-even on pages: since when runs count, the same runs a click away, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from tests.collector.settle import scene

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.pages import agent, assets, runs
from spanledger_collector.web.parts import Note
from spanledger_collector.web.table import Cell

_NOW = datetime(2026, 11, 28, tzinfo=timezone.utc)
_BOOKED = scene.START + timedelta(seconds=900)


def _asset(trace: int, name: str, serves: str) -> list[scene.Row]:
    """Booked a quarter of an hour after the start; without an agent it has no plan."""
    plan = {"entry": "plan", "unit": "execution", "expected_units": "100", "agent.name": serves}
    entries = [{"entry": "cost", "kind": "training", "amount": "5"}, *([plan] if serves else [])]
    return [
        scene.span(place + 1, role="record", trace=trace, at=900, lasts=0,
                   received_at=scene.moment(_BOOKED),
                   attributes={f"spanledger.asset.{k}": v for k, v in {"id": name, **told}.items()})
        for place, told in enumerate(entries)
    ]  # fmt: skip


def _run(trace: int, earned: str = "") -> list[scene.Row]:
    """Each begins ten minutes after the one before, and is received a minute later."""
    who = {"agent_name": "tuned", "trace": trace, "at": trace * 600}
    told = {"spanledger.revenue.amount": earned} if earned else {}
    return [scene.span(1, 0, "agent", attributes=told, **who), scene.call(2, 1, (10, 0), **who)]


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    """Two runs after the asset was booked and one before; an asset that nothing ran for yet."""
    rows = [
        *_asset(800, "ft", "tuned"), *_asset(801, "next", "idle"), *_asset(802, "plain", ""),
        *_run(1, "3"), *_run(2, "1"), *_run(3),
    ]  # fmt: skip
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        scene.load(connection, rows)
    scene.settle(module_store, [1, 2, 3, 800, 801, 802])
    with Ledger(DirectReader(module_store)) as found:
        yield found


def _asked(path: str, **given: str) -> Asked:
    return Asked(path, {"range": "7d", **given}, _NOW)


def _rows(ledger: Ledger) -> dict[str, dict[str, Cell]]:
    """Of the page Assets, by agent."""
    table = assets.page(ledger, _asked("assets")).tables()["break-even"]
    titles = [column.title for column in table.columns]
    rows = [dict(zip(titles, cells, strict=True)) for _, cells, _ in table.body()]
    return {row["Agent"].text: row for row in rows}


def test_the_runs_so_far_are_a_click_away(ledger: Ledger) -> None:
    """Those since the asset was booked: of the three runs of all times two."""
    row = _rows(ledger)["tuned"]
    assert (row["Runs so far"].text, row["Since (UTC)"].value) == ("2", _BOOKED.isoformat())
    path, _, query = row["Runs so far"].href.removeprefix("/ui/").partition("?")
    page = runs.page(ledger, _asked(path, **dict(parse_qsl(query))))
    behind = page.tables()["runs"].rows
    earned = [(run.value_usd or Decimal(0)) - (run.cost_usd or Decimal(0)) for run in behind]
    assert len(behind) == 2
    assert Decimal(row["Recovered"].value) == sum(earned) == Decimal("0.8")
    (note,) = (part for part in page.parts if isinstance(part, Note))
    assert note.lines == ["entered the books from 2026-11-02 10:15:00 UTC on"]
    (told,) = ledger.break_even("tuned")
    assert told.booked_at == _BOOKED
    mine = agent.page(ledger, _asked("agent", agent="tuned", range="all")).tables()["break-even"]
    ((_, cells, _),) = mine.body()
    titles = [column.title for column in mine.columns]
    assert cells[titles.index("Runs so far")].href == row["Runs so far"].href


def test_before_the_first_run_nothing_is_unknown(ledger: Ledger) -> None:
    """Nothing is recovered, all is to be; of what no plan names there is no such figure."""
    rows = _rows(ledger)
    idle, plain, tuned = (rows[name] for name in ("idle", "(all)", "tuned"))
    shown = [(row["Recovered"].text, row["To recover"].text) for row in (idle, plain)]
    assert shown == [("$0.00", "$5.00"), ("\N{EN DASH}", "\N{EN DASH}")]
    assert [row["Why not"].text for row in (idle, plain)] == [
        "no run so far", "no plan says whose runs it serves",
    ]  # fmt: skip
    assert "too few" in tuned["Why not"].text or "perhaps" in tuned["Why not"].text
