"""Requests of made-up traces to a running collector, and what it says of itself."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Mapping

from benchmarks.spans import request_bytes
from tests.support.running import RunningCollector

PROTOBUF = {"Content-Type": "application/x-protobuf"}


def post(port: int, number: int, spans: int = 10) -> tuple[int, str]:
    """Send request ``number``; its status, and how long it asks to wait."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("POST", "/v1/traces", request_bytes(number, spans), PROTOBUF)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.getheader("Retry-After", "")


def metrics(collector: RunningCollector) -> dict[str, float]:
    """Every metric by its name and labels."""
    url = f"http://127.0.0.1:{collector.api_port}/metrics"
    with urllib.request.urlopen(url, timeout=300) as answer:
        lines = answer.read().decode().splitlines()
    rows = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in rows}


def idle(collector: RunningCollector) -> bool:
    """Nothing waits: not in the journal, not to be settled."""
    told = metrics(collector)
    waiting = ("spanledger_journal_backlog_records", "spanledger_settle_waiting_traces")
    return all(told[name] == 0 for name in waiting)


def book_assets(collector: RunningCollector, cost_usd: int, units: Mapping[str, int]) -> None:
    """Assets that cost so much each, charged over so many executions of any agent."""
    records = [
        entry
        for asset, executions in units.items()
        for entry in (
            {"kind": "asset_cost", "asset": asset, "amount": str(cost_usd)},
            {"kind": "asset_plan", "asset": asset, "expected_executions": executions},
        )
    ]
    with collector.ledger() as ledger:
        told = ledger.add_records(records)
    assert not told.rejected, told.rejected
