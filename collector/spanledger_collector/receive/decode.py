"""A request's bytes -> the canonical protobuf that is stored, or a refusal.

Canonical = parsed by protobuf's own parser, unknown fields dropped, written again. The engine
that reads it later is not strict (a wrong wire type or a repeated id decodes differently there),
so what is stored must be what a strict parser understood.
"""

from dataclasses import dataclass, replace

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

from spanledger_collector.errors import TooLargeError
from spanledger_collector.receive.broken_text import parse
from spanledger_collector.receive.evaluations import EVENT, add_evaluations
from spanledger_collector.receive.thresholds import SCORE_BYTES, Thresholds
from spanledger_collector.receive.wire import check_submessages

MAX_SPANS = 50_000
_TRACE_ID_BYTES = 16
_SPAN_ID_BYTES = 8
_NO_TRACE_ID = bytes(_TRACE_ID_BYTES)
_NO_SPAN_ID = bytes(_SPAN_ID_BYTES)


@dataclass(frozen=True, slots=True)
class DecodedRequest:
    """A request that may be stored.

    Attributes:
        payload: canonical ``ExportTraceServiceRequest``.
        span_count: spans in the payload, records of evaluations among them.
        rejected_spans: spans that were left out.
        rejection: why the first of them was, for the sender; empty when there is none.
        repaired: strings that were not UTF-8.
    """

    payload: bytes
    span_count: int
    rejected_spans: int = 0
    rejection: str = ""
    repaired: int = 0


def decode_protobuf(body: bytes, thresholds: Thresholds | None = None) -> DecodedRequest:
    """Decode an OTLP/protobuf request.

    Args:
        body: of the request.
        thresholds: what scores of evaluations mean.

    Raises:
        MalformedError: the bytes are not one.
        TooLargeError: too many spans or messages.
    """
    check_submessages(body)
    request = ExportTraceServiceRequest()
    body, repaired = parse(body, request)
    judged = thresholds if SCORE_BYTES in body else None
    decoded = canonical(request, evaluated=EVENT.encode() in body, thresholds=judged)
    return replace(decoded, repaired=repaired) if repaired else decoded


def canonical(
    request: ExportTraceServiceRequest,
    *,
    evaluated: bool = True,
    thresholds: Thresholds | None = None,
) -> DecodedRequest:
    """Leave out spans nobody could find again, drop unknown fields, note evaluations, serialise.

    Args:
        request: is changed.
        evaluated: there may be evaluations on its spans; to look costs a tenth of the rest.
        thresholds: what scores of evaluations mean; None = nothing.

    Raises:
        TooLargeError: too many spans.
    """
    kept = rejected = 0
    rejection = ""
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            count = len(scope_spans.spans)
            kept += count
            if kept + rejected > MAX_SPANS:
                raise TooLargeError(
                    f"The request holds more than {MAX_SPANS} spans: send smaller batches."
                )
            reason = _reject_spans(scope_spans)
            rejection = rejection or reason
            rejected += count - len(scope_spans.spans)
            kept -= count - len(scope_spans.spans)
        if evaluated:
            kept += add_evaluations(resource_spans)
    if thresholds is not None:
        thresholds.judge_all(request.resource_spans)
    request.DiscardUnknownFields()
    return DecodedRequest(request.SerializeToString(), kept, rejected, rejection)


def _reject_spans(scope_spans: ScopeSpans) -> str:
    """Remove the spans without usable ids; returns why the first was removed."""
    spans = scope_spans.spans
    reasons = {index: reason for index, span in enumerate(spans) if (reason := _flaw(span))}
    for index in reversed(reasons):
        del spans[index]
    return next(iter(reasons.values()), "")


def _flaw(span: Span) -> str:
    trace_id, span_id, parent = span.trace_id, span.span_id, span.parent_span_id
    if len(trace_id) != _TRACE_ID_BYTES or trace_id == _NO_TRACE_ID:
        return f"span {span_id[:8].hex() or '?'} has no trace id of 16 bytes that are not all zero"
    if len(span_id) != _SPAN_ID_BYTES or span_id == _NO_SPAN_ID:
        return f"a span of trace {trace_id.hex()} has no span id of 8 bytes that are not all zero"
    if parent == _NO_SPAN_ID:
        # Some senders write a root's missing parent as zeros.
        span.ClearField("parent_span_id")
    elif parent and len(parent) != _SPAN_ID_BYTES:
        return f"span {span_id.hex()} has a parent span id that is not 8 bytes"
    return ""
