"""What people read on a page: what is not there is not called unknown, and words are explained."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from types import SimpleNamespace
from urllib.parse import quote

import httpx
import pytest
from tests.collector.settle.scene import hex32
from tests.support.served_ledger import Served
from tests.support.shown_ledger import UNPRICED, XSS

from spanledger_collector.query import Ledger
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.pages import agents, overview
from spanledger_collector.web.pages import runs as runs_page
from spanledger_collector.web.pages.overview import figures_of
from spanledger_collector.web.table import Column, cell


def text_of(site: Served, path: str) -> str:
    answer = httpx.get(f"{site.url}/ui/{path}", timeout=300)
    assert answer.status_code == 200
    return answer.text


def rows_of(page: str, table: str) -> dict[str, list[str]]:
    """First cell of each row -> the texts of the others."""
    (body,) = re.findall(rf'<table id="{table}".*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    found: dict[str, list[str]] = {}
    for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL):
        cells = re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.DOTALL)
        first, *others = (re.sub(r"<.*?>", "", cell).strip() for cell in cells)
        found[first] = others
    return found


def test_work_without_waste_is_not_unknown(demo_site: Served) -> None:
    """Retries of the demo cost nothing: that is known."""
    page = text_of(demo_site, "overview?range=all")
    assert re.search(r"\$0\.00 of ≥ \$0\.\d+ of work", page)
    assert "unknown of" not in page


def test_headlines_tell_what_is_known_of_waste(ledger: Ledger) -> None:
    """A known zero is one, beside work that cost nothing too; of unknown work nothing is known."""
    (total,) = ledger.economics_by("total")
    asked = Asked("overview", {}, datetime(2026, 11, 28, tzinfo=timezone.utc))
    told = [
        replace(
            total, work_cost_usd=work, rework_cost_usd=wasted, rework_cost_ratio=ratio,
            unpriced_attempts=unknown, unknown_rework_attempts=unknown,
        )
        for work, wasted, ratio, unknown in (
            (Decimal(2), Decimal(1), 0.5, 0),
            (Decimal(2), Decimal(0), 0.0, 0),
            (Decimal(2), None, 0.0, 0),
            (Decimal(0), Decimal(0), None, 0),
            (None, None, None, 0),
            (Decimal(2), Decimal(0), 0.0, 1),
        )
    ]  # fmt: skip
    notes = [{one.title: one.note for one in figures_of(row, asked).figures} for row in told]
    assert [note["Rework"] for note in notes] == [
        "$1.00 of $2.00 of work",
        "$0.00 of $2.00 of work",
        "$0.00 of $2.00 of work",
        "$0.00 of $0.00 of work",
        "unknown of unknown of work",
        "\N{GREATER-THAN OR EQUAL TO} $0.00 of \N{GREATER-THAN OR EQUAL TO} $2.00 of work",
    ]
    shares = [
        one.text for row in told for one in figures_of(row, asked).figures if one.title == "Rework"
    ]
    assert (shares[1], shares[-1]) == ("0.0%", "unknown")
    assert {note["Value"] for note in notes} == {f"of {total.valued_runs} runs"}


def test_a_margin_says_what_runs_without_a_value_are_to_it(ledger: Ledger) -> None:
    """Their cost is in it, and no margin of their own stands in the list that it leads to."""
    only = {"range": "all", "agent": "analyst"}
    asked = Asked("overview", only, datetime(2026, 11, 28, tzinfo=timezone.utc))
    (total,) = ledger.economics_by("total", asked.part())
    untold = total.runs - total.valued_runs
    assert untold > 1
    for row, told in (
        (
            total,
            f"; {total.valued_runs} of {total.runs} runs have a value, the others only a cost",
        ),
        (replace(total, valued_runs=total.runs), ""),
        (replace(total, margin_usd=None), ""),
    ):
        (note,) = [one.note for one in figures_of(row, asked).figures if one.title == "Margin"]
        assert note == f"value less total cost{told}"
    runs = ledger.runs_of(asked.part(), limit=1000)
    margins = sum(run.margin_usd for run in runs if run.margin_usd is not None)
    costs = [run.total_cost_usd for run in runs if run.value_usd is None]
    assert len(costs) == untold
    assert margins - sum(cost for cost in costs if cost is not None) == total.margin_usd
    tables = [
        overview.page(ledger, asked).tables()["by-day"],
        overview.page(ledger, asked).tables()["by-agent"],
        agents.page(ledger, asked).tables()["agents"],
        runs_page.page(ledger, asked).tables()["runs"],
    ]
    for table in tables:
        for column in table.columns:
            if column.title.startswith("Margin"):
                assert "without a value" in column.help, (table.id, column.title)


def test_an_agent_without_assets_has_no_amortized_cost(demo_site: Served) -> None:
    """A dash, as everywhere; a cost that is not known stays unknown."""
    page = text_of(demo_site, "agent?agent=triage&range=all")
    assert rows_of(page, "steps")["Amortized cost"] == ["\N{EN DASH}"]
    assert rows_of(page, "with-sub-agents")["Amortized cost"] == ["\N{EN DASH}"] * 2
    assert "$" in rows_of(page, "steps")["Total cost"][0]


@pytest.mark.parametrize("path", ["overview", "agents", "agent?agent=analyst", "runs", "rework"])
def test_the_meaning_of_a_column_needs_no_mouse(site: Served, path: str) -> None:
    """What a title says when it is pointed at stands below the table too."""
    page = text_of(site, f"{path}{'&' if '?' in path else '?'}range=all")
    pointed = set(re.findall(r'<abbr title="(.+?)">', page))
    assert pointed
    read = set(
        re.findall(
            r"<dd>(.+?)</dd>", "".join(re.findall(r"<details.*?</details>", page, re.DOTALL))
        )
    )
    assert {html.unescape(one) for one in pointed} <= {html.unescape(one) for one in read}


def test_figures_with_sub_agents_say_so(demo_site: Served) -> None:
    """No word of our own for them on the page of an agent."""
    page = text_of(demo_site, "agent?agent=triage&range=all")
    assert "Total cost a success, with sub-agents" in page
    assert "nclusive" not in re.sub(r"<[^>]*>", "", page)


def test_a_box_of_the_flame_graph_says_what_it_cost(demo_site: Served) -> None:
    """Where it fits, and that it is a lower bound where it is one."""
    page = text_of(demo_site, "flame?range=all")
    assert re.search(r"<text [^>]*>all  ≥ \$0\.\d+</text>", page)
    assert re.search(r"<text [^>]*>researcher  \$0\.\d+</text>", page)


HOSTILE = quote(XSS["agent_name"])


@pytest.mark.parametrize("agent", ["analyst", HOSTILE, "even", "unpriced"])
def test_a_drawing_says_what_its_table_says(site: Served, agent: str) -> None:
    """Amount by amount, bounds of what is not wholly known included."""
    page = text_of(site, f"agent?agent={agent}&range=all")
    drawn = re.findall(r'<text class="amount".*?>(.*?)</text>', page)
    assert drawn == [amount for (amount,) in rows_of(page, "steps").values()]
    assert any(one.startswith("\N{GREATER-THAN OR EQUAL TO}") for one in drawn) == (
        agent == HOSTILE
    )


def test_bounds_are_told_wherever_an_amount_is(site: Served) -> None:
    """Boxes of the flame graph, points of the chart, what is left of a budget."""
    flame = text_of(site, f"flame?agent={HOSTILE}&range=all")
    assert re.search(r'aria-label="all: \N{GREATER-THAN OR EQUAL TO} \$', flame)
    assert re.search(r"<title>all: \N{GREATER-THAN OR EQUAL TO} \$", flame)
    assert re.search(r'aria-label="[^"]*small: \$', flame)
    points = re.findall(r'aria-label="([^"]*)"><title>', text_of(site, "latency?range=all"))
    bounds = [one for one in points if "\N{GREATER-THAN OR EQUAL TO} $" in one]
    assert len(bounds) == 1
    assert "window.hacked" in bounds[0]
    (cells,) = rows_of(text_of(site, "budgets"), "budgets").values()
    assert "\N{GREATER-THAN OR EQUAL TO} $1.25" in cells
    assert "\N{LESS-THAN OR EQUAL TO} $0.250" in cells


@pytest.mark.parametrize("name", [" ", "  \t", "\u2003"])
def test_a_link_has_text(name: str) -> None:
    """A name of blanks is said to be one; what has no name keeps its own word."""
    column = Column("Agent", "key", link=lambda _: "/ui/agent", name="(none)")
    assert cell(column, SimpleNamespace(key=name)).text == "(blank)"
    assert cell(column, SimpleNamespace(key="")).text == "(none)"
    assert cell(column, SimpleNamespace(key=f"a{name}b")).text.startswith("a")


def test_a_known_zero_is_neither_unknown_nor_untold(site: Served) -> None:
    """Of a margin of 0, of a cost that nobody knows, of a value that nobody told: three texts."""
    rows = rows_of(text_of(site, "agents?range=all"), "agents")
    place = {"Rework": 4, "Value": 7, "Margin": 8, "Margin with sub-agents": 12}
    told = {name: [row[at] for at in place.values()] for name, row in rows.items()}
    assert told["even"] == ["$0.00", "$0.000200", "$0.00", "$0.00"]
    assert told["unpriced"] == ["unknown", "$1.50", "unknown", "unknown"]
    (hostile,) = (one for name, one in told.items() if "hacked" in name)
    assert hostile[1:] == ["\N{EN DASH}"] * 3
    shares = text_of(site, f"run?trace={hex32(UNPRICED)}&id=unpriced")
    told_run = {name: amount for name, (amount, _) in rows_of(shares, "shares").items()}
    unknown = ("Variable cost", "of which rework", "Total cost", "Margin")
    assert {told_run[name] for name in unknown} == {"unknown"}
    assert told_run["Amortized cost"] == told_run["Worth by rules"] == "\N{EN DASH}"
    runs = rows_of(text_of(site, "runs?range=all&agent=even"), "runs")
    assert [row[6] for row in runs.values()] == ["$0.00"]
