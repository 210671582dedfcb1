"""Tables of the pages as CSV: exact, whole, and no formula for a spreadsheet."""

from __future__ import annotations

import html
import re
from decimal import Decimal
from types import SimpleNamespace

import httpx
import pytest
from tests.support.page_requests import asked_csv, everything
from tests.support.shown_ledger import PLAIN_TRACE, XSS, XSS_TRACE

from spanledger_collector.query import Ledger
from spanledger_collector.query.titles import worth_showing
from spanledger_collector.web.csvfile import csv_of
from spanledger_collector.web.pages import asset, attempts, explain, flame, overview, runs
from spanledger_collector.web.table import Column, Table


def test_a_table_as_csv_is_exact(client: httpx.Client, ledger: Ledger) -> None:
    """Every digit, one line a row, the titles of the page."""
    titles, *lines = asked_csv(client, "overview", "by-agent")
    rows = ledger.economics_by("agent")
    place = titles.index("Total cost (USD)")
    told = [None if line[place] == "" else Decimal(line[place]) for line in lines]
    assert told == [row.total_cost_usd for row in rows]


def test_agents_and_versions_have_both_costs_beside_each_other(
    client: httpx.Client, ledger: Ledger
) -> None:
    """Own, which sums to the ledger, and inclusive, by which versions are compared."""
    for page, table, by in (
        ("overview", "by-agent", "agent"),
        ("latency", "by-agent", "agent"),
        ("latency", "by-version", "version"),
    ):
        titles, *lines = asked_csv(client, page, table)
        rows = ledger.economics_by(by)  # type: ignore[arg-type] -- both are
        assert [line[0] for line in lines] == [row.key for row in rows]
        for title, field in (
            ("Total cost", "total_cost_usd"),
            ("Total with sub-agents", "inclusive_total_cost_usd"),
            ("A success, with sub-agents", "inclusive_cost_per_success_usd"),
            ("Margin with sub-agents", "inclusive_margin_usd"),
        ):
            told = [line[titles.index(f"{title} (USD)")] for line in lines]
            expected = [getattr(row, field) for row in rows]
            assert [Decimal(one) if one else None for one in told] == expected, (table, title)


def test_a_comparison_as_csv_is_exact(client: httpx.Client, ledger: Ledger) -> None:
    """Values, difference and both ends of its interval, as the Python API gives them."""
    titles, *lines = asked_csv(client, "agent?agent=analyst", "compared")
    figures = {one.name: one for one in ledger.compare("analyst", "1", "2").figures}
    shown = worth_showing(figures, lambda name: (figures[name].old, figures[name].new))
    assert [line[titles.index("Verdict")] for line in lines] == [
        figures[name].verdict for name in shown
    ]
    first = figures[shown[0]].difference
    place = titles.index("Difference")
    assert [Decimal(cell) for cell in lines[0][place : place + 3]] == [
        first.value,
        first.low,
        first.high,
    ]


def test_a_title_says_what_it_is_of_and_in_which_unit(client: httpx.Client, ledger: Ledger) -> None:
    """As each cell of the page does; times that passed are in seconds everywhere."""
    titles, *lines = asked_csv(client, "agents", "agents")
    assert len(titles) == len(set(titles))
    for title in (
        "A success, with sub-agents (USD)",
        "A success, with sub-agents, 95% interval from (USD)",
        "Wasted of work, 95% interval to (ratio)",
        "Multiplier, 95% interval from",
        "Known (ratio)",
    ):
        assert title in titles
    rows = ledger.agents()
    told = [Decimal(line[titles.index("p95 (s)")]) for line in lines]
    assert told == [Decimal(str(row.p95_duration_ns)) / 10**9 for row in rows]
    titles, *lines = asked_csv(client, "runs", "runs")
    latency = [Decimal(line[titles.index("Latency (s)")]) for line in lines]
    assert latency == [Decimal(run.duration_ns) / 10**9 for run in ledger.runs()]
    assert "Waited (s)" in asked_csv(client, "rework", "reasons")[0]
    assert "Started (UTC)" in titles
    assert (
        "Output (for a million tokens, in the currency)" in asked_csv(client, "prices", "prices")[0]
    )


