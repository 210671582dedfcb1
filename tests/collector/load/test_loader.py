"""The loader against a real journal and a real engine."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from tests.support.gate import Fault, Gate
from tests.support.ledger_pool import LedgerPool
from tests.support.loaded_rows import count, rows
from tests.support.otlp_requests import RECEIVED_AT_NS, PlainSpan, request, sampled

from spanledger_collector.journal import Journal
from spanledger_collector.journal.dead_letters import DeadLetters
from spanledger_collector.load import Loader
from spanledger_collector.store import Store

PATIENCE_SECONDS = 240.0
ROOT = Path(__file__).parents[3]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal."""
    opened = Journal.open(tmp_path / "journal", max_bytes=1 << 28)
    yield opened
    opened.close()


async def append(journal: Journal, payload: bytes, workspace: str = "default") -> int:
    return await journal.append(
        payload, workspace=workspace, tenant="", span_count=1, received_at_ns=RECEIVED_AT_NS
    )


def one(number: int) -> bytes:
    return request([PlainSpan(span_id=f"{number:016x}")])


class Watched:
    """A loader, its metrics and an event for each batch."""

    def __init__(self, journal: Journal, store: Store, linger_seconds: float = 0.0) -> None:
        self.registry = CollectorRegistry()
        self.loaded = threading.Event()
        self.loader = Loader(
            journal,
            store,
            self.loaded.set,
            linger_seconds=linger_seconds,
            batch_spans=100,
            registry=self.registry,
        )

    def metric(self, name: str) -> float:
        return self.registry.get_sample_value(f"spanledger_load_{name}") or 0.0


async def test_acknowledged_records_reach_the_ledger(any_store: Store, journal: Journal) -> None:
    """On the embedded engine and over HTTP; what is loaded is released."""
    for number in range(1, 6):
        await append(journal, one(number), workspace=f"w{number % 2}")
    watched = Watched(journal, any_store)
    watched.loader.start()
    assert watched.loader.stop(drain=True)
    assert len(rows(any_store, "w1")) == 3
    assert len(rows(any_store, "w0")) == 2
    assert journal.backlog().records == 0
    assert (watched.metric("records_total"), watched.metric("spans_total")) == (5, 5)


async def test_records_that_come_while_it_lingers_share_an_insert(
    store: Store, journal: Journal
) -> None:
    """A thin stream costs one INSERT a linger, not one a request."""
    watched = Watched(journal, store, linger_seconds=60)
    watched.loader.start()
    for number in range(1, 6):
        await append(journal, one(number))
    assert watched.loader.stop(drain=True)
    assert watched.metric("batches_total") == 1
    assert count(store, "spans") == 5


async def test_a_record_that_is_refused_is_set_aside_alone(
    store: Store, journal: Journal, tmp_path: Path
) -> None:
    """Bytes the engine cannot read never cost another record its place."""
    for number in range(1, 8):
        await append(journal, b"\x0a\xff\xff" if number == 5 else one(number))
    watched = Watched(journal, store)
    watched.loader.start()
    assert watched.loader.stop(drain=True)
    assert {int(row["span_id"], 16) for row in rows(store)} == {1, 2, 3, 4, 6, 7}
    assert count(store, "spans") == 6
    assert watched.metric("set_aside_total") == watched.metric("set_aside_spans_total") == 1
    assert list((tmp_path / "journal" / "dead_letters").iterdir())
    assert journal.backlog().records == 0


async def test_times_of_many_months_in_one_batch_do_not_stop_the_stream(
    store: Store, journal: Journal
) -> None:
    """ClickHouse refuses an INSERT into more than 100 partitions unless it is told otherwise."""
    month_ns = 31 * 86_400 * 1_000_000_000
    later_ns = RECEIVED_AT_NS + 120 * month_ns
    spans = [
        PlainSpan(span_id=f"{number:016x}", start_ns=at, end_ns=at + 1)
        for number in range(1, 161)
        for at in [later_ns - number * month_ns]
    ]
    await journal.append(
        request(spans), workspace="default", tenant="", span_count=160, received_at_ns=later_ns
    )
    watched = Watched(journal, store)
    watched.loader.start()
    assert watched.loader.stop(drain=True, timeout_seconds=PATIENCE_SECONDS)
    assert count(store, "spans") == 160
    with store.connect() as connection:
        (row,) = connection.rows("SELECT uniqExact(toYYYYMM(started_at)) AS months FROM spans")
    assert int(str(row["months"])) > 100


