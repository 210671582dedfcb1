"""From a figure to what it is of, and from there to how it came about."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import httpx
import pytest
from tests.support.page_asked import Asked, behind, given_by
from tests.support.page_requests import asked_csv, everything
from tests.support.served_ledger import Served
from tests.support.shown_ledger import CHARGED_TRACE, PLAIN_TRACE

from spanledger_collector.query import Ledger, ModelsBehindRow


def test_parts_of_an_agent_lead_to_what_they_are_of(client: httpx.Client) -> None:
    """Rework, shares of assets, runs: each of this agent."""
    text = client.get("agent?agent=analyst&range=all").text
    for path in ("rework", "runs", "flame"):
        assert re.search(rf'href="/ui/{path}\?range=all&amp;agent=analyst"><data value', text)
    asset = r'href="/ui/asset\?range=all&amp;agent=analyst&amp;id=[\w-]+"><data value'
    assert re.search(asset, text)
    assert 'href="/ui/runs?range=all&amp;agent=analyst&amp;by=version&amp;key=2"' in text


def test_rework_of_unknown_cost_is_a_lower_bound(client: httpx.Client) -> None:
    """What a failed attempt cost nobody knows: it is no 0."""
    text = client.get("rework?range=all").text
    lines = [line for line in re.findall(r"<tr>.*?</tr>", text, re.DOTALL) if "agent&#39;" in line]
    rates = next(line for line in lines if "%" in line)
    assert '<data value="0" title="$0">≥ $0.00</data>' in rates


_CELL = re.compile(r'<a href="(/ui/attempts[^"]*)"><data value="([^"]*)"')


_FIGURES = re.compile(r'<dd class="big">(?:<a[^>]*>)?<data value="([^"]*)"')


def titled(page: str) -> Iterator[tuple[str, str]]:
    """Title of the column and HTML of each cell."""
    for table in re.findall(r"<table.*?</table>", page, re.DOTALL):
        heads = re.findall(r'<th scope="col".*?</th>', table, re.DOTALL)
        titles = [re.sub(r"<[^>]*>", "", head).strip() for head in heads]
        for line in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL):
            cells = re.findall(r"<t[dh].*?</t[dh]>", line, re.DOTALL)
            yield from zip(titles, cells, strict=True)


def headlines(page: str) -> Iterator[tuple[str, str]]:
    """Title and HTML of each figure at the top of a page, and of each part of an agent's sums."""
    yield from re.findall(r'<dt>([^<]*)</dt>\s*(<dd class="big">.*?</dd>)', page, re.DOTALL)
    row = re.compile(r'<th scope="row"[^>]*><bdi>([^<]*)</bdi></th>\s*(<td.*?</td>)', re.DOTALL)
    for table in re.findall(r'<table id="steps".*?</table>', page, re.DOTALL):
        yield from row.findall(table)


def linked(page: str) -> Iterator[tuple[str, str, str]]:
    """Title of the column, address and exact value of the cells that lead to attempts."""
    for title, cell in titled(page):
        found = _CELL.search(cell)
        if found:
            yield title, html.unescape(found[1]), found[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    ["rework", "rework?by=model", "rework?by=tenant&agent=analyst", "prices", "prices?tenant=acme",
     "prices?since=2026-11-03&until=2026-11-04", "overview"],
)  # fmt: skip
def test_a_figure_leads_to_the_attempts_that_it_sums(
    client: httpx.Client, site: Served, path: str
) -> None:
    """One click from a sum: the same sum, to the last digit, and below it what it is of."""
    places = {
        **dict.fromkeys(("Cost", "Rework", "Estimated"), 0),
        **dict.fromkeys(("Attempts", "Wasted"), 1), "Tokens": 2,
    }  # fmt: skip
    sums = {
        (title, address, value)
        for title, address, value in linked(client.get(everything(path)).text)
        if title in places and value
    }
    assert len(sums) > 5
    pages = {address: client.get(site.url + address) for _, address, _ in sums}
    for title, address, value in sums:
        assert pages[address].status_code == 200, address
        told = _FIGURES.findall(pages[address].text) or ["0"] * 3
        # A part of a cost of which nothing is known is 0 of it beside the whole, unknown alone.
        assert Decimal(told[places[title]] or 0) == Decimal(value), (title, address)
        assert 'href="/ui/explain?' in pages[address].text or not Decimal(value)


