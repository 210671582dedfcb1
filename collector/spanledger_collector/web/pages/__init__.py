"""The pages, by path below ``/ui``: each asks the ledger and names what is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from spanledger_collector.query import Ledger
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Page

from . import (
    agent,
    agents,
    asset,
    assets,
    attempts,
    explain,
    flame,
    latency,
    overview,
    pools,
    prices,
    quality,
    rework,
    run,
    runs,
    trace,
)

PageOf = Callable[[Ledger, Asked], Page]

#: All pages that are asked of the ledger; ``budgets`` is asked of the watcher (``app.py``).
PAGES: Final[Mapping[str, PageOf]] = {
    "overview": overview.page,
    "agents": agents.page,
    "agent": agent.page,
    "runs": runs.page,
    "run": run.page,
    "trace": trace.page,
    "explain": explain.page,
    "flame": flame.page,
    "rework": rework.page,
    "quality": quality.page,
    "latency": latency.page,
    "assets": assets.page,
    "asset": asset.page,
    "attempts": attempts.page,
    "pools": pools.page,
    "prices": prices.page,
}
