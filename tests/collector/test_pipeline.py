"""A collector's whole life in this process: with a database that comes, goes and comes back."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import stat
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from benchmarks.spans import request_bytes
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.gate import Gate
from tests.support.loaded_rows import count
from tests.support.moved_clock import MovedClock

from spanledger_collector.config import CollectorConfig
from spanledger_collector.errors import CollectorError, ConfigurationError
from spanledger_collector.journal import Journal
from spanledger_collector.pipeline import Collector, Ports
from spanledger_collector.store import Store, migrate

PATIENCE_SECONDS = 240.0
SPANS = 10
PROTOBUF = {"Content-Type": "application/x-protobuf"}
OURS = ("spanledger-", "journal-")


@pytest.fixture
def threads_left() -> Callable[[], list[str]]:
    """Our threads that live now and did not when the test began."""
    before = set(threading.enumerate())

    def left() -> list[str]:
        now = (one for one in threading.enumerate() if one not in before)
        return [thread.name for thread in now if thread.name.startswith(OURS)]

    return left


@pytest.fixture
def gate(fresh_http_dsn: str) -> Iterator[tuple[Gate, str]]:
    """A closed gate before a database of the test's own, and the database's address through it."""
    where, _, rest = fresh_http_dsn.removeprefix("http://").partition("?")
    with Gate(int(where.rpartition(":")[2].rstrip("/"))) as closed:
        yield closed, f"http://127.0.0.1:{closed.port}?{rest}"


def _config(folder: Path, database: str, **settings: Any) -> CollectorConfig:
    usual: dict[str, Any] = {
        "data_dir": folder, "database": database, "grpc_port": 0, "http_port": 0, "api_port": 0,
        "load_linger_seconds": 0.0, "settle_quiet_seconds": 0.1,
    }  # fmt: skip
    return CollectorConfig(**{**usual, **settings})


@asynccontextmanager
async def _running(config: CollectorConfig) -> AsyncGenerator[tuple[Collector, Ports]]:
    collector = Collector(config, stop_grace_seconds=1.0)
    ports = await collector.start()
    try:
        yield collector, ports
    finally:
        await collector.stop()


def _ask(
    port: int, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("GET" if body is None else "POST", path, body, headers or {})
    answer = connection.getresponse()
    result = answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}
    connection.close()
    return result


async def _get(port: int, path: str) -> tuple[int, bytes, dict[str, str]]:
    return await asyncio.to_thread(_ask, port, path)


async def _post(ports: Ports, number: int) -> str:
    """Send one trace of ten spans; it must be acknowledged. Returns its id."""
    status, answer, _ = await asyncio.to_thread(
        _ask, ports.http, "/v1/traces", request_bytes(number, SPANS), PROTOBUF
    )
    assert (status, answer) == (200, b"")
    return f"{number + 1:032x}"


async def _metrics(ports: Ports) -> dict[str, float]:
    status, text, _ = await _get(ports.api, "/metrics")
    assert status == 200
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await condition():
        assert time.monotonic() < deadline, "waited too long"
        await asyncio.sleep(0.05)


async def _settled(ports: Ports, trace_id: str) -> dict[str, Any]:
    """The trace, as soon as the API has it."""
    found: dict[str, Any] = {}

    async def there() -> bool:
        status, body, _ = await _get(ports.api, f"/v1/traces/{trace_id}")
        if status == 200:
            found.update(json.loads(body))
        return status == 200

    await _until(there)
    return found


def _in_ledger(database: str) -> int:
    store = Store.open(database)
    try:
        return count(store, "spans FINAL")
    finally:
        store.close()


@pytest.mark.slow
async def test_while_the_database_is_away_spans_are_taken_and_afterwards_all_are_there(
    tmp_path: Path, gate: tuple[Gate, str]
) -> None:
    """Accepting and answering for itself need no database; reading says to come again."""
    road, database = gate
    async with _running(_config(tmp_path / "data", database)) as (collector, ports):
        sent = [await _post(ports, number) for number in range(3)]
        status, body, headers = await _get(ports.api, "/v1/queries/agents")
        assert (status, headers["retry-after"]) == (503, "1")
        assert b"still being opened" in body
        assert (await _get(ports.api, "/readyz"))[0] == 503
        status, body, _ = await _get(ports.api, "/healthz")
        health = json.loads(body)
        assert (status, health["ready"], health["journal"]["records"]) == (200, False, 3)
        assert health["journal"]["oldest_age_seconds"] > 0
        before = await _metrics(ports)
        assert before["spanledger_ledger_open"] == 0
        assert before["spanledger_journal_backlog_records"] == 3
        road.open()
        await collector.opened()
        for trace_id in sent:
            assert len((await _settled(ports, trace_id))["spans"]) == SPANS
        assert (await _get(ports.api, "/readyz"))[0] == 200
        after = await _metrics(ports)
        assert after["spanledger_ledger_open"] == 1
        assert after["spanledger_journal_backlog_records"] == 0
        assert after["spanledger_load_spans_total"] == 3 * SPANS
        assert after['spanledger_settle_traces_total{outcome="settled"}'] == 3
        transport = 'transport="http_protobuf"'
        spans = f'spanledger_receive_spans_total{{outcome="accepted",{transport}}}'
        assert after[spans] == 3 * SPANS


@pytest.mark.slow
async def test_f16_an_hour_without_the_database_and_a_clock_set_back_cost_nothing(
    tmp_path: Path, gate: tuple[Gate, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is moved, not slept. Afterwards it is two hours behind: the trace goes on."""
    road, database = gate
    clock = MovedClock(monkeypatch)
    road.open()
    async with _running(_config(tmp_path / "data", database)) as (collector, ports):
        await collector.opened()
        await _settled(ports, await _post(ports, 0))
        road.close()
        sent = []
        for number in range(1, 7):
            sent.append(await _post(ports, number))
            clock.pass_seconds(600)
        health = json.loads((await _get(ports.api, "/healthz"))[1])
        assert health["journal"]["records"] == 6
        assert health["journal"]["oldest_age_seconds"] > 3600
        road.open()
        for trace_id in sent:
            assert len((await _settled(ports, trace_id))["spans"]) == SPANS
        clock.set_back(7200)
        request = ExportTraceServiceRequest.FromString(request_bytes(6, SPANS))
        (late, *_) = request.resource_spans[0].scope_spans[0].spans
        late.span_id, late.parent_span_id = b"latelate", late.span_id
        del request.resource_spans[0].scope_spans[0].spans[1:]
        body = request.SerializeToString()
        told = await asyncio.to_thread(_ask, ports.http, "/v1/traces", body, PROTOBUF)
        assert told[0] == 200

        async def settled_again() -> bool:
            return len((await _settled(ports, sent[-1]))["spans"]) == SPANS + 1

        await _until(settled_again)
    assert _in_ledger(database) == 7 * SPANS + 1


