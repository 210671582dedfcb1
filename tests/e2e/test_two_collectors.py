"""F26: two collectors over one server, one trace's spans at both: one ledger, to the last cent.

The server is ClickHouse's HTTP protocol over an engine in a process of its own, or the one that
SPANLEDGER_TEST_CLICKHOUSE_URL names.
"""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from benchmarks.spans import SPANS_PER_TRACE, request_bytes
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support import clickhouse_http_shim as shim
from tests.support.ledger_pool import drop
from tests.support.posting import book_assets, idle
from tests.support.running import RunningCollector

from spanledger_collector.store import Connection, Store

_PATIENCE_SECONDS = 240.0
_ROUNDS = 4
_TRACES_PER_ROUND = 12
_TRACES = _ROUNDS * _TRACES_PER_ROUND
_CALLS_PER_TRACE = SPANS_PER_TRACE // 2
#: The second asset is used up before the last runs come.
_UNITS = {"ample": 1000, "scarce": _TRACES // 2}
_COST_USD = 120


@pytest.fixture
def dsn(tmp_path: Path) -> Iterator[str]:
    """The address of a database that is not there yet, on a server of ClickHouse's protocol."""
    database = f"two_collectors_{os.getpid()}_{time.time_ns()}"
    with _server(tmp_path) as address:
        yield f"{address}?database={database}"
        drop(address, database)


@contextmanager
def _server(folder: Path) -> Generator[str]:
    real = os.environ.get("SPANLEDGER_TEST_CLICKHOUSE_URL")
    if real:
        yield real
        return
    with shim.process(folder / "server") as address:
        yield address


def _post(port: int, body: bytes, path: str = "/v1/traces") -> bool:
    """Whether it was acknowledged; False where nobody is there, or the answer was lost."""
    kind = "application/json" if body.startswith(b"[") else "application/x-protobuf"
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        connection.request("POST", path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return False
    assert answer.status == 200
    connection.close()
    return True


def _halves(number: int) -> tuple[bytes, bytes]:
    """One trace's spans in two requests: each has calls, one has the run itself."""
    halves = [ExportTraceServiceRequest.FromString(request_bytes(number, 10)) for _ in range(2)]
    for half, request in enumerate(halves):
        scope = request.resource_spans[0].scope_spans[0]
        kept = [span for at, span in enumerate(scope.spans) if (at // 2 + at) % 2 == half]
        del scope.spans[:]
        scope.spans.extend(kept)
    first, second = (request.SerializeToString() for request in halves)
    return first, second


class _Traces(threading.Thread):
    """Sends one half of each trace to its collector; what is not acknowledged goes to the other.

    Every third is sent to both, as a client does whose answer was lost.
    """

    def __init__(self, parts: list[bytes], own_port: int, other_port: int) -> None:
        super().__init__(daemon=True)
        self._parts = parts
        self._ports = own_port, other_port
        self.sent = 0
        self.unsent: list[bytes] = []

    def run(self) -> None:
        own, other = self._ports
        for number, part in enumerate(self._parts):
            acknowledged = _post(own, part)
            if not acknowledged or number % 3 == 0:
                acknowledged |= _post(other, part)
            self.sent += 1
            if not acknowledged:
                self.unsent.append(part)
            time.sleep(0.02)  # so that there is time to be killed in


def _send(traces: range, one: RunningCollector, other: RunningCollector) -> list[_Traces]:
    parts = [_halves(number) for number in traces]
    senders = [
        _Traces([first for first, _ in parts], one.http_port, other.http_port),
        _Traces([second for _, second in parts], other.http_port, one.http_port),
    ]
    for sender in senders:
        sender.start()
    return senders


def _half_sent(sender: _Traces) -> bool:
    return sender.sent >= _TRACES_PER_ROUND // 2


def _joined(senders: list[_Traces]) -> None:
    for sender in senders:
        sender.join(_PATIENCE_SECONDS)
        assert not sender.is_alive()
        assert not sender.unsent, "one collector was always there"


def _settled(ledger: Connection, *collectors: RunningCollector) -> None:
    """Every trace is a run, nobody has anything left to do, and nothing moves any more."""
    for collector in collectors:
        collector.wait_until(
            lambda: _one(ledger, "SELECT uniqExact(trace_id) FROM runs FINAL") == _TRACES
        )
    before = ""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        now = str(ledger.rows("SELECT sum(version) AS v, count() AS n FROM runs FINAL"))
        if now == before and all(idle(collector) for collector in collectors):
            return
        assert time.monotonic() < deadline, "the ledger does not come to rest"
        before = now
        time.sleep(3)


def _one(ledger: Connection, statement: str) -> object:
    ((value,),) = (row.values() for row in ledger.rows(statement))
    return value


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_f26_two_collectors_keep_one_ledger(tmp_path: Path, dsn: str) -> None:
    where = ("--database", dsn)
    with ExitStack() as running:
        one = running.enter_context(RunningCollector(tmp_path / "one", *where))
        other = running.enter_context(RunningCollector(tmp_path / "other", *where))
        one.wait_ready()
        other.wait_ready()
        store = Store.open(dsn)
        running.callback(store.close)
        ledger = store.connect()
        book_assets(one, _COST_USD, _UNITS)
        one.wait_until(lambda: _one(ledger, "SELECT count() FROM asset_entries FINAL") == 4)
        for number in range(_ROUNDS):
            first = number * _TRACES_PER_ROUND
            senders = _send(range(first, first + _TRACES_PER_ROUND), one, other)
            if number % 2:
                one.wait_until(partial(_half_sent, senders[1]))
                other.kill()
                _joined(senders)
                other = running.enter_context(RunningCollector(tmp_path / "other", *where))
            _joined(senders)
        _settled(ledger, one, other)
        _check(ledger)
        one.stop()
        other.stop()
        _check(ledger)


def _check(ledger: Connection) -> None:
    spans = (
        "SELECT count() AS n, uniqExact(trace_id, span_id) AS ids FROM spans FINAL "
        "WHERE service_name = 'benchmark'"
    )
    sent = _TRACES * SPANS_PER_TRACE
    assert ledger.rows(spans) == [{"n": sent, "ids": sent}]
    assert _one(ledger, "SELECT count() FROM runs FINAL") == _TRACES
    calls = _TRACES * _CALLS_PER_TRACE
    attempts = "SELECT countIf(counted) AS n, count() AS told FROM attempts FINAL"
    assert ledger.rows(attempts) == [{"n": calls, "told": calls}]
    (sums,) = ledger.rows(
        "SELECT sum(output_tokens) AS tokens, sum(calls) AS calls, sum(cost_usd) AS usd "
        "FROM runs FINAL"
    )
    assert (sums["tokens"], sums["calls"]) == (calls * 200, calls)
    assert sums["usd"] == _one(ledger, "SELECT sum(cost_usd) FROM attempts FINAL WHERE counted")
    by_model = "SELECT uniqExact(cost_usd) AS n FROM attempts FINAL GROUP BY response_model"
    assert {row["n"] for row in ledger.rows(by_model)} == {1}, "it costs the same at both"
    _check_charges(ledger)


def _check_charges(ledger: Connection) -> None:
    """Each run carries each asset once, and no asset more than it cost."""
    charges = {
        str(row["asset_id"]): row
        for row in ledger.rows(
            "SELECT asset_id, count() AS n, uniqExact(run_id) AS runs, sum(amount_usd) AS usd "
            "FROM amortization_charges FINAL WHERE amount_usd > 0 GROUP BY asset_id"
        )
    }
    for asset, units in _UNITS.items():
        runs = min(units, _TRACES)
        assert charges[asset] == {
            "asset_id": asset, "n": runs, "runs": runs, "usd": Decimal(_COST_USD * runs) / units,
        }  # fmt: skip
    books = ledger.rows("SELECT asset_id, charged_usd, charged_units FROM amortization")
    assert {str(row["asset_id"]): row["charged_usd"] for row in books} == {
        asset: row["usd"] for asset, row in charges.items()
    }
    carried = _one(ledger, "SELECT sum(amortized_cost_usd) FROM runs FINAL")
    assert carried == sum(Decimal(str(row["usd"])) for row in charges.values())
