"""Two ways to the same rows: ClickHouse directly, and a collector's API."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.collector.query.test_queries import parameters
from tests.support.filled_ledger import FIRST_CALL_USD, HOSTILE, HOSTILE_TRACE, TRACE, UNKNOWN_TRACE
from tests.support.served_ledger import Served, served

from spanledger_collector.errors import (
    CollectorError,
    ConfigurationError,
    NotFoundError,
    PermanentError,
    RefusedQueryError,
    StoreUnavailableError,
)
from spanledger_collector.query import (
    AttemptRow,
    DirectReader,
    Ledger,
    RemoteReader,
    TraceReport,
    plain_rows,
    query_names,
)
from spanledger_collector.serve.adhoc import AdHoc
from spanledger_collector.store import Store

QUESTIONS: dict[str, Callable[[Ledger], Any]] = {
    "trace": lambda ledger: ledger.trace(TRACE),
    "hostile trace": lambda ledger: ledger.trace(HOSTILE_TRACE),
    "unknown trace": lambda ledger: ledger.trace(UNKNOWN_TRACE),
    "runs": lambda ledger: ledger.runs(),
    "runs of an agent": lambda ledger: ledger.runs(agent_name=HOSTILE),
    "runs since": lambda ledger: ledger.runs(
        since=datetime(2026, 11, 2, 10, 0, 5, tzinfo=timezone.utc), limit=2
    ),
    "agents": lambda ledger: ledger.agents(),
    "models": lambda ledger: ledger.models(),
    "coverage": lambda ledger: ledger.coverage(),
}


@pytest.fixture
def direct(filled: Store) -> Iterator[Ledger]:
    with Ledger(DirectReader(filled)) as ledger:
        yield ledger


@pytest.fixture
def remote(api: Served) -> Ledger:
    return Ledger.connect(api.address)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_collector_answers_as_clickhouse_does(
    question: str, direct: Ledger, remote: Ledger
) -> None:
    """Typed rows through the API equal those read directly, to the last digit."""
    expected = QUESTIONS[question](direct)
    assert expected
    assert QUESTIONS[question](remote) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", query_names())
def test_arrow_is_the_same_on_both_ways(name: str, direct: Ledger, remote: Ledger) -> None:
    """Schema and values."""
    given = parameters(name)
    assert remote.arrow(name, **given).equals(direct.arrow(name, **given))


def _attempts(report: TraceReport) -> dict[tuple[int, int], AttemptRow]:
    return {(int(row.span_id, 16), row.attempt_number): row for row in report.attempts}


def test_a_trace_is_typed(remote: Ledger) -> None:
    """Decimals, aware times, flags, lists and unknown money, through JSON."""
    report = remote.trace(f" {TRACE.upper()} ")
    rows = _attempts(report)
    assert rows[2, 1].cost_usd == FIRST_CALL_USD
    assert rows[2, 1].input_cost_usd == Decimal("0.0030000001")
    assert rows[2, 1].started_at == datetime(2026, 11, 2, 10, 0, 2, tzinfo=timezone.utc)
    assert rows[2, 1].started_at.utcoffset() == timedelta(0)
    assert rows[2, 1].counted is True
    assert rows[9, 1].counted is False
    assert rows[9, 1].duplicate_of == rows[2, 1].span_id
    assert rows[8, 1].cost_usd is None
    assert rows[6, 1].unpriced_units == ()
    assert [rows[3, number].outcome for number in (1, 2, 3)] == ["retried", "retried", "ok"]
    assert rows[3, 2].wait_seconds == 1.25
    counted = [row.cost_usd for row in report.attempts if row.counted and row.cost_usd is not None]
    assert report.summary.cost_usd == sum(counted)
    assert report.summary.cost_usd == sum(row.cost_usd or 0 for row in report.runs)
    assert len(report.spans) == 9


def test_unknown_cost_is_none_and_never_zero(remote: Ledger) -> None:
    """A trace of which nothing is priced has no cost."""
    summary = remote.trace(UNKNOWN_TRACE).summary
    assert summary.cost_usd is None
    assert summary.unpriced_attempts == 1


def test_hostile_text_arrives_as_it_is(remote: Ledger) -> None:
    """Nothing between the table and the typed row interprets a name."""
    assert remote.trace(HOSTILE_TRACE).summary.name == HOSTILE


@pytest.mark.slow
@pytest.mark.parametrize(
    "value", ["' OR 1=1 --", "x'; DROP TABLE runs; --", "{workspace:String}", "\\'", "%27", "\\N"]
)
def test_values_are_never_read_as_sql(value: str, direct: Ledger, remote: Ledger) -> None:
    """A parameter is compared, not run."""
    for ledger in (direct, remote):
        assert ledger.runs(agent_name=value) == []
        assert Ledger(ledger._reader, workspace=value).agents() == []
        assert ledger.runs()


def test_errors_are_the_same_errors_over_http(remote: Ledger, api: Served) -> None:
    """What a collector refuses is raised here as it would be there."""
    with pytest.raises(NotFoundError, match="no trace 'ff'"):
        remote.trace("ff")
    with pytest.raises(NotFoundError, match="no query named"):
        remote.query("nope")
    with pytest.raises(PermanentError, match="has no parameter x"):
        remote.query("agents", x=1)
    with pytest.raises(RefusedQueryError, match=r"not a table of the ledger|not allowed"):
        remote.sql("SELECT * FROM file('/etc/passwd')")
    api.reader = None
    with pytest.raises(StoreUnavailableError, match="still being opened"):
        remote.agents()


def test_sql_that_is_off_is_refused(filled: Store) -> None:
    """The message says how to turn it on."""
    refused = pytest.raises(RefusedQueryError, match="spanledger up --sql")
    with served(filled, sql=False) as running, Ledger.connect(running.address) as ledger, refused:
        ledger.sql("SELECT 1")


def test_nobody_answers(remote: Ledger, api: Served) -> None:
    """A collector that is gone is a passing fault that names the address and what to do."""
    told = r"http://127\.0\.0\.1:1 .*spanledger up"
    nobody = Ledger.connect("spanledger://127.0.0.1:1")
    with nobody, pytest.raises(StoreUnavailableError, match=told):
        nobody.agents()


def test_a_proxy_is_not_asked_for_this_machine(
    remote: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the environment would not reach our loopback address."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:1")
    reader = RemoteReader(remote._reader._base_url)  # pyright: ignore[reportAttributeAccessIssue] - the remote one
    assert reader.health() == {"ready": True}


@pytest.mark.parametrize(
    "address",
    ["", "127.0.0.1:4319", "ftp://host", "spanledger:/host", "spanledger://", "spanledger://h:x",
     "spanledger://h:99999", "spanledger://h/path", "spanledger://h?a=1", "chdb://",
     "http://", "http://h?x=1"],
)  # fmt: skip
def test_an_address_that_cannot_work(address: str) -> None:
    """It is told at once, as a matter of configuration."""
    with pytest.raises(ConfigurationError):
        Ledger.connect(address)


def test_reading_makes_no_ledger(tmp_path: Path) -> None:
    """An embedded ledger that is not there is told, not created."""
    with pytest.raises(NotFoundError, match="no embedded ledger"):
        Ledger.connect(f"chdb://{tmp_path}/none")
    assert list(tmp_path.iterdir()) == []


def test_reading_leaves_a_directory_that_is_no_ledger_as_it_is(tmp_path: Path) -> None:
    """Such as the data directory itself, which holds the ledger one level below."""
    data = tmp_path / "data"
    (data / "ledger").mkdir(parents=True)
    with pytest.raises(NotFoundError, match=r"no embedded ledger in .*data; .*folder `ledger`"):
        Ledger.connect(f"chdb://{data}")
    assert sorted(tmp_path.rglob("*")) == [data, data / "ledger"]


def test_reading_makes_no_database(any_dsn: str) -> None:
    """A database that is not there, a slip of the pen say, is told and not created."""
    with pytest.raises(NotFoundError, match="no ledger in"):
        Ledger.connect(any_dsn)
    keeper = Store.open(any_dsn, database="keeper")
    name = any_dsn.rpartition("=")[2]
    assert keeper.connect().rows(f"EXISTS DATABASE {name}") == [{"result": 0}]
    keeper.close()


def test_a_database_that_is_no_ledger_is_told(unmigrated_store: Store, any_dsn: str) -> None:
    """Without the ledger's tables there is nothing to read."""
    assert unmigrated_store.address.database in any_dsn
    with pytest.raises(NotFoundError, match="no ledger in"):
        Ledger.connect(any_dsn)


