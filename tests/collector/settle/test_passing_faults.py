"""Faults that pass while traces are settled: all comes into the sums, also over a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal

import pytest
from tests.support.gate import Fault, Gate
from tests.support.ledger_pool import LedgerPool

from spanledger_collector.errors import PermanentError, StoreUnavailableError
from spanledger_collector.settle import Settler, TraceKey, parked
from spanledger_collector.settle import passes as module
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_group_is_divided_once_where_a_smaller_one_does_not_help(
    road: tuple[Gate, Store], caplog: pytest.LogCaptureFixture
) -> None:
    """Tried again at once, in halves; where that fails too all wait, which is told in one line.

    How long is test_due's: a pause of a second may be over before a busy machine looks.
    """
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
        gate.fault = None
        assert settler.settle_due(everything=True) == 8
        # Asked for by somebody who may not ask again, such as what closes GPU windows.
        gate.close()
        with pytest.raises(StoreUnavailableError):
            settler.settle_traces([("default", scene.hex32(1))])
        gate.open()
        assert settler.settle_due() == 1
        settler.stop(drain=False)


@pytest.mark.slow
def test_a_fault_of_the_database_is_blamed_on_no_trace(road: tuple[Gate, Store]) -> None:
    """A missing table, a right that was withdrawn, statements that a new server reads otherwise."""
    gate, store = road
    with store.connect() as connection:
        scene.load(connection, [scene.call(1, 0, (1, 0), trace=n) for n in range(1, 6)])
        settler = scene.settler(store, quiet_seconds=0)
        for code, asked in ((60, 2), (497, 1)):
            gate.fault = Fault(b"-- sum_runs", code, times=1000)
            assert settler.settle_due(everything=True) == 0
            assert gate.fault.times == 1000 - asked, "neither halved nor tried again at once"
            assert (settler.waiting(), settler.failed_traces) == (5, 0)
        # Of an insert alone; what failed before is in a group without it.
        scene.load(connection, [scene.call(1, 0, (1, 0), trace=6, request_model="m2")])
        for column in (b"`provider_seen`", b"`next_sequence`"):
            gate.fault = Fault(column, 469, times=1000)
            with suppress(PermanentError):
                settler.settle_due(everything=True)
            assert gate.fault.times < 1000
            assert (settler.waiting(), settler.failed_traces) == (1, 0)
        assert settler.parked.count("refused") == 0
        settler.stop(drain=False)
        gate.fault = None
        after = scene.settler(store, quiet_seconds=0)
        assert after.settle_due() == 1
        assert all(scene.runs(connection, n) for n in range(1, 7))
        assert (_parked(connection), after.waiting()) == ([], 0)
        after.stop(drain=False)


def _cursor(connection: Connection) -> object:
    return connection.rows("SELECT next_sequence FROM settlements FINAL")[0]["next_sequence"]


def _parked(connection: Connection) -> list[tuple[int, object, str]]:
    rows = connection.rows("SELECT trace_id, state, reason FROM parked_traces FINAL ORDER BY 1")
    return [(int(str(row["trace_id"]), 16), row["state"], str(row["reason"])) for row in rows]


@pytest.mark.slow
def test_a_trace_over_a_limit_keeps_back_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory may be short because of others: it is tried again, alone, seldom and after the others.

    It is parked with its reason: the cursor goes on, and whoever comes after a kill settles it.
    """
    large = TraceKey("default", scene.hex32(3))
    real = module.begin
    begun: list[tuple[int, bool]] = []

    def begin(connection: Connection, traces: list[TraceKey], version: int) -> None:
        begun.append((len(traces), large in traces))
        if large in traces:
            error = StoreUnavailableError("memory")
            error.out_of_memory = True
            raise error
        real(connection, traces, version)

    monkeypatch.setattr(module, "begin", begin)
    with store.connect() as connection:
        for sequence, traces in ((50_001, (3,)), (50_002, (1, 2, 4, 5))):
            calls = [scene.call(1, 0, (1, 1), trace=n) for n in traces]
            scene.load(connection, calls, sequence=sequence)
        settler = scene.settler(store, quiet_seconds=0)
        assert settler.settle_due() == 4
        assert (settler.settled_traces, settler.failed_traces, settler.waiting()) == (4, 0, 1)
        assert (_cursor(connection), settler.parked.count("waits")) == (50_003, 1)
        assert _parked(connection) == [(3, "waits", "memory")]
        # In a group, then its halves, then quarters: the healthy half is not behind them.
        assert [large for _, large in begun[:3]].count(False) == 1
        begun.clear()
        more = [scene.call(1, 0, (1, 1), trace=n) for n in (6, 7)]
        scene.load(connection, more, sequence=50_003)
        assert settler.settle_due(everything=True) == 2
        assert begun == [(2, False), (1, True)]
        settler.stop(drain=False)
        # The one after a kill does not know why it is parked, only that it is.
        begun.clear()
        scene.load(connection, [scene.call(1, 0, (1, 1), trace=8)], sequence=50_004)
        after = scene.settler(store, quiet_seconds=0)
        after.settle_due(everything=True)
        assert begun[0] == (1, False)
        monkeypatch.undo()
        after.settle_due(everything=True)
        assert len(scene.runs(connection, 3)) == 1
        assert _parked(connection) == []
        assert (after.parked.count("waits"), after.waiting()) == (0, 0)
        after.stop(drain=False)