def test_an_asset_leads_to_its_entries_and_charges(client: httpx.Client, ledger: Ledger) -> None:
    """Capital and charges as they were booked; a charge leads to the run that carries it."""
    assert 'href="/ui/asset?range=all&amp;id=tuned"' in client.get("assets?range=all").text
    row = next(row for row in ledger.assets() if row.asset_id == "tuned")
    titles, *lines = asked_csv(client, "asset?id=tuned", "entries")
    told = [Decimal(line[titles.index("Capital (USD)")] or 0) for line in lines]
    assert sum(told) == row.capital_usd
    titles, *lines = asked_csv(client, "asset?id=tuned", "charges")
    assert sum(Decimal(line[titles.index("Charge (USD)")]) for line in lines) == row.charged_usd
    assert {line[titles.index("Plan")] for line in lines} != {""}
    page = client.get("asset?id=tuned&range=all").text
    assert f'href="/ui/trace?range=all&amp;id={CHARGED_TRACE}"' in page
    titles, *lines = asked_csv(client, f"asset?trace={CHARGED_TRACE}", "charges")
    (run,) = [run for run in ledger.trace(CHARGED_TRACE).runs if run.amortized_cost_usd]
    assert Decimal(lines[0][titles.index("Charge (USD)")]) == run.amortized_cost_usd
    assert f"trace={CHARGED_TRACE}&amp;run={run.run_id}" in client.get("runs?range=all").text


def test_an_amount_leads_to_its_explanation(client: httpx.Client, site: Served) -> None:
    """From a span of a trace to its lines and reasons."""
    trace = client.get(f"trace?id={PLAIN_TRACE}").text
    found = re.search(r'href="(/ui/explain\?[^"]+)"', trace)
    assert found
    told = client.get(site.url + found[1].replace("&amp;", "&")).text
    assert "rounded half even to 12 decimals" in told
    assert "price: acme/small" in told


#: Of a column: what the attempts behind it sum to, by the row of their models.
OF_ATTEMPTS: Mapping[str, Callable[[ModelsBehindRow], object]] = {
    **dict.fromkeys(
        ("Cost", "Before", "Rework", "Estimated", "Variable cost", "Prevention", "Appraisal",
         "Failure", "Used"),
        lambda row: row.all_cost_usd or Decimal(0),
    ),
    **dict.fromkeys(("Attempts", "Wasted"), lambda row: row.all_attempts),
    "Tokens": lambda row: row.all_tokens,
}  # fmt: skip
#: And the runs, by the field of each that is summed; empty = how many they are.
OF_RUNS = {
    "Runs": "", "Total cost": "total_cost_usd", "Variable cost": "cost_usd", "Value": "value_usd",
    "Margin": "", "Rework": "rework_cost_usd",
    **dict.fromkeys(("Amortized", "Amortized cost"), "amortized_cost_usd"),
}  # fmt: skip
_HOURS = "since=2026-11-03T03:00:00%2B00:00&until=2026-11-06T11:00:00%2B00:00"
_LINK = re.compile(r'<a href="/ui/((?:attempts|runs)\?[^"]*)"><data value="([^"]+)"')


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "overview", "overview?since=2026-11-03T03:00:00%2B00:00&until=2026-11-04T01:00:00%2B00:00",
        "agents", "agents?by=day", "agents?by=tenant", "rework", "quality", "prices", "flame",
        *(f"{page}?{_HOURS}" for page in ("rework", "quality", "prices")),
        "flame?since=2026-11-03&until=2026-11-04&before_since=2026-11-05&before_until=2026-11-06",
        "flame?agent=analyst&since=2026-11-05&until=2026-11-07&compare=before",
        "attempts", "attempts?agent=analyst", "latency", "latency?agent=analyst",
        "agent?agent=analyst", "agent?agent=analyst&by=model",
        "agent?agent=analyst&by=tenant&since=2026-11-03&until=2026-11-05",
    ],
)  # fmt: skip
def test_every_sum_with_a_link_is_the_sum_of_what_it_leads_to(
    client: httpx.Client, ledger: Ledger, path: str
) -> None:
    """To the last digit: of the attempts or runs of the page that a figure leads to."""
    page = client.get(everything(path)).text
    seen: dict[str, Asked] = {}
    wrong: list[tuple[str, str, str, object]] = []
    checked: set[str] = set()
    for title, cell in titled(page):
        found = _LINK.search(cell)
        if not found:
            continue
        address, value = html.unescape(found[1]), Decimal(found[2].partition(" ")[0])
        of_runs = address.startswith("runs")
        if title not in (OF_RUNS if of_runs else OF_ATTEMPTS):
            continue
        asked = seen.setdefault(address, Asked(ledger, given_by(address)))
        there = run_sum(asked, title) if of_runs else attempt_sum(asked, title)
        checked.add(title)
        if there != value:
            wrong.append((title, address, str(value), there))
    assert wrong == []
    assert checked


