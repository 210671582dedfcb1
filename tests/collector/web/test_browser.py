"""The pages in a real browser: no fault, nothing hostile runs, the figures are the ledger's."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize
from tests.collector.web.conftest import EVERYWHERE, is_missing
from tests.support.browser import HOW, Watched, accessibility_faults, browser, found
from tests.support.served_ledger import Served
from tests.support.shown_ledger import PLAIN_TRACE

from spanledger_collector.demo.show import Shown
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store
from spanledger_collector.web.figures import MINUS, NOTHING, UNKNOWN, printable
from spanledger_collector.web.pages import PAGES

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not found(), reason=HOW)]
#: Where pictures of the pages are kept; by default beside the other files of the test run.
PICTURES = os.environ.get("SPANLEDGER_TEST_PICTURES", "")


def everything(path: str) -> str:
    """The page over all time, where it asks for no other."""
    whole = "since=" in path or "range=" in path
    return path if whole else f"{path}{'&' if '?' in path else '?'}range=all"


@dataclass(frozen=True, slots=True)
class Visit:
    """What one look at a page found; every test of that page asks this.

    Attributes:
        status: of the answer.
        faults: messages of the console, failed and foreign requests.
        inaccessible: what axe-core calls serious, in light and in dark.
        hacked: what hostile text left behind.
        foreign: scripts and images between the parts of the page.
        tables: of each table, by id, its rows: by title of the column exact value and text.
        drawn: series of the charts that a script drew.
        narrow_width: how wide the page is on a telephone of 390 pixels.
    """

    status: int
    faults: Sequence[str]
    inaccessible: Sequence[str]
    hacked: object
    foreign: int
    tables: Mapping[str, Sequence[Mapping[str, tuple[str, str]]]]
    drawn: int
    narrow_width: int


#: Looks at a page: name of the ledger, path.
Looked = Callable[[str, str], Visit]
WIDE, NARROW = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=800)
_TABLES = """() => Object.fromEntries([...document.querySelectorAll('table[id]')].map(table => {
  const titles = [...table.tHead.rows[0].cells].map(c => c.textContent.trim());
  return [table.id, [...table.tBodies[0].rows].map(row => Object.fromEntries(
    [...row.cells].map((cell, place) => [titles[place],
      [cell.querySelector('data')?.value ?? '', cell.textContent.trim()]])))];
}))"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(PICTURES) if PICTURES else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def sites(site: Served, demo_site: Served, empty_site: Served) -> Mapping[str, Served]:
    """The pages over each ledger."""
    return {"shown": site, "demo": demo_site, "empty": empty_site}


@pytest.fixture(scope="module")
def windows(chromium: Browser, sites: Mapping[str, Served]) -> Iterator[Mapping[str, Watched]]:
    """A window for each of them."""
    pages = {name: chromium.new_page(viewport=WIDE, color_scheme="light") for name in sites}
    yield {name: Watched(page, sites[name].url) for name, page in pages.items()}
    for page in pages.values():
        page.close()


@pytest.fixture
def tab(windows: Mapping[str, Watched]) -> Watched:
    """The window over the ledger worth looking at, as if it were new."""
    return _as_new(windows["shown"])


def _as_new(window: Watched) -> Watched:
    window.page.set_viewport_size(WIDE)
    window.page.emulate_media(color_scheme="light")
    window.faults.clear()
    return window


def opened(tab: Watched, site: Served, path: str) -> Page:
    """A page over all time."""
    tab.page.goto(f"{site.url}/ui/{everything(path)}")
    return tab.page


@pytest.fixture(scope="module")
def looked(
    windows: Mapping[str, Watched],
    sites: Mapping[str, Served],
    demonstrated: tuple[Store, Shown],
    pictures: Path,
) -> Looked:
    """Looks at a page once, however many tests ask what was found there."""
    trace_id = demonstrated[1].traces[0].summary.trace_id

    def look(ledger: str, path: str) -> Visit:
        name = f"{ledger}-{re.sub(r'[^a-zA-Z0-9]+', '-', path)[:60]}"
        url = f"{sites[ledger].url}/ui/{everything(path.replace('TRACE', trace_id))}"
        return _look(_as_new(windows[ledger]), url, pictures / name)

    return cache(look)


