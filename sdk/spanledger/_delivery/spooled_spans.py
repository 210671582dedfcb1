"""Which spans a spool keeps, and the spans as bytes and back.

A span that comes back is the one that went: encoding it again gives the same bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, SpanFlags
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState

from spanledger import semconv
from spanledger._delivery.spool import Kept, Spool
from spanledger._guard import guarded

_log = logging.getLogger("spanledger")

_OPERATIONS: Final = frozenset({semconv.OPERATION_RECORD, semconv.OPERATION_INVOKE_AGENT})
#: On spans of programs that tell their records by attributes.
_MONEY: Final = (semconv.REVENUE_AMOUNT, semconv.EXPENSE_AMOUNT, semconv.OUTCOME)
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


class SpanSpool:
    """A spool of spans; never raises into the code whose spans end.

    Args:
        spool: of bytes.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.folder = spool.folder
        self.has_orphans, self.left = spool.has_orphans, spool.left
        self.forget, self.close = spool.forget, spool.close

    @guarded(None)
    def keep(self, span: ReadableSpan) -> Kept | None:
        """Put a span of money on disk; None where it is none, or there is no room."""
        return self._spool.keep(to_bytes(span)) if is_money(span) else None

    @guarded(())
    def adopt(self) -> Sequence[tuple[ReadableSpan, Kept]]:
        """Spans that were left behind: a part of them, none when there are no more."""
        while found := self._spool.adopt():
            spans = [(_readable(data), kept) for data, kept in found]
            for span, kept in spans:
                if span is None:
                    kept.settle()
            if any(span for span, _ in spans):
                return [(span, kept) for span, kept in spans if span is not None]
        return ()


def _readable(data: bytes) -> ReadableSpan | None:
    try:
        return from_bytes(data)
    except ValueError as error:
        _log.warning(
            "a record of %d bytes in the spool is no span (%s): left out", len(data), error
        )
        return None


def is_money(span: ReadableSpan) -> bool:
    """Whether this span is a record, an entry of an asset, or a run of an agent."""
    told = span.attributes or {}
    return told.get(semconv.OPERATION_NAME) in _OPERATIONS or any(key in told for key in _MONEY)


def to_bytes(span: ReadableSpan) -> bytes:
    """The span as a request of its own."""
    return encode_spans([span]).SerializePartialToString()


def from_bytes(data: bytes) -> ReadableSpan:
    """The span again.

    Raises:
        ValueError: these bytes are no span of ours.
    """
    try:
        request = ExportTraceServiceRequest.FromString(data)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    [resource] = request.resource_spans
    [scope] = resource.scope_spans
    [span] = scope.spans
    return _span(resource, scope, span)


def _span(resource: ResourceSpans, scope: ScopeSpans, wire: WireSpan) -> ReadableSpan:
    trace_id = int.from_bytes(wire.trace_id, "big")
    parent = None
    if wire.parent_span_id:
        remote = bool(wire.flags & SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
        parent = SpanContext(trace_id, int.from_bytes(wire.parent_span_id, "big"), remote)
    return ReadableSpan(
        name=wire.name,
        context=SpanContext(
            trace_id,
            int.from_bytes(wire.span_id, "big"),
            is_remote=False,
            trace_flags=_SAMPLED,
            trace_state=TraceState.from_header([wire.trace_state]),
        ),
        parent=parent,
        resource=Resource(_attributes(resource.resource.attributes), resource.schema_url),
        attributes=_bounded(wire.attributes, wire.dropped_attributes_count),
        events=[_event(event) for event in wire.events],
        links=[_link(link) for link in wire.links],
        kind=SpanKind(wire.kind - 1),
        status=Status(StatusCode(wire.status.code), wire.status.message or None),
        start_time=wire.start_time_unix_nano,
        end_time=wire.end_time_unix_nano,
        instrumentation_scope=InstrumentationScope(
            scope.scope.name,
            scope.scope.version or None,
            scope.schema_url or None,
            _attributes(scope.scope.attributes),
        ),
    )


def _event(wire: WireSpan.Event) -> Event:
    told = _bounded(wire.attributes, wire.dropped_attributes_count)
    return Event(wire.name, told, wire.time_unix_nano)


def _link(wire: WireSpan.Link) -> Link:
    remote = bool(wire.flags & SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
    trace_id, span_id = (int.from_bytes(part, "big") for part in (wire.trace_id, wire.span_id))
    told = _bounded(wire.attributes, wire.dropped_attributes_count)
    return Link(SpanContext(trace_id, span_id, remote), told)


def _bounded(pairs: Sequence[KeyValue], dropped: int) -> BoundedAttributes:
    told = BoundedAttributes(attributes=_attributes(pairs))
    told.dropped = dropped
    return told


def _attributes(pairs: Sequence[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(wire: AnyValue) -> Any:
    kind = wire.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return tuple(_value(item) for item in wire.array_value.values)
    if kind == "kvlist_value":
        told: Mapping[str, Any] = _attributes(wire.kvlist_value.values)
        return told
    return getattr(wire, kind)