def test_a_comparison_says_the_unit_of_each_figure(client: httpx.Client) -> None:
    """Those of a column are not of one kind."""
    titles, *lines = asked_csv(client, "agent?agent=analyst", "compared")
    assert titles[:2] == ["Figure", "Unit"]
    told = {line[0]: line for line in lines}
    assert told["Total cost a run"][1] == "USD"
    assert told["Success rate"][1] == "ratio"
    assert {line[1] for line in lines} == {"USD", "ratio", "s"}, told.keys()
    assert told["Median latency"][1] == "s"
    assert 0 < Decimal(told["Median latency"][2]) < 1000


def test_what_is_unknown_is_not_what_nobody_told(client: httpx.Client, ledger: Ledger) -> None:
    """Both are empty, and the last column says which of them are unknown."""
    titles, *lines = asked_csv(client, "runs", "runs")
    places = [titles.index(title) for title in ("Variable cost (USD)", "Value (USD)", "Bounds")]
    found = ledger.runs()
    assert {run.cost_usd is None for run in found} == {True, False}
    assert any(run.value_usd is None for run in found)
    for line, run in zip(lines, found, strict=True):
        cost, value, bounds = (line[place] for place in places)
        assert (cost == "") == (run.cost_usd is None)
        assert ("Variable cost unknown" in bounds.split("; ")) == (cost == "")
        assert (value == "") == (run.value_usd is None)
        assert "Value unknown" not in bounds  # nobody told one
    rows = [SimpleNamespace(name=name, usd=None, told=told) for name, told in (("a", 1), ("b", 0))]
    blank = Column("Value", "usd", "usd", blank=lambda row: not row.told)
    table = Table("one", "", [Column("Name", "name"), blank], rows)
    assert csv_of(table).split() == ["Name,Value", "(USD),Bounds", "a,,Value", "unknown", "b,,"]


def test_csv_holds_no_formula(client: httpx.Client) -> None:
    """Text that a spreadsheet would run stands behind an apostrophe; numbers below 0 do not."""
    lines = asked_csv(client, f"trace?id={XSS_TRACE}", "spans")
    cells = [cell for line in lines for cell in line]
    assert f"'{XSS['error_type']}" in cells
    assert f"'{XSS['name']}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))]
    agents = asked_csv(client, "agents", "agents")
    assert any(re.fullmatch(r"-\d+\.\d+", cell) for line in agents for cell in line)