def _look(window: Watched, url: str, picture: Path) -> Visit:
    page = window.page
    answer = page.goto(url)
    assert answer is not None
    if page.locator("[data-plot]").count():
        page.wait_for_selector("[data-plot] canvas")
    inaccessible = accessibility_faults(page)
    page.screenshot(path=f"{picture}-light.png", full_page=True)
    tables, drawn = page.evaluate(_TABLES), page.locator(".u-series").count()
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(50)
    inaccessible += accessibility_faults(page, "color-contrast")
    page.screenshot(path=f"{picture}-dark.png", full_page=True)
    page.set_viewport_size(NARROW)
    page.screenshot(path=f"{picture}-narrow.png")
    # What Chromium says of any page whose status is an error is no fault of the page.
    refused = f"status of {answer.status} " if answer.status != 200 else "\0"
    return Visit(
        status=answer.status,
        faults=[told for told in window.faults if refused not in told],
        inaccessible=inaccessible,
        hacked=page.evaluate("() => window.hacked ?? null"),
        foreign=page.evaluate("() => document.querySelectorAll('main script, main img').length"),
        tables=tables,
        drawn=drawn,
        narrow_width=page.evaluate("() => document.documentElement.scrollWidth"),
    )


def test_every_page_is_opened_on_every_ledger() -> None:
    """A new page needs its path in ``conftest.py``, for each of the three."""
    opened = {(ledger, path.partition("?")[0]) for ledger, path in EVERYWHERE}
    ledgers = ("shown", "demo", "empty")
    assert opened == {(ledger, page) for ledger in ledgers for page in (*PAGES, "budgets")}


@pytest.mark.parametrize(("ledger", "path"), EVERYWHERE)
def test_no_page_has_a_fault(looked: Looked, pictures: Path, ledger: str, path: str) -> None:
    """In light and dark, wide and narrow: the console is silent, axe-core too, no script but ours.

    On a telephone tables and drawings scroll inside of their panels, the page does not. What an
    empty ledger has not is said on a page that is without fault itself.
    """
    visit = looked(ledger, path)
    assert visit.inaccessible == []
    assert visit.faults == []
    assert visit.hacked is None
    assert visit.foreign == 0
    assert visit.narrow_width <= NARROW["width"]
    assert visit.status == (404 if is_missing(ledger, path) else 200)
    assert len(list(pictures.glob(f"{ledger}-*"))) >= 3


def test_faults_are_seen(chromium: Browser, site: Served) -> None:
    """What the tests here look for is found where it is: a page with three faults has them."""
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


def check(shown: Sequence[Mapping[str, tuple[str, str]]], rows: Sequence[Any], titles: Any) -> None:
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


def test_the_figures_are_those_of_the_python_api(looked: Looked, ledger: Ledger) -> None:
    """Every table of sums, cell by cell."""
    shown = looked("shown", "overview").tables
    check(shown["by-day"], ledger.economics_by("day"), OF_ALL)
    check(shown["by-agent"], ledger.economics_by("agent"), OF_AGENTS)
    check(shown["by-tenant"], ledger.economics_by("tenant"), OF_ALL)
    check(shown["by-model"], ledger.attempts_by("model"), MODELS)
    check(looked("shown", "runs").tables["runs"], ledger.runs(limit=100), RUNS)
    titles = {"Runs": "runs", "Variable cost": "cost_usd", "Total cost": "total_cost_usd"}
    titles |= {"Total with sub-agents": "inclusive_total_cost_usd", "Margin": "margin_usd"}
    titles |= {"A success, with sub-agents": "inclusive_cost_per_success_usd"}
    titles |= {"Margin with sub-agents": "inclusive_margin_usd"}
    check(looked("shown", "agents").tables["agents"], ledger.agents(), titles)
    shown = looked("shown", "rework").tables
    titles = {"Attempts": "attempts", "Cost": "cost_usd", "Waited": "wait_seconds"}
    check(shown["all-reasons"], ledger.attempts_by("rework"), titles)
    titles = {"Attempts": "attempts", "Wasted": "rework_attempts", "Rework": "rework_cost_usd"}
    check(shown["rates"], ledger.rework().rates, titles)
    shown = looked("shown", "latency").tables
    check(shown["by-version"], ledger.economics_by("version"), OF_AGENTS)
    check(shown["by-agent"], ledger.economics_by("agent"), OF_AGENTS)
    titles = {"Runs": "runs", "A run": "cost_per_run_usd"}
    titles |= {"A run, with sub-agents": "inclusive_cost_per_run_usd"}
    shown = looked("shown", "latency?agent=analyst").tables
    check(shown["frontier"], ledger.frontier("analyst"), titles)
    titles = {"Capital": "capital_usd", "Charged": "charged_usd", "Left": "net_book_value_usd"}
    check(looked("shown", "assets").tables["assets"], ledger.assets(), titles)
    shown = looked("shown", "prices").tables
    check(shown["coverage"], ledger.coverage(), {"Attempts": "attempts", "Cost": "cost_usd"})


