"""The way of records past a sampler: what was earned is told also where the run was left out.

An application may keep one trace in ten. Costs are then of a sample, which the reader knows; a
missing sale is a wrong sum. So a record that the application's sampler leaves out is made once
more by a provider of our own that samples everything: the same resource, identity, trace and
parent. It goes to our own deliveries only; where there are none (the application's exporter sends
everything) to the application's processors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace

if TYPE_CHECKING:  # the OpenTelemetry SDK is heavy; `import spanledger` does without it
    from opentelemetry.sdk.trace import SpanProcessor


class _Way:
    """The tracer that leaves nothing out; None while telemetry is off."""

    __slots__ = ("tracer",)

    def __init__(self) -> None:
        self.tracer: trace.Tracer | None = None


WAY: Final = _Way()


def open_way(provider: Any, identity: SpanProcessor, deliveries: Sequence[SpanProcessor]) -> None:
    """Make the tracer beside this provider; nothing where it is not the OpenTelemetry SDK's.

    Args:
        provider: the application's.
        identity: stamps run and tenant.
        deliveries: where the records go; empty = where the provider's spans go.
    """
    from opentelemetry.sdk.trace import SynchronousMultiSpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    theirs: Any = getattr(provider, "_active_span_processor", None)
    if not isinstance(provider, TracerProvider) or theirs is None:
        return
    processor: Any = theirs
    if deliveries:
        processor = SynchronousMultiSpanProcessor()
        for one in (identity, *deliveries):
            processor.add_span_processor(one)
    WAY.tracer = TracerProvider(
        sampler=ALWAYS_ON,
        resource=provider.resource,
        shutdown_on_exit=False,
        active_span_processor=processor,
        id_generator=provider.id_generator,
    ).get_tracer("spanledger")


def close_way() -> None:
    """Telemetry is off: records end like everything else."""
    WAY.tracer = None
