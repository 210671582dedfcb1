"""OTLP logs -> the evaluations among them, as records; every other log record is let go.

OpenTelemetry's own place for the verdict of a judge is an event: a log record with the name
``gen_ai.evaluation.result`` and the trace and span that were judged. It becomes the same record
that a span event becomes (:mod:`.evaluations`), and takes its way: journal, load, settle. The
ledger is no store of logs: what else a request holds is acknowledged, counted and not kept, so that
no sender sends it again.
"""

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from spanledger import semconv
from spanledger_collector.errors import TooLargeError
from spanledger_collector.receive.broken_text import parse
from spanledger_collector.receive.evaluations import EVENT, SCOPE, evaluation_record, told
from spanledger_collector.receive.otlp_json import read_json
from spanledger_collector.receive.thresholds import Thresholds
from spanledger_collector.receive.wire import check_submessages

MAX_LOG_RECORDS: Final = 50_000
_TRACE_ID_BYTES: Final = 16
_SPAN_ID_BYTES: Final = 8
_ID: Final = re.compile(r"(?!0+$)[0-9a-f]+")
#: Where an event's name stood before log records had a field for it.
_OLD_NAME: Final = "event.name"
#: Whom it is about, where the sender says so. The context is the judge's own then.
_SUBJECTS: Final = frozenset({
    semconv.SUBJECT_RUN_ID, semconv.SUBJECT_EXTERNAL_KEY,
    semconv.SUBJECT_TRACE_ID, semconv.SUBJECT_SPAN_ID,
})  # fmt: skip
#: Subject -> how many hex digits it has.
_DIGITS: Final = {
    semconv.SUBJECT_TRACE_ID: 2 * _TRACE_ID_BYTES,
    semconv.SUBJECT_SPAN_ID: 2 * _SPAN_ID_BYTES,
}


@dataclass(slots=True)
class DecodedLogs:
    """What of a request may be stored.

    Attributes:
        payload: canonical ``ExportTraceServiceRequest`` of the records; empty = there are none.
        used: how many evaluations these are.
        unused: log records that are no evaluation.
        rejected: evaluations of nobody knows what.
        rejection: why the first of them was, for the sender; empty when there is none.
        repaired: strings that were not UTF-8.
    """

    payload: bytes = b""
    used: int = 0
    unused: int = 0
    rejected: int = 0
    rejection: str = ""
    repaired: int = 0

    def count(self) -> int:
        """All log records."""
        return self.used + self.unused + self.rejected


def decode_logs(body: bytes, thresholds: Thresholds | None = None) -> DecodedLogs:
    """Decode an OTLP/protobuf request of logs.

    Raises:
        MalformedError: the bytes are not one.
        TooLargeError: too many log records or messages.
    """
    check_submessages(body, signal="logs")
    request = ExportLogsServiceRequest()
    _, repaired = parse(body, request)
    decoded = evaluations(request, thresholds)
    decoded.repaired = repaired
    return decoded


def decode_logs_json(body: bytes, thresholds: Thresholds | None = None) -> tuple[DecodedLogs, int]:
    """Decode an OTLP/JSON request of logs.

    Returns:
        What is kept of it, and how many fields were written as OTLP forbids senders to.

    Raises:
        MalformedError: the bytes are not one.
        TooLargeError: too many log records or values.
    """
    request = ExportLogsServiceRequest()
    lenient_fields = read_json(body, request)
    return evaluations(request, thresholds), lenient_fields


def evaluations(request: ExportLogsServiceRequest, thresholds: Thresholds | None) -> DecodedLogs:
    """What is kept of a request.

    Raises:
        TooLargeError: it holds too many log records.
    """
    found, kept = DecodedLogs(), ExportTraceServiceRequest()
    for resource in request.resource_logs:
        spans = _of_resource(resource, found)
        if spans:
            kept.resource_spans.append(_beside(resource, spans, thresholds))
    kept.DiscardUnknownFields()
    found.payload = kept.SerializeToString() if found.used else b""
    return found


