"""Filters in the URL: they hold for every figure, links keep them, lists come in parts."""

from __future__ import annotations

import html
import re
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.collector.web.conftest import PATHS
from tests.support.page_requests import asked_csv, everything

from spanledger_collector.query import Ledger, Slice
from spanledger_collector.watch import Picture, Rules
from spanledger_collector.watch.board import Board
from spanledger_collector.watch.evaluation import BudgetRow, Reading
from spanledger_collector.watch.rules import AlertRule
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.csvfile import csv_of
from spanledger_collector.web.pages import PAGES, budgets


def test_filters_of_the_url_hold_for_every_figure(client: httpx.Client, ledger: Ledger) -> None:
    """Agent, tenant and period: the page shows what the Python API gives for the same slice."""
    titles, *lines = asked_csv(client, "overview?agent=analyst&tenant=acme&version=2", "by-day")
    rows = ledger.economics_by("day", Slice(agent_name="analyst", agent_version="2", tenant="acme"))
    assert [line[0] for line in lines] == [row.key for row in rows] != []
    runs = titles.index("Runs")
    assert [int(line[runs]) for line in lines] == [row.runs for row in rows]
    titles, *lines = asked_csv(client, "overview?since=2026-11-03&until=2026-11-04", "by-day")
    assert [line[0] for line in lines] == ["2026-11-03", "2026-11-04"]


def _hex(name: str) -> str:
    return name.encode().hex().upper()


def test_what_is_chosen_on_a_dashboard_is_a_filter(client: httpx.Client) -> None:
    """As Grafana writes its variables into an address: one is taken, of several all are shown."""
    one = f"overview?var-agent={_hex('analyst')}&var-version={_hex('2')}"
    assert asked_csv(client, one, "by-day") == asked_csv(
        client, "overview?agent=analyst&version=2", "by-day"
    )
    every = asked_csv(client, "overview", "by-day")
    assert asked_csv(client, "overview?var-agent=%24__all&var-version=%24__all", "by-day") == every
    several = f"overview?var-agent={_hex('analyst')}&var-agent={_hex('<b>')}"
    assert asked_csv(client, several, "by-day") == every
    told = re.search(r'<p class="unused".*?</p>', client.get(several).text, re.DOTALL)
    assert told is not None
    assert "agents of the dashboard: <bdi>analyst, &lt;b&gt;</bdi>" in told[0]
    named = f"overview?agent=support&var-agent={_hex('analyst')}&var-agent={_hex('even')}"
    assert asked_csv(client, named, "by-day") == asked_csv(
        client, "overview?agent=support", "by-day"
    )


@pytest.mark.parametrize(
    ("metric", "per", "page", "of"),
    [
        ("margin_usd", "agent", "overview", "agent=a%2Fb"),
        ("cost_usd", "agent", "attempts", "agent=a%2Fb"),
        ("cost_usd", "model", "attempts", "by=model&key=a%2Fb"),
        ("rework_ratio", "tenant", "rework", "tenant=a%2Fb"),
        ("unknown_ratio", "workspace", "attempts", ""),
        ("runs", "workspace", "overview", ""),
    ],
)
def test_an_alert_leads_to_what_it_read(metric: Any, per: Any, page: str, of: str) -> None:
    """Over the window that its value is of, in its unit; and it says below or above what."""
    now = datetime(2026, 11, 7, 1, tzinfo=timezone.utc)
    told_rule = {"name": "losing", "metric": metric, "per": per, "below": "0.5"}
    rule = AlertRule.model_validate({**told_rule, "window": "rolling", "hours": 240})
    [condition] = Rules(alerts=(rule,)).conditions()
    reading = Reading(condition, "a/b", Decimal("-22.172"), 5, rule.at(now))
    [row], _ = Board(None).update([reading], now)
    made = budgets.page(Picture(now, [], [row]), Asked("budgets", {}, now))
    table: Any = made.tables()["alerts"]
    [(_, cells, _)] = table.body()
    told = dict(zip([column.title for column in table.columns], cells, strict=True))
    assert (told["Window"].text, told["Fires"].text) == ("240 h", "below")
    shown = {"usd": "\N{MINUS SIGN}$22.17", "ratio": "\N{MINUS SIGN}2217.2%"}
    kind = metric.rpartition("_")[2]
    assert told["Value"].text == shown.get(kind, "\N{MINUS SIGN}22.172")
    assert told["Threshold"].text == {"usd": "$0.500", "ratio": "50.0%"}.get(kind, "0.5")
    href = told["Value"].href
    assert href.startswith(f"/ui/{page}?")
    period = "since=2026-10-28T01%3A00%3A00%2B00%3A00&until=2026-11-07T01%3A00%3A00%2B00%3A00"
    assert period in href
    assert of in href
    assert csv_of(table).splitlines()[0].startswith("Rule,Unit,Per,Of,Window,")


