"""Forks: children of a busy parent, of gunicorn and of Celery deliver their spans, each once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from grpc import StatusCode
from tests.support.otlp_receiver import Answer, GrpcReceiver, HttpReceiver

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

_PATIENCE_SECONDS = 100.0
_AWAY = StatusCode.UNAVAILABLE


def _environment(endpoint: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "SPANLEDGER_"))}
    return {
        **clean,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        # Longer than any of these programs lives: only the end of a process can have sent a span.
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
    }


@contextmanager
def _running(command: list[str], folder: Path, endpoint: str) -> Generator[subprocess.Popen[bytes]]:
    """A server in a session of its own; whatever is left of it at the end is killed."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(endpoint),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(condition: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, (folder / "log").read_text()[-3000:]
        time.sleep(0.05)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_the_first_request_imports_nothing(protocol: str) -> None:
    """A child that is forked while a thread imports a module could never import it."""
    program = """
    import sys, spanledger
    spanledger.init(instrument=False)
    spanledger.record_cost("0.01")
    before = set(sys.modules)
    spanledger.flush(60)
    print(spanledger.delivery().sent, sorted(set(sys.modules) - before))
    """
    receiving = HttpReceiver([Answer(503)]) if "http" in protocol else GrpcReceiver([_AWAY])
    with receiving as receiver:
        finished = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)],
            env={**_environment(receiver.url), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol},
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=True,
        )
    assert finished.stdout.strip() == "1 []"


def test_children_of_a_busy_parent_deliver() -> None:
    """Whatever other threads hold at that moment: the queue, budgets, records, init itself."""
    program = """
    import os, sys, threading, spanledger
    spanledger.init(instrument=False)
    stop = threading.Event()
    limit = spanledger.budget(1, per="run", mode="raise")

    def busy():
        while not stop.is_set():
            with spanledger.agent("busy", budget=limit):
                spanledger.record_cost("0.01")
            spanledger.init(instrument=False)
            spanledger.flush(0)

    threads = [threading.Thread(target=busy) for _ in range(4)]
    for thread in threads:
        thread.start()
    children = []
    for number in range(12):
        pid = os.fork()
        if pid == 0:
            spanledger.init(instrument=False)
            with spanledger.agent(f"child {number}", budget=limit):
                spanledger.record_cost("0.02")
            assert spanledger.flush(60)
            assert spanledger.delivery().sent == 2, spanledger.delivery()
            sys.stdout.flush()
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 12
    stop.set()
    for thread in threads:
        thread.join()
    """
    with HttpReceiver() as receiver:
        finished = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)],
            env=_environment(receiver.url),
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        children = sorted(name for name in receiver.names if "child" in name)
    assert children == sorted(f"invoke_agent child {number}" for number in range(12))
    assert "Traceback" not in finished.stderr


_WEB = """
import spanledger

spanledger.init(instrument=False)


def application(environ, start_response):
    with spanledger.agent("web"):
        pass
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@pytest.mark.parametrize(
    "options", [["--preload"], [], ["--preload", "-k", "gthread", "--threads", "4"]], ids=" ".join
)
def test_workers_of_gunicorn_deliver(options: list[str], tmp_path: Path) -> None:
    """Initialised before or after the fork; SIGTERM, as every supervisor stops it."""
    (tmp_path / "app.py").write_text(_WEB)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "gunicorn", "-w", "2", "-b", f"127.0.0.1:{port}",
        "--no-control-socket", *options, "app",
    ]  # fmt: skip

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
                return answer.read() == b"ok"
        except urllib.error.URLError:
            return False

    with HttpReceiver() as receiver, _running(command, tmp_path, receiver.url) as server:
        _wait(answers, tmp_path)
        for _ in range(9):
            assert answers()
        server.terminate()
        assert server.wait(_PATIENCE_SECONDS) == 0
        assert receiver.names == ["invoke_agent web"] * 10, (tmp_path / "log").read_text()


_TASKS = """
import pathlib
import celery
import spanledger

spanledger.init(instrument=False)
app = celery.Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control",
}


@app.task(name="work")
def work(number):
    with spanledger.agent("task"):
        spanledger.record_cost("0.01", record_id=f"c{number}")
    pathlib.Path(f"done-{number}").touch()
"""


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_workers_of_celery_deliver(pool: str, tmp_path: Path) -> None:
    """Its children leave by ``os._exit``, without atexit; a warm shutdown delivers all the same."""
    (tmp_path / "tasks.py").write_text(_TASKS)
    (tmp_path / "queue").mkdir()
    (tmp_path / "control").mkdir()
    command = [
        sys.executable, "-m", "celery", "-A", "tasks", "worker", "-P", pool, "-c", "2",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip
    ask = "import tasks; [tasks.work.delay(number) for number in range(6)]"
    with HttpReceiver() as receiver, _running(command, tmp_path, receiver.url) as server:
        subprocess.run(
            [sys.executable, "-c", ask],
            cwd=tmp_path,
            env=_environment("http://127.0.0.1:9"),
            check=True,
            timeout=_PATIENCE_SECONDS,
        )
        _wait(lambda: len(list(tmp_path.glob("done-*"))) == 6, tmp_path)
        server.terminate()
        assert server.wait(_PATIENCE_SECONDS) == 0, (tmp_path / "log").read_text()
        assert sorted(receiver.names) == ["invoke_agent task"] * 6 + ["record expense"] * 6
