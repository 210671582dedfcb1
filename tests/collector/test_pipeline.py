"""A collector's whole life in this process: how it starts and stops, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.spans import request_bytes
from tests.collector.whole_collector import (
    PROTOBUF,
    SPANS,
    ask,
    config_of,
    in_ledger,
    metric_values,
    post,
    running,
    settled,
)
from tests.support.gate import Gate
from tests.support.loaded_rows import count

from spanledger_collector.errors import CollectorError, ConfigurationError
from spanledger_collector.journal import Journal
from spanledger_collector.pipeline import Collector
from spanledger_collector.store import Store, migrate

OURS = ("spanledger-", "journal-")


@pytest.fixture
def threads_left() -> Callable[[], list[str]]:
    """Our threads that live now and did not when the test began."""
    before = set(threading.enumerate())

    def left() -> list[str]:
        now = (one for one in threading.enumerate() if one not in before)
        return [thread.name for thread in now if thread.name.startswith(OURS)]

    return left


@pytest.mark.slow
async def test_stopping_brings_what_was_acknowledged_into_the_ledger(
    tmp_path: Path, store_dsn: str, threads_left: Callable[[], list[str]]
) -> None:
    """Spans, attempts and runs, even when the ledger was still being opened."""
    config = config_of(tmp_path / "data", store_dsn, load_linger_seconds=30.0)
    collector = Collector(config)
    ports = await collector.start()
    for number in range(20):
        await post(ports, number)
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
    config = config_of(tmp_path / "data", database)
    async with running(config) as (_, ports):
        trace_id = await post(ports, 0)
        if fault == "swallows":
            assert await asyncio.to_thread(road.swallowed.wait, 120)
        started = time.monotonic()
    assert time.monotonic() - started < 100
    road.close()
    road.open()
    async with running(config) as (_, ports):
        await settled(ports, trace_id)
    assert in_ledger(database) == SPANS


@pytest.mark.slow
async def test_a_statement_that_does_not_end_does_not_hold_up_the_end(
    tmp_path: Path, gate: tuple[Gate, str]
) -> None:
    """The server falls silent while the collector loads; what it held waits for the next start."""
    road, database = gate
    road.open()
    config = config_of(tmp_path / "data", database)
    async with running(config) as (collector, ports):
        await collector.opened()
        await settled(ports, await post(ports, 0))
        road.swallow()
        trace_id = await post(ports, 1)
        assert await asyncio.to_thread(road.swallowed.wait, 120)
        started = time.monotonic()
    assert time.monotonic() - started < 100
    road.close()
    road.open()
    async with running(config) as (_, ports):
        await settled(ports, trace_id)
    assert in_ledger(database) == 2 * SPANS


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["grpc_port", "http_port", "api_port", "sql_port"])
async def test_a_busy_port_is_told_and_nothing_is_held(
    tmp_path: Path, store_dsn: str, setting: str, threads_left: Callable[[], list[str]]
) -> None:
    """The other ports and the journal are free again at once."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"cannot listen on .*{busy}"):
            await Collector(config_of(tmp_path / "data", store_dsn, **{setting: busy})).start()
    assert not threads_left()
    async with running(config_of(tmp_path / "data", store_dsn, **{setting: busy})) as (_, ports):
        await settled(ports, await post(ports, 0))


@pytest.mark.slow
async def test_a_second_collector_on_the_same_directory_is_refused(
    tmp_path: Path, store_dsn: str
) -> None:
    """The first one goes on unharmed."""
    config = config_of(tmp_path / "data", store_dsn)
    async with running(config) as (_, ports):
        with pytest.raises(ConfigurationError, match="in use by another collector"):
            await Collector(config).start()
        await settled(ports, await post(ports, 0))


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
    config = config_of(tmp_path / "data", fresh_dsn)
    async with running(config) as (collector, ports):
        with pytest.raises(ConfigurationError, match="newer"):
            await collector.opened()
        trace_id = await post(ports, 0)
    with store.connect() as connection:
        connection.execute(
            "ALTER TABLE schema_migrations DELETE WHERE number = 9999 SETTINGS mutations_sync = 2"
        )
    store.close()
    async with running(config) as (_, ports):
        await settled(ports, trace_id)


@pytest.mark.parametrize(
    "database", ["mysql://u:hush@host", "http://u:hu/sh@host", "http://u:hush@host?x=1", "chdb://"]
)
def test_an_address_that_cannot_work_is_refused_before_anything_is_opened(
    tmp_path: Path, database: str
) -> None:
    """No file is made, and the password is not repeated."""
    with pytest.raises(ConfigurationError) as refused:
        Collector(config_of(tmp_path / "data", database))
    assert "hu" not in str(refused.value)
    assert not (tmp_path / "data").exists()


