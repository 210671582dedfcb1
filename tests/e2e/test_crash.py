"""F1: kill -9 of the collector under load: every acknowledged span is in the ledger, once.

And so are sums: each run, what it cost, and what it carries of two assets, one of them used up.

``SPANLEDGER_TESTS_KILLS=50`` kills so often; by default 4.
"""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from benchmarks.spans import request_bytes
from tests.support.posting import book_assets, idle
from tests.support.running import RunningCollector

_SPANS_PER_REQUEST = 50
_SPANS_PER_TRACE = 10
_CALLS_PER_TRACE = 5
#: Runs that each asset is charged over: the second is used up early.
_UNITS = {"ample": 10**9, "scarce": 60}
_COST_USD = 120
_SPANS = "SELECT count() FROM spans FINAL WHERE service_name = 'benchmark'"
_ROUNDS = int(os.environ.get("SPANLEDGER_TESTS_KILLS", "4"))


class _Sender(threading.Thread):
    """Posts numbered requests until the collector goes away; remembers those acknowledged."""

    def __init__(self, port: int, first: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._next = first
        self.acknowledged: list[int] = []
        self.unknown: list[int] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=300)
        while True:
            number, self._next = self._next, self._next + 1
            try:
                connection.request(
                    "POST",
                    "/v1/traces",
                    request_bytes(number, _SPANS_PER_REQUEST),
                    {"Content-Type": "application/x-protobuf"},
                )
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                self.unknown.append(number)
                return
            assert answer.status == 200
            self.acknowledged.append(number)


@pytest.mark.slow
@pytest.mark.timeout(600 + 60 * _ROUNDS)
def test_every_acknowledged_span_is_stored_once(tmp_path: Path) -> None:
    chance = random.Random(20261124)  # noqa: S311 - a moment to kill at, not a secret
    acknowledged: set[int] = set()
    unknown: set[int] = set()
    with RunningCollector(tmp_path / "data") as collector:
        collector.wait_ready()
        book_assets(collector, _COST_USD, _UNITS)
        collector.wait_for("SELECT count() FROM asset_entries FINAL", 2 * len(_UNITS))
    for round_number in range(_ROUNDS):
        collector = RunningCollector(tmp_path / "data")
        senders = [
            _Sender(collector.http_port, (round_number * 2 + n) * 1_000_000) for n in range(2)
        ]
        for sender in senders:
            sender.start()
        # Every other time while it loads; else it may be killed before the ledger is open.
        if round_number % 2:
            collector.wait_ready()
        time.sleep(chance.uniform(0.2, 3.0))
        collector.kill()
        for sender in senders:
            sender.join()
            acknowledged.update(sender.acknowledged)
            unknown.update(sender.unknown)
    assert acknowledged
    with RunningCollector(tmp_path / "data") as collector:
        expected = len(acknowledged) * _SPANS_PER_REQUEST
        collector.wait_for(_SPANS, expected)
        most = expected + len(unknown) * _SPANS_PER_REQUEST
        stored = collector.count(_SPANS)
        identities = collector.count(_SPANS.replace("count()", "uniqExact(trace_id, span_id)"))
        assert expected <= stored <= most
        assert identities == stored
        present = collector.rows("SELECT trace_id, count() AS n FROM spans FINAL GROUP BY trace_id")
        spans_of = {row["trace_id"]: row["n"] for row in present}
        per_request = _SPANS_PER_REQUEST // _SPANS_PER_TRACE
        for number in acknowledged:
            for trace in range(number * per_request, (number + 1) * per_request):
                assert spans_of[f"{trace + 1:032x}"] == _SPANS_PER_TRACE
        traces = stored // _SPANS_PER_TRACE
        collector.wait_for("SELECT count() FROM runs FINAL", traces)
        collector.wait_until(lambda: idle(collector))
        _check_sums(collector, traces)
    with RunningCollector(tmp_path / "data") as collector:
        collector.wait_ready()
        _check_sums(collector, traces)


def _check_sums(collector: RunningCollector, traces: int) -> None:
    """Each trace is one run with all its calls; costs and charges are the same from every side."""
    (runs,) = collector.rows(
        "SELECT count() AS n, sum(calls) AS calls, sum(cost_usd) AS usd, "
        "sum(amortized_cost_usd) AS carried_usd "
        "FROM runs FINAL WHERE kind = 'agent'"
    )
    assert (runs["n"], runs["calls"]) == (traces, traces * _CALLS_PER_TRACE)
    attempts = "SELECT count() AS n, sum(cost_usd) AS usd FROM attempts FINAL WHERE counted"
    assert collector.rows(attempts) == [{"n": runs["calls"], "usd": runs["usd"]}]
    by_model = "SELECT uniqExact(cost_usd) AS n FROM attempts FINAL GROUP BY response_model"
    assert {row["n"] for row in collector.rows(by_model)} == {1}
    charges = _by_asset(
        collector,
        "SELECT asset_id, count() AS units, uniqExact(run_id) AS runs, sum(amount_usd) AS usd "
        "FROM amortization_charges FINAL WHERE amount_usd > 0 GROUP BY asset_id",
    )
    for asset, units in _UNITS.items():
        charged = min(units, traces)
        usd = Decimal(_COST_USD) * charged / units
        assert charges[asset] == {"units": charged, "runs": charged, "usd": usd}
    assert runs["carried_usd"] == sum(charge["usd"] for charge in charges.values())
    for books in (
        "SELECT asset_id, charged_units AS units, charged_usd AS usd FROM amortization",
        """
        SELECT asset_id, sum(units) AS units, sum(amount_usd) AS usd
        FROM asset_balances GROUP BY asset_id
        """,
    ):
        told = _by_asset(collector, books)
        assert told == {
            asset: {"units": charge["units"], "usd": charge["usd"]}
            for asset, charge in charges.items()
        }


def _by_asset(collector: RunningCollector, statement: str) -> dict[str, dict[str, Any]]:
    return {row.pop("asset_id"): row for row in collector.rows(statement)}
