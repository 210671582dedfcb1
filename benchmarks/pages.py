"""How long the web pages take over five million attempts: what a reader waits for.

The ledger is that of ``history.py``: a year of attempts, no two alike, with their spans; a run for
every ten, three versions of twenty agents, tools, sub-agents, an asset that one agent's runs carry.
Months that are over are one part, as the engine makes them when nothing was written to them for
six hours; the newest is as the filling left it. Each page is asked for as HTTP does, by one reader,
over its usual thirty days and over the year; the middle of several times is told, and the
processor's time, which depends little on who else uses the machine. They are
printed as a table with a verdict: a page has to answer within a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import get_args
from urllib.parse import parse_qsl

import httpx
from prometheus_client import CollectorRegistry

from benchmarks import history
from spanledger_collector.query import DirectReader, GroupBy, Ledger, QualityBy, ReworkBy
from spanledger_collector.query.breakdowns import SumsBy
from spanledger_collector.serve.api import Api
from spanledger_collector.store import Connection, Store
from spanledger_collector.web import Web

_END = history.SINCE + timedelta(days=330)
_MONTH = f"since={_END - timedelta(days=30):%Y-%m-%d}&until={_END - timedelta(days=1):%Y-%m-%d}"
_HALF = _END - timedelta(days=165)
#: A period that is held against the one before it has one: half of the year.
_HALVES = f"since={_HALF:%Y-%m-%d}&until={_END - timedelta(days=1):%Y-%m-%d}"
_TIMES = 3
_CHARGED_AGENT, _ASSET = "agent-3", "tuned"
_LONGEST_SECONDS = 1.0
_COMPARED = "flame?compare=before"
_MERGES = "SELECT * FROM system.merges LIMIT 1"
_MONTHS = """\
SELECT DISTINCT table, partition
FROM system.parts
WHERE active AND table IN ('attempts', 'runs')
    AND partition < (SELECT max(partition) FROM system.parts WHERE active AND table = 'attempts')
ORDER BY ALL"""


def main(*, attempts: int = 5_000_000) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"chdb://{folder}/ledger")
        with store.connect() as connection:
            history.fill(store, connection, attempts)
            history.tell(connection, attempts)
            _book_an_asset(connection)
            history.charge(connection, _CHARGED_AGENT, _ASSET)
            _merge_quiet_months(connection)
            _settle_down(connection)
        today = datetime.now(timezone.utc)
        print(f"{today:%Y-%m-%d}: {attempts:,} attempts, {attempts * 11 // 10:,} spans, embedded")
        print(f"ledger, {os.cpu_count()} cores\n\n| page | over | answer | processor | in time |")
        print("|---|---|---|---|---|")
        reader = DirectReader(store)
        asyncio.run(_measure(reader))
        reader.close()
        store.close()


def _book_an_asset(connection: Connection) -> None:
    """Training that serves one of the agents: without it nothing of assets would be read."""
    book = {"workspace": "default", "asset_id": _ASSET, "received_at": f"{history.SINCE:%F %T}"}
    cost = {"entry": "cost", "kind": "training", "amount": "60000", "currency": "USD"}
    plan = {"entry": "plan", "method": "units_of_production", "unit": "execution"}
    plan |= {"expected_units": "1000000", "agent_name": _CHARGED_AGENT}
    lines = [json.dumps({**book, **entry, "entry_id": entry["entry"]}) for entry in (cost, plan)]
    connection.insert_bytes("asset_entries", "\n".join(lines).encode(), "JSONEachRow")


def _merge_quiet_months(connection: Connection) -> None:
    """What ``min_age_to_force_merge_seconds`` of these tables does within a day."""
    for row in connection.rows(_MONTHS):
        statement = f"OPTIMIZE TABLE {row['table']} PARTITION {row['partition']} FINAL"
        connection.execute(statement, None, history.NO_LIMITS)


def _settle_down(connection: Connection) -> None:
    """Wait until what the filling left to be merged is merged: it would be timed otherwise."""
    while connection.rows(_MERGES):
        time.sleep(1)


async def _measure(reader: DirectReader) -> None:
    web = Web(reader=lambda: reader)
    api = Api(
        reader=lambda: reader, health=dict, registry=CollectorRegistry(), pages=web.routes
    )  # fmt: skip
    transport = httpx.ASGITransport(api.app)
    url = "http://pages"
    async with httpx.AsyncClient(transport=transport, base_url=url, timeout=60) as asked:
        for path in _paths(reader):
            whole = _HALVES if "compare=" in path else "range=all"
            for words, part in (("30 days", _MONTH), ("a year", whole)):
                told = await _told(asked, f"{path}&{part}")
                print(f"| {_named(path):20} | {words:7} | {told} |", flush=True)
    web.close()
    api.close()


def _named(path: str) -> str:
    """The page, and which of its ways to be asked it is."""
    page, _, query = path.partition("?")
    given = dict(parse_qsl(query))
    if by := given.get("by"):
        return f"{page} by {by}"
    of = " of a version" if "version" in given else " compared" if "compare" in given else ""
    return f"{page}{of}"


def _paths(reader: DirectReader) -> Sequence[str]:
    (run,) = Ledger(reader).runs(limit=1)
    named = f"agent={run.agent_name}&version={run.agent_version}"
    ids = f"trace={run.trace_id}&id={run.run_id}"
    plain = (
        "overview", "agents", "runs", "flame", "rework", "quality", "attempts", "latency", "assets",
        "prices", "budgets",
    )  # fmt: skip
    of_one = [
        f"agent?agent={run.agent_name}", f"agent?{named}", f"latency?{named}",
        f"trace?id={run.trace_id}", f"explain?id={run.trace_id}", f"run?{ids}",
        f"asset?id={_ASSET}",
    ]  # fmt: skip
    return [*of_one, *(f"{path}?" for path in plain), *_divided(run.agent_name), _COMPARED]


def _divided(agent: str) -> Iterator[str]:
    """Each page that can be divided, in each way but its first."""
    yield from (f"agent?agent={agent}&by={by}" for by in get_args(GroupBy) if by != "version")
    yield from (f"agents?by={by}" for by in get_args(SumsBy))
    yield from (f"rework?by={by}" for by in get_args(ReworkBy) if by != "agent")
    yield from (f"quality?by={by}" for by in get_args(QualityBy) if by != "agent")


async def _told(asked: httpx.AsyncClient, path: str) -> str:
    """Until the answer is there, and of the processor; or that a read may not do it."""
    wall: list[float] = []
    processor: list[float] = []
    for _ in range(_TIMES):
        clock, used = time.perf_counter(), time.process_time()
        answer = await asked.get(f"/ui/{path}")
        wall.append(time.perf_counter() - clock)
        processor.append(time.process_time() - used)
        if answer.status_code == 503:
            return "refused: more memory than a read may use (1 GiB) | | **no**"
        assert answer.status_code == 200, answer.text[-500:]
    middle = statistics.median(wall), statistics.median(processor)
    verdict = "yes" if middle[0] <= _LONGEST_SECONDS else "**no**"
    return f"{middle[0]:.2f} s | {middle[1]:.2f} s | {verdict}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=5_000_000)
    main(attempts=parser.parse_args().attempts)
