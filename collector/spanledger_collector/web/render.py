"""Parts as HTML: the templates, with everything they print escaped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from spanledger_collector.errors import PermanentError

from . import figures
from .asked import ALL, RANGES, Asked, carried
from .chosen import SEVERAL
from .parts import Note, Page

#: Entries of the navigation: path, name.
NAVIGATION: Final = (
    ("overview", "Overview"),
    ("agents", "Agents"),
    ("runs", "Runs"),
    ("flame", "Cost flame graph"),
    ("rework", "Rework"),
    ("quality", "Cost of quality"),
    ("latency", "Latency against cost"),
    ("assets", "Assets"),
    ("pools", "GPUs"),
    ("prices", "Prices and coverage"),
    ("budgets", "Budgets"),
)
_BACKWARDS: Final = Note(
    "The period ends before it starts", ["Nothing can be in it: change From or To above."], "warn"
)
#: Filters that are names: of the page, of the URL.
_NAMES: Final = ("agent", "version", "tenant")


def render(page: Page, asked: Asked) -> str:
    """A page as HTML."""
    if "period" in page.filters and asked.is_backwards:
        page = replace(page, parts=[_BACKWARDS, *page.parts])
    active = [
        (name, asked.text(name), asked.again(**{name: "", "offset": ""}))
        for name in _NAMES
        if asked.text(name) and name in page.filters
    ]
    return (
        _environment()
        .get_template("page.html")
        .render(
            page=page,
            asked=asked,
            at=page.at or asked.path,
            navigation=[(path, name, asked.link(path)) for path, name in NAVIGATION],
            ranges=[(word, asked.in_range(word)) for word in (*RANGES, ALL)],
            chosen=asked.range if "period" in page.filters else "",
            active=active,
            unused=list(_unused(page, asked)),
            names=[name for name in _NAMES if name in page.filters],
        )
    )


def _unused(page: Page, asked: Asked) -> Iterator[tuple[str, str, str]]:
    """Filters of the URL that mean nothing on this page: name, value, the URL without."""
    if "period" not in page.filters and asked.told_range not in ("", ALL):
        without = asked.again(range="", since="", until="")
        yield "period", asked.told_range, without
    for name in _NAMES:
        if asked.text(name) and name not in page.filters:
            yield name, asked.text(name), asked.again(**{name: ""})
        several = SEVERAL + name
        if asked.text(several):
            yield f"{name}s of the dashboard", asked.text(several), asked.again(**{several: ""})


def render_error(status: int, title: str, message: str, asked: Asked) -> str:
    """What is shown instead of a page; its links keep the filters."""
    lost = {} if _has_period(asked) else {"range": "", "since": "", "until": ""}
    return (
        _environment()
        .get_template("error.html")
        .render(
            status=status,
            title=title,
            message=message,
            navigation=[(path, name, asked.link(path, **lost)) for path, name in NAVIGATION],
        )
    )


def _has_period(asked: Asked) -> bool:
    """Whether the period can be read: one that cannot would make every link an error again."""
    try:
        asked.period()
    except PermanentError:
        return False
    return True


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("spanledger_collector.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = figures.printable
    environment.filters["prose"] = figures.prose
    environment.filters["carried"] = carried
    environment.filters["usd"] = figures.usd
    environment.filters["exact"] = figures.exact
    return environment
