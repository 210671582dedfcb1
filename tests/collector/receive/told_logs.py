"""OTLP requests of logs: evaluations of a judge, and other log records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.otlp_requests import set_value

EVENT = "gen_ai.evaluation.result"
CANARY = "CANARY-it-quotes-the-answer"
TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
AT_NS = 1_795_499_999_000_000_000
JUDGED = {
    "gen_ai.evaluation.name": "correctness",
    "gen_ai.evaluation.score.value": 0.2,
    "gen_ai.evaluation.score.label": "fail",
    "gen_ai.evaluation.explanation": CANARY,
    "spanledger.tenant.id": "acme",
}


def add_log(
    request: ExportLogsServiceRequest,
    attributes: Mapping[str, Any] = JUDGED,
    *,
    name: str = EVENT,
    trace_id: str = TRACE_ID,
    span_id: str = SPAN_ID,
    at_ns: int = AT_NS,
) -> None:
    """One more log record, with a body that nobody may keep."""
    if not request.resource_logs:
        resource = request.resource_logs.add().resource
        set_value(resource.attributes.add(key="service.name").value, "judge")
        request.resource_logs[0].scope_logs.add().scope.name = "app"
    record = request.resource_logs[0].scope_logs[0].log_records.add(
        event_name=name, trace_id=bytes.fromhex(trace_id), span_id=bytes.fromhex(span_id),
        time_unix_nano=at_ns, severity_text="INFO",
    )  # fmt: skip
    record.body.string_value = CANARY
    for key, value in attributes.items():
        set_value(record.attributes.add(key=key).value, value)


def log_request(*told: Mapping[str, Any]) -> ExportLogsServiceRequest:
    """One log record for each of these arguments of :func:`add_log`."""
    request = ExportLogsServiceRequest()
    for one in told:
        add_log(request, **one)
    return request


def naming(**subjects: str) -> Mapping[str, Any]:
    """An evaluation that names whom it is about."""
    named = {f"spanledger.subject.{name}": told for name, told in subjects.items()}
    return {"attributes": {**JUDGED, **named}}


def told_spans(payload: bytes) -> list[Span]:
    """The spans of what is stored."""
    request = ExportTraceServiceRequest.FromString(payload)
    return [
        span
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def attributes_of(span: Span) -> dict[str, object]:
    """Its attributes, by their keys."""
    return {
        pair.key: getattr(pair.value, str(pair.value.WhichOneof("value")))
        for pair in span.attributes
    }


def log_json(request: ExportLogsServiceRequest) -> bytes:
    """As OTLP/JSON, written from the specification."""

    def value(any_value: Any) -> dict[str, object]:
        kind = any_value.WhichOneof("value")
        name = {"string_value": "stringValue", "double_value": "doubleValue"}[kind]
        return {name: getattr(any_value, kind)}

    records = request.resource_logs[0].scope_logs[0].log_records
    document = {
        "resourceLogs": [{
            "resource": {"attributes": [
                {"key": "service.name", "value": {"stringValue": "judge"}}
            ]},
            "scopeLogs": [{"scope": {"name": "app"}, "logRecords": [
                {
                    "timeUnixNano": str(record.time_unix_nano), "severityText": "INFO",
                    "eventName": record.event_name, "traceId": record.trace_id.hex(),
                    "spanId": record.span_id.hex(), "body": {"stringValue": CANARY},
                    "attributes": [
                        {"key": pair.key, "value": value(pair.value)} for pair in record.attributes
                    ],
                }
                for record in records
            ]}],
        }]
    }  # fmt: skip
    return orjson.dumps(document)
