"""The collector as an operator meets it: a process that is started, signalled and misconfigured."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.spans import request_bytes
from tests.support.gate import Gate
from tests.support.running import RunningCollector

pytestmark = pytest.mark.slow

SPANS = 10


def _post(port: int, number: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    headers = {"Content-Type": "application/x-protobuf"}
    connection.request("POST", "/v1/traces", request_bytes(number, SPANS), headers)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    connection.close()


def _cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spanledger_collector.cli", *arguments],
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def _up(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """``spanledger up`` that is expected to end by itself."""
    ports = ("--grpc-port", "0", "--http-port", "0", "--api-port", "0")
    return _cli("up", "--data-dir", str(folder), *ports, *options)


def _stored(folder: Path) -> int:
    """Spans in the embedded ledger of a collector that has ended."""
    answer = _cli(
        "sql", "--json", "--url", f"chdb://{folder / 'ledger'}",
        "SELECT count() AS spans FROM spans FINAL",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return int(json.loads(answer.stdout)[0]["spans"])


def test_spans_are_acknowledged_before_the_ledger_is_open(tmp_path: Path) -> None:
    """They wait in the journal for a database that does not answer yet."""
    with Gate() as road:
        road.swallow()
        silent = f"http://127.0.0.1:{road.port}/ledger"
        with RunningCollector(tmp_path / "data", "--database", silent) as collector:
            _post(collector.http_port, 0)
            health = collector.reader.health()
            assert (health["ready"], health["journal"]["records"]) == (False, 1)
            collector.kill()


def test_lost_runs_and_attempts_are_written_again(tmp_path: Path) -> None:
    """Asked for while no collector runs, the next one does it; asked of one that runs, it does."""
    folder = tmp_path / "data"
    sums = "SELECT count() AS rows, sum(cost_usd) AS usd, sum(span_count) AS spans FROM runs FINAL"
    address = f"chdb://{folder / 'ledger'}"
    with RunningCollector(folder) as collector:
        collector.wait_ready()
        for request in range(3):
            _post(collector.http_port, request)
        collector.wait_until(lambda: collector.rows(sums)[0]["spans"] == 3 * SPANS)
        [whole] = collector.rows(sums)
    script = (
        "from spanledger_collector.store import Store\n"
        f"store = Store.open({address!r})\n"
        "with store.connect() as connection:\n"
        "    for table in ('runs', 'attempts'):\n"
        "        connection.execute('TRUNCATE TABLE ' + table)\n"
        "store.close()\n"
    )
    lose = [sys.executable, "-c", script]
    subprocess.run(lose, check=True, timeout=180)
    _settle_all(address)
    with RunningCollector(folder) as next_one:
        next_one.wait_ready()
        next_one.wait_until(lambda: next_one.rows(sums) == [whole])
    subprocess.run(lose, check=True, timeout=180)
    with RunningCollector(folder) as running:
        running.wait_ready()
        assert running.rows(sums)[0]["rows"] == 0
        _settle_all(running.address)
        running.wait_until(lambda: running.rows(sums) == [whole])
        running.wait_until(lambda: running.reader.health()["requested_traces"] == 0)


def _settle_all(address: str) -> None:
    asked = _cli("settle", "--all", "--json", "--url", address)
    assert json.loads(asked.stdout)["traces"] > 0, asked.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_everything_in_the_ledger(
    tmp_path: Path, number: signal.Signals
) -> None:
    """The exit code says that all is well."""
    collector = RunningCollector(tmp_path / "data")
    collector.wait_ready()
    for request in range(20):
        _post(collector.http_port, request)
    collector.process.send_signal(number)
    assert collector.process.wait(180) == 0
    collector.stop()
    assert _stored(tmp_path / "data") == 20 * SPANS


#: ``spanledger up`` that gives nothing time to finish, as on a machine that is very busy.
_HASTY = """
from functools import partial
from spanledger_collector.cli import main, up

up.Collector = partial(up.Collector, stop_grace_seconds=0.0)
main()
"""


def test_a_signal_ends_it_while_the_ledger_is_being_opened(tmp_path: Path) -> None:
    """The engine is left at work without a crash; what was acknowledged waits for the next."""
    ports = ("--grpc-port", "0", "--http-port", "0", "--api-port", "0")
    command = [sys.executable, "-c", _HASTY, "up", "--json", "--data-dir", str(tmp_path / "data")]
    with subprocess.Popen([*command, *ports], stdout=subprocess.PIPE, text=True) as hasty:
        assert hasty.stdout is not None
        _post(json.loads(hasty.stdout.readline())["http_port"], 0)
        hasty.terminate()
        assert hasty.wait(180) == 0
    with RunningCollector(tmp_path / "data") as again:
        again.wait_for("SELECT count() FROM spans FINAL", SPANS)


def test_a_signal_ends_it_while_the_database_is_away(tmp_path: Path) -> None:
    """At once, with 0; what was acknowledged is loaded by the next collector."""
    with Gate() as road:
        dead = f"http://user:geheim@127.0.0.1:{road.port}/ledger"
        collector = RunningCollector(tmp_path / "data", "--database", dead)
        _post(collector.http_port, 0)
        collector.process.terminate()
        assert collector.process.wait(120) == 0
        collector.stop()
    assert "geheim" not in collector.log.read_text()
    with RunningCollector(tmp_path / "data") as again:
        again.wait_for("SELECT count() FROM spans FINAL", SPANS)


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """The database never answers; whoever does not want to wait need not, and loses nothing."""
    with Gate() as road:
        road.swallow()
        silent = f"http://127.0.0.1:{road.port}/ledger"
        collector = RunningCollector(tmp_path / "data", "--database", silent)
        _post(collector.http_port, 0)
        assert road.swallowed.wait(120)
        collector.process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            collector.process.wait(1)
        collector.process.terminate()
        assert collector.process.wait(120) == 128 + signal.SIGTERM
        collector.stop()
    assert "waits in the journal" in collector.log.read_text()
    with RunningCollector(tmp_path / "data") as again:
        again.wait_for("SELECT count() FROM spans FINAL", SPANS)


def test_a_second_collector_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    """One data directory, one collector."""
    with RunningCollector(tmp_path / "data") as first:
        second = _up(tmp_path / "data")
        assert second.returncode == 2
        assert "in use by another collector" in second.stderr
        assert "another data directory" in " ".join(second.stderr.split())
        _post(first.http_port, 0)
        first.wait_for("SELECT count() FROM spans FINAL", SPANS)


def test_a_busy_port_is_told_and_the_directory_is_free_again(tmp_path: Path) -> None:
    """Exit code 2, the port and what to do; the next start works."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = str(other.getsockname()[1])
        refused = _up(tmp_path / "data", "--http-port", busy)
    assert refused.returncode == 2
    assert busy in refused.stderr
    assert "SPANLEDGER_HTTP_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr
    with RunningCollector(tmp_path / "data") as collector:
        _post(collector.http_port, 0)


def test_a_database_that_cannot_be_used_ends_it_with_a_clear_error(tmp_path: Path) -> None:
    """A directory that cannot be made: found while opening, told in a line, no trace of Python."""
    (tmp_path / "file").touch()
    refused = _up(tmp_path / "data", "--database", f"chdb://{tmp_path}/file/ledger")
    assert refused.returncode == 2
    assert "cannot be written" in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr
