"""The pages over HTTP: every one answers, escapes what it prints, forbids what it does not need."""

from __future__ import annotations

import re

import httpx
import pytest
from tests.collector.web.conftest import OF_ONE, PATHS
from tests.support.page_requests import everything
from tests.support.served_ledger import Served
from tests.support.shown_ledger import XSS

from spanledger_collector.query import Ledger
from spanledger_collector.web.pages import latency


def test_the_root_leads_to_the_overview(site: Served) -> None:
    """A person who opens the port finds the pages."""
    for path in ("/", "/ui", "/ui/"):
        answer = httpx.get(site.url + path)
        assert (answer.status_code, answer.headers["location"]) == (302, "/ui/overview")


def test_an_agent_without_a_name_leads_to_the_list(client: httpx.Client) -> None:
    """What ran outside any agent is a row there; dashboards link each name of a table."""
    answer = client.get("agent?agent=&workspace=default&range=all&tenant=acme")
    assert answer.status_code == 302
    assert answer.headers["location"] == "/ui/agents?range=all&tenant=acme&workspace=default"


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
        (f"runs?offset={'0' * 12}{'9' * 5000}", 400, "is no whole number"),
        (f"runs?offset={'0' * 5000}", 200, "Runs"),
        ("overview?agent=json:%22%5Cud800%22", 200, "json:&#34;\\ud800&#34;"),
        ("flame?since=1971-01-01&compare=before", 200, "Cost flame graph"),
        ("agent", 400, "choose one on the page Agents"),
        ("agent?agent=nobody", 200, "no runs of an agent"),
        ("flame?at=7", 400, "is no box of this page"),
        ("attempts?path=7", 400, "is no box"),
        ("attempts?model={}", 400, "is no list of words"),
        ("agent?agent=analyst&by=moon&range=all", 400, "none of version, tenant, model"),
        ("rework?by=moon", 400, "none of total, agent, version"),
        ("asset", 400, "choose one on the page Assets"),
        ("asset?id=nothing", 404, "no asset"),
        ("trace", 400, "choose a run"),
        ("trace?id=12", 404, "no trace"),
        ("explain?id=xyz", 400, "neither a trace id"),
        ("flame?before_since=2026-11-01", 400, "give both before_since and before_until"),
        ("flame?before_since=2026-11-20&before_until=2026-11-10", 400, "ends before it starts"),
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


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("old=gone&new=2", "version gone has no runs in this period"),
        ("old=1&new=1", "Choose two that are not the same version"),
        ("", 'id="compared"'),
    ],
)
def test_a_comparison_that_cannot_be_made_is_told(
    client: httpx.Client, given: str, told: str
) -> None:
    """The page of the agent stays, with the form by which to choose others."""
    answer = client.get(f"agent?agent=analyst&range=all&{given}")
    assert answer.status_code == 200
    assert told in answer.text
    assert 'aria-label="Compare two by version"' in answer.text


def test_more_runs_than_points_are_told(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page that has them all stands beside the drawing; where it has them all nothing does."""
    assert "are drawn, and listed" not in client.get("latency?range=all").text
    monkeypatch.setattr(latency, "_POINTS", 3)
    page = client.get("latency?range=all").text
    assert "The newest 3 runs are drawn, and listed below with their CSV." in page
    assert page.partition('<table id="runs"')[2].count("<tr>") == 1 + 3


def test_a_time_waited_has_no_digits_that_nobody_told(ledger: Ledger) -> None:
    """A sum of floats has some; on a page the exact value stands beside it."""
    told = [row.wait_seconds for row in ledger.attempts_by("rework")]
    told += [row.wait_seconds for row in ledger.rework(by="agent").reasons]
    assert max(told) > 0.2
    assert [one for one in told if len(repr(one).partition(".")[2]) > 9] == []


def test_a_box_that_is_not_there_is_told(client: httpx.Client) -> None:
    """All boxes are shown then."""
    page = client.get('flame?range=all&at=[["agent","gone"]]').text
    assert "gone: no attempts of it in this period" in page
    assert page.count("<rect") > 3
