"""How a process ends: signals in the middle of anything, cancelled tasks, threads that go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from tests.support.otlp_receiver import HttpReceiver

_PATIENCE_SECONDS = 100.0
#: Printed when everything of ours is over: what was registered first runs last.
_AT_THE_END = """
import atexit, dataclasses, json, signal, sys, threading, time, spanledger
atexit.register(lambda: print(json.dumps(dataclasses.asdict(spanledger.delivery())), flush=True))
spanledger.init(instrument=False, exit_timeout_seconds=60)
"""


@contextmanager
def _started(program: str, endpoint: str) -> Generator[subprocess.Popen[str]]:
    """A program that has said that it is at work."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "SPANLEDGER_"))}
    with subprocess.Popen(
        [sys.executable, "-c", _AT_THE_END + textwrap.dedent(program)],
        env={**clean, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "at work\n"
            yield process
        finally:
            process.kill()


def _counts(process: subprocess.Popen[str], sent: signal.Signals | None) -> dict[str, int]:
    if sent is not None:
        process.send_signal(sent)
    out, errors = process.communicate(timeout=_PATIENCE_SECONDS)
    assert "Traceback" not in errors or "KeyboardInterrupt" in errors, errors
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_that_ends_the_process_loses_no_span(number: signal.Signals) -> None:
    """The handler may interrupt the queue itself, while its lock is held."""
    program = """
    def end(*_):
        with spanledger.agent("in the handler"):
            pass
        sys.exit(0)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, end)
    print("at work", flush=True)
    while True:
        with spanledger.agent("at work"):
            spanledger.record_cost("0.01")
    """
    with HttpReceiver() as receiver, _started(program, receiver.url) as process:
        told = _counts(process, number)
        names = Counter(receiver.names)
    assert told["accepted"] == told["sent"] + told["dropped"] + told["failed"]
    assert told["failed"] == told["pending"] == 0
    assert names["invoke_agent in the handler"] == 1
    # More than the queue holds may have been made before; nothing was lost at the end.
    assert sum(names.values()) == told["sent"]


def test_the_first_span_takes_no_lock_of_others() -> None:
    """To make a tracer does: a handler that comes then would wait for its own thread."""
    program = """
    import opentelemetry.sdk.trace

    opentelemetry.sdk.trace.Tracer.__init__ = None
    print("at work", flush=True)
    with spanledger.agent("first"):
        spanledger.record_cost("0.01")
    """
    with HttpReceiver() as receiver, _started(program, receiver.url) as process:
        assert _counts(process, None)["sent"] == 2
        assert "invoke_agent first" in receiver.names


def test_cancelled_tasks_are_told_as_cancelled() -> None:
    """Ctrl-C in an asyncio program: every agent that had begun ends, and is delivered."""
    program = """
    import asyncio

    # Who starts jobs in the background may have it ignored, and this process with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    @spanledger.agent
    async def waiting(number):
        while True:  # a signal that comes as the loop goes to wait is heard when it wakes
            await asyncio.sleep(0.2)

    async def main():
        tasks = [asyncio.create_task(waiting(number)) for number in range(50)]
        await asyncio.sleep(0)
        print("at work", flush=True)
        await asyncio.gather(*tasks)

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    """
    with HttpReceiver() as receiver, _started(program, receiver.url) as process:
        told = _counts(process, signal.SIGINT)
        errors = [
            item.value.string_value
            for request in receiver.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
            for item in span.attributes
            if item.key == "error.type"
        ]
    assert told["sent"] == told["accepted"] == 50
    assert errors == ["asyncio.exceptions.CancelledError"] * 50


def test_threads_that_go_on_are_counted_and_hold_nothing_up() -> None:
    """Daemon threads end spans while the interpreter ends: each is sent or counted as lost."""
    program = """
    def busy():
        while True:
            with spanledger.agent("busy"):
                time.sleep(0.001)

    for _ in range(4):
        threading.Thread(target=busy, daemon=True).start()
    print("at work", flush=True)
    time.sleep(0.3)
    """
    with HttpReceiver() as receiver, _started(program, receiver.url) as process:
        told = _counts(process, None)
        assert len(receiver.names) == told["sent"] > 0
    assert told["accepted"] == told["sent"] + told["dropped"]
    assert told["pending"] == told["failed"] == 0