@pytest.mark.slow
def test_what_fails_again_and_again_is_parked(road: tuple[Gate, Store]) -> None:
    """Of what may pass, but does not for one trace: the cursor goes on at its third failure."""
    gate, store = road
    with store.connect() as connection:
        scene.load(connection, [scene.call(1, 0, (1, 0), trace=1)], sequence=60_001)
        settler = scene.settler(store, quiet_seconds=0)
        gate.fault = Fault(b"-- sum_runs", 252, times=1000)
        for cursor in (60_001, 60_001, 60_002):
            assert settler.settle_due(everything=True) == 0
            assert _cursor(connection) == cursor
        gate.fault = None
        ((trace, state, reason),) = _parked(connection)
        assert (trace, state) == (1, "waits")
        assert reason.startswith("sum_runs failed with ClickHouse error 252")
        assert settler.settle_due(everything=True) == 1
        assert _parked(connection) == []
        settler.stop(drain=False)


@pytest.mark.slow
def test_what_was_asked_for_is_settled_after_a_kill(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What closes GPU windows is told when a kill would forget it, and asks again then."""
    real = module.begin
    key = TraceKey("default", scene.hex32(1))

    def begin(connection: Connection, traces: list[TraceKey], version: int) -> None:
        if key in traces:
            raise StoreUnavailableError("gone")
        real(connection, traces, version)

    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        scene.load(connection, [scene.call(1, 0, (1, 0))])
        settler = scene.settler(store, quiet_seconds=0)
        assert settler.settle_due() == 1
        connection.execute("TRUNCATE TABLE runs")
        monkeypatch.setattr(module, "begin", begin)
        monkeypatch.setattr(parked, "MOST_TRACES", 0)
        with pytest.raises(StoreUnavailableError, match="1 traces could not be settled again"):
            settler.settle_traces([key])
        monkeypatch.setattr(parked, "MOST_TRACES", 1)
        assert settler.settle_traces([key]) == 0
        assert _parked(connection) == [(1, "waits", "gone")]
        settler.stop(drain=False)
        monkeypatch.undo()
        after = scene.settler(store, quiet_seconds=0)
        assert after.settle_due() == 1
        assert scene.cost(connection, "runs") == Decimal("0.01")
        assert _parked(connection) == []
        after.stop(drain=False)


@pytest.mark.slow
def test_what_is_refused_and_has_no_room_is_found_after_a_kill(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the cursor, and the others are settled."""
    real = module.begin

    def begin(connection: Connection, traces: list[TraceKey], version: int) -> None:
        if TraceKey("default", scene.hex32(2)) in traces:
            raise PermanentError("no such luck")
        real(connection, traces, version)

    monkeypatch.setattr(module, "begin", begin)
    monkeypatch.setattr(parked, "MOST_TRACES", 0)
    with store.connect() as connection:
        for number in (1, 2, 3):
            call = scene.call(1, 0, (1, 0), trace=number)
            scene.load(connection, [call], sequence=70_000 + number)
        settler = scene.settler(store, quiet_seconds=0)
        assert settler.settle_due() == 3
        assert (settler.settled_traces, settler.failed_traces, settler.waiting()) == (2, 1, 1)
        assert (_cursor(connection), _parked(connection)) == (70_002, [])
        settler.stop(drain=False)
        monkeypatch.undo()
        after = scene.settler(store, quiet_seconds=0)
        after.settle_due()
        assert len(scene.runs(connection, 2)) == 1
        assert (_cursor(connection), after.waiting()) == (70_004, 0)
        after.stop(drain=False)