def test_a_budget_of_which_nothing_is_known_says_so() -> None:
    """Unknown is not zero; with a known part it is a bound."""
    now = datetime(2026, 11, 7, tzinfo=timezone.utc)

    def texts(spent: str) -> list[str]:
        usd = Decimal(spent)
        row = BudgetRow("b", "default", "workspace", "", "day", now, now, Decimal(5), usd,
                        5 - usd, usd, 2, "ok")  # fmt: skip
        made = budgets.page(Picture(now, [row], []), Asked("budgets", {}, now))
        table: Any = made.tables()["budgets"]
        [(_, cells, _)] = table.body()
        told = dict(zip([column.title for column in table.columns], cells, strict=True))
        return [told[title].text for title in ("Spent", "Left", "Projected")]

    assert texts("0") == ["unknown"] * 3
    assert texts("1") == ["≥ $1.00", "≤ $4.00", "≥ $1.00"]


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
    assert Decimal(lines[0][titles.index("Total cost (USD)")]) == run.total_cost_usd
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


def sent_by(page: str, form: str, **changed: str) -> dict[str, str]:
    """What a browser asks for when a form is sent, after some fields were changed."""
    (fields,) = re.findall(rf'<form [^>]*aria-label="{form}">(.*?)</form>', page, re.DOTALL)
    inputs = re.findall(r'<input [^>]*name="(\w+)" value="([^"]*)"', fields)
    return {**{name: html.unescape(value) for name, value in inputs}, **changed}


def test_a_form_keeps_times_until_their_day_is_changed(client: httpx.Client) -> None:
    """Sent again as it is, it asks for the same; a day that was changed is asked for whole."""
    since, until = "2026-11-04T03:00:00+00:00", "2026-11-05T02:30:00+00:00"
    path = "flame?compare=before&before_since=2026-11-03T05:00:00&before_until=2026-11-04"
    path = f"{path}&since={quote(since)}&until={quote(until)}"
    page = client.get(path).text
    assert "03:00:00+00:00" in re.sub(r"<[^>]*>", "", page)
    for form, before in (("Filters", since), ("Against another period", since)):
        again = client.get("flame", params=sent_by(page, form)).text
        assert rows(again) == rows(page) != []
        assert quote(before, safe="") in again
    day = client.get("flame", params=sent_by(page, "Filters", since="2026-11-03")).text
    whole = f"since=2026-11-03&until={quote(until)}&compare=before"
    assert rows(day) != rows(page)
    kept = "&before_since=2026-11-03T05:00:00&before_until=2026-11-04"
    assert rows(day) == rows(client.get(f"flame?{whole}{kept}").text)


def rows(page: str) -> list[str]:
    """The exact figures of a page, in order."""
    return re.findall(r'<data value="([^"]*)"', page)


def test_links_keep_the_filters(client: httpx.Client) -> None:
    """Every entry of the navigation asks for the same part of the ledger."""
    text = client.get("overview?tenant=a%26b&range=7d").text
    for path in ("agents", "runs", "flame", "rework"):
        assert f'href="/ui/{path}?range=7d&amp;tenant=a%26b"' in text


