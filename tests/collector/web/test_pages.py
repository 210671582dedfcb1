"""The pages over HTTP: every one answers, escapes what it prints, forbids what it does not need."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest
from tests.collector.web.conftest import OF_ONE, PATHS
from tests.support.served_ledger import Served
from tests.support.shown_ledger import CHARGED_TRACE, PLAIN_TRACE, XSS, XSS_TRACE

from spanledger_collector.query import Ledger, Slice
from spanledger_collector.query.titles import worth_showing
from spanledger_collector.web.pages import PAGES, asset, attempts, runs

RANGE = {"range": "all"}


@pytest.fixture
def client(site: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{site.url}/ui/", timeout=300) as client:
        yield client


def everything(path: str) -> str:
    """The page over all time."""
    return path if "since=" in path else f"{path}{'&' if '?' in path else '?'}range=all"


def asked_csv(client: httpx.Client, path: str, table: str) -> list[list[str]]:
    answer = client.get(f"{everything(path)}&csv={table}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="spanledger-{table}.csv"'
    )
    return list(csv.reader(io.StringIO(answer.text)))


def test_the_root_leads_to_the_overview(site: Served) -> None:
    """A person who opens the port finds the pages."""
    for path in ("/", "/ui", "/ui/"):
        answer = httpx.get(site.url + path)
        assert (answer.status_code, answer.headers["location"]) == (302, "/ui/overview")


@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_shut_and_escaped(client: httpx.Client, path: str) -> None:
    """200, all headers, nothing inline, and no name of telemetry as markup."""
    answer = client.get(everything(path))
    assert answer.status_code == 200, answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"\sstyle=|<style|\son\w+=[\"']|<script(?! src=)", answer.text)
    for text in XSS.values():
        assert "<" not in text or text not in answer.text
    assert "{{" not in answer.text.replace("{{7*7}}", "")
    assert not re.search(r"href=\"(?!/ui/|#)", answer.text)


@pytest.mark.parametrize("path", [path for path in PATHS if not path.startswith(OF_ONE)])
def test_every_page_of_an_empty_ledger(empty_site: Served, path: str) -> None:
    """A ledger without a row has pages that say so."""
    answer = httpx.get(f"{empty_site.url}/ui/{everything(path)}", timeout=300)
    assert answer.status_code == 200, answer.text
    assert re.search(r"Nothing in this period|No \w+|is booked", answer.text)


def test_static_files_are_ours_alone(client: httpx.Client) -> None:
    """Script, style and the library of charts, with its licence, and with the same headers."""
    for name in ("ui.css", "ui.js", "vendor/uplot/uPlot.iife.min.js", "vendor/uplot/LICENSE"):
        answer = client.get(f"static/{name}")
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get("static/../app.py").status_code == 404
    assert client.get("static/%2e%2e/app.py").status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("nothing", 404, "There is no such page"),
        ("overview?range=century", 400, "is none of 24h, 7d, 30d, 90d, all"),
        ("overview?since=yesterday", 400, "give a time such as"),
        ("runs?offset=-1", 400, "is no whole number"),
        ("runs?offset=99999999999999999999", 400, "is no whole number"),
        ("agent", 400, "choose one on the page Agents"),
        ("agent?agent=nobody", 404, "no runs of an agent"),
        ("agent?agent=analyst&by=moon&range=all", 400, "none of version, tenant, model"),
        ("rework?by=moon", 400, "none of total, agent, version"),
        ("asset", 400, "choose one on the page Assets"),
        ("asset?id=nothing", 404, "no asset"),
        ("trace", 400, "choose a run"),
        ("trace?id=12", 404, "no trace"),
        ("explain?id=xyz", 400, "neither a trace id"),
        ("flame?before_since=2026-11-01", 400, "give both before_since and before_until"),
        ("flame?before_since=x&before_until=y", 400, "give a time such as"),
        ("overview?csv=nothing&range=all", 404, "no table"),
        ("trace?id=<script>alert(1)</script>", 404, "&lt;script&gt;"),
    ],
)
def test_what_cannot_be_shown_is_told(
    client: httpx.Client, path: str, status: int, told: str
) -> None:
    """A page that says what happened and what to do, with the headers of any page."""
    answer = client.get(path)
    assert answer.status_code == status
    assert told in answer.text
    assert "content-security-policy" in answer.headers
    assert "<script>" not in answer.text


def test_pages_only_read(client: httpx.Client) -> None:
    """No other method does anything."""
    for method in ("POST", "PUT", "DELETE"):
        assert client.request(method, "overview").status_code == 405


def test_while_the_ledger_is_opened(site: Served) -> None:
    """503 and when to ask again; health and budgets need no ledger."""
    reader, site.reader = site.reader, None
    try:
        answer = httpx.get(f"{site.url}/ui/overview")
        assert answer.status_code == 503
        assert int(float(answer.headers["retry-after"])) >= 1
        assert httpx.get(f"{site.url}/ui/budgets").status_code == 200
    finally:
        site.reader = reader


def test_a_table_as_csv_is_exact(client: httpx.Client, ledger: Ledger) -> None:
    """Every digit, one line a row, the titles of the page."""
    titles, *lines = asked_csv(client, "overview", "by-agent")
    rows = ledger.economics_by("agent")
    place = titles.index("Total cost")
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
            told = [line[titles.index(title)] for line in lines]
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


def test_csv_holds_no_formula(client: httpx.Client) -> None:
    """Text that a spreadsheet would run stands behind an apostrophe; numbers below 0 do not."""
    lines = asked_csv(client, f"trace?id={XSS_TRACE}", "spans")
    cells = [cell for line in lines for cell in line]
    assert f"'{XSS['error_type']}" in cells
    assert f"'{XSS['name']}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))]
    agents = asked_csv(client, "agents", "agents")
    assert any(re.fullmatch(r"-\d+\.\d+", cell) for line in agents for cell in line)


def test_filters_of_the_url_hold_for_every_figure(client: httpx.Client, ledger: Ledger) -> None:
    """Agent, tenant and period: the page shows what the Python API gives for the same slice."""
    titles, *lines = asked_csv(client, "overview?agent=analyst&tenant=acme&version=2", "by-day")
    rows = ledger.economics_by("day", Slice(agent_name="analyst", agent_version="2", tenant="acme"))
    assert [line[0] for line in lines] == [row.key for row in rows] != []
    runs = titles.index("Runs")
    assert [int(line[runs]) for line in lines] == [row.runs for row in rows]
    titles, *lines = asked_csv(client, "overview?since=2026-11-03&until=2026-11-04", "by-day")
    assert [line[0] for line in lines] == ["2026-11-03", "2026-11-04"]


#: What a table says that some filters do not narrow.
_WHOLE = re.compile("of all its versions and tenants|of all times and tenants")


@pytest.mark.parametrize("page", [*PAGES, "budgets"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("agent", "nobody"), ("version", "none"), ("tenant", "nobody"), ("since", "2099-01-01")],
)
def test_a_filter_is_honoured_or_said_to_mean_nothing(
    client: httpx.Client, page: str, name: str, value: str
) -> None:
    """On every page: what nothing fits shows nothing, but for what says that it is of all."""
    path = next(path for path in PATHS if re.match(rf"{page}(\?|$)", path))
    given = re.sub(r"\bagent=[^&]*&?", "", path) if name == "agent" else path
    answer = client.get(f"{everything(given)}&{name}={value}")
    told = re.search(r'<p class="unused".*?</p>', answer.text, re.DOTALL)
    if told is not None:
        period = "period" if name == "since" else name
        assert f"Remove the filter </span>{period}: " in told[0]
        return
    if answer.status_code == 404:
        assert "no runs of an agent" in answer.text
        return
    assert answer.status_code == 200
    for table in re.findall(r"<caption>(.*?)</caption>", answer.text):
        assert _WHOLE.search(table), table
    assert 'class="figures' not in answer.text


def test_version_and_tenant_narrow_what_they_did_not(client: httpx.Client, ledger: Ledger) -> None:
    """Agents, Agent and Rework: the figures of the same part by the Python API, exactly."""
    part = Slice(agent_name="analyst", agent_version="2", tenant="acme")
    words = "agent=analyst&version=2&tenant=acme"
    titles, *lines = asked_csv(client, f"agents?{words}", "agents")
    (agent,) = ledger.agents_of(part)
    (run,) = ledger.economics_by("total", part)
    assert (int(lines[0][titles.index("Runs")]), len(lines)) == (agent.runs, 1)
    assert agent.runs == run.runs < len(ledger.runs(agent_name="analyst"))
    assert Decimal(lines[0][titles.index("Total cost")]) == run.total_cost_usd
    titles, *lines = asked_csv(client, f"agent?{words}", "groups")
    assert [line[titles.index("Runs")] for line in lines] == [str(run.runs)]
    report = ledger.agent("analyst", agent_version="2", tenant="acme")
    assert report.total.sums.total_cost_usd == run.total_cost_usd
    compared = ledger.compare("analyst", "1", "2", tenant="acme")
    assert compared.runs_new == run.runs
    titles, *lines = asked_csv(client, f"rework?{words}", "rates")
    (rate,) = ledger.rework(agent_name="analyst", agent_version="2", tenant="acme").rates
    assert [line[titles.index("Attempts")] for line in lines] == [str(rate.attempts)]
    assert rate.attempts == run.attempts
    assert rate.rework_cost_usd == run.rework_cost_usd


def test_links_keep_the_filters(client: httpx.Client) -> None:
    """Every entry of the navigation asks for the same part of the ledger."""
    text = client.get("overview?tenant=a%26b&range=7d").text
    for path in ("agents", "runs", "flame", "rework"):
        assert f'href="/ui/{path}?range=7d&amp;tenant=a%26b"' in text


def test_parts_of_an_agent_lead_to_what_they_are_of(client: httpx.Client) -> None:
    """Rework, shares of assets, runs: each of this agent."""
    text = client.get("agent?agent=analyst&range=all").text
    for path in ("rework", "assets", "runs", "flame"):
        assert re.search(rf'href="/ui/{path}\?range=all&amp;agent=analyst"><data value', text)
    assert 'href="/ui/runs?range=all&amp;agent=analyst&amp;version=2"' in text


def test_rework_of_unknown_cost_is_a_lower_bound(client: httpx.Client) -> None:
    """What a failed attempt cost nobody knows: it is no 0."""
    text = client.get("rework?range=all").text
    lines = [line for line in re.findall(r"<tr>.*?</tr>", text, re.DOTALL) if "agent&#39;" in line]
    rates = next(line for line in lines if "%" in line)
    assert '<data value="0" title="$0">≥ $0.00</data>' in rates


def test_runs_come_by_the_hundred(client: httpx.Client) -> None:
    """Links lead to the older ones and back; the last page has no link further."""
    first = client.get("runs?range=all").text
    assert "Older runs" not in first
    beyond = client.get("runs?range=all&offset=100").text
    assert "Newer runs" in beyond


_CELL = re.compile(r'<a href="(/ui/attempts[^"]*)"><data value="([^"]*)"')
_FIGURES = re.compile(r'<dd class="big">(?:<a[^>]*>)?<data value="([^"]*)"')


def linked(page: str) -> Iterator[tuple[str, str, str]]:
    """Title of the column, address and exact value of the cells that lead to attempts."""
    for table in re.findall(r"<table.*?</table>", page, re.DOTALL):
        heads = re.findall(r'<th scope="col".*?</th>', table, re.DOTALL)
        titles = [re.sub(r"<[^>]*>", "", head).strip() for head in heads]
        for line in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL):
            cells = re.findall(r"<t[dh].*?</t[dh]>", line, re.DOTALL)
            for title, cell in zip(titles, cells, strict=True):
                found = _CELL.search(cell)
                if found:
                    yield title, html.unescape(found[1]), found[2]


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
        told = _FIGURES.findall(pages[address].text)
        # A part of a cost of which nothing is known is 0 of it beside the whole, unknown alone.
        assert Decimal(told[places[title]] or 0) == Decimal(value), (title, address)
        assert 'href="/ui/explain?' in pages[address].text


def test_attempts_come_by_the_hundred(client: httpx.Client, ledger: Ledger) -> None:
    """Dearest first, a hundred on a page; the last one has no link further."""
    total = ledger.models_behind()[0].all_attempts
    assert 100 < total < 200
    rest = client.get("attempts?range=all&offset=100").text
    assert rest.partition('<table id="attempts"')[2].count("<tr>") == total - 100 + 1
    assert "Cheaper attempts" not in rest
    page = client.get("attempts?range=all&by=agent&key=analyst&only=work").text
    assert 'name="only" value="work"' in page
    assert "Cheaper attempts" in client.get("attempts?range=all").text


@pytest.mark.parametrize("at_once", [10_000, 40])
def test_csv_has_all_rows(
    client: httpx.Client, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Of lists that a page shows by the hundred, in however many parts they are read."""
    for page in (attempts, runs, asset):
        monkeypatch.setattr(page, "AT_ONCE", at_once)
    titles, *lines = asked_csv(client, "attempts?offset=100", "attempts")
    assert len(lines) == ledger.models_behind()[0].all_attempts > 100
    costs = [Decimal(line[titles.index("Cost")]) for line in lines if line[titles.index("Cost")]]
    assert costs == sorted(costs, reverse=True)
    assert sum(costs) == ledger.models_behind()[0].all_cost_usd
    titles, *lines = asked_csv(client, "runs", "runs")
    told = [Decimal(line[titles.index("Total cost")] or 0) for line in lines]
    assert told == [run.total_cost_usd or 0 for run in ledger.runs()]
    titles, *lines = asked_csv(client, "asset?id=tuned", "charges")
    assert len(lines) == len(ledger.asset_charges("tuned", limit=1000)) > 0
    titles, *lines = asked_csv(client, "runs?since=2026-11-03&until=2026-11-03", "runs")
    assert {line[titles.index("Started (UTC)")][:10] for line in lines} == {"2026-11-03"}