def test_the_port_may_be_left_out() -> None:
    """4319 is where a collector is."""
    assert RemoteReader.at("spanledger://host")._base_url == "http://host:4319"
    assert RemoteReader.at("spanledgers://[::1]:7")._base_url == "https://[::1]:7"


def test_direct_sql_needs_a_guard(filled_dsn: str) -> None:
    """The query layer alone never runs somebody's text."""
    with (
        Ledger.connect(filled_dsn) as unguarded,
        pytest.raises(RefusedQueryError, match="needs a guard"),
    ):
        unguarded.sql("SELECT 1")

    def guard(store: Store, statement: str) -> str:
        return AdHoc(store, max_seconds=5, max_memory_bytes=1 << 28).guard(statement)

    with Ledger.connect(filled_dsn, guard=guard) as ledger:
        assert ledger.sql("SELECT count() AS n FROM runs").to_pylist() == [{"n": 5}]
        with pytest.raises(RefusedQueryError):
            ledger.sql("SELECT * FROM url('http://127.0.0.1/', 'LineAsString')")


def test_limits_hold(filled: Store) -> None:
    """A query that takes too long or gives too many rows ends as an error, not as a cut answer."""
    reader = DirectReader(filled, max_seconds=1)
    with pytest.raises(CollectorError, match=r"too long|TIMEOUT"):
        reader.sql("SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sleepEachRow(0))")
    with pytest.raises(CollectorError, match="TOO_MANY_ROWS"):
        reader.sql("SELECT number FROM numbers(2000000)")
    reader.close()


