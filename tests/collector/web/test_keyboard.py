"""The pages by keyboard alone: every link is reached, seen where it is, and leads on."""

from __future__ import annotations

import re

import pytest
from tests.collector.web.conftest import opened
from tests.support.browser import HOW, Watched, found
from tests.support.page_scripts import HIDDEN_BEHIND, IN_A_CELL, TABLES
from tests.support.served_ledger import Served

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not found(), reason=HOW)]


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
    shown = page.evaluate(TABLES)["runs"]
    tenants = {text for line in shown for title, _, text in line if title == "Tenant"}
    assert tenants == {"acme"}


@pytest.mark.parametrize(
    ("path", "width"),
    [
        ("agents", 390),
        ("overview", 390),
        ("agent?agent=analyst", 390),
        ("runs", 640),
        ("agents", 1440),
    ],
)
def test_what_has_the_focus_is_seen(tab: Watched, site: Served, path: str, width: int) -> None:
    """Walking back through a row: the column that stays hides no link (WCAG 2.2, 2.4.11)."""
    page = opened(tab, site, path)
    page.set_viewport_size({"width": width, "height": 844})
    tables = page.locator(".scroll table")
    walked = 0
    for place in range(tables.count()):
        row = tables.nth(place).locator("tbody tr").first
        links = row.locator("td a")
        if not links.count():
            continue
        links.last.focus()
        while page.evaluate(IN_A_CELL):
            assert page.evaluate(HIDDEN_BEHIND) == "", (place, walked)
            page.keyboard.press("Shift+Tab")
            walked += 1
    assert walked > 5
    assert tab.faults == []


def test_rows_of_agents_are_low(tab: Watched, site: Served) -> None:
    """Why a verdict is so stands in few words, and opens to the whole sentence by keyboard too."""
    page = opened(tab, site, "agents")
    heights = page.locator("#agents tbody tr").evaluate_all(
        "rows => rows.map((row) => row.getBoundingClientRect().height)"
    )
    assert max(heights) < 60
    told = page.locator("#agents details").first
    assert not told.locator("p").is_visible()
    told.locator("summary").focus()
    page.keyboard.press("Enter")
    told.locator("p").wait_for(state="visible")
    assert len(told.locator("p").inner_text()) > len(told.locator("summary").inner_text())
    assert tab.faults == []


def test_a_drawing_is_no_stop_of_the_keyboard(tab: Watched, site: Served) -> None:
    """Its boxes are the links of the table below, which has them all."""
    page = opened(tab, site, "flame")
    boxes = page.locator(".flame a").count()
    assert boxes == page.locator(".flame a[tabindex='-1']").count() > 0
    assert page.locator("#paths tbody th a").count() >= boxes
