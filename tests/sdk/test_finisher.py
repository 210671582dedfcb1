"""The background thread: full queues, forks, and the end of the interpreter."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from spanledger._calls.finisher import Finisher

PROGRAM = """
import json, sys
import httpx2, openai
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry import trace
from spanledger._patches import registry

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
trace.set_tracer_provider(provider)
registry.instrument(["openai"])
def event(reason):
    choice = {"index": 0, "delta": {"content": "hello"}, "finish_reason": reason}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o",
             "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\\n\\n"
body = event(None) + event("stop") + b"data: [DONE]\\n\\n"
headers = {"content-type": "text/event-stream"}
transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=body, headers=headers))
client = openai.OpenAI(api_key="x", http_client=httpx2.Client(transport=transport))
stream = client.chat.completions.create(
    model="gpt-4o", messages=[{"role": "user", "content": "hi"}], stream=True
)
"""


def test_a_full_queue_takes_nothing_more() -> None:
    """What is refused is said, what was taken is done."""
    finisher = Finisher(capacity=1)
    blocked, release, done = threading.Event(), threading.Event(), threading.Event()

    def block() -> None:
        blocked.set()
        assert release.wait(120)

    assert finisher.submit(block)
    assert blocked.wait(120)
    assert finisher.submit(done.set)
    assert not finisher.submit(done.set)
    release.set()
    assert finisher.drain(120)
    assert done.is_set()


def test_when_no_thread_can_start_nothing_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the end of the interpreter: the caller ends its span itself."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    finisher, done = Finisher(), threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert not finisher.submit(done.set)
        assert finisher.drain(0)
    assert not done.is_set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_waits_for_the_import_in_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child forked in the middle of an import could never import that module: it would hang."""
    started = threading.Event()
    name = "spanledger_test_slow_module"
    (tmp_path / f"{name}.py").write_text("import time\ntime.sleep(0.3)\nready = True\n")
    monkeypatch.syspath_prepend(tmp_path)

    def job() -> None:
        started.set()
        importlib.import_module(name)

    finisher = Finisher()
    assert finisher.submit(job)
    assert started.wait(120)
    child = os.fork()
    if child == 0:  # no pytest in here
        os._exit(0 if importlib.import_module(name).ready and finisher.drain(120) else 1)
    assert _exit_code(child) == 0
    assert finisher.drain(120)
    del sys.modules[name]


def _exit_code(child: int) -> int:
    """Wait for a child, and end one that hangs."""
    watchdog = threading.Timer(10, os.kill, (child, 9))
    watchdog.start()
    _, status = os.waitpid(child, 0)
    watchdog.cancel()
    return os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize(
    ("ending", "partial"),
    [
        ("list(stream)", False),  # handed over, not counted yet
        ("next(stream)", True),  # still open, dropped with the module
        ("next(stream)\ndel stream", True),
    ],
)
def test_the_end_of_the_interpreter_waits_for_what_is_unfinished(
    ending: str, partial: bool
) -> None:
    """A program that ends right after its call still tells it, with its tokens counted."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + ending + "\n"],
        capture_output=True,
        check=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.count('"gen_ai.request.model"') == 1, done.stderr
    assert '"spanledger.usage.source": "estimated"' in done.stdout
    assert ('"spanledger.usage.partial": true' in done.stdout) is partial


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_leaves_an_open_stream_to_its_parent() -> None:
    """The child drops its copy at its end; the call is told once, whole, by the parent."""
    ending = """
next(stream)
import os
child = os.fork()
if child == 0:
    sys.exit()
os.waitpid(child, 0)
list(stream)
"""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + ending],
        capture_output=True,
        check=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.count('"gen_ai.request.model"') == 1, done.stderr
    assert '"spanledger.usage.partial"' not in done.stdout


def test_between_two_steps_whatever_waits_has_its_turn() -> None:
    """Long work holds nothing up, and who waits for the end waits for all of its steps."""
    finisher = Finisher()
    begun, release = threading.Event(), threading.Event()
    order: list[str] = []

    def steps() -> Iterator[None]:
        begun.set()
        assert release.wait(60)
        for number in (1, 2, 3):
            order.append(f"step {number}")
            yield

    assert finisher.submit_steps(steps())
    assert begun.wait(60)
    assert finisher.submit(lambda: order.append("a call"))
    release.set()
    assert finisher.drain(60)
    assert order == ["step 1", "a call", "step 2", "step 3"]


def test_steps_that_break_end() -> None:
    """An error of ours is told once, and nobody waits for what will not come."""
    finisher = Finisher()

    def steps() -> Iterator[None]:
        yield
        raise ValueError

    assert finisher.submit_steps(steps())
    assert finisher.drain(60)
    assert finisher.drain(60)
