"""Money on disk: whatever ends a process, the next one delivers what it told, once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.interpreter import run
from tests.support.otlp_receiver import Answer, HttpReceiver
from tests.support.running import RunningCollector

_NOWHERE = "http://127.0.0.1:9"

_TELL = """
import os, signal, sys, time, spanledger
from spanledger import assets
spanledger.init(instrument=False)
with spanledger.agent("support", tenant="acme"):
    with spanledger.task("no money"):
        pass
    spanledger.record_revenue("20.00", record_id="sale")
    spanledger.record_outcome(True)
    spanledger.record_cost("0.05", category="sms")
assets.book_cost("support-ft-7", "120000", record_id="invoice")
"""
_TOLD = [
    "invoke_agent support",
    "record asset cost",
    "record expense",
    "record outcome",
    "record revenue",
]
_ANOTHER = """
    import spanledger
    spanledger.init(instrument=False)
    assert spanledger.flush(60)
"""


def _environment(folder: Path, endpoint: str) -> dict[str, str]:
    return {
        "SPANLEDGER_SPOOL": str(folder),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "60000",
    }


def _ended_by(program: str, environment: dict[str, str]) -> int:
    """The status of a program that ends itself in its own way."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "SPANLEDGER_"))}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.run(
        command, env={**clean, **environment}, timeout=300, check=False
    ).returncode


def _spans(receiver: HttpReceiver) -> dict[bytes, Span]:
    return {
        span.span_id: span
        for request in receiver.requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", -signal.SIGTERM),
        ("os._exit(3)", 3),
        ("os.abort()", -signal.SIGABRT),
        ("raise RuntimeError('as usual, with the collector away')", 1),
    ],
    ids=["SIGKILL", "SIGTERM", "_exit", "abort", "exception"],
)
def test_the_next_process_delivers_what_the_last_told(
    ending: str, status: int, tmp_path: Path
) -> None:
    """The moment a record's function returns it is on disk; no atexit is needed."""
    assert _ended_by(_TELL + ending, _environment(tmp_path, _NOWHERE)) == status
    with HttpReceiver() as receiver:
        run(_ANOTHER, _environment(tmp_path, receiver.url))
        assert sorted(receiver.names) == _TOLD
        resource = receiver.requests[0].resource_spans[0].resource
        assert "service.name" in {item.key for item in resource.attributes}
        run(_ANOTHER, _environment(tmp_path, receiver.url))
        assert sorted(receiver.names) == _TOLD
    assert list(tmp_path.iterdir()) == []


def test_the_spans_are_the_same_to_the_last_byte(tmp_path: Path) -> None:
    """Delivered, and killed before the answer: the next process sends equal spans again."""
    hang = threading.Event()
    with HttpReceiver([Answer(after=hang)]) as receiver:
        program = _TELL + "spanledger.flush(0.2); os.kill(os.getpid(), signal.SIGKILL)"
        environment = _environment(tmp_path, receiver.url)
        assert _ended_by(program, environment) == -signal.SIGKILL
        hang.set()
        receiver.wait_for_requests(1)
        first = _spans(receiver)
        receiver.requests.clear()
        run(_ANOTHER, environment)
        again = _spans(receiver)
    assert len(first) == 6
    assert len(again) == 5
    assert all(first[span_id] == span for span_id, span in again.items())


def test_what_is_delivered_is_not_on_disk_any_more(tmp_path: Path) -> None:
    with HttpReceiver() as receiver:
        program = textwrap.indent(_TELL, "    ") + "    assert spanledger.flush(60)\n"
        finished = run(
            program + "    assert not spanledger.delivery().spooled",
            _environment(tmp_path, receiver.url),
        )
        assert len(receiver.names) == 6
    assert finished.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_refusal_of_everything_keeps_money(status: int, tmp_path: Path) -> None:
    """A wrong key or address is found and set right; the records are there then."""
    refuses = Answer(status, refuse_if=lambda _names: True)
    with HttpReceiver([refuses]) as receiver:
        finished = run(textwrap.indent(_TELL, "    "), _environment(tmp_path, receiver.url))
    assert "1 spans were lost" in finished.stderr  # the task; the others are kept
    assert "5 records and runs were not delivered" in finished.stderr
    assert str(tmp_path) in finished.stderr
    with HttpReceiver() as receiver:
        run(_ANOTHER, _environment(tmp_path, receiver.url))
        assert sorted(receiver.names) == _TOLD