def test_an_asset_leads_to_its_entries_and_charges(client: httpx.Client, ledger: Ledger) -> None:
    """Capital and charges as they were booked; a charge leads to the run that carries it."""
    assert 'href="/ui/asset?range=all&amp;id=tuned"' in client.get("assets?range=all").text
    row = next(row for row in ledger.assets() if row.asset_id == "tuned")
    titles, *lines = asked_csv(client, "asset?id=tuned", "entries")
    told = [Decimal(line[titles.index("Capital")] or 0) for line in lines]
    assert sum(told) == row.capital_usd
    titles, *lines = asked_csv(client, "asset?id=tuned", "charges")
    assert sum(Decimal(line[titles.index("Charge")]) for line in lines) == row.charged_usd
    assert {line[titles.index("Plan")] for line in lines} != {""}
    page = client.get("asset?id=tuned&range=all").text
    assert f'href="/ui/trace?range=all&amp;id={CHARGED_TRACE}"' in page
    titles, *lines = asked_csv(client, f"asset?trace={CHARGED_TRACE}", "charges")
    (run,) = [run for run in ledger.trace(CHARGED_TRACE).runs if run.amortized_cost_usd]
    assert Decimal(lines[0][titles.index("Charge")]) == run.amortized_cost_usd
    assert f"trace={CHARGED_TRACE}&amp;run={run.run_id}" in client.get("runs?range=all").text


def test_an_amount_leads_to_its_explanation(client: httpx.Client, site: Served) -> None:
    """From a span of a trace to its lines and reasons."""
    trace = client.get(f"trace?id={PLAIN_TRACE}").text
    found = re.search(r'href="(/ui/explain\?[^"]+)"', trace)
    assert found
    told = client.get(site.url + found[1].replace("&amp;", "&")).text
    assert "rounded half even to 12 decimals" in told
    assert "price: acme/small" in told
