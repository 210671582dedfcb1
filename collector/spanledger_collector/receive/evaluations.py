"""Evaluations that stand on spans as events -> records, which is what the ledger keeps of them.

Those that come as log records are read in :mod:`.logs`.

OpenTelemetry tells the verdict of a judge as an event ``gen_ai.evaluation.result`` on the span that
was judged (semantic conventions for generative AI, "Event: gen_ai.evaluation.result"). The engine
reads no attributes of events, where other instrumentation puts prompts and answers: each such event
becomes a record beside the spans of its resource, about its span, as the SDK would tell it. Of its
attributes name, score and label are taken, never the explanation, which quotes what was judged.
What a label means is decided later, in ``sql/arithmetic/verdict_of_label.sql``.
"""

import hashlib
from collections.abc import Iterable, Iterator

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from spanledger import semconv
from spanledger_collector.receive.record_span import record_span

EVENT = "gen_ai.evaluation.result"
#: What is read of an event. The older name of the score is that of drafts before 1.38.
_SCORE = frozenset({semconv.EVALUATION_SCORE_VALUE, "gen_ai.evaluation.score"})
_TEXTS = frozenset({semconv.EVALUATION_NAME, semconv.EVALUATION_SCORE_LABEL})
#: The dialect of a record: that of the SDK's tracer.
SCOPE = "spanledger"


def add_evaluations(resource_spans: ResourceSpans) -> int:
    """Append a record for each evaluation on the spans of a resource.

    Its ids follow from the span and the place of the event, so that a span sent again brings the
    same record again.

    Returns:
        How many were appended.
    """
    found = [
        record
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
        if span.events
        for record in _records(span)
    ]
    if found:
        beside: ScopeSpans = resource_spans.scope_spans.add()
        beside.scope.name = SCOPE
        beside.spans.extend(found)
    return len(found)


def _records(span: Span) -> Iterator[Span]:
    tenant = [pair for pair in span.attributes if pair.key == semconv.TENANT_ID]
    for place, event in enumerate(span.events):
        evaluation = told(event.attributes) if event.name == EVENT else []
        if not evaluation:
            continue
        record_id = f"{span.span_id.hex()}.{place}"
        identity = hashlib.sha256(span.trace_id + record_id.encode()).digest()
        at_ns = event.time_unix_nano or span.end_time_unix_nano
        about = (
            _text(semconv.SUBJECT_TRACE_ID, span.trace_id.hex()),
            _text(semconv.SUBJECT_SPAN_ID, span.span_id.hex()),
        )
        yield evaluation_record(identity, record_id, at_ns, [*about, *tenant, *evaluation])


def evaluation_record(
    identity: bytes, record_id: str, at_ns: int, attributes: Iterable[KeyValue]
) -> Span:
    """A record of an evaluation, as the SDK would tell it.

    Args:
        identity: 24 bytes that are its ids: the same for the same record.
        record_id: what its later tellings would amend.
        at_ns: when it was said, nanoseconds since 1970.
        attributes: whom it is about, and what it says.
    """
    named = (
        _text(semconv.OPERATION_NAME, semconv.OPERATION_RECORD),
        _text(semconv.RECORD_ID, record_id),
    )
    return record_span(identity, "evaluation", at_ns, (*named, *attributes))


def told(attributes: Iterable[KeyValue]) -> list[KeyValue]:
    """Name, score and label of an event; nothing where there is neither score nor label."""
    kept = [
        KeyValue(key=semconv.EVALUATION_SCORE_VALUE, value=pair.value)
        if pair.key in _SCORE
        else pair
        for pair in attributes
        if pair.key in _SCORE or pair.key in _TEXTS
    ]
    return kept if any(pair.key != semconv.EVALUATION_NAME for pair in kept) else []


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))
