"""From any number of a page to what it is made of: one click, and the sums agree there."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from itertools import pairwise

import httpx
import pytest
from tests.collector.web.conftest import PATHS
from tests.support.served_ledger import Served
from tests.support.shown_ledger import CHARGED_TRACE, PLAIN_TRACE

from spanledger_collector.query import Ledger, Slice
from spanledger_collector.web.pages import trace

#: Tables whose rows are the facts themselves: nothing stands behind a line of a bill, an entry of
#: the books, a record or a rule. Of a span its times are such facts, and a run's attempts' own.
FACTS = ("lines", "entries", "records", "rules")
FACTS_OF = {("spans", "Took")}


@pytest.fixture
def client(site: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.url, timeout=300) as client:
        yield client


def everything(path: str) -> str:
    """The page over all time."""
    whole = path if "since=" in path else f"{path}{'&' if '?' in path else '?'}range=all"
    return f"/ui/{whole}"


def numbers(page: str) -> Iterator[tuple[str, str, str, str]]:
    """Table (empty = headline), title, exact value and address of each number; a time is none."""
    headline = re.compile(r"<dt>(.*?)</dt>\s*<dd class=\"big\">(.*?)</dd>", re.DOTALL)
    for title, cell in headline.findall(page):
        yield from _number("", title, cell)
    for name, table in re.findall(r"<table id=\"(.*?)\".*?(<thead>.*?)</table>", page, re.DOTALL):
        heads = re.findall(r"<th scope=\"col\".*?</th>", table, re.DOTALL)
        titles = [html.unescape(re.sub(r"<[^>]*>", "", head)).strip() for head in heads]
        for line in re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.DOTALL):
            cells = re.findall(r"<t[dh].*?</t[dh]>", line, re.DOTALL)
            for title, cell in zip(titles, cells, strict=True):
                yield from _number(re.sub(r"-\d+$", "", name), title, cell)


def _number(table: str, title: str, cell: str) -> Iterator[tuple[str, str, str, str]]:
    value = re.search(r"<data value=\"([^\"]+)\"[^>]*>([^<]*)</data>", cell)
    if value and re.search(r"\d", value[2]) and not re.match(r"\d{4}-\d\d-\d\d ", value[2]):
        href = re.search(r"<a href=\"([^\"]+)\"", cell)
        yield table, title, value[1], html.unescape(href[1]) if href else ""


@pytest.mark.parametrize("path", PATHS)
def test_every_number_leads_to_what_it_is_made_of(client: httpx.Client, path: str) -> None:
    """On every page: each has an address, of a page or of a part of this one that is there."""
    page = client.get(everything(path)).text
    shown = list(numbers(page))
    alone = [
        (table, title) for table, title, _, href in shown
        if not href and table not in FACTS and (table, title) not in FACTS_OF
    ]  # fmt: skip
    assert alone == []
    for _, _, _, href in shown:
        assert href.startswith("/ui/") or not href or f'id="{href[1:]}"' in page, href


@pytest.mark.slow
@pytest.mark.parametrize("path", ["overview", "agents", "runs", "latency", "rework", "flame"])
def test_the_pages_behind_numbers_are_there(client: httpx.Client, path: str) -> None:
    """Each address is answered; what is asked for again and again, once."""
    page = client.get(everything(path)).text
    found = {href.partition("#")[0] for *_, href in numbers(page)} - {""}
    for href in sorted(found)[:12]:
        assert client.get(href).status_code == 200, href


def test_any_two_periods_are_compared(client: httpx.Client, ledger: Ledger) -> None:
    """Days before or after, of any length; a form asks for them, and other filters keep them."""
    days = "since=2026-11-03&until=2026-11-03&before_since=2026-11-04&before_until=2026-11-06"
    page = client.get(f"/ui/flame?{days}&tenant=acme").text
    assert "Held against 2026-11-04 00:00 to 2026-11-07 00:00 UTC." in page
    told = {title: value for table, title, value, _ in reversed(list(numbers(page)))
            if table == "paths"}  # fmt: skip
    starts = [datetime(2026, 11, day, tzinfo=timezone.utc) for day in (3, 4, 7)]
    now, before = (
        ledger.attempts_by("total", Slice(since, until, tenant="acme"))[0].cost_usd
        for since, until in pairwise(starts)
    )
    assert now is not None
    assert before is not None
    assert (Decimal(told["Cost"]), Decimal(told["Before"])) == (now, before)
    assert Decimal(told["Change"]) == now - before
    for name, day in (("before_since", "2026-11-04"), ("before_until", "2026-11-06")):
        assert f'<input type="date" name="{name}" value="{day}">' in page
        assert f'<input type="hidden" name="{name}" value="{day}">' in page


def test_a_run_is_explained_whole(client: httpx.Client, ledger: Ledger) -> None:
    """Total = variable + amortized, value = its records, and each part leads on to its own."""
    runs = client.get("/ui/runs?range=all").text
    (run,) = [run for run in ledger.trace(CHARGED_TRACE).runs if run.amortized_cost_usd]
    address = f"/ui/run?range=all&trace={CHARGED_TRACE}&id={run.run_id}"
    found = {title for table, title, _, href in numbers(runs) if href == address and table}
    assert {"Total cost", "Variable cost"} <= found
    page = client.get(address).text
    told = {}
    for line in re.findall(r"<tr>(.*?)</tr>", page.partition('id="shares"')[2], re.DOTALL):
        cells = re.findall(r"<t[dh].*?</t[dh]>", line, re.DOTALL)
        value = re.search(r"<data value=\"([^\"]+)\"", line)
        told.setdefault(re.sub(r"<[^>]*>", "", cells[0]).strip(), value[1] if value else "")
    assert Decimal(told["Total cost"]) == run.total_cost_usd
    assert Decimal(told["Variable cost"]) + Decimal(told["Amortized cost"]) == run.total_cost_usd
    costs = [Decimal(value) for table, title, value, _ in numbers(page)
             if (table, title) == ("attempts", "Cost")]  # fmt: skip
    assert sum(costs) == run.cost_usd
    assert f"/ui/asset?range=all&amp;trace={CHARGED_TRACE}&amp;run={run.run_id}" in page


def test_a_value_leads_to_its_records(client: httpx.Client, ledger: Ledger) -> None:
    """What was recorded of the run, telling by telling, is what its value sums."""
    run = next(run for run in ledger.runs() if run.revenue_usd)
    page = client.get(f"/ui/run?trace={run.trace_id}&id={run.run_id}").text
    counted = [Decimal(value) for table, title, value, _ in numbers(page)
               if (table, title) == ("records", "USD")]  # fmt: skip
    assert sum(counted) == run.value_usd
    assert "what was recorded of it" in page


def test_a_long_trace_is_shown_in_parts(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its spans, a page at a time; the CSV has them at once."""

    def names(page: str) -> list[str]:
        body = page.partition('<table id="spans"')[2].partition("<tbody>")[2]
        return re.findall(r'<th scope="row".*?</th>', body.partition("</tbody>")[0], re.DOTALL)

    address = f"/ui/trace?id={PLAIN_TRACE}"
    whole = names(client.get(address).text)
    monkeypatch.setattr(trace, "_SHOWN", 3)
    first = client.get(address).text
    assert names(first) == whole[:3] != whole
    assert "Spans 1 to 3." in first
    assert "Later spans" in first
    rest = client.get(f"{address}&offset=3").text
    assert names(rest) == whole[3:6]
    assert "Earlier spans" in rest
    assert client.get(f"{address}&csv=spans").text.count("\r\n") == 1 + len(whole)


def test_a_long_trace_is_explained_in_parts(client: httpx.Client) -> None:
    """Not cut: links lead to what is before and after."""
    first = client.get(f"/ui/explain?id={PLAIN_TRACE}").text
    heading = re.compile(r"<h2>[^<]*(attempt \d+ of span [0-9a-f]{16})")
    titles = heading.findall(first)
    assert len(titles) >= 2
    assert "Later attempts" not in first
    rest = client.get(f"/ui/explain?id={PLAIN_TRACE}&offset=1").text
    assert heading.findall(rest) == titles[1:]
    assert "Earlier attempts" in rest
    beyond = client.get(f"/ui/explain?id={PLAIN_TRACE}&offset=5000")
    assert beyond.status_code == 200
    assert "No attempts here." in beyond.text
