"""The pages over a ledger worth looking at, over that of ``spanledger demo``, over an empty one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Page, ViewportSize
from tests.collector.settle.scene import hex32
from tests.support.browser import Watched, browser
from tests.support.ledger_pool import LedgerPool
from tests.support.served_ledger import Served, served
from tests.support.shown_ledger import (
    CHARGED_TRACE,
    PLAIN_TRACE,
    UNPRICED,
    XSS,
    XSS_TRACE,
    show,
)

from spanledger_collector.demo.show import Shown
from spanledger_collector.demo.show import show as show_demo
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store

_NOW = datetime(2026, 11, 7, tzinfo=timezone.utc)


class _Picture(SimpleNamespace):
    """A picture of the watcher's that belongs to one workspace."""

    def of(self, workspace: str) -> object:
        return self if workspace == "default" else SimpleNamespace(budgets=[], alerts=[])


#: What the watcher would have seen; its own tests hold it against the ledger.
PICTURE = _Picture(
    as_of=_NOW,
    budgets=[
        SimpleNamespace(
            name=XSS["agent_name"], workspace="default", per="agent", key=XSS["agent_version"],
            window="day", since=_NOW, until=_NOW, limit_usd=Decimal("1.5"),
            spent_usd=Decimal("1.25"), left_usd=Decimal("0.25"), projected_usd=None,
            unknown_attempts=2, state="warning",
        )
    ],
    alerts=[
        SimpleNamespace(
            rule=XSS["tenant"], workspace="default", per="tenant", key="acme", metric="margin_usd",
            unit="usd", direction="below", window="24 h", since=_NOW - timedelta(hours=24),
            until=_NOW,
            threshold=Decimal("0.1"), value=None, firing_since=_NOW,
            bound="",
        )
    ],
)  # fmt: skip


@pytest.fixture(scope="session")
def shown(pool: LedgerPool) -> Iterator[Store]:
    """An embedded ledger with the runs of ``shown_ledger``; only to be read."""
    with pool.ledger() as dsn:
        store = Store.open(dsn)
        show(store)
        yield store
        store.close()


@pytest.fixture
def ledger(shown: Store) -> Iterator[Ledger]:
    """The Python API over it."""
    with Ledger(DirectReader(shown)) as ledger:
        yield ledger


@pytest.fixture(scope="session")
def demonstrated(
    pool: LedgerPool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Store, Shown]]:
    """The ledger that ``spanledger demo --tickets 2`` leaves, and what it found there.

    Its own code, whole: real clients, a provider, a collector; only that the ledger is a database
    of this process's engine, of which there can be one. The first ticket is told to come back.
    """
    folder = tmp_path_factory.mktemp("demo")
    with pool.ledger() as dsn:
        with pytest.MonkeyPatch.context() as patch:  # of the demo alone: other tests start programs
            patch.setenv("SPANLEDGER_DATABASE", dsn)
            told = asyncio.run(show_demo(folder, tickets=2, protocol="http/protobuf", step=print))
        store = Store.open(dsn)
        yield store, told
        store.close()


@pytest.fixture(scope="module")
def demo_site(demonstrated: tuple[Store, Shown]) -> Iterator[Served]:
    """The pages over it."""
    with served(demonstrated[0]) as running:
        yield running


@pytest.fixture(scope="module")
def site(shown: Store) -> Iterator[Served]:
    """The pages over it."""
    with served(shown) as running:
        running.watched = PICTURE
        yield running


@pytest.fixture(scope="module")
def empty_site(module_store: Store) -> Iterator[Served]:
    """The pages over an empty ledger."""
    with served(module_store) as running:
        yield running


@pytest.fixture
def client(site: Served) -> Iterator[httpx.Client]:
    """Asks for pages over the first of them."""
    with httpx.Client(base_url=f"{site.url}/ui/", timeout=300) as client:
        yield client


