"""The pages in a real browser: no fault, nothing hostile runs, the figures are the ledger's."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.collector.web.conftest import OF_ONE, PATHS
from tests.support.browser import HOW, Watched, accessibility_faults, browser, found
from tests.support.served_ledger import Served
from tests.support.shown_ledger import PLAIN_TRACE

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store
from spanledger_collector.web.figures import MINUS, NOTHING, UNKNOWN

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not found(), reason=HOW)]
#: Where pictures of the pages are kept; by default beside the other files of the test run.
PICTURES = os.environ.get("SPANLEDGER_TEST_PICTURES", "")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(PICTURES) if PICTURES else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def tab(chromium: Browser, site: Served) -> Iterator[Watched]:
    page = chromium.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
    yield Watched(page, site.url)
    page.close()


def opened(tab: Watched, site: Served, path: str) -> Page:
    """A page over all time."""
    whole = path if "since=" in path else f"{path}{'&' if '?' in path else '?'}range=all"
    tab.page.goto(f"{site.url}/ui/{whole}")
    return tab.page


@pytest.mark.parametrize("path", PATHS)
def test_no_page_has_a_fault(tab: Watched, site: Served, path: str, pictures: Path) -> None:
    """Light and dark: no message of the console, nothing serious for axe-core, only our script."""
    page = opened(tab, site, path)
    name = re.sub(r"\W+", "-", path)[:60]
    faults = accessibility_faults(page)
    page.screenshot(path=pictures / f"{name}-light.png", full_page=True)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(50)
    faults += accessibility_faults(page, "color-contrast")
    page.screenshot(path=pictures / f"{name}-dark.png", full_page=True)
    assert faults == []
    assert tab.faults == []
    assert page.evaluate("() => window.hacked") is None
    assert page.evaluate("() => document.querySelectorAll('main script, main img').length") == 0


def test_faults_are_seen(chromium: Browser, site: Served) -> None:
    """What the tests below look for is found where it is: a page with three faults has them."""
    page = chromium.new_page()
    tab = Watched(page, site.url)
    page.goto(f"{site.url}/healthz")
    page.set_content("<html lang=en><title>x</title><img src='http://127.0.0.1:9/x.png'>")
    page.evaluate("() => console.error('broken')")
    page.wait_for_timeout(50)
    assert "console error: broken" in tab.faults
    assert any(fault.startswith("asked elsewhere") for fault in tab.faults)
    assert any(fault.startswith("image-alt") for fault in accessibility_faults(page))
    page.close()


@pytest.mark.parametrize("path", [path for path in PATHS if not path.startswith(OF_ONE)])
def test_no_page_of_an_empty_ledger_has_a_fault(
    chromium: Browser, empty_site: Served, path: str
) -> None:
    """The first thing a new user sees."""
    page = chromium.new_page()
    tab = Watched(page, empty_site.url)
    opened(tab, empty_site, path)
    if path in ("overview", "agents"):  # the others are made of the same parts
        assert accessibility_faults(page) == []
    assert tab.faults == []
    page.close()


def cells(page: Page, table: str) -> list[dict[str, tuple[str, str]]]:
    """Of each row of a table, by the title of the column: exact value and what is shown."""
    script = """id => {
      const table = document.getElementById(id);
      const titles = [...table.tHead.rows[0].cells].map(c => c.textContent.trim());
      return [...table.tBodies[0].rows].map(row => Object.fromEntries(
        [...row.cells].map((cell, place) => [titles[place],
          [cell.querySelector('data')?.value ?? '', cell.textContent.trim()]])));
    }"""
    told: list[dict[str, tuple[str, str]]] = page.evaluate(script, table)
    return told


def check(shown: Sequence[dict[str, tuple[str, str]]], rows: Sequence[Any], titles: Any) -> None:
    """The table has the figures of the rows: exactly, and rounded as money is."""
    assert len(shown) == len(rows) > 0
    for line, row in zip(shown, rows, strict=True):
        for title, field in titles.items():
            exact, text = line[title]
            figure = getattr(row, field)
            if figure is None or (not figure and text == NOTHING):
                assert text in (UNKNOWN, NOTHING)
                continue
            assert Decimal(exact) == Decimal(str(figure)), (title, exact, figure)
            if field.endswith("_usd"):
                _check_rounded(text, Decimal(figure))


def _check_rounded(text: str, figure: Decimal) -> None:
    digits = re.sub(r"[≥≤$, ]", "", text).replace(MINUS, "-")
    places = len(digits.partition(".")[2])
    assert abs(Decimal(digits) - figure) <= Decimal(1).scaleb(-places) / 2


@pytest.fixture
def ledger(shown: Store) -> Iterator[Ledger]:
    with Ledger(DirectReader(shown)) as ledger:
        yield ledger


ECONOMICS = {
    "Runs": "runs", "Success": "success_ratio", "Total cost": "total_cost_usd",
    "Rework": "rework_cost_usd", "Amortized": "amortized_cost_usd", "Value": "value_usd",
    "Margin": "margin_usd", "A run": "total_cost_per_run_usd", "Known": "known_cost_ratio",
    "p50": "p50_duration_ns", "p95": "p95_duration_ns",
}  # fmt: skip
#: Of rows that have the runs of everybody, and of those of one agent or version.
OF_ALL = {**ECONOMICS, "A success": "total_cost_per_success_usd"}
OF_AGENTS = {
    **ECONOMICS, "Total with sub-agents": "inclusive_total_cost_usd",
    "A success, with sub-agents": "inclusive_cost_per_success_usd",
    "Margin with sub-agents": "inclusive_margin_usd",
}  # fmt: skip
MODELS = {
    "Attempts": "attempts", "Cost": "cost_usd", "Share": "cost_ratio",
    "Known": "known_cost_ratio", "Input tokens": "input_tokens", "Output tokens": "output_tokens",
}  # fmt: skip
RUNS = {
    "Variable cost": "cost_usd", "With sub-agents": "inclusive_total_cost_usd",
    "Margin with sub-agents": "inclusive_margin_usd",
    "Total cost": "total_cost_usd", "Value": "value_usd", "Margin": "margin_usd",
    "Retries": "retries", "Latency": "duration_ns",
}  # fmt: skip


def test_the_figures_are_those_of_the_python_api(
    tab: Watched, site: Served, ledger: Ledger
) -> None:
    """Every table of sums, cell by cell."""
    page = opened(tab, site, "overview")
    check(cells(page, "by-day"), ledger.economics_by("day"), OF_ALL)
    check(cells(page, "by-agent"), ledger.economics_by("agent"), OF_AGENTS)
    check(cells(page, "by-tenant"), ledger.economics_by("tenant"), OF_ALL)
    check(cells(page, "by-model"), ledger.attempts_by("model"), MODELS)
    page = opened(tab, site, "runs")
    check(cells(page, "runs"), ledger.runs(limit=100), RUNS)
    page = opened(tab, site, "agents")
    titles = {"Runs": "runs", "Variable cost": "cost_usd", "Total cost": "total_cost_usd"}
    titles |= {"Total with sub-agents": "inclusive_total_cost_usd", "Margin": "margin_usd"}
    titles |= {"A success, with sub-agents": "inclusive_cost_per_success_usd"}
    titles |= {"Margin with sub-agents": "inclusive_margin_usd"}
    check(cells(page, "agents"), ledger.agents(), titles)
    page = opened(tab, site, "rework")
    titles = {"Attempts": "attempts", "Cost": "cost_usd", "Waited": "wait_seconds"}
    check(cells(page, "all-reasons"), ledger.attempts_by("rework"), titles)
    titles = {"Attempts": "attempts", "Wasted": "rework_attempts", "Rework": "rework_cost_usd"}
    check(cells(page, "rates"), ledger.rework().rates, titles)
    page = opened(tab, site, "latency")
    check(cells(page, "by-version"), ledger.economics_by("version"), OF_AGENTS)
    check(cells(page, "by-agent"), ledger.economics_by("agent"), OF_AGENTS)
    page = opened(tab, site, "latency?agent=analyst")
    titles = {"Runs": "runs", "A run": "cost_per_run_usd"}
    titles |= {"A run, with sub-agents": "inclusive_cost_per_run_usd"}
    check(cells(page, "frontier"), ledger.frontier("analyst"), titles)
    page = opened(tab, site, "assets")
    titles = {"Capital": "capital_usd", "Charged": "charged_usd", "Left": "net_book_value_usd"}
    check(cells(page, "assets"), ledger.assets(), titles)
    page = opened(tab, site, "prices")
    check(cells(page, "coverage"), ledger.coverage(), {"Attempts": "attempts", "Cost": "cost_usd"})


def test_a_trace_and_an_agent_have_the_figures_of_the_python_api(
    tab: Watched, site: Served, ledger: Ledger
) -> None:
    """Spans with their cost, tokens and retries; groups with both ends of their intervals."""
    page = opened(tab, site, f"trace?id={PLAIN_TRACE}")
    spans = {span.name: span for span in ledger.trace(PLAIN_TRACE).spans if span.counted}
    shown = {line["Span"][1]: line for line in cells(page, "spans") if line["Cost"][0]}
    assert set(shown) == set(spans)
    for name, line in shown.items():
        check([line], [spans[name]], {"Cost": "cost_usd", "Input": "input_tokens"})
    page = opened(tab, site, "agent?agent=analyst")
    groups = {group.key: group for group in ledger.agent("analyst").groups}
    for line in cells(page, "groups"):
        group = groups[line["Version"][1]]
        assert Decimal(line["A run"][0]) == group.total_cost_per_run.value
        assert int(line["Runs"][0]) == group.sums.runs


def test_the_chart_by_day_is_drawn(tab: Watched, site: Served) -> None:
    """The library of charts runs under the policy, over the figures of its table."""
    page = opened(tab, site, "overview")
    page.wait_for_selector("[data-plot] canvas")
    assert page.locator(".u-series").count() == 4
    assert tab.faults == []


def test_by_keyboard_alone(tab: Watched, site: Served) -> None:
    """The first stop leads past the navigation, and a filter is set without a mouse."""
    page = opened(tab, site, "runs")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "content"
    page.locator("input[name=tenant]").focus()
    page.keyboard.type("acme")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("tenant=acme"))
    tenants = {line["Tenant"][1] for line in cells(page, "runs")}
    assert tenants == {"acme"}


def test_a_box_of_the_flame_graph_opens(tab: Watched, site: Served) -> None:
    """It fills the width then, what is beside it is gone, and one click leads back."""
    page = opened(tab, site, "flame")
    page.locator(".flame a", has_text="analyst").first.click()
    page.wait_for_url(re.compile("at=.*analyst"))
    told = page.locator(".flame a").all_text_contents()
    assert any("analyst" in text for text in told)
    assert not any("support" in text for text in told)
    page.get_by_text("Show all").click()
    page.wait_for_url(lambda url: "at=" not in url)
    assert any("support" in text for text in page.locator(".flame a").all_text_contents())


def test_a_table_is_downloaded(tab: Watched, site: Served) -> None:
    """The button beside it gives a file with its name."""
    page = opened(tab, site, "overview")
    with page.expect_download() as download:
        page.locator("a[href*='csv=by-agent']").click()
    assert download.value.suggested_filename == "spanledger-by-agent.csv"


def test_a_narrow_screen_scrolls_one_way(chromium: Browser, site: Served) -> None:
    """On a telephone tables scroll inside of their panels, the page does not."""
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    for path in ("overview", "runs", "flame"):
        page.goto(f"{site.url}/ui/{path}?range=all")
        width = page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= 390
    page.close()
