"""What a process delivers when nobody listens, when it ends, and when it forks."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from tests.support.interpreter import run
from tests.support.otlp_receiver import Answer, HttpReceiver


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_collector_absent(protocol: str) -> None:
    """Without a collector the program gives its result, is not held up, and is told the loss."""
    started = time.monotonic()
    finished = run(
        """
        import time, spanledger
        spanledger.init(instrument=False)

        @spanledger.agent
        def work(number):
            return number

        slow = 0
        for number in range(300):
            before = time.perf_counter()
            assert work(number) == number
            slow += time.perf_counter() - before > 0.05
            time.sleep(0.002)
        print(slow)
        """,
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_BSP_SCHEDULE_DELAY": "10",
        },
    )
    assert time.monotonic() - started < 100
    # A shared machine can pause any thread; a call that waits for the network would be slow every
    # time.
    assert int(finished.stdout) < 150
    unreachable, lost = finished.stderr.splitlines()
    assert "cannot be reached" in unreachable
    assert "300 spans were lost" in lost


def test_a_hanging_collector_delays_the_exit_by_a_bounded_time() -> None:
    """The last flush gives up after exit_timeout_seconds."""
    release = threading.Event()
    with HttpReceiver([Answer(after=release)]) as receiver:
        started = time.monotonic()
        finished = run(
            f"""
            import spanledger
            spanledger.init(endpoint={receiver.url!r}, exit_timeout_seconds=1, instrument=False)
            with spanledger.task("hangs"):
                pass
            """
        )
        assert time.monotonic() - started < 100
        release.set()
    assert "1 spans were lost" in finished.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_delivers_its_own_spans_only() -> None:
    """After fork: the parent's unsent spans stay with the parent, the child's are delivered."""
    with HttpReceiver() as receiver:
        finished = run(
            f"""
            import os, sys, spanledger
            spanledger.init(endpoint={receiver.url!r}, schedule_delay_seconds=30, instrument=False)
            with spanledger.task("parent before"):
                pass
            pid = os.fork()
            with spanledger.task("child" if pid == 0 else "parent after"):
                pass
            if pid == 0:
                assert spanledger.delivery().accepted == 1
                sys.exit(0)
            assert os.waitpid(pid, 0)[1] == 0
            """
        )
    assert sorted(receiver.names) == ["task child", "task parent after", "task parent before"]
    assert finished.stderr == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing_children_deliver(method: str, tmp_path: Path) -> None:
    """Children of multiprocessing leave without atexit; their spans arrive all the same."""
    program = textwrap.dedent(
        """
        import multiprocessing, os, spanledger

        def work():
            spanledger.init(instrument=False)
            with spanledger.task("child"):
                pass

        if __name__ == "__main__":
            spanledger.init(instrument=False)
            process = multiprocessing.get_context(os.environ["METHOD"]).Process(target=work)
            process.start()
            process.join()
            assert process.exitcode == 0
        """
    )
    path = tmp_path / "program.py"
    path.write_text(program)
    with HttpReceiver() as receiver:
        environment = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "OTEL_BSP_SCHEDULE_DELAY": "60000",
            "METHOD": method,
        }
        subprocess.run([sys.executable, path], env=environment, check=True, timeout=300)
    assert receiver.names == ["task child"]


def test_the_transport_that_was_not_chosen_is_not_imported() -> None:
    """Importing and using the SDK over HTTP never imports grpc, nor any client library."""
    with HttpReceiver() as receiver:
        finished = run(
            f"""
            import sys
            import spanledger
            light = not {{"opentelemetry.sdk.trace", "requests", "grpc"}} & set(sys.modules)
            spanledger.init(endpoint={receiver.url!r}, instrument=False)
            with spanledger.task("t"):
                pass
            assert spanledger.flush(10)
            print(light, sorted({{"grpc", "openai", "anthropic", "httpx"}} & set(sys.modules)))
            """
        )
    assert finished.stdout.strip() == "True []"