@pytest.mark.parametrize(
    ("path", "table"),
    [
        ("runs", "runs"), ("flame", "paths"), ("agents", "agents"), ("overview", "by-agent"),
        ("rework", "rates"), ("agent?agent=unpriced", "steps"),
        ("flame?since=2026-11-01&until=2026-11-02&before_since=2026-11-02&before_until=2026-11-03",
         "paths"),
    ],
)  # fmt: skip
def test_csv_says_which_amounts_are_bounds(client: httpx.Client, path: str, table: str) -> None:
    """Those that the page marks: they must not be summed as if they were all."""
    page = client.get(everything(path)).text
    found = re.search(rf'<table id="{table}".*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    assert found
    titles, *lines = asked_csv(client, path, table)
    assert titles[-1] == "Bounds"
    told = [line[-1] for line in lines]
    for mark, words in (("≥ ", "at least"), ("≤ ", "at most")):
        assert sum(one.count(words) for one in told) == len(re.findall(f">{mark}", found[1]))
    assert "".join(told) or "unpriced" in path


def test_a_table_without_bounds_has_no_column_of_them() -> None:
    columns = [Column("Name", "name"), Column("Runs", "runs", "count")]
    table = Table("one", "", columns, [SimpleNamespace(name="a", runs=3)])
    assert csv_of(table) == "Name,Runs\r\na,3\r\n"


@pytest.mark.parametrize("at_once", [10_000, 40])
def test_csv_has_all_rows(
    client: httpx.Client, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Of lists that a page shows by the hundred, in however many parts they are read."""
    for page in (attempts, runs, asset):
        monkeypatch.setattr(page, "AT_ONCE", at_once)
    titles, *lines = asked_csv(client, "attempts?offset=100", "attempts")
    assert len(lines) == ledger.models_behind()[0].all_attempts > 100
    costs = [
        Decimal(line[titles.index("Cost (USD)")])
        for line in lines
        if line[titles.index("Cost (USD)")]
    ]
    assert costs == sorted(costs, reverse=True)
    assert sum(costs) == ledger.models_behind()[0].all_cost_usd
    titles, *lines = asked_csv(client, "runs", "runs")
    told = [Decimal(line[titles.index("Total cost (USD)")] or 0) for line in lines]
    assert told == [run.total_cost_usd or 0 for run in ledger.runs()]
    titles, *lines = asked_csv(client, "asset?id=tuned", "charges")
    assert len(lines) == len(ledger.asset_charges("tuned", limit=1000)) > 0
    titles, *lines = asked_csv(client, "runs?since=2026-11-03&until=2026-11-03", "runs")
    assert {line[titles.index("Started (UTC)")][:10] for line in lines} == {"2026-11-03"}


def test_the_overview_shows_the_dearest(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how many there are and leads to them all, and its CSV has them."""
    whole = {one: asked_csv(client, "overview", one) for one in ("by-agent", "by-tenant")}
    assert "The dearest" not in client.get("overview?range=all").text
    monkeypatch.setattr(overview, "_SHOWN", 1)
    page = client.get("overview?range=all").text
    for table, what, href in (
        ("by-agent", "agents", "/ui/agents?range=all"),
        ("by-tenant", "tenants", "/ui/agents?range=all&amp;by=tenant"),
    ):
        body = page.partition(f'<table id="{table}"')[2].partition("</table>")[0]
        assert body.count('<th scope="row"') == 1
        there = len(whole[table]) - 1
        assert there > 1
        assert f"The dearest 1 of {there} {what}; the CSV has them all." in page
        assert f'href="{href}"' in page
        assert asked_csv(client, "overview", table) == whole[table]


@pytest.mark.parametrize("words", ["", "&before_since=2026-11-05&before_until=2026-11-06"])
def test_the_paths_that_a_page_leaves_out_are_in_the_csv(
    client: httpx.Client, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """The page ends at the dearest, says how many there are, and leads to them all."""
    asked = f"flame?since=2026-11-01&until=2026-11-04{words}"
    whole = asked_csv(client, asked, "paths")
    monkeypatch.setattr(flame, "_SHOWN", 5)
    page = client.get(asked).text
    body = page.partition('<table id="paths"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    shown, there = body.count("<tr>"), len(whole) - 1
    assert 5 <= shown < there
    assert f"The dearest {shown} of {there} paths; the CSV has them all." in page
    assert asked_csv(client, asked, "paths") == whole


def test_every_button_of_every_page_gives_its_table(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the second page of a list too: the rows of that page, or of all of them."""
    monkeypatch.setattr(explain, "_SHOWN", 1)
    for path in (
        f"explain?id={PLAIN_TRACE}",
        f"explain?id={PLAIN_TRACE}&offset=2",
        "attempts?range=all&offset=100",
        "runs?range=all&offset=5",
        f"run?trace={PLAIN_TRACE}&id=r1000&offset=1",
    ):
        page = client.get(path).text
        found = [html.unescape(one) for one in re.findall(r'href="/ui/([^"]*csv=[^"]*)"', page)]
        assert found, path
        for address in found:
            answer = client.get(address)
            assert answer.headers["content-type"] == "text/csv; charset=utf-8", address
            assert answer.text.count("\r\n") > 1, address
