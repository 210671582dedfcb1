"""OTLP requests for the tests: made by hand, by chance, and as JSON by an encoder of our own."""

import base64
import math
from collections.abc import Callable

from google.protobuf.message import Message
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

_U32, _U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def request(spans: int = 1) -> ExportTraceServiceRequest:
    """A request with a few attributes of each kind."""
    scope_spans = ScopeSpans(scope=InstrumentationScope(name="tests", version="1"))
    for number in range(spans):
        scope_spans.spans.append(
            Span(
                trace_id=(number + 1).to_bytes(16, "big"),
                span_id=(number + 1).to_bytes(8, "big"),
                name=f"chat {number}",
                kind=Span.SPAN_KIND_CLIENT,
                start_time_unix_nano=1_795_000_000_123_456_789,
                end_time_unix_nano=1_795_000_001_123_456_789,
                attributes=[
                    KeyValue(key="model", value=AnyValue(string_value="gpt-x")),
                    KeyValue(key="tokens", value=AnyValue(int_value=2**60 + 1)),
                    KeyValue(key="temperature", value=AnyValue(double_value=0.7)),
                    KeyValue(key="stream", value=AnyValue(bool_value=False)),
                    KeyValue(key="raw", value=AnyValue(bytes_value=b"\xfb\xff\xfe")),
                ],
                status=Status(code=Status.STATUS_CODE_OK),
            )
        )
    resource = Resource(
        attributes=[KeyValue(key="service.name", value=AnyValue(string_value="tests"))]
    )
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[scope_spans])]
    )


def _values() -> st.SearchStrategy[AnyValue]:
    leaves = st.one_of(
        st.just(AnyValue()),
        st.builds(AnyValue, string_value=_TEXT),
        st.builds(AnyValue, bool_value=st.booleans()),
        st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
        st.builds(AnyValue, double_value=st.floats(allow_nan=True)),
        st.builds(AnyValue, bytes_value=st.binary(max_size=8)),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(
                AnyValue,
                array_value=st.builds(ArrayValue, values=st.lists(inner, max_size=3)),
            ),
            st.builds(
                AnyValue,
                kvlist_value=st.builds(
                    KeyValueList,
                    values=st.lists(st.builds(KeyValue, key=_TEXT, value=inner), max_size=3),
                ),
            ),
        ),
        max_leaves=6,
    )


def _attributes() -> st.SearchStrategy[list[KeyValue]]:
    return st.lists(st.builds(KeyValue, key=_TEXT, value=_values()), max_size=3)


_TRACE_IDS = st.binary(min_size=16, max_size=16).filter(any)
_SPAN_IDS = st.binary(min_size=8, max_size=8).filter(any)
_SPANS = st.builds(
    Span,
    trace_id=_TRACE_IDS,
    span_id=_SPAN_IDS,
    parent_span_id=st.one_of(st.just(b""), _SPAN_IDS),
    trace_state=_TEXT,
    flags=_U32,
    name=_TEXT,
    kind=st.integers(0, 9),
    start_time_unix_nano=_U64,
    end_time_unix_nano=_U64,
    attributes=_attributes(),
    dropped_attributes_count=_U32,
    events=st.lists(
        st.builds(Span.Event, time_unix_nano=_U64, name=_TEXT, attributes=_attributes()),
        max_size=2,
    ),
    links=st.lists(
        st.builds(Span.Link, trace_id=_TRACE_IDS, span_id=_SPAN_IDS, attributes=_attributes()),
        max_size=2,
    ),
    status=st.builds(Status, message=_TEXT, code=st.integers(0, 3)),
)
REQUESTS = st.builds(
    ExportTraceServiceRequest,
    resource_spans=st.lists(
        st.builds(
            ResourceSpans,
            resource=st.builds(Resource, attributes=_attributes()),
            scope_spans=st.lists(
                st.builds(
                    ScopeSpans,
                    scope=st.builds(InstrumentationScope, name=_TEXT, attributes=_attributes()),
                    spans=st.lists(_SPANS, max_size=3),
                    schema_url=_TEXT,
                ),
                max_size=2,
            ),
            schema_url=_TEXT,
        ),
        max_size=2,
    ),
)


def to_json(message: ExportTraceServiceRequest) -> dict[str, object]:
    """The request as OTLP/JSON, written field by field from the specification."""
    return {"resourceSpans": [_resource_spans(item) for item in message.resource_spans]}


def _resource_spans(item: ResourceSpans) -> dict[str, object]:
    return {
        "resource": {"attributes": _key_values(list(item.resource.attributes))},
        "scopeSpans": [_scope_spans(scope) for scope in item.scope_spans],
        "schemaUrl": item.schema_url,
    }


def _scope_spans(item: ScopeSpans) -> dict[str, object]:
    return {
        "scope": {
            "name": item.scope.name,
            "version": item.scope.version,
            "attributes": _key_values(list(item.scope.attributes)),
        },
        "spans": [_span(span) for span in item.spans],
        "schemaUrl": item.schema_url,
    }


def _span(span: Span) -> dict[str, object]:
    return {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "parentSpanId": span.parent_span_id.hex(),
        "traceState": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.start_time_unix_nano),
        "endTimeUnixNano": str(span.end_time_unix_nano),
        "attributes": _key_values(list(span.attributes)),
        "droppedAttributesCount": span.dropped_attributes_count,
        "events": [
            {
                "timeUnixNano": str(event.time_unix_nano),
                "name": event.name,
                "attributes": _key_values(list(event.attributes)),
            }
            for event in span.events
        ],
        "links": [
            {
                "traceId": link.trace_id.hex(),
                "spanId": link.span_id.hex(),
                "attributes": _key_values(list(link.attributes)),
            }
            for link in span.links
        ],
        "status": {"message": span.status.message, "code": int(span.status.code)},
    }


def _key_values(items: list[KeyValue]) -> list[dict[str, object]]:
    return [{"key": item.key, "value": _any_value(item.value)} for item in items]


def _any_value(value: AnyValue) -> dict[str, object]:
    kind = value.WhichOneof("value")
    if kind is None:
        return {}
    encoders: dict[str, Callable[[], dict[str, object]]] = {
        "string_value": lambda: {"stringValue": value.string_value},
        "bool_value": lambda: {"boolValue": value.bool_value},
        "int_value": lambda: {"intValue": str(value.int_value)},
        "double_value": lambda: {"doubleValue": _double(value.double_value)},
        "bytes_value": lambda: {"bytesValue": base64.b64encode(value.bytes_value).decode()},
        "array_value": lambda: {
            "arrayValue": {"values": [_any_value(item) for item in value.array_value.values]}
        },
        "kvlist_value": lambda: {
            "kvlistValue": {"values": _key_values(list(value.kvlist_value.values))}
        },
    }
    return encoders[kind]()


def _double(number: float) -> float | str:
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return number


def submessages(message: Message) -> int:
    """How many messages there are in one, at every depth."""
    count = 0
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            children = [value] if hasattr(value, "ListFields") else list(value)
            count += sum(1 + submessages(child) for child in children)
    return count
