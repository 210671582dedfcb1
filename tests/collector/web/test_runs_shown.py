"""Which runs failed, which are in no chart, which attempts in no sum: told in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from tests.collector.settle import scene
from tests.collector.settle.told import record_span

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.charts.scatter import Scatter
from spanledger_collector.web.csvfile import csv_of
from spanledger_collector.web.figures import AT_LEAST
from spanledger_collector.web.pages import (
    agent,
    agents,
    explain,
    flame,
    latency,
    overview,
    quality,
    runs,
    trace,
)
from spanledger_collector.web.parts import Drawing, Figures, Note, Page, Tabled
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


def _told_twice(trace: int) -> list[scene.Row]:
    """A call that two instrumentations tell, and one whose cost nobody knows."""
    who = {"agent_name": "good", "trace": trace, "at": trace * 60}
    return [
        scene.call(3, 1, (2, 0), response_id="r", **who),
        scene.call(4, 3, (2, 0), response_id="r", **who),
        scene.call(5, 1, (1, 0), request_model="nobody-knows", **who),
    ]


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    """Runs that end without an error: good, told bad, outside any agent; and four of odd cost."""
    credit = {"expense__amount": "-7", "expense__category": "credit"}
    rows = [
        *_run(1, "good"), *_run(2, "bad", outcome="failure"), scene.call(1, 0, (1, 0), trace=3),
        *_run(4, "unpriced", model="nobody-knows"), *_run(5, "free", 0),
        record_span(3, 1, trace=5, at=300, revenue__amount="5", revenue__currency="XTS"),
        *_run(6, "credited"), record_span(4, 1, trace=6, at=360, **credit),
        *_run(7, "instant", lasts=0), *_run(8, "good"), *_told_twice(8),
    ]  # fmt: skip
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price(input="1")])
        scene.load(connection, rows)
    scene.settle(module_store, range(1, 9))
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


def test_runs_that_are_in_no_chart_are_counted(ledger: Ledger) -> None:
    """Scales of powers of ten begin above 0: how many it leaves out, and why, stands beside it."""
    (note,) = (part for part in latency.page(ledger, ASKED).parts if isinstance(part, Note))
    assert note.lines[0] == (
        "4 of 8 runs are in no chart, whose scales begin above 0: 1 of unknown cost, 2 that cost "
        "nothing or less, 1 that took no time. The table below has them."
    )
    good = Asked("latency", {"range": "all", "agent": "good"}, ASKED.now)
    assert not [part for part in latency.page(ledger, good).parts if isinstance(part, Note)]


def test_an_explained_trace_has_a_sum(ledger: Ledger) -> None:
    """Of what is counted; an attempt that is in no sum says so beside its amount."""
    asked = Asked("explain", {"id": scene.hex32(8)}, ASKED.now)
    page = explain.page(ledger, asked)
    (tiles,) = (part.figures for part in page.parts if isinstance(part, Figures))
    assert [(one.title, one.text, one.note) for one in tiles] == [
        ("Variable cost", f"{AT_LEAST}$3.00", "3 counted attempts, 1 of unknown cost"),
    ]
    titles = [part.title for part in page.parts if isinstance(part, Note | Tabled) and part.title]
    told = [title.partition(", attempt")[0] for title in titles]
    assert sorted(told) == [
        "chat m1: $1.00", "chat m1: $2.00", "chat m1: $2.00, not counted",
        "chat nobody-knows: unknown",
    ]  # fmt: skip
    alone = Asked("explain", {"id": scene.hex16(3), "trace": scene.hex32(8)}, ASKED.now)
    assert not [part for part in explain.page(ledger, alone).parts if isinstance(part, Figures)]


@pytest.mark.parametrize(
    ("make", "given", "table"),
    [
        (overview.page, {}, "by-agent"), (overview.page, {}, "by-tenant"),
        (agents.page, {}, "agents"), (agents.page, {"by": "tenant"}, "sums"),
        (latency.page, {}, "by-agent"), (latency.page, {}, "by-version"),
        (latency.page, {"agent": "good"}, "by-version"),
    ],
)  # fmt: skip
def test_what_has_no_name_leads_to_its_runs(
    ledger: Ledger, make: Callable[[Ledger, Asked], Page], given: dict[str, str], table: str
) -> None:
    """Agents without a version, what ran outside any agent, runs of no tenant: as all others."""
    shown = make(ledger, Asked(table, {**ASKED.given, **given}, ASKED.now)).tables()[table]
    titles = [column.title for column in shown.columns]
    rows = [cells for _, cells, _ in shown.body()]
    assert rows
    for cells in rows:
        row = dict(zip(titles, cells, strict=True))
        assert row["Total cost"].href == row["Runs"].href
        path, _, query = row["Runs"].href.removeprefix("/ui/").partition("?")
        assert path == "runs"
        asked = Asked(path, dict(parse_qsl(query)), ASKED.now)
        behind = runs.page(ledger, asked).tables()["runs"].rows
        assert str(len(behind)) == row["Runs"].value
        cost = sum((run.total_cost_usd or Decimal(0) for run in behind), Decimal(0))
        assert cost == Decimal(row["Total cost"].value or 0)


def test_an_unknown_value_says_why(ledger: Ledger) -> None:
    """An amount in a currency without a rate, as the page of its agent says."""
    told = "Value and margin are not known: 1 amount is in a currency without a rate: add it to"
    for make, given in ((overview.page, {}), (agent.page, {"agent": "free"})):
        asked = Asked("", {**ASKED.given, **given}, ASKED.now)
        lines = [line for part in make(ledger, asked).parts if isinstance(part, Note)
                 for line in part.lines]  # fmt: skip
        assert [line for line in lines if line.startswith(told)], make
    good = overview.page(ledger, Asked("", {**ASKED.given, "agent": "good"}, ASKED.now))
    assert not [part for part in good.parts if isinstance(part, Note)]


@pytest.mark.parametrize("given", [{}, {"agent": "good"}])
def test_a_success_leads_to_where_it_stands(ledger: Ledger, given: dict[str, str]) -> None:
    """What a success cost, on the page that it leads to."""
    shown = overview.page(ledger, Asked("overview", {**ASKED.given, **given}, ASKED.now))
    (figure,) = (one for part in shown.parts if isinstance(part, Figures) for one in part.figures
                 if one.title == "Cost a success")  # fmt: skip
    path, _, query = figure.href.removeprefix("/ui/").partition("?")
    asked = Asked(path, dict(parse_qsl(query)), ASKED.now)
    if path == "agent":
        tops = [part for part in agent.page(ledger, asked).parts if isinstance(part, Figures)]
        there = [one.value for one in tops[0].figures]
    else:
        ((_, cells, _),) = agents.page(ledger, asked).tables()["sums"].body()
        there = [cell.value for cell in cells]
    assert figure.value in there


def test_quality_is_a_bound_only_where_it_is(ledger: Ledger) -> None:
    """Work of unknown cost that was used is in none of its parts."""
    asked = Asked("quality", {**ASKED.given, "by": "total"}, ASKED.now)
    table = quality.page(ledger, asked).tables()["quality"]
    ((_, cells, _),) = table.body()
    row = dict(zip([column.title for column in table.columns], cells, strict=True))
    bounds = {title for title, one in row.items() if one.text.startswith(AT_LEAST)}
    assert bounds == {"Cost", "Used"}
    assert "only=quality" in row["Quality"].href


def test_the_flame_graph_of_an_agent_says_what_is_in_no_box(ledger: Ledger) -> None:
    """What it handed on is its sub-agents' own: the graph of all has it below the agent."""
    told = "Of the filter's own work alone: what it handed on to sub-agents is in no box."
    of_one = flame.page(ledger, Asked("flame", {**ASKED.given, "agent": "good"}, ASKED.now))
    (note,) = (part for part in of_one.parts if isinstance(part, Note) and told in part.lines)
    assert note.links == [("All agents", "/ui/flame?range=all")]
    every = flame.page(ledger, Asked("flame", ASKED.given, ASKED.now))
    assert not [part for part in every.parts if isinstance(part, Note) and told in part.lines]