def test_an_agent_without_runs_in_the_period_has_its_page(client: httpx.Client) -> None:
    """No dead end: the filters are there, another period is a click away and keeps the others."""
    answer = client.get("agent?agent=analyst&range=24h&tenant=acme&workspace=default")
    assert answer.status_code == 200
    assert "no runs of an agent" in answer.text
    other = "/ui/agent?agent=analyst&amp;range=all&amp;tenant=acme&amp;workspace=default"
    assert f'href="{other}"' in answer.text
    assert client.get(html.unescape(other).removeprefix("/ui/")).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"), [("trace?id=0123", 404), ("nowhere?id=1", 404), ("flame?at=x", 400)]
)
def test_links_of_an_error_keep_the_filters(client: httpx.Client, path: str, status: int) -> None:
    """Who goes on sees the same part of the same workspace; only a period that is none is lost."""
    answer = client.get(f"{path}&range=7d&tenant=acme&workspace=other")
    assert answer.status_code == status
    links = re.findall(r'<a[^>]* href="(/ui/[^"]*)"', answer.text)
    assert len(links) > 10
    assert {link.partition("?")[2] for link in links} == {
        "range=7d&amp;tenant=acme&amp;workspace=other"
    }
    wrong = client.get("runs?range=9y&since=&tenant=acme")
    assert wrong.status_code == 400
    assert 'href="/ui/runs?tenant=acme"' in wrong.text


def test_a_period_that_ends_before_it_starts_is_told(client: httpx.Client) -> None:
    """On every page that depends on it, and no longer one is asked for."""
    told = "The period ends before it starts"
    for page in ("overview", "runs", "agent?agent=analyst", "flame"):
        given = f"{page}{'&' if '?' in page else '?'}"
        assert told in client.get(f"{given}since=2026-11-05&until=2026-11-04").text
        assert told not in client.get(f"{given}since=2026-11-04&until=2026-11-04").text
    backwards = client.get("overview?since=2026-11-05&until=2026-11-04").text
    assert "Choose a longer period" not in backwards
    assert told not in client.get("assets?since=2026-11-05&until=2026-11-04").text
    for given in ("since=2026-11-05&until=2026-11-03", "since=2100-01-01"):
        for page in ("flame?compare=before", "runs?", "agents?", "attempts?", "pools?", "quality?"):
            assert client.get(f"{page}&{given}").status_code == 200, (page, given)
    wrong = client.get("flame?range=all&before_since=2026-11-05&before_until=2026-11-02")
    assert wrong.status_code == 400
    assert "before_since 2026-11-05T00:00:00Z is after before_until" in wrong.text


def test_a_filter_keeps_what_is_compared(client: httpx.Client) -> None:
    """Sent by Apply, the comparison is of the same two."""
    page = client.get("agent?agent=analyst&range=all&old=2&new=1").text
    assert "of 2 beside" in page
    again = client.get("agent", params=sent_by(page, "Filters")).text
    assert "of 2 beside" in again


def test_runs_come_by_the_hundred(client: httpx.Client) -> None:
    """Links lead to the older ones and back; the last page has no link further."""
    first = client.get("runs?range=all").text
    assert "Older runs" not in first
    beyond = client.get("runs?range=all&offset=100").text
    assert "Newer runs" in beyond


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


def test_milliseconds_are_whole_days(client: httpx.Client) -> None:
    """As dashboards tell their period: the UTC days that both ends are in, and links keep days."""
    # Half past four in the night of the 4th, UTC, to a millisecond before its end.
    given = "since=1793766600000&until=1793836799999"
    page = client.get(f"overview?{given}").text
    assert rows(page) == rows(client.get("overview?since=2026-11-04&until=2026-11-04").text) != []
    assert "since=2026-11-04&amp;until=2026-11-04" in page
    assert "17937" not in page
    assert client.get("overview?since=99999999999999").status_code == 400
