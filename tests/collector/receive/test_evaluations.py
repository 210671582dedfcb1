"""Events ``gen_ai.evaluation.result`` on spans become records about these spans."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.otlp_requests import PlainSpan, request, set_value

from spanledger_collector.receive.decode import decode_protobuf

EVENT = "gen_ai.evaluation.result"
CANARY = "CANARY-explanation"
SPAN = PlainSpan(
    attributes=(("gen_ai.operation.name", "chat"), ("spanledger.tenant.id", "acme")),
    events=((EVENT, 1_795_499_999_000_000_000), ("exception", 1), (EVENT, 0)),
)


def body(*events: dict[str, Any], span: PlainSpan = SPAN) -> bytes:
    """A request of one span whose events have these attributes."""
    message = ExportTraceServiceRequest.FromString(request([span]))
    [target] = message.resource_spans[0].scope_spans[0].spans
    for event, told in zip(target.events, events, strict=False):
        for key, value in told.items():
            set_value(event.attributes.add(key=key).value, value)
    return message.SerializeToString()


def records(sent: bytes) -> tuple[list[Span], int]:
    decoded = decode_protobuf(sent)
    [resource] = ExportTraceServiceRequest.FromString(decoded.payload).resource_spans
    found = [
        span
        for scope in resource.scope_spans
        for span in scope.spans
        if span.name == "record evaluation"
    ]
    return found, decoded.span_count


def attributes(span: Span) -> dict[str, object]:
    return {
        pair.key: getattr(pair.value, str(pair.value.WhichOneof("value")))
        for pair in span.attributes
    }


def test_an_event_is_a_record_about_its_span() -> None:
    told = {
        "gen_ai.evaluation.name": "correctness",
        "gen_ai.evaluation.score.value": 0.2,
        "gen_ai.evaluation.score.label": "fail",
        "gen_ai.evaluation.explanation": CANARY,
        "gen_ai.response.id": "r-1",
    }
    [first, second], count = records(
        body(told, {}, {"gen_ai.evaluation.score": 1, "gen_ai.evaluation.name": "old"})
    )
    assert count == 3
    assert attributes(first) == {
        "gen_ai.operation.name": "record",
        "spanledger.subject.trace_id": SPAN.trace_id,
        "spanledger.subject.span_id": SPAN.span_id,
        "spanledger.record.id": f"{SPAN.span_id}.0",
        "spanledger.tenant.id": "acme",
        "gen_ai.evaluation.name": "correctness",
        "gen_ai.evaluation.score.value": 0.2,
        "gen_ai.evaluation.score.label": "fail",
    }
    assert first.start_time_unix_nano == SPAN.events[0][1]
    assert attributes(second)["gen_ai.evaluation.score.value"] == 1
    assert attributes(second)["spanledger.record.id"] == f"{SPAN.span_id}.2"
    assert second.start_time_unix_nano == SPAN.end_ns


def test_the_same_span_again_brings_the_same_records() -> None:
    """Also in another request; an event without score and label says nothing."""
    event = {"gen_ai.evaluation.score.label": "pass"}
    sent = body(event, event, {"gen_ai.evaluation.name": "says nothing"})
    [one], count = records(sent)
    [again], _ = records(sent)
    assert count == 2
    assert (one.trace_id, one.span_id) == (again.trace_id, again.span_id)
    assert one.trace_id.hex() != SPAN.trace_id


def test_other_requests_stay_as_they_are() -> None:
    sent = request([PlainSpan(events=(("exception", 1),))])
    assert decode_protobuf(sent).payload == sent