#: Every page, as a reader comes to it.
PATHS = [
    "overview",
    "agents",
    "agent?agent=analyst",
    "agent?agent=support&by=tenant",
    "agent?agent=even",
    "agent?agent=unpriced",
    f"run?trace={hex32(UNPRICED)}&id=unpriced",
    f"trace?id={hex32(UNPRICED)}",
    "runs",
    f"trace?id={PLAIN_TRACE}",
    f"trace?id={XSS_TRACE}",
    f"run?trace={PLAIN_TRACE}&id=r1000",
    f"run?trace={XSS_TRACE}&id={quote(XSS['run_id'])}",
    f"explain?id={PLAIN_TRACE}",
    "flame",
    "flame?since=2026-11-05&until=2026-11-07&compare=before",
    "flame?since=2026-11-03&until=2026-11-04&before_since=2026-11-05&before_until=2026-11-06",
    "rework",
    "latency",
    "latency?agent=analyst",
    "rework?by=model",
    "quality",
    "quality?by=tenant",
    "agents?by=tenant",
    "agents?by=day",
    "attempts",
    "attempts?by=agent&key=analyst&only=work%2Crework&reason=regenerated",
    "attempts?price=unpriced&usage=provider",
    f"attempts?by=agent&key={quote(XSS['agent_name'])}",
    f"agent?agent={quote(XSS['agent_name'])}",
    f"explain?id={XSS_TRACE}",
    f"latency?agent={quote(XSS['agent_name'])}&version={quote(XSS['agent_version'])}",
    f"overview?agent={quote(XSS['agent_name'])}&tenant={quote(XSS['tenant'])}",
    f"runs?agent={quote(XSS['agent_name'])}",
    "assets",
    "asset?id=tuned",
    f"asset?trace={CHARGED_TRACE}",
    "pools",
    "prices",
    "budgets",
]
#: Those that are about something that an empty ledger has not.
OF_ONE = ("agent?", "trace?", "explain?", "asset?", "run?")
#: Every page again, of the demo's ledger or an empty one; ``TRACE`` and ``RUN`` stand for a trace
#: of the demo, and a run of it (``with_ids``).
ANYWHERE = [
    "overview",
    "overview?agent=triage&version=1.2&tenant=acme",
    "agents",
    "agent?agent=triage",
    "agent?agent=researcher&by=model",
    "runs",
    "trace?id=TRACE",
    "run?trace=TRACE&id=RUN",
    "explain?id=TRACE",
    "flame",
    "flame?compare=before&range=7d",
    "rework",
    "rework?by=tenant",
    "quality?by=version",
    "agents?by=total",
    "latency",
    "latency?agent=triage",
    "attempts",
    "assets",
    "asset?id=nothing",
    "asset?trace=TRACE",
    "pools",
    "prices",
    "budgets",
    # A filter that came along and means nothing there.
    "assets?range=7d&tenant=acme",
    "budgets?range=7d",
    "pools?tenant=acme",
    "trace?id=TRACE&range=7d",
    "explain?id=TRACE&range=7d",
    "asset?trace=TRACE&range=7d",
]
#: Ledger of a test -> the paths that it cannot show: they are of something that it has not.
MISSING = {
    "shown": (),
    "demo": ("asset?id=nothing",),
    "empty": ("trace?", "explain?", "asset?id=", "run?"),
}
#: Every page on every ledger: name of the ledger, path.
EVERYWHERE = [
    *(("shown", path) for path in PATHS),
    *(("demo", path) for path in ANYWHERE),
    *(("empty", path) for path in ANYWHERE),
]


def with_ids(path: str, told: Shown) -> str:
    """The path with what the demo left."""
    run = told.traces[0].runs[0]
    return path.replace("TRACE", run.trace_id).replace("RUN", quote(run.run_id))


def is_missing(ledger: str, path: str) -> bool:
    """Whether the page says that there is no such thing."""
    return path.startswith(MISSING[ledger] or ("nowhere",))


#: Windows of a desk and of a telephone.
WIDE, NARROW = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=800)


def everything(path: str) -> str:
    """The page over all time, where it asks for no other."""
    whole = "since=" in path or "range=" in path
    return path if whole else f"{path}{'&' if '?' in path else '?'}range=all"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser."""
    with browser() as running:
        yield running


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
    return as_new(windows["shown"])


def as_new(window: Watched) -> Watched:
    """A window that another test used."""
    window.page.set_viewport_size(WIDE)
    window.page.emulate_media(color_scheme="light")
    window.faults.clear()
    return window


def opened(tab: Watched, site: Served, path: str) -> Page:
    """A page over all time."""
    tab.page.goto(f"{site.url}/ui/{everything(path)}")
    return tab.page
