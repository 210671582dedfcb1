"""Test tools: see the spans that your code makes, with ids and times that never change.

    with capture_spans() as captured:
        my_agent("question")
    assert captured.names() == ["chat gpt-4o-mini", "invoke_agent my_agent"]

Needs no collector and sends nothing. Import it in tests only.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator

from spanledger._calls.draining import FINISHER
from spanledger._work import activation, scope
from spanledger._work.identity import IdentityProcessor

#: Loading the token ranks, which the first count needs, takes 0.3 s.
_FINISH_SECONDS: Final = 30.0

__all__ = ["CapturedSpans", "IncrementalIdGenerator", "ManualClock", "capture_spans"]


class IncrementalIdGenerator(IdGenerator):
    """Ids 1, 2, 3, ...; give it to a TracerProvider to make traces repeatable."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start at 1 again."""
        self._spans = itertools.count(1)
        self._traces = itertools.count(1)

    def generate_span_id(self) -> int:
        """The next span id."""
        return next(self._spans)

    def generate_trace_id(self) -> int:
        """The next trace id."""
        return next(self._traces)


class ManualClock:
    """A clock that moves by one step each time it is read, and when told to.

    Args:
        start_ns: First reading, nanoseconds since 1970.
        step_ns: What each reading adds.
    """

    def __init__(self, start_ns: int = 1_700_000_000_000_000_000, step_ns: int = 1_000_000) -> None:
        self._now_ns = start_ns
        self._step_ns = step_ns

    def __call__(self) -> int:
        """The time in nanoseconds."""
        now_ns = self._now_ns
        self._now_ns += self._step_ns
        return now_ns

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_ns += round(seconds * 1e9)


class CapturedSpans:
    """The spans that ended while the capture was on, in the order of their ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[ReadableSpan] = []

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """The finished spans so far, also of model calls whose tokens are counted afterwards."""
        _finish_in_background()
        with self._lock:
            return tuple(self._spans)

    def add(self, span: ReadableSpan) -> None:
        """Take a finished span in."""
        with self._lock:
            self._spans.append(span)

    def names(self) -> list[str]:
        """Names of the finished spans."""
        return [span.name for span in self.spans]

    def one(self, name: str) -> ReadableSpan:
        """The only span of that name.

        Raises:
            LookupError: there is none, or more than one; lists the names that there are.
        """
        found = [span for span in self.spans if span.name == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} spans are named {name!r}; captured: {self.names()}")
        return found[0]

    def attributes(self, name: str) -> dict[str, Any]:
        """Attributes of the only span of that name."""
        return dict(self.one(name).attributes or {})


class _CaptureProcessor(SpanProcessor):
    """Gives finished spans to the captures that are on; added once a provider."""

    def __init__(self) -> None:
        self.active: tuple[CapturedSpans, ...] = ()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing: only finished spans are captured."""

    def on_end(self, span: ReadableSpan) -> None:
        """Hand the span to each capture."""
        for capture in self.active:
            capture.add(span)

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 -- the interface
        """Nothing is buffered."""
        return True


_processors: Final[weakref.WeakKeyDictionary[TracerProvider, _CaptureProcessor]] = (
    weakref.WeakKeyDictionary()
)


@contextmanager
def capture_spans(*, clock: Callable[[], int] | None = None) -> Generator[CapturedSpans]:
    """Collect every span that ends inside the block, from every thread.

    Uses the process's TracerProvider; if there is none yet, it sets one with identity stamping and
    an :class:`IncrementalIdGenerator`, which starts at 1 again for each capture (run ids too).

    Args:
        clock: Start and end times, in nanoseconds, of the spans of spanledger's decorators.

    Raises:
        TypeError: the process's provider is not one of the OpenTelemetry SDK.
    """
    provider = _sdk_provider()
    processor = _processors.get(provider)
    if processor is None:
        processor = _processors[provider] = _CaptureProcessor()
        provider.add_span_processor(processor)
    captured = CapturedSpans()
    fixed = isinstance(provider.id_generator, IncrementalIdGenerator)
    if isinstance(provider.id_generator, IncrementalIdGenerator):
        provider.id_generator.reset()
    processor.active = (*processor.active, captured)
    with activation.measured_by(clock), scope.counted_run_ids(enabled=fixed):
        try:
            yield captured
            _finish_in_background()
        finally:
            processor.active = tuple(one for one in processor.active if one is not captured)


def _finish_in_background() -> None:
    """Wait for the spans of model calls, which may end in the instrumentation's own thread.

    Raises:
        TimeoutError: they do not end; a captured list would lack them without a word.
    """
    if not FINISHER.drain(_FINISH_SECONDS):
        raise TimeoutError(f"spans of model calls are unfinished after {_FINISH_SECONDS} seconds")


def _sdk_provider() -> TracerProvider:
    provider = trace.get_tracer_provider()
    if isinstance(provider, trace.ProxyTracerProvider):
        provider = TracerProvider(id_generator=IncrementalIdGenerator(), shutdown_on_exit=False)
        provider.add_span_processor(IdentityProcessor())
        trace.set_tracer_provider(provider)
    if not isinstance(provider, TracerProvider):
        raise TypeError(
            f"capture_spans needs a TracerProvider of the OpenTelemetry SDK, not {provider!r}"
        )
    return provider