def test_several_threads_at_once(filled: Store, api: Served) -> None:
    """One reader serves many threads, each with a connection of its own."""
    direct, remote = Ledger(DirectReader(filled)), Ledger.connect(api.address)
    expected = direct.trace(TRACE)
    with ThreadPoolExecutor(6) as threads:
        answers = threads.map(QUESTIONS["trace"], [direct, remote] * 12)
        assert all(answer == expected for answer in answers)
    direct.close()


def _text_that_is_no_utf8() -> "pa.Array[Any]":
    offsets = pa.array([0, 4], pa.int32()).buffers()[1]
    assert offsets is not None
    return pa.StringArray.from_buffers(1, offsets, pa.py_buffer(b"caf\xc3"))


def test_plain_rows_hold_what_terminals_can_show() -> None:
    """Nanoseconds are cut, cut characters replaced, maps are dictionaries, however deep."""
    table = pa.table(
        {
            "t": pa.array([1_700_000_000_123_456_789], pa.timestamp("ns", tz="UTC")),
            "list": pa.array([[1_700_000_000_123_456_789]], pa.list_(pa.timestamp("ns"))),
            "text": _text_that_is_no_utf8(),
            "map": pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string())),
            "pair": pa.array([{"x": Decimal("1.50"), "y": None}]),
            "none": pa.array([None], pa.timestamp("ns")),
        }
    )
    assert plain_rows(table) == [
        {
            "t": datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=timezone.utc),
            "list": [datetime(2023, 11, 14, 22, 13, 20, 123456)],  # noqa: DTZ001 - no zone given
            "text": "caf\ufffd",
            "map": {"a": "b"},
            "pair": {"x": Decimal("1.50"), "y": None},
            "none": None,
        }
    ]
    assert plain_rows(table.slice(0, 0)) == []