def test_the_flame_graph_has_the_figures_of_the_python_api(looked: Looked, ledger: Ledger) -> None:
    """Each path once, in whatever order it is shown."""
    shown = {
        (line["Called by"][1], line["Path"][1]): line
        for line in looked("shown", "flame").tables["paths"]
    }
    rows = [row for row in ledger.cost_paths() if row.names and all(row.names)]
    assert any(row.kinds == ("agent", "tool", "model") for row in rows)
    for row in rows:
        names = [printable(name) for name in row.names]
        line = shown[" > ".join(names[:-1]) or NOTHING, names[-1]]
        check([line], [row], {"Attempts": "attempts", "Cost": "cost_usd", "Share": "cost_ratio"})


def test_a_trace_and_an_agent_have_the_figures_of_the_python_api(
    looked: Looked, ledger: Ledger
) -> None:
    """Spans with their cost, tokens and retries; groups with both ends of their intervals."""
    spans = {span.name: span for span in ledger.trace(PLAIN_TRACE).spans if span.counted}
    told = looked("shown", f"trace?id={PLAIN_TRACE}").tables["spans"]
    shown = {line["Span"][1]: line for line in told if line["Cost"][0]}
    assert set(shown) == set(spans)
    for name, line in shown.items():
        check([line], [spans[name]], {"Cost": "cost_usd", "Input": "input_tokens"})
    groups = {group.key: group for group in ledger.agent("analyst").groups}
    for line in looked("shown", "agent?agent=analyst").tables["groups"]:
        group = groups[line["Version"][1]]
        assert Decimal(line["A run"][0]) == group.total_cost_per_run.value
        assert int(line["Runs"][0]) == group.sums.runs


def test_attempts_and_charges_have_the_figures_of_the_python_api(
    looked: Looked, ledger: Ledger
) -> None:
    """What stands behind sums: attempts and model ids, entries and charges of an asset."""
    titles = {"Cost": "cost_usd", "Input tokens": "input_tokens", "Output tokens": "output_tokens"}
    shown = looked("shown", "attempts").tables
    check(shown["attempts"], ledger.attempts_behind(), titles)
    titles = {"Cost": "cost_usd", "Attempts": "attempts", "Tokens": "tokens"}
    check(shown["models"], ledger.models_behind(), titles)
    shown = looked("shown", "asset?id=tuned").tables
    check(shown["entries"], ledger.asset_entries("tuned"), {"Capital": "capital_usd"})
    titles = {"Units": "units", "Rate (USD)": "rate_usd", "Charge": "amount_usd"}
    check(shown["charges"], ledger.asset_charges("tuned"), titles)


def test_from_a_reason_of_rework_to_the_lines_of_an_attempt(tab: Watched, site: Served) -> None:
    """By keyboard alone: a sum, its attempts, how one of them came about."""
    page = opened(tab, site, "rework")
    page.locator("#all-reasons td a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/ui/attempts.*reason=regenerated"))
    page.locator("#attempts td a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/ui/explain"))
    assert "counts as rework: regenerated" in page.content()
    assert tab.faults == []


def test_the_chart_by_day_is_drawn(looked: Looked) -> None:
    """The library of charts runs under the policy, over the figures of its table."""
    visit = looked("shown", "overview")
    assert visit.drawn == 4
    assert visit.faults == []


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
    shown = page.evaluate(_TABLES)["runs"]
    tenants = {line["Tenant"][1] for line in shown}
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