def _of_resource(resource: ResourceLogs, found: DecodedLogs) -> Sequence[Span]:
    spans: list[Span] = []
    for scope in resource.scope_logs:
        if found.count() + len(scope.log_records) > MAX_LOG_RECORDS:
            raise TooLargeError(
                f"The request holds more than {MAX_LOG_RECORDS} log records: send smaller batches."
            )
        for record in scope.log_records:
            evaluation = told(record.attributes) if _is_evaluation(record) else []
            if not evaluation:
                found.unused += 1
            elif flaw := _flaw(record):
                found.rejected += 1
                found.rejection = found.rejection or flaw
            else:
                found.used += 1
                spans.append(_record(record, evaluation))
    return spans


def _is_evaluation(record: LogRecord) -> bool:
    if record.event_name:
        return record.event_name == EVENT
    return any(
        pair.key == _OLD_NAME and pair.value.string_value == EVENT for pair in record.attributes
    )


def _flaw(record: LogRecord) -> str:
    """Why nobody knows what was judged; empty where it is known."""
    subjects = _subjects(record)
    for key, digits in _DIGITS.items():
        told = subjects.get(key)
        if told is not None and not (_ID.fullmatch(told) and len(told) == digits):
            return f"{EVENT} has a {key} that is not {digits} hex digits"
    if set(subjects) == {semconv.SUBJECT_SPAN_ID}:
        return f"{EVENT} names a span without its trace: add {semconv.SUBJECT_TRACE_ID}"
    if subjects:
        return ""
    if len(record.trace_id) != _TRACE_ID_BYTES or not any(record.trace_id):
        return (
            f"{EVENT} names no trace: emit it in the context of the span that is judged, or with "
            f"{' or '.join(sorted(_SUBJECTS))}"
        )
    if record.span_id and len(record.span_id) != _SPAN_ID_BYTES:
        return f"{EVENT} has a span id that is not {_SPAN_ID_BYTES} bytes"
    return ""


def _context(record: LogRecord) -> Mapping[str, str]:
    ids = {semconv.SUBJECT_TRACE_ID: record.trace_id, semconv.SUBJECT_SPAN_ID: record.span_id}
    return {key: value.hex() for key, value in ids.items() if any(value)}


def _text(pair: KeyValue) -> str:
    text = pair.value.string_value
    return text.lower() if pair.key in _DIGITS else text


def _subjects(record: LogRecord) -> Mapping[str, str]:
    return {
        pair.key: _text(pair)
        for pair in record.attributes
        if pair.key in _SUBJECTS and pair.value.string_value
    }


def _record(record: LogRecord, evaluation: Sequence[KeyValue]) -> Span:
    """Its ids follow from what it says, so that the same sent again is the same record."""
    subjects = _subjects(record) or _context(record)
    at_ns = record.time_unix_nano or record.observed_time_unix_nano
    about = [
        KeyValue(key=key, value=AnyValue(string_value=value))
        for key, value in sorted(subjects.items())
    ]
    tenant = [pair for pair in record.attributes if pair.key == semconv.TENANT_ID]
    identity = hashlib.sha256(at_ns.to_bytes(8, "big"))
    for pair in (*about, *sorted(evaluation, key=lambda pair: pair.key)):
        identity.update(pair.SerializeToString(deterministic=True))
    digest = identity.digest()
    return evaluation_record(
        digest, digest[16:24].hex(), at_ns or time.time_ns(), [*about, *tenant, *evaluation]
    )


def _beside(
    resource: ResourceLogs, spans: Sequence[Span], thresholds: Thresholds | None
) -> ResourceSpans:
    """The records, told by whom the logs are of."""
    if thresholds is not None:
        thresholds.judge(spans)
    held = ResourceSpans(resource=resource.resource)
    scope = held.scope_spans.add()
    scope.scope.name = SCOPE
    scope.spans.extend(spans)
    return held
