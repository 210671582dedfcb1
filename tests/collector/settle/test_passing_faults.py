"""Faults that pass while traces are settled: all comes into the sums, also over a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from tests.support.gate import Fault, Gate
from tests.support.ledger_pool import LedgerPool

from spanledger_collector.errors import StoreUnavailableError
from spanledger_collector.settle import Settler, TraceKey
from spanledger_collector.settle import settler as module
from spanledger_collector.store import Connection, Store

from . import scene


@pytest.fixture
def road(http_pool: LedgerPool) -> Iterator[tuple[Gate, Store]]:
    """A ledger over HTTP, and what stands between."""
    with http_pool.ledger() as dsn:
        where, _, rest = dsn.removeprefix("http://").partition("?")
        with Gate(int(where.rpartition(":")[2].rstrip("/"))) as gate:
            gate.open()
            store = Store.open(f"http://127.0.0.1:{gate.port}?{rest}")
            yield gate, store
            store.close()


def _settle_all(settler: Settler) -> None:
    deadline = time.monotonic() + 60
    while settler.waiting():
        assert time.monotonic() < deadline, "nothing happened for 60 s"
        threading.Event().wait(0.05)
        settler.settle_due()


@pytest.mark.parametrize(
    ("code", "status"), [(0, 0), (252, 0), (0, 502)], ids=["reset", "parts", "proxy"]
)
def test_a_fault_that_passes_keeps_its_traces_due(
    road: tuple[Gate, Store], monkeypatch: pytest.MonkeyPatch, code: int, status: int
) -> None:
    """One fails, the others go on, and nothing is forgotten by this settler nor by the next."""
    gate, store = road
    monkeypatch.setattr(module, "MAX_TRACES", 1)
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        for trace in (1, 2):
            scene.load(connection, [scene.call(1, 0, (1, 0), trace=trace)])
        settler = scene.settler(store, quiet_seconds=0)
        gate.fault = Fault(b"-- sum_runs", code, status)
        assert settler.settle_due() == 1
        assert gate.fault.times == 0
        assert (settler.waiting(), settler.settled_traces, settler.failed_traces) == (1, 1, 0)
        _settle_all(settler)
        assert scene.cost(connection, "runs") == Decimal("0.02")
        # Killed while the fault lasts: the next one finds it.
        scene.load(connection, [scene.call(1, 0, (1, 0), trace=3)])
        gate.fault = Fault(b"-- sum_runs", code, status, times=1000)
        assert settler.settle_due() == 0
        assert settler.waiting() == 1
        settler.stop(drain=False)
        gate.fault = None
        after = scene.settler(store, quiet_seconds=0)
        after.settle_due()
        assert scene.cost(connection, "runs") == Decimal("0.03")
        assert after.waiting() == after.failed_traces == 0
        after.stop(drain=False)


def test_a_group_is_divided_once_where_a_smaller_one_does_not_help(
    road: tuple[Gate, Store], caplog: pytest.LogCaptureFixture
) -> None:
    """Tried again at once, in halves; where that fails too all wait, which is told in one line."""
    gate, store = road
    with store.connect() as connection:
        for trace in range(1, 9):
            scene.load(connection, [scene.call(1, 0, (1, 0), trace=trace)])
        settler = scene.settler(store, quiet_seconds=0)
        gate.fault = Fault(b"-- gather_spans", 252, times=1000)
        assert settler.settle_due() == 0
        assert gate.fault.times == 997
        assert (settler.waiting(), settler.failed_traces) == (8, 0)
        assert caplog.text.count("settling of 8 traces waits") == 1
        assert settler.settle_due() == 0, "they pause"
        assert gate.fault.times == 997
        gate.fault = None
        assert settler.settle_due(everything=True) == 8
        # Asked for by somebody who may not ask again, such as what closes GPU windows.
        gate.close()
        with pytest.raises(StoreUnavailableError):
            settler.settle_traces([("default", scene.hex32(1))])
        gate.open()
        assert settler.settle_due() == 1
        settler.stop(drain=False)


def test_a_trace_over_a_limit_keeps_back_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory may be short because of others: it is tried again, alone and seldom."""
    large = TraceKey("default", scene.hex32(3))
    real = module.begin

    def begin(connection: Connection, traces: list[TraceKey], version: int) -> None:
        if large in traces:
            error = StoreUnavailableError("memory")
            error.clickhouse_code = 241
            raise error
        real(connection, traces, version)

    monkeypatch.setattr(module, "begin", begin)
    with store.connect() as connection:
        scene.load(connection, [scene.call(1, 0, (1, 1), trace=n) for n in range(1, 6)])
        settler = scene.settler(store, quiet_seconds=0)
        assert settler.settle_due() == 4
        assert (settler.settled_traces, settler.failed_traces, settler.waiting()) == (4, 0, 1)
        monkeypatch.undo()
        assert settler.settle_due(everything=True) == 1
        assert len(scene.runs(connection, 3)) == 1
        settler.stop(drain=False)