def test_a_record_that_is_refused_for_what_it_is_does_not_come_again(tmp_path: Path) -> None:
    """It is told as lost, like any span; the others stay untouched."""
    refuses = Answer(400, refuse_if=lambda names: "record revenue" in names)
    with HttpReceiver([refuses]) as receiver:
        finished = run(textwrap.indent(_TELL, "    "), _environment(tmp_path, receiver.url))
        assert len(receiver.names) == 5
    assert "1 spans were lost" in finished.stderr
    assert "not delivered" not in finished.stderr
    assert list(tmp_path.iterdir()) == []


def test_more_than_a_batch_is_delivered_by_a_short_process(tmp_path: Path) -> None:
    """Also by one that ends at once."""
    program = """
import os, signal, spanledger
spanledger.init(instrument=False)
for number in range(700):
    spanledger.record_cost(number)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert _ended_by(program, _environment(tmp_path, _NOWHERE)) == -signal.SIGKILL
    with HttpReceiver() as receiver:
        run("import spanledger; spanledger.init()", _environment(tmp_path, receiver.url))
        assert len(_spans(receiver)) == 700
    assert list(tmp_path.iterdir()) == []


def test_what_overflowed_comes_again_when_the_collector_is_back(tmp_path: Path) -> None:
    """The queue drops the oldest; those of money are sent from the disk, in the same process."""
    with HttpReceiver() as probe:
        port = probe.port
    program = """
    import spanledger
    spanledger.init(instrument=False, queue_size=10, schedule_delay_seconds=0.01)
    for number in range(100):
        spanledger.record_cost(number, record_id=f"c{number}")
    counts = spanledger.delivery()
    assert counts.dropped == counts.spooled == 90, counts
    print("told", flush=True)
    input()
    while (counts := spanledger.delivery()).sent < 100 or counts.pending:
        spanledger.flush(1)
    """
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "SPANLEDGER_"))}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**clean, **_environment(tmp_path, f"http://127.0.0.1:{port}")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "told\n"
        with HttpReceiver(port=port) as receiver:
            _, errors = process.communicate("\n", timeout=300)
            assert process.returncode == 0, errors
            told = {
                item.value.string_value
                for span in _spans(receiver).values()
                for item in span.attributes
                if item.key == "spanledger.record.id"
            }
    assert told == {f"c{number}" for number in range(100)}
    assert "lost" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_forked_child_has_a_part_of_its_own(tmp_path: Path) -> None:
    """Neither sends the other's records, and both parts come back after both were killed."""
    program = """
import os, signal, spanledger
spanledger.init(instrument=False)
spanledger.record_cost(1, record_id="before")
pid = os.fork()
spanledger.record_cost(2, record_id="child" if pid == 0 else "parent")
if pid:
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert _ended_by(program, _environment(tmp_path, _NOWHERE)) == -signal.SIGKILL
    with HttpReceiver() as receiver:
        run(_ANOTHER, _environment(tmp_path, receiver.url))
        told = sorted(
            item.value.string_value
            for span in _spans(receiver).values()
            for item in span.attributes
            if item.key == "spanledger.record.id"
        )
    assert told == ["before", "child", "parent"]
    assert len(receiver.names) == 3


def test_a_spool_that_cannot_be_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with HttpReceiver() as receiver:
        finished = run(
            textwrap.indent(_TELL, "    "), _environment(tmp_path / "file", receiver.url)
        )
        assert len(receiver.names) == 6
    (line,) = finished.stderr.splitlines()
    assert re.match(r"no spool: .*file.* cannot be used", line)


@pytest.mark.slow
def test_the_ledger_counts_once_what_was_sent_twice(tmp_path: Path) -> None:
    """Killed at any moment, started again and again, against a real collector: exact sums."""
    spool = tmp_path / "spool"
    with RunningCollector(tmp_path / "data") as collector:
        collector.wait_ready()
        environment = _environment(spool, f"http://127.0.0.1:{collector.http_port}")
        environment["OTEL_BSP_SCHEDULE_DELAY"] = "1"
        for number in range(3):
            program = f"""
import os, signal, spanledger, threading
spanledger.init(instrument=False)
with spanledger.agent("shop"):
    for sale in range(20):
        spanledger.record_revenue("0.10", record_id=f"{number}-{{sale}}")
        if sale == {5 * number + 2}:
            os.kill(os.getpid(), signal.SIGKILL)
"""
            assert _ended_by(program, environment) == -signal.SIGKILL
        told = sum(5 * number + 3 for number in range(3))
        run(_ANOTHER, environment)
        collector.wait_for("SELECT count(DISTINCT record_id) FROM records", told)

        def all_of_it() -> bool:
            [row] = collector.rows("SELECT sum(revenue_usd) AS usd FROM run_economics")
            assert (row["usd"] or 0) <= Decimal("0.10") * told
            return row["usd"] == Decimal("0.10") * told

        collector.wait_until(all_of_it)
    assert list(spool.iterdir()) == []
