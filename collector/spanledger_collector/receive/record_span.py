"""The span of one record, as the SDK would tell it."""

from collections.abc import Iterable

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from spanledger import semconv


def record_span(identity: bytes, kind: str, at_ns: int, attributes: Iterable[KeyValue]) -> Span:
    """A moment, with what is recorded as its attributes.

    Args:
        identity: at least 24 bytes that are its ids: the same for the same record.
        kind: of the record, in words.
        at_ns: when it was said, nanoseconds since 1970.
        attributes: all of them, its own id included.
    """
    return Span(
        trace_id=identity[:16],
        span_id=identity[16:24],
        name=f"{semconv.OPERATION_RECORD} {kind}",
        kind=Span.SpanKind.SPAN_KIND_INTERNAL,
        start_time_unix_nano=at_ns,
        end_time_unix_nano=at_ns,
        attributes=attributes,
    )
