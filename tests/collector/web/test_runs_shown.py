"""Which runs failed and which are in no chart: told in words, where runs are shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from tests.collector.settle import scene
from tests.collector.settle.told import record_span

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.charts.scatter import Scatter
from spanledger_collector.web.csvfile import csv_of
from spanledger_collector.web.pages import latency, runs, trace
from spanledger_collector.web.parts import Drawing
from spanledger_collector.web.table import Cell, Table

ASKED = Asked("runs", {"range": "all"}, datetime(2026, 11, 28, tzinfo=timezone.utc))


def _run(trace: int, agent: str, tokens: int = 1, *, outcome: str = "", lasts: float = 9,
         model: str = "m1") -> list[scene.Row]:  # fmt: skip
    who = {"agent_name": agent, "trace": trace}
    told = {"attributes": {"spanledger.outcome": outcome}} if outcome else {}
    return [
        scene.span(1, 0, "agent", at=trace * 60, lasts=lasts, **told, **who),
        scene.call(2, 1, (tokens, 0), at=trace * 60, lasts=0, request_model=model, **who),
    ]


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    """Runs that end without an error: good, told bad, outside any agent; and four of odd cost."""
    credit = {"expense__amount": "-7", "expense__category": "credit"}
    rows = [
        *_run(1, "good"), *_run(2, "bad", outcome="failure"), scene.call(1, 0, (1, 0), trace=3),
        *_run(4, "unpriced", model="nobody-knows"), *_run(5, "free", 0),
        *_run(6, "credited"), record_span(4, 1, trace=6, at=360, **credit),
        *_run(7, "instant", lasts=0),
    ]  # fmt: skip
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price(input="1")])
        scene.load(connection, rows)
    scene.settle(module_store, range(1, 8))
    with Ledger(DirectReader(module_store)) as found:
        yield found


def _told(table: Table, title: str) -> dict[str, str]:
    """By agent the text of a column."""
    titles = [column.title for column in table.columns]
    rows: list[list[Cell]] = [cells for _, cells, _ in table.body()]
    return {row[titles.index("Agent")].text: row[titles.index(title)].text for row in rows}


EXPECTED = {"good": "yes", "bad": "no", "(no agent)": "\N{EN DASH}"}


def test_a_run_says_whether_it_succeeded(ledger: Ledger) -> None:
    """Whatever its status; of what ran outside any agent nobody says so. CSV too."""
    table = runs.page(ledger, ASKED).tables()["runs"]
    told = _told(table, "Succeeded")
    assert {agent: told[agent] for agent in EXPECTED} == EXPECTED
    assert _told(table, "Status")["bad"] != "error"
    lines = [line.split(",") for line in csv_of(table).splitlines()]
    place = lines[0].index("Succeeded")
    by_agent = {line[1]: line[place] for line in lines[1:]}
    assert [by_agent[agent] for agent in ("good", "bad", "")] == ["True", "False", ""]
    asked = Asked("trace", {"id": scene.hex32(2)}, ASKED.now)
    assert _told(trace.page(ledger, asked).tables()["runs"], "Succeeded") == {"bad": "no"}


def test_a_point_says_whether_its_run_succeeded(ledger: Ledger) -> None:
    """In words, which need no eye for colours; and so does the table below the chart."""
    page = latency.page(ledger, ASKED)
    (drawn,) = (part.chart for part in page.parts if isinstance(part, Drawing))
    assert isinstance(drawn, Scatter)
    told = {one.title.partition(":")[0]: (one.title.rpartition(", ")[2], one.tone)
            for one in drawn.points}  # fmt: skip
    assert told == {
        "good": ("succeeded", "ok"), "bad": ("failed", "bad"),
        "(no agent)": ("nobody said whether it succeeded", "unjudged"),
    }  # fmt: skip
    below = _told(page.tables()["runs"], "Succeeded")
    assert {agent: below[agent] for agent in EXPECTED} == EXPECTED
