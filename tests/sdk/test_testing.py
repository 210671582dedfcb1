"""The public test tools."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

import spanledger
from spanledger import semconv
from spanledger.testing import IncrementalIdGenerator, ManualClock, capture_spans


def test_captures_are_repeatable() -> None:
    """With the tools' own provider, ids and run ids are the same in every capture."""
    provider = trace.get_tracer_provider()
    seen: list[tuple[int, object]] = []
    for _ in range(2):
        with capture_spans() as spans, spanledger.agent("planner"):
            pass
        (span,) = spans.spans
        assert span.context is not None
        seen.append((span.context.span_id, (span.attributes or {})[semconv.RUN_ID]))
    current = trace.get_tracer_provider()
    assert isinstance(current, TracerProvider)
    assert isinstance(provider, trace.ProxyTracerProvider) or provider is current
    if isinstance(current.id_generator, IncrementalIdGenerator):
        assert seen == [(1, f"{1:032x}")] * 2
    else:
        assert seen[0] != seen[1]


def test_captures_nest_and_end() -> None:
    """An inner capture sees its part, the outer one sees all, and neither sees what comes after."""
    with capture_spans() as outer:
        with spanledger.task("a"):
            pass
        with capture_spans() as inner, spanledger.task("b"):
            pass
    with spanledger.task("c"):
        pass
    assert outer.names() == ["task a", "task b"]
    assert inner.names() == ["task b"]


def test_one_names_what_there_is() -> None:
    """Asking for a span that is not there says which ones are."""
    with capture_spans() as spans, spanledger.task("a"):
        pass
    with pytest.raises(LookupError, match=r"0 spans are named 'x'; captured: \['task a'\]"):
        spans.one("x")


def test_manual_clock() -> None:
    """The clock steps when read and jumps when told."""
    clock = ManualClock(start_ns=0, step_ns=1)
    assert [clock(), clock()] == [0, 1]
    clock.advance(2)
    assert clock() == 2_000_000_002


def test_incremental_ids() -> None:
    """Ids count from 1 and start again after reset."""
    ids = IncrementalIdGenerator()
    assert [ids.generate_span_id(), ids.generate_span_id(), ids.generate_trace_id()] == [1, 2, 1]
    ids.reset()
    assert ids.generate_span_id() == 1