_PARTS = {"Total cost", "Value", "Margin", "Runs"}


@pytest.mark.parametrize(
    ("path", "titles"),
    [
        ("overview", {*_PARTS, "Amortized"}),
        (f"overview?tenant=acme&{_HOURS}", {*_PARTS, "Amortized"}),
        ("agent?agent=analyst", {*_PARTS, "Variable cost", "Amortized cost"}),
        (f"agent?agent=analyst&tenant=acme&{_HOURS}", {*_PARTS, "Variable cost", "Amortized cost"}),
    ],
)
def test_every_headline_leads_to_the_runs_that_it_sums(
    client: httpx.Client, ledger: Ledger, path: str, titles: set[str]
) -> None:
    """What runs cost and earned, of the same period, tenant and agent, to the last digit."""
    checked: set[str] = set()
    for title, cell in headlines(client.get(everything(path)).text):
        found = _LINK.search(cell)
        if found and title in OF_RUNS:
            asked = Asked(ledger, given_by(html.unescape(found[1])))
            assert run_sum(asked, title) == Decimal(found[2]), (title, found[1])
            checked.add(title)
    assert checked == titles


@pytest.mark.parametrize("path", ["overview?", "agent?agent=analyst&", "overview?tenant=acme&"])
def test_a_share_wasted_leads_to_the_same_share(client: httpx.Client, path: str) -> None:
    """Over parts of days, too: the page of rework is of the period that its filters say."""
    wasted = {"Rework", "Wasted of the work"}
    (cell,) = (cell for title, cell in headlines(client.get(path + _HOURS).text) if title in wasted)
    found = re.search(r'<a href="/ui/([^"]*)"><data value="([^"]+)"', cell)
    assert found
    titles, line = asked_csv(client, f"{html.unescape(found[1])}&by=total", "rates")
    there = Decimal(line[titles.index("Of the cost (ratio)")])
    assert round(there, 12) == round(Decimal(found[2]), 12) > 0


def test_the_flame_graph_says_what_it_is_of(client: httpx.Client) -> None:
    """Other pages sum runs by their start, with shares of assets: this one neither."""
    page = client.get("flame?range=all").text
    assert "Variable cost, without shares of assets, by start of the call" in page


def attempt_sum(asked: Asked, title: str) -> object:
    rows = asked.ledger.models_behind(behind(asked), limit=1)
    return OF_ATTEMPTS[title](rows[0]) if rows else 0


def run_sum(asked: Asked, title: str) -> Any:
    by: Any = asked.given.get("by", "total")
    runs = asked.ledger.runs_of(asked.part, by=by, key=asked.given.get("key", ""), limit=1000)
    if title == "Margin":  # of all of them: those without a value have none, but cost
        return run_sum(asked, "Value") - run_sum(asked, "Total cost")
    amounts = (getattr(run, OF_RUNS[title]) if OF_RUNS[title] else 1 for run in runs)
    return sum((one for one in amounts if one is not None), Decimal(0))
