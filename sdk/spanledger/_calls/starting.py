"""The span of a call, started with what was asked; at once where nobody looks in between.

OpenTelemetry's tracer shows the attributes to the sampler, puts them into the span one by one and
then shows it to the processors. Its own samplers do not look at them, and neither do its own
processors and ours when a span starts. Where there are no others, the span is started bare and gets
all of them at once (``span_attributes``). Beside a sampler or a processor of somebody else, and
where a name inside OpenTelemetry moved, they are given as ever.
"""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer

from spanledger._calls.facts import Attributes
from spanledger._calls.span_attributes import write

_CLIENT: Final = SpanKind.CLIENT  # a member of an enumeration is slow to look up
_SDK: Final = "opentelemetry.sdk.trace"
#: ``on_start`` of processors that do not look at attributes there.
_BLIND_STARTS: Final = frozenset(
    {
        f"{_SDK}.SpanProcessor.on_start",
        f"{_SDK}.export.SimpleSpanProcessor.on_start",
        f"{_SDK}.export.BatchSpanProcessor.on_start",
        # Own values of the span stand over those of the identity, whichever come first.
        "spanledger._work.identity.IdentityProcessor.on_start",
        "spanledger._delivery.processor.DeliveryProcessor.on_start",
    }
)
_BLIND_SAMPLERS: Final = frozenset(
    {"StaticSampler", "TraceIdRatioBased", "_AlwaysOn", "_AlwaysOff"}
)
#: Samplers that ask the ones they hold.
_ASKING_SAMPLERS: Final = frozenset(
    {"ParentBased", "ParentBasedTraceIdRatio", "_ParentBasedAlwaysOn", "_ParentBasedAlwaysOff"}
)


class Starter:
    """Starts the spans of one tracer.

    Args:
        tracer: the application's, or ours.
    """

    __slots__ = ("_at_once", "_processors", "_tracer")

    def __init__(self, tracer: Tracer) -> None:
        self._tracer: Any = tracer
        #: Those that were looked at; None = none.
        self._processors: object = None
        self._at_once = False

    def start(self, name: str, here: Context, attributes: Attributes, started_ns: int) -> Span:
        """Start a span of a client in this context, at this time in nanoseconds."""
        tracer = self._tracer
        try:
            processors = tracer.span_processor._span_processors  # noqa: SLF001 -- see the module
        except AttributeError:
            processors = None
        if processors is not self._processors:  # one was added, or this is the first call
            self._processors = processors
            self._at_once = processors is not None and _nobody_looks(tracer.sampler, processors)
        if not self._at_once:
            return tracer.start_span(name, here, _CLIENT, attributes, start_time=started_ns)
        span = tracer.start_span(name, here, _CLIENT, None, (), started_ns)
        write(span, attributes)
        return span


def _nobody_looks(sampler: Any, processors: tuple[Any, ...]) -> bool:
    return all(map(_is_blind_start, processors)) and _is_blind(sampler)


def _is_blind_start(processor: Any) -> bool:
    function = getattr(processor.on_start, "__func__", None)
    where = getattr(function, "__module__", ""), getattr(function, "__qualname__", "")
    return ".".join(where) in _BLIND_STARTS


def _is_blind(sampler: object) -> bool:
    kind = type(sampler)
    if kind.__module__ != f"{_SDK}.sampling":
        return False
    fields: dict[str, Any] = vars(sampler)
    held = [one for one in fields.values() if hasattr(one, "should_sample")]
    return kind.__name__ in _BLIND_SAMPLERS or (
        kind.__name__ in _ASKING_SAMPLERS and all(map(_is_blind, held))
    )
