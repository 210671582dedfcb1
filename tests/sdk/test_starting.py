"""A span that is started bare has what the sampler and the processors of others would have seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import (
    ReadableSpan,
    Span,
    SpanLimits,
    SpanProcessor,
    TracerProvider,
    sampling,
)
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from spanledger._calls.starting import _BLIND_STARTS, Starter
from spanledger._delivery.processor import DeliveryProcessor
from spanledger._work.identity import IdentityProcessor

ASKED = {"gen_ai.operation.name": "chat", "server.port": 443, "x": "y" * 9}


class _Looking(SpanProcessor):
    """Notes what a span has when it starts."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, Any]] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Look."""
        assert parent_context is not None
        self.seen.append(dict(span.attributes or {}))


class _LookingSampler(sampling.Sampler):
    """Samples chats only, and says so on the span."""

    def should_sample(self, *given: Any, **named: Any) -> sampling.SamplingResult:
        """By what is asked."""
        attributes: dict[str, Any] = dict(named.get("attributes") or given[4] or {})
        wanted = attributes.get("gen_ai.operation.name") == "chat"
        decision = sampling.Decision.RECORD_AND_SAMPLE if wanted else sampling.Decision.DROP
        return sampling.SamplingResult(decision, {**attributes, "sampled.by": "us"})

    def get_description(self) -> str:
        """Its name."""
        return "looking"


def _start(provider: TracerProvider) -> ReadableSpan:
    starter = Starter(provider.get_tracer("test"))
    started = starter.start("chat x", Context(), dict(ASKED), 7)
    assert isinstance(started, ReadableSpan)
    return started


SAMPLERS: list[sampling.Sampler] = [
    sampling.ALWAYS_ON,
    sampling.DEFAULT_ON,
    sampling.TraceIdRatioBased(1.0),
    sampling.ParentBasedTraceIdRatio(1.0),
    sampling.ParentBased(_LookingSampler()),
    _LookingSampler(),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda one: one.get_description())
@pytest.mark.parametrize("limits", [None, SpanLimits(max_span_attribute_length=4)])
def test_it_is_what_the_tracer_would_have_started(
    sampler: sampling.Sampler, limits: SpanLimits | None
) -> None:
    """The same attributes, kind, start and decision."""
    provider = TracerProvider(sampler=sampler, span_limits=limits)
    expected = provider.get_tracer("test").start_span(
        "chat x", Context(), trace.SpanKind.CLIENT, ASKED, start_time=7
    )
    started = _start(provider)
    assert isinstance(expected, ReadableSpan)
    assert dict(started.attributes or {}) == dict(expected.attributes or {})
    assert (started.kind, started.start_time) == (expected.kind, expected.start_time)
    assert started.name == expected.name


BLIND: list[Callable[[], SpanProcessor]] = [
    IdentityProcessor,
    lambda: SimpleSpanProcessor(InMemorySpanExporter()),
]


@pytest.mark.parametrize("make", BLIND)
def test_beside_processors_that_do_not_look_attributes_go_in_at_once(
    make: Callable[[], SpanProcessor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is what it is for; one that looks, and is added later, sees all of them."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(make())
    tracer = provider.get_tracer("test")
    starter, given = Starter(tracer), list[Any]()
    start_span: Any = type(tracer).start_span

    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        given.append(args[3])
        return start_span(self, *args, **kwargs)

    monkeypatch.setattr(type(tracer), "start_span", noting)
    span: Any = starter.start("chat x", Context(), dict(ASKED), 7)
    looking = _Looking()
    provider.add_span_processor(looking)
    later: Any = starter.start("chat x", Context(), dict(ASKED), 7)
    assert given == [None, ASKED]
    assert dict(span.attributes) == dict(later.attributes) == ASKED
    assert looking.seen == [ASKED]


def test_processors_of_ours_and_of_opentelemetry_do_not_look() -> None:
    """Should one begin to, or be renamed, it has to be known of here."""
    kinds = (SpanProcessor, SimpleSpanProcessor, BatchSpanProcessor, DeliveryProcessor)
    for kind in kinds:
        assert "attributes" not in kind.on_start.__code__.co_names, kind
    names = {f"{one.on_start.__module__}.{one.on_start.__qualname__}" for one in kinds}
    assert names <= _BLIND_STARTS


def test_a_tracer_of_another_kind_is_asked_as_ever() -> None:
    """A proxy of one that is set later, and one that records nothing."""
    for tracer in (trace.ProxyTracer("test"), trace.NoOpTracer()):
        span = Starter(tracer).start("chat x", Context(), dict(ASKED), 7)
        # Another test of the process may have set what the proxy stands for.
        assert span.is_recording() == tracer.start_span("theirs").is_recording()