@pytest.mark.slow
async def test_f17_a_day_without_the_database_fills_the_journal_and_drops_nothing(
    tmp_path: Path, gate: tuple[Gate, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Senders are told to wait; the oldest record is there when it comes back, and all others."""
    road, database = gate
    clock = MovedClock(monkeypatch)
    config = _config(tmp_path / "data", database, max_journal_bytes=1 << 20)
    async with _running(config) as (collector, ports):
        taken = 0

        async def refused() -> bool:
            body = request_bytes(taken, 10 * SPANS)
            status, _, headers = await asyncio.to_thread(
                _ask, ports.http, "/v1/traces", body, PROTOBUF
            )
            assert status in (200, 429)
            return status == 429 and headers["retry-after"] == "1"

        while not await refused():
            taken += 1
        assert taken > 5
        clock.pass_seconds(86_400)
        assert await refused()
        health = json.loads((await _get(ports.api, "/healthz"))[1])
        assert health["journal"]["oldest_age_seconds"] > 86_400
        road.open()
        await collector.opened()

        async def taken_again() -> bool:
            return not await refused()

        await _until(taken_again)
        for number in (0, taken * 10):
            assert len((await _settled(ports, f"{number + 1:032x}"))["spans"]) == SPANS
    assert _in_ledger(database) == (taken + 1) * 10 * SPANS


@pytest.mark.slow
async def test_f21_a_database_that_does_not_answer_holds_up_no_sender(
    tmp_path: Path, gate: tuple[Gate, str]
) -> None:
    """An INSERT that hangs: senders are answered from the journal, and all is loaded later."""
    road, database = gate
    road.open()
    async with _running(_config(tmp_path / "data", database)) as (collector, ports):
        await collector.opened()
        await _settled(ports, await _post(ports, 0))
        road.swallow()
        sent = [await _post(ports, number) for number in range(1, 30)]
        assert await asyncio.to_thread(road.swallowed.wait, 60)
        sent += [await _post(ports, number) for number in range(30, 60)]
        status, body, _ = await _get(ports.api, "/healthz")
        assert (status, json.loads(body)["journal"]["records"]) == (200, 59)
        road.close()
        road.open()
        for trace_id in (sent[0], sent[-1]):
            await _settled(ports, trace_id)
    assert _in_ledger(database) == 60 * SPANS


@pytest.mark.slow
async def test_a_database_that_goes_away_and_returns_costs_nothing(
    tmp_path: Path, gate: tuple[Gate, str]
) -> None:
    """What came before, during and after is there once."""
    road, database = gate
    road.open()
    async with _running(_config(tmp_path / "data", database)) as (collector, ports):
        await collector.opened()
        await _settled(ports, await _post(ports, 0))
        road.close()
        during = await _post(ports, 1)
        status, body, headers = await _get(ports.api, "/v1/queries/agents")
        assert (status, headers["retry-after"]) == (503, "1")
        assert b"does not answer" in body

        async def tried() -> bool:
            return (await _metrics(ports))["spanledger_load_retries_total"] >= 1

        await _until(tried)
        road.open()
        await _settled(ports, during)
        await _settled(ports, await _post(ports, 2))
    assert _in_ledger(database) == 3 * SPANS


@pytest.mark.slow
async def test_stopping_brings_what_was_acknowledged_into_the_ledger(
    tmp_path: Path, store_dsn: str, threads_left: Callable[[], list[str]]
) -> None:
    """Spans, attempts and runs, even when the ledger was still being opened."""
    config = _config(tmp_path / "data", store_dsn, load_linger_seconds=30.0)
    collector = Collector(config)
    ports = await collector.start()
    for number in range(20):
        await _post(ports, number)
    await collector.stop()
    await collector.stop()
    assert not threads_left()
    store = Store.open(store_dsn)
    assert count(store, "spans FINAL") == 20 * SPANS
    assert count(store, "runs FINAL") >= 20
    store.close()


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["refuses", "swallows"])
async def test_stopping_without_the_database_is_quick_and_loses_nothing(
    tmp_path: Path, gate: tuple[Gate, str], fault: str
) -> None:
    """Neither a dead port nor a server that never answers holds up the end."""
    road, database = gate
    if fault == "swallows":
        road.swallow()
    config = _config(tmp_path / "data", database)
    async with _running(config) as (_, ports):
        trace_id = await _post(ports, 0)
        if fault == "swallows":
            assert await asyncio.to_thread(road.swallowed.wait, 120)
        started = time.monotonic()
    assert time.monotonic() - started < 100
    road.close()
    road.open()
    async with _running(config) as (_, ports):
        await _settled(ports, trace_id)
    assert _in_ledger(database) == SPANS


@pytest.mark.slow
async def test_a_statement_that_does_not_end_does_not_hold_up_the_end(
    tmp_path: Path, gate: tuple[Gate, str]
) -> None:
    """The server falls silent while the collector loads; what it held waits for the next start."""
    road, database = gate
    road.open()
    config = _config(tmp_path / "data", database)
    async with _running(config) as (collector, ports):
        await collector.opened()
        await _settled(ports, await _post(ports, 0))
        road.swallow()
        trace_id = await _post(ports, 1)
        assert await asyncio.to_thread(road.swallowed.wait, 120)
        started = time.monotonic()
    assert time.monotonic() - started < 100
    road.close()
    road.open()
    async with _running(config) as (_, ports):
        await _settled(ports, trace_id)
    assert _in_ledger(database) == 2 * SPANS


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["grpc_port", "http_port", "api_port", "sql_port"])
async def test_a_busy_port_is_told_and_nothing_is_held(
    tmp_path: Path, store_dsn: str, setting: str, threads_left: Callable[[], list[str]]
) -> None:
    """The other ports and the journal are free again at once."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"cannot listen on .*{busy}"):
            await Collector(_config(tmp_path / "data", store_dsn, **{setting: busy})).start()
    assert not threads_left()
    async with _running(_config(tmp_path / "data", store_dsn, **{setting: busy})) as (_, ports):
        await _settled(ports, await _post(ports, 0))


@pytest.mark.slow
async def test_a_second_collector_on_the_same_directory_is_refused(
    tmp_path: Path, store_dsn: str
) -> None:
    """The first one goes on unharmed."""
    config = _config(tmp_path / "data", store_dsn)
    async with _running(config) as (_, ports):
        with pytest.raises(ConfigurationError, match="in use by another collector"):
            await Collector(config).start()
        await _settled(ports, await _post(ports, 0))


@pytest.mark.slow
async def test_a_ledger_of_a_newer_version_is_refused_and_the_journal_waits(
    tmp_path: Path, fresh_dsn: str
) -> None:
    """The program ends with a clear error; after the upgrade everything is loaded."""
    store = Store.open(fresh_dsn)
    with store.connect() as connection:
        migrate(connection)
        columns = ("number", "name", "sha256")
        connection.insert_rows("schema_migrations", columns, [(9999, "9999_later", "0" * 64)])
    config = _config(tmp_path / "data", fresh_dsn)
    async with _running(config) as (collector, ports):
        with pytest.raises(ConfigurationError, match="newer"):
            await collector.opened()
        trace_id = await _post(ports, 0)
    with store.connect() as connection:
        connection.execute(
            "ALTER TABLE schema_migrations DELETE WHERE number = 9999 SETTINGS mutations_sync = 2"
        )
    store.close()
    async with _running(config) as (_, ports):
        await _settled(ports, trace_id)


@pytest.mark.parametrize(
    "database", ["mysql://u:hush@host", "http://u:hu/sh@host", "http://u:hush@host?x=1", "chdb://"]
)
def test_an_address_that_cannot_work_is_refused_before_anything_is_opened(
    tmp_path: Path, database: str
) -> None:
    """No file is made, and the password is not repeated."""
    with pytest.raises(ConfigurationError) as refused:
        Collector(_config(tmp_path / "data", database))
    assert "hu" not in str(refused.value)
    assert not (tmp_path / "data").exists()


async def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Such as one below a file, or on a file system that takes no directories."""
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "data", Path("/proc/spanledger")):
        with pytest.raises(ConfigurationError, match=r"cannot be (used|read)"):
            await Collector(_config(folder, "")).start()


@pytest.mark.slow
async def test_what_is_on_disk_is_for_its_owner_only(tmp_path: Path, store_dsn: str) -> None:
    """Directories 0700, files 0600: the journal holds what was sent."""
    folder = tmp_path / "new" / "data"
    async with _running(_config(folder, store_dsn)) as (_, ports):
        await _post(ports, 0)
        for path in [tmp_path / "new", folder, *folder.rglob("*")]:
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode & 0o077 == 0, path


@pytest.mark.slow
async def test_damage_of_the_journal_shows_in_the_metrics(tmp_path: Path, store_dsn: str) -> None:
    """A tail torn by a crash is counted, and costs no whole record."""
    config = _config(tmp_path / "data", store_dsn)
    journal = Journal.open(config.journal_dir(), max_bytes=1 << 24)
    await journal.append(
        request_bytes(0, SPANS),
        workspace="default", tenant="", span_count=SPANS, received_at_ns=time.time_ns(),
    )  # fmt: skip
    journal.close()
    (segment,) = (config.journal_dir() / "segments").iterdir()
    with segment.open("ab") as file:
        file.write(b"torn" * 10)
    async with _running(config) as (_, ports):
        metrics = await _metrics(ports)
        assert metrics["spanledger_journal_torn_bytes_total"] == 40
        assert metrics["spanledger_journal_damaged_bytes_total"] == 40
        assert metrics['spanledger_journal_damaged_ranges_total{kind="bytes"}'] == 1
        await _settled(ports, f"{1:032x}")


async def test_a_wrong_prices_file_is_told_before_anything_is_opened(tmp_path: Path) -> None:
    """The collector does not begin with prices that nobody meant."""
    wrong = tmp_path / "prices.yaml"
    wrong.write_text("prices: 3\n")
    with pytest.raises(CollectorError, match=r"prices\.yaml"):
        Collector(_config(tmp_path / "data", "", prices_file=wrong))
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/v1/queries/agents", "/v1/traces/00", "/metrics", "/healthz"])
async def test_a_web_page_cannot_read_the_figures_of_this_machine(
    tmp_path: Path, store_dsn: str, path: str
) -> None:
    """A page may point a name of its own at 127.0.0.1; by such a name nothing is answered."""
    async with _running(_config(tmp_path / "data", store_dsn)) as (_, ports):
        foreign = {"Host": f"rebound.example:{ports.api}"}
        status, body, _ = await asyncio.to_thread(_ask, ports.api, path, None, foreign)
        assert status == 403
        assert b"rebound.example" in body
        local = {"Host": f"localhost:{ports.api}"}
        assert (await asyncio.to_thread(_ask, ports.api, "/healthz", None, local))[0] == 200


async def test_a_collector_for_other_machines_answers_by_any_name(
    tmp_path: Path, store_dsn: str
) -> None:
    """With a public address it goes by names that it cannot know."""
    config = _config(tmp_path / "data", store_dsn, host="0.0.0.0", insecure=True)  # noqa: S104 - what is tested
    async with _running(config) as (_, ports):
        foreign = {"Host": "collector.example"}
        assert (await asyncio.to_thread(_ask, ports.api, "/healthz", None, foreign))[0] == 200


@pytest.mark.slow
async def test_sql_is_off_until_asked_for(tmp_path: Path, store_dsn: str) -> None:
    """By default there is no port and no path; asked for, both answer and both are guarded."""
    statement = b"SELECT count() AS spans FROM spans"
    theft = b"SELECT * FROM file('/etc/passwd', 'LineAsString')"
    async with _running(_config(tmp_path / "data", store_dsn)) as (collector, ports):
        await collector.opened()
        assert ports.sql == 0
        status, body, _ = await asyncio.to_thread(_ask, ports.api, "/v1/sql", statement)
        assert status == 403
        assert b"--sql" in body
    async with _running(_config(tmp_path / "data", store_dsn, sql_port=-1)) as (collector, ports):
        await collector.opened()
        for port, path in ((ports.api, "/v1/sql"), (ports.sql, "/")):
            assert (await asyncio.to_thread(_ask, port, path, statement))[0] == 200
            assert (await asyncio.to_thread(_ask, port, path, theft))[0] == 403
