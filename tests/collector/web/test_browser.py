"""The pages in a real browser: no fault, nothing hostile runs, the figures are the ledger's."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.collector.web.conftest import (
    EVERYWHERE,
    NARROW,
    PICTURE,
    WIDE,
    as_new,
    everything,
    is_missing,
    opened,
    with_ids,
)
from tests.support.browser import HOW, Watched, accessibility_faults, found
from tests.support.page_asked import Asked, given_by
from tests.support.page_checks import Visit, check, check_table
from tests.support.page_figures import FIGURES
from tests.support.page_scripts import (
    CUT,
    CUT_UNDER,
    HEADLINES,
    REDRAWN,
    TABLES,
    WRITTEN,
)
from tests.support.served_ledger import Served

from spanledger_collector.demo.show import Shown as Demonstrated
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store
from spanledger_collector.web.asked import exact
from spanledger_collector.web.figures import MINUS
from spanledger_collector.web.pages import PAGES

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not found(), reason=HOW)]
#: Where pictures of the pages are kept (``make test``: build/pictures); by default beside the other
#: files of the test run.
PICTURES = os.environ.get("SPANLEDGER_TEST_PICTURES", "")


#: Looks at a page: name of the ledger, path.
Looked = Callable[[str, str], Visit]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(PICTURES) if PICTURES else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def looked(
    windows: Mapping[str, Watched],
    sites: Mapping[str, Served],
    demonstrated: tuple[Store, Demonstrated],
    pictures: Path,
) -> Looked:
    """Looks at a page once, however many tests ask what was found there."""

    def look(ledger: str, path: str) -> Visit:
        name = f"{ledger}-{re.sub(r'[^a-zA-Z0-9]+', '-', path)[:60]}"
        url = f"{sites[ledger].url}/ui/{everything(with_ids(path, demonstrated[1]))}"
        return _look(as_new(windows[ledger]), url, pictures / name)

    return cache(look)


def _look(window: Watched, url: str, picture: Path) -> Visit:
    page = window.page
    answer = page.goto(url)
    assert answer is not None
    if page.locator("[data-plot]").count():
        page.wait_for_selector("[data-plot] canvas")
    inaccessible = accessibility_faults(page)
    page.screenshot(path=f"{picture}-light.png", full_page=True)
    tables, drawn = page.evaluate(TABLES), page.locator(".u-series").count()
    cut = page.evaluate(CUT)
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
        figures=page.evaluate(HEADLINES),
        tables=tables,
        drawn=drawn,
        cut=cut,
        narrow_width=page.evaluate("() => document.documentElement.scrollWidth"),
    )


@pytest.fixture(scope="module")
def apis(
    shown: Store, demonstrated: tuple[Store, Demonstrated], module_store: Store
) -> Iterator[Mapping[str, Ledger]]:
    """Each ledger by the Python API."""
    stores = {"shown": shown, "demo": demonstrated[0], "empty": module_store}
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(Ledger(DirectReader(store))) for name, store in stores.items()
        }


def test_every_page_is_opened_on_every_ledger() -> None:
    """A new page needs its path in ``conftest.py``, for each of the three."""
    opened = {(ledger, path.partition("?")[0]) for ledger, path in EVERYWHERE}
    ledgers = ("shown", "demo", "empty")
    assert opened == {(ledger, page) for ledger in ledgers for page in (*PAGES, "budgets")}


@pytest.mark.parametrize(("ledger", "path"), EVERYWHERE)
def test_no_page_has_a_fault(looked: Looked, pictures: Path, ledger: str, path: str) -> None:
    """In light and dark, wide and narrow: the console is silent, axe-core too, no script but ours.

    On a telephone tables and drawings scroll inside of their panels, the page does not. No word of
    a table is cut without a way to read it. What an
    empty ledger has not is said on a page that is without fault itself.
    """
    visit = looked(ledger, path)
    assert visit.inaccessible == []
    assert visit.faults == []
    assert visit.hacked is None
    assert visit.foreign == 0
    assert visit.cut == []
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


@pytest.mark.parametrize(("ledger", "path"), EVERYWHERE)
def test_what_is_shown_is_what_the_python_api_tells(
    looked: Looked,
    apis: Mapping[str, Ledger],
    demonstrated: tuple[Store, Demonstrated],
    ledger: str,
    path: str,
) -> None:
    """Every headline figure and every cell of every table, to the last digit and as it is read."""
    visit = looked(ledger, path)
    page = path.partition("?")[0]
    picture = PICTURE if ledger == "shown" else None
    asked = Asked(apis[ledger], given_by(with_ids(path, demonstrated[1])), picture)
    told = FIGURES[page](asked) if visit.figures else {}
    assert [title for title, _, _ in visit.figures if title not in told] == []
    assert len(visit.figures) == len(told)
    for title, value, text in visit.figures:
        check(title, value, text, told[title])
    for table_id, lines in visit.tables.items():
        check_table(page, table_id, lines, asked)


def test_a_wrong_figure_is_seen(looked: Looked, apis: Mapping[str, Ledger]) -> None:
    """What the comparison looks for is found where it is: a digit, a row, a table nobody named."""
    lines = [list(line) for line in looked("shown", "overview").tables["by-agent"]]
    asked = Asked(apis["shown"], {})
    check_table("overview", "by-agent", lines, asked)
    with pytest.raises(AssertionError):
        check_table("overview", "by-agent", lines[:-1], asked)
    with pytest.raises(KeyError):
        check_table("overview", "by-moon", lines, asked)
    title, value, text = lines[0][3]
    assert title == "Total cost"
    for wrong in ((title, f"{value}1", text), (title, value, f"{text}9"), ("Moon", value, text)):
        lines[0][3] = wrong
        with pytest.raises((AssertionError, KeyError)):
            check_table("overview", "by-agent", lines, asked)


def test_the_chart_by_day_is_drawn(looked: Looked) -> None:
    """The library of charts runs under the policy, over the figures of its table."""
    visit = looked("shown", "overview")
    assert visit.drawn == 4
    assert visit.faults == []


def test_a_legend_keeps_its_colours(tab: Watched, site: Served) -> None:
    """Where the system chooses the colours of all else: they say which boxes are meant."""
    page = opened(tab, site, "flame")
    page.emulate_media(forced_colors="active")
    colours = page.locator(".legend .key").evaluate_all(
        "keys => keys.map((key) => getComputedStyle(key).backgroundColor)"
    )
    page.emulate_media(forced_colors="none")
    assert len(set(colours)) == len(colours) == 3


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


def test_a_name_with_a_line_break_survives_its_forms(tab: Watched, site: Served) -> None:
    """Sent by the form of filters and by that of periods, as typed fields and as hidden ones."""
    for form in ("Filters", "Against another period"):
        page = opened(tab, site, "flame?agent=line%0Afeed&tenant=a%0D%0Ab")
        page.locator(f"form[aria-label='{form}'] button").click()
        page.wait_for_load_state()
        told = exact(given_by(page.url))
        assert (told["agent"], told["tenant"]) == ("line\nfeed", "a\r\nb")


def test_the_chart_by_day_tells_bounds_and_gaps(tab: Watched, site: Served) -> None:
    """Its legend is the cell of the table, and a day without runs is a gap."""
    page = opened(tab, site, "overview")
    page.wait_for_selector("[data-plot] canvas")
    box = page.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 50)
    first = page.locator("#by-day tbody tr").first.locator("td").nth(2).inner_text()
    page.wait_for_function(
        "told => document.querySelector('.u-legend').innerText.includes(told)", arg=first
    )
    assert first.startswith("\N{GREATER-THAN OR EQUAL TO}")


@pytest.mark.parametrize(
    ("path", "titles"),
    [
        ("agents", ["Why"]),
        ("agents?by=total", ["Why"]),
        ("agent?agent=analyst", ["Why"]),
        ("prices", ["Source", "Published at"]),
    ],
)
def test_sentences_of_a_table_are_read_whole(
    tab: Watched, site: Served, path: str, titles: Sequence[str]
) -> None:
    """They wrap, and with the table moved to them it is still seen which row they are of."""
    page = opened(tab, site, path)
    cut = page.evaluate(CUT_UNDER, titles)
    assert cut == dict.fromkeys(titles, 0)
    table = page.locator(
        "table", has=page.locator("thead th", has_text=re.compile(f"^{titles[0]}$"))
    )
    scrolled = page.locator(".scroll", has=table)
    scrolled.evaluate("box => { box.scrollLeft = box.scrollWidth }")
    there, name = scrolled.bounding_box(), table.locator("tbody th").first.bounding_box()
    assert there is not None
    assert name is not None
    assert there["x"] - 1 <= name["x"] <= there["x"] + 40


@pytest.mark.parametrize(
    ("low", "high"),
    [(12e6, 25e6), (-3e6, 4e6), (1e-6, 6e-6), (-0.2, 0.31), (0.5, 1e9), (1_010_000, 1_015_000)],
)
def test_the_axis_of_the_chart_is_read_whole(
    chromium: Browser, site: Served, low: float, high: float
) -> None:
    """From a millionth to a milliard, and below 0: no label is cut, no two are the same."""
    page = chromium.new_page(viewport=WIDE)
    page.set_default_timeout(180_000)
    page.goto(f"{site.url}/ui/overview?range=all")
    page.wait_for_selector("[data-plot] canvas")
    page.evaluate(WRITTEN)
    page.evaluate(REDRAWN, [low, high])
    page.wait_for_function("() => window.written.some(([text]) => text.includes('$'))")
    written = page.evaluate("() => window.written")
    page.close()
    labels = [(text, left) for text, left in written if "$" in text]
    assert len(labels) > 2
    assert len({text for text, _ in labels}) == len(labels)
    for text, left in labels:
        assert re.fullmatch(rf"{MINUS}?\$[\d.,]+[KMB]?", text), text
        assert left >= 0, text
    assert any(text.startswith(MINUS) for text, _ in labels) == (low < 0)


def test_without_scripts_the_chart_leaves_no_hole(chromium: Browser, site: Served) -> None:
    """Its table tells the same."""
    page = chromium.new_page(viewport=WIDE, java_script_enabled=False)
    page.goto(f"{site.url}/ui/overview?range=all", timeout=180_000)
    assert page.locator("#by-day").is_visible()
    assert not page.locator(".plot").is_visible()
    page.close()
