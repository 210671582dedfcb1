"""Blocks and coroutines that end in another thread, task or context than they began in."""

from __future__ import annotations

import contextvars
import logging
import threading
import types
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace

import spanledger
from spanledger._work import scope
from spanledger.testing import capture_spans


@types.coroutine
def _one_step() -> Generator[None]:
    yield


def test_a_coroutine_closed_in_another_context(caplog: pytest.LogCaptureFixture) -> None:
    """As the garbage collector does it: the span ends, and nobody's context changes."""

    @spanledger.task
    async def work() -> None:
        await _one_step()

    with capture_spans() as spans, caplog.at_level(logging.WARNING):
        coroutine = work()
        contextvars.copy_context().run(coroutine.send, None)
        before = otel_context.get_current()
        coroutine.close()
        assert otel_context.get_current() is before
    assert len(spans.spans) == 1
    assert not caplog.records


@pytest.mark.parametrize("make", [lambda: spanledger.task("x"), spanledger.context])
def test_one_block_entered_by_two_threads_at_once(
    make: Callable[[], AbstractContextManager[object]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each thread leaves what it entered itself, also where telemetry is off."""
    monkeypatch.setattr(scope, "tracer", trace.NoOpTracer)
    block = make()
    together = threading.Barrier(2, timeout=120)
    unchanged: list[bool] = []

    def work() -> None:
        for _ in range(50):
            before = otel_context.get_current()
            with block:
                together.wait()
            unchanged.append(otel_context.get_current() is before)

    with caplog.at_level(logging.WARNING):
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert unchanged == [True] * 100
    assert not caplog.records