async def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Such as one below a file, or on a file system that takes no directories."""
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "data", Path("/proc/spanledger")):
        with pytest.raises(ConfigurationError, match=r"cannot be (used|read)"):
            await Collector(config_of(folder, "")).start()


@pytest.mark.slow
async def test_what_is_on_disk_is_for_its_owner_only(tmp_path: Path, store_dsn: str) -> None:
    """Directories 0700, files 0600: the journal holds what was sent."""
    folder = tmp_path / "new" / "data"
    async with running(config_of(folder, store_dsn)) as (_, ports):
        await post(ports, 0)
        for path in [tmp_path / "new", folder, *folder.rglob("*")]:
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode & 0o077 == 0, path


@pytest.mark.slow
async def test_damage_of_the_journal_shows_in_the_metrics(tmp_path: Path, store_dsn: str) -> None:
    """A tail torn by a crash is counted, and costs no whole record."""
    config = config_of(tmp_path / "data", store_dsn)
    journal = Journal.open(config.journal_dir(), max_bytes=1 << 24)
    await journal.append(
        request_bytes(0, SPANS),
        workspace="default", tenant="", span_count=SPANS, received_at_ns=time.time_ns(),
    )  # fmt: skip
    journal.close()
    (segment,) = (config.journal_dir() / "segments").iterdir()
    with segment.open("ab") as file:
        file.write(b"torn" * 10)
    async with running(config) as (_, ports):
        metrics = await metric_values(ports)
        assert metrics["spanledger_journal_torn_bytes_total"] == 40
        assert metrics["spanledger_journal_damaged_bytes_total"] == 40
        assert metrics['spanledger_journal_damaged_ranges_total{kind="bytes"}'] == 1
        await settled(ports, f"{1:032x}")


@pytest.mark.parametrize(
    "host", ["0x0", "0", "::ffff:0.0.0.0", "0:0:0:0:0:0:0:0", "127.0.0.1.evil.example", ""]
)
def test_a_public_address_without_keys_is_refused_however_it_is_written(
    tmp_path: Path, host: str
) -> None:
    """Only the names of this machine are taken as such."""
    with pytest.raises(ConfigurationError, match="without a key"):
        Collector(config_of(tmp_path / "data", "", host=host))
    with pytest.raises(ConfigurationError, match="loopback"):
        Collector(config_of(tmp_path / "data", "", host=host, insecure=True, sql_port=-1))
    assert not (tmp_path / "data").exists()


async def test_a_wrong_prices_file_is_told_before_anything_is_opened(tmp_path: Path) -> None:
    """The collector does not begin with prices that nobody meant."""
    wrong = tmp_path / "prices.yaml"
    wrong.write_text("prices: 3\n")
    with pytest.raises(CollectorError, match=r"prices\.yaml"):
        Collector(config_of(tmp_path / "data", "", prices_file=wrong))
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["/v1/queries/agents", "/v1/traces/00", "/metrics", "/openapi.json"]
)
async def test_a_web_page_cannot_read_the_figures_of_this_machine(
    tmp_path: Path, store_dsn: str, path: str
) -> None:
    """A page may point a name of its own at 127.0.0.1; by such a name nothing is answered."""
    async with running(config_of(tmp_path / "data", store_dsn)) as (_, ports):
        foreign = {"Host": f"rebound.example:{ports.api}"}
        status, body, _ = await asyncio.to_thread(ask, ports.api, path, None, foreign)
        assert status == 403
        assert b"rebound.example" in body
        local = {"Host": f"localhost:{ports.api}"}
        assert (await asyncio.to_thread(ask, ports.api, "/healthz", None, local))[0] == 200


@pytest.mark.slow
async def test_a_web_page_cannot_write_money_on_this_machine(
    tmp_path: Path, store_dsn: str
) -> None:
    """Neither spans nor records, whole or asked for first; an origin that may send may."""
    page = "https://app.example"
    config = config_of(tmp_path / "data", store_dsn, cors_origins=page)
    spans = request_bytes(0, SPANS)
    json_kind = {"Content-Type": "application/json"}
    async with running(config) as (_, ports):

        async def send(path: str, body: bytes, **headers: str) -> tuple[int, bytes, dict[str, str]]:
            return await asyncio.to_thread(ask, ports.http, path, body, headers)

        foreign = {"Host": f"rebound.example:{ports.http}"}
        for path, body, kind in (
            ("/v1/traces", spans, PROTOBUF),
            ("/v1/records", b"{}", json_kind),
            ("/v1/traces", b"", {**json_kind, "Expect": "100-continue"}),
        ):
            status, told, headers = await send(path, body, **kind, **foreign, Origin=page)
            assert (status, b"rebound.example" in told) == (403, True), path
            assert headers["content-type"] == kind["Content-Type"]
            assert headers["access-control-allow-origin"] == page
        for name in ("localhost", "LOCALHOST", "host.docker.internal"):
            own = {"Host": f"{name}:{ports.http}"}
            assert (await send("/v1/traces", spans, **PROTOBUF, **own))[0] == 200, name


@pytest.mark.slow
async def test_a_collector_for_other_machines_answers_by_any_name(
    tmp_path: Path, store_dsn: str
) -> None:
    """With a public address it goes by names that it cannot know."""
    config = config_of(tmp_path / "data", store_dsn, host="0.0.0.0", insecure=True)  # noqa: S104 - what is tested
    async with running(config) as (_, ports):
        foreign = {"Host": "collector.example"}
        assert (await asyncio.to_thread(ask, ports.api, "/healthz", None, foreign))[0] == 200
        body, headers = request_bytes(0, SPANS), {**PROTOBUF, **foreign}
        answer = await asyncio.to_thread(ask, ports.http, "/v1/traces", body, headers)
        assert answer[0] == 200


@pytest.mark.slow
async def test_a_collector_answers_by_the_names_it_is_told(tmp_path: Path, store_dsn: str) -> None:
    """One in a container whose port is published on the loopback address is asked by that alone."""
    config = config_of(
        tmp_path / "data", store_dsn, host="0.0.0.0", insecure=True,  # noqa: S104 - what is tested
        allowed_hosts="localhost,collector",
    )  # fmt: skip
    spans = request_bytes(0, SPANS)
    async with running(config) as (_, ports):
        read, write = (ports.api, "/v1/queries", None), (ports.http, "/v1/traces", spans)
        for port, path, body in (read, write):
            told = [
                (await asyncio.to_thread(ask, port, path, body, {**PROTOBUF, "Host": host}))[0]
                for host in ("Collector:4318", f"localhost:{port}", "rebound.example", "127.0.0.1")
            ]
            assert told == [200, 200, 403, 403], path


async def test_probes_ask_by_any_name(tmp_path: Path, store_dsn: str) -> None:
    """An orchestrator asks by an address that nobody knew: it learns readiness, and no more."""
    config = config_of(
        tmp_path / "data", store_dsn, host="0.0.0.0", insecure=True,  # noqa: S104 - what is tested
        allowed_hosts="collector",
    )  # fmt: skip
    async with running(config) as (collector, ports):
        await collector.opened()
        for path in ("/readyz", "/healthz"):
            probe = {"Host": f"10.1.2.3:{ports.api}"}
            status, body, _ = await asyncio.to_thread(ask, ports.api, path, None, probe)
            assert (status, json.loads(body)) == (200, {"ready": True})
            own = {"Host": "collector"}
            status, body, _ = await asyncio.to_thread(ask, ports.api, path, None, own)
            assert json.loads(body).keys() > {"ready", "journal", "ledger"}
        for path in ("/metrics", "/readyz/", "/v1/readyz"):
            assert (await asyncio.to_thread(ask, ports.api, path, None, probe))[0] == 403, path


@pytest.mark.slow
async def test_sql_is_off_until_asked_for(tmp_path: Path, store_dsn: str) -> None:
    """By default there is no port and no path; asked for, both answer and both are guarded."""
    statement = b"SELECT count() AS spans FROM spans"
    theft = b"SELECT * FROM file('/etc/passwd', 'LineAsString')"
    async with running(config_of(tmp_path / "data", store_dsn)) as (collector, ports):
        await collector.opened()
        assert ports.sql == 0
        status, body, _ = await asyncio.to_thread(ask, ports.api, "/v1/sql", statement)
        assert status == 403
        assert b"--sql" in body
    async with running(config_of(tmp_path / "data", store_dsn, sql_port=-1)) as (collector, ports):
        await collector.opened()
        for port, path in ((ports.api, "/v1/sql"), (ports.sql, "/")):
            assert (await asyncio.to_thread(ask, port, path, statement))[0] == 200
            assert (await asyncio.to_thread(ask, port, path, theft))[0] == 403