async def test_a_broken_database_costs_no_record(store: Store, journal: Journal) -> None:
    """Without its table everything is refused: nothing is blamed, all of it waits and is loaded."""
    with store.connect() as connection:
        connection.execute("RENAME TABLE otlp_in_v1 TO elsewhere")
        watched = Watched(journal, store)
        await append(journal, one(1))
        watched.loader.start()
        while watched.metric("retries_total") < 1:
            assert not watched.loaded.wait(0.05)
        connection.execute("RENAME TABLE elsewhere TO otlp_in_v1")
    assert watched.loaded.wait(PATIENCE_SECONDS)
    assert watched.loader.stop(drain=True)
    assert count(store, "spans") == 1
    assert watched.metric("set_aside_total") == 0


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_f19_an_error_of_a_proxy_costs_no_record(
    http_pool: LedgerPool, journal: Journal, status: int
) -> None:
    """The page of what stands in front of the server says nothing of the record: it is sent again.

    The next statement, such as the one that asks whether the database is well, is let through.
    """
    with http_pool.ledger() as dsn:
        where, _, rest = dsn.removeprefix("http://").partition("?")
        with Gate(int(where.rpartition(":")[2].rstrip("/"))) as gate:
            gate.open()
            store = Store.open(f"http://127.0.0.1:{gate.port}?{rest}")
            gate.fault = Fault(b"otlp_in_v1", status=status)
            await append(journal, one(1))
            watched = Watched(journal, store)
            watched.loader.start()
            assert watched.loaded.wait(PATIENCE_SECONDS)
            assert watched.loader.stop(drain=True)
            assert count(store, "spans") == 1
            assert (gate.fault.times, watched.metric("retries_total")) == (0, 1)
            assert watched.metric("set_aside_total") == 0
            store.close()


@pytest.mark.parametrize("code", [173, 241])
async def test_where_memory_ran_out_less_is_sent_at_once(
    http_pool: LedgerPool, journal: Journal, code: int
) -> None:
    """A batch is halved; no record is blamed."""
    with http_pool.ledger() as dsn:
        where, _, rest = dsn.removeprefix("http://").partition("?")
        with Gate(int(where.rpartition(":")[2].rstrip("/"))) as gate:
            gate.open()
            store = Store.open(f"http://127.0.0.1:{gate.port}?{rest}")
            gate.fault = Fault(b"otlp_in_v1", code)
            watched = Watched(journal, store, linger_seconds=60)
            watched.loader.start()
            for number in (1, 2):
                await append(journal, one(number))
            assert watched.loader.stop(drain=True)
            assert count(store, "spans") == 2
            assert (gate.fault.times, watched.metric("batches_total")) == (0, 2)
            assert watched.metric("set_aside_total") == watched.metric("retries_total") == 0
            store.close()


async def test_stopping_does_not_wait_for_a_broken_database(store: Store, journal: Journal) -> None:
    """Draining ends after its time; what is not loaded stays acknowledged."""
    with store.connect() as connection:
        connection.execute("RENAME TABLE otlp_in_v1 TO elsewhere")
    await append(journal, one(1))
    watched = Watched(journal, store)
    watched.loader.start()
    assert not watched.loader.stop(drain=True, timeout_seconds=0.5)
    assert journal.backlog().records == 1


async def test_a_loader_that_never_started_stops(store: Store, journal: Journal) -> None:
    """Stopping tells the truth about what is left."""
    await append(journal, one(1))
    assert not Watched(journal, store).loader.stop(drain=True)


async def test_metrics_go_their_own_way_beside_spans(
    any_store: Store, journal: Journal, tmp_path: Path
) -> None:
    """One INSERT for each signal of a batch; a record that is no request costs no other one."""
    for number in range(1, 4):
        await append(journal, one(number))
        await journal.append(
            b"\x0a\xff\xff" if number == 2 else sampled([300.0, 310.5], device=f"GPU-{number}"),
            workspace="acme", tenant="t", span_count=2, received_at_ns=RECEIVED_AT_NS,
            signal="metrics",
        )  # fmt: skip
    watched = Watched(journal, any_store)
    watched.loader.start()
    assert watched.loader.stop(drain=True, timeout_seconds=PATIENCE_SECONDS)
    assert len(rows(any_store)) == 3
    with any_store.connect() as connection:
        told = connection.rows(
            "SELECT workspace, tenant, device_id, metric, kind, value, sequence, "
            "toUnixTimestamp64Nano(at) AS at_ns FROM gpu_samples ORDER BY device_id, at"
        )
    assert [(row["device_id"], row["value"], row["sequence"]) for row in told] == [
        ("GPU-1", 300.0, 2), ("GPU-1", 310.5, 2), ("GPU-3", 300.0, 6), ("GPU-3", 310.5, 6),
    ]  # fmt: skip
    assert told[1]["at_ns"] == RECEIVED_AT_NS + 10**9
    assert {(row["workspace"], row["tenant"], row["kind"]) for row in told} == {
        ("acme", "t", "gauge")
    }
    assert (watched.metric("spans_total"), watched.metric("points_total")) == (3, 4)
    assert watched.metric("set_aside_points_total") == 2
    assert watched.metric("set_aside_spans_total") == 0
    letters = DeadLetters(tmp_path / "journal").all()
    assert [(letter.sequence, letter.signal) for letter in letters] == [(4, "metrics")]


@pytest.mark.slow
@pytest.mark.parametrize("deadly", ["release:1", "release:3", "insert:1", "insert:4"])
def test_kill_between_insert_and_release_stores_every_span_once(
    tmp_path: Path, deadly: str
) -> None:
    """After kill -9 the same batch is sent again with its token: not one row more, not one less.

    Also between the INSERT of spans and that of the metrics which lie between them.
    """
    command = [sys.executable, "-m", "tests.collector.load.loader_child", str(tmp_path)]
    killed = subprocess.run([*command, deadly], cwd=ROOT, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    ended = subprocess.run(
        [*command, "0"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=120
    )
    assert ended.stdout.split() == ["60", "12", "60", "6", "6", "0"]
