"""``POST /v1/records``: records that come by themselves, hours or months after their run.

They become the spans that the SDK would have written, and take their way: journal, load, settle.
Body (``application/json``)::

    {"records": [{"kind": "revenue", "external_key": "ticket-77", "amount": "20.00",
                  "currency": "EUR", "record_id": "invoice-1", "at": "2026-11-01T12:00:00Z"}]}

Entries about assets (``asset_cost``, ``asset_plan``, ``asset_write_off``, ``asset_transfer``) come
the same way. What can be stored is stored and acknowledged, what cannot is told by its place and a
reason::

    {"record_ids": ["invoice-1"], "rejected": [{"index": 3, "reason": "..."}]}

Where the ledger is open a write-off or transfer of more than is left of its asset is rejected too.
200 when something was stored or nothing was sent, else 400. The ids of a record's span follow from
its content, so that the same record sent again is the same span and counts once: give
``record_id`` if you may have to. Without one a record gets an id of its own each time.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from spanledger import semconv
from spanledger_collector.errors import MalformedError, TooLargeError
from spanledger_collector.receive.asset_fields import ENTRIES, asset_attributes
from spanledger_collector.receive.decode import MAX_SPANS, DecodedRequest
from spanledger_collector.receive.record_fields import (
    KINDS,
    Attributes,
    FlawError,
    attributes_of,
    instant,
    moment_ns,
)
from spanledger_collector.receive.record_span import record_span

#: Who tells them, as ``service_name`` of the record.
SERVICE_NAME = "spanledger-records"
#: The dialect of its attributes: that of the SDK's tracer.
_SCOPE = "spanledger"
_RECORD_ID_BYTES = 8
_KINDS = (*KINDS, *ENTRIES)


@dataclass(frozen=True, slots=True)
class RecordsAnswer:
    """What became of the records of a request.

    Attributes:
        record_ids: of those that were stored, in order.
        rejected: place in the request and reason of those that were not.
    """

    record_ids: Sequence[str]
    rejected: Sequence[tuple[int, str]]

    @property
    def http_status(self) -> int:
        """400 when there were records and none could be stored."""
        return 400 if self.rejected and not self.record_ids else 200

    def json(self) -> dict[str, object]:
        """As the answer's body."""
        rejected = [{"index": index, "reason": reason} for index, reason in self.rejected]
        return {"record_ids": list(self.record_ids), "rejected": rejected}


@dataclass(frozen=True, slots=True)
class ReadRecords:
    """The records of a request as they were read, by their places in it.

    Attributes:
        told: the good ones as they were sent.
        spans: those that tell them.
        rejected: the reasons why others cannot be stored.
    """

    told: Mapping[int, Mapping[str, object]]
    spans: Mapping[int, Span]
    rejected: Mapping[int, str]

    def without(self, refused: Mapping[int, str]) -> "ReadRecords":
        """The same, less what somebody else refuses, by its place and why."""
        kept = {index: span for index, span in self.spans.items() if index not in refused}
        return ReadRecords(self.told, kept, {**self.rejected, **refused})

    def request(self) -> tuple[DecodedRequest, RecordsAnswer]:
        """What is to be stored, and the answer once it is."""
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.append(_pair("service.name", SERVICE_NAME))
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = _SCOPE
        scope_spans.spans.extend(self.spans.values())
        rejected = sorted(self.rejected.items())
        first = f"record {rejected[0][0]}: {rejected[0][1]}" if rejected else ""
        record_ids = [_record_id(span) for span in self.spans.values()]
        payload = request.SerializeToString()
        decoded = DecodedRequest(payload, len(record_ids), len(rejected), first)
        return decoded, RecordsAnswer(record_ids, rejected)


#: Says which of the good records of a workspace cannot be, by their places, and why.
Review = Callable[[Mapping[int, Mapping[str, object]], str], Mapping[int, str]]


def read_records(body: bytes) -> ReadRecords:
    """Read a request.

    Raises:
        MalformedError: it is not of the form above.
        TooLargeError: too many records.
    """
    now_ns = time.time_ns()
    told: dict[int, Mapping[str, object]] = {}
    spans: dict[int, Span] = {}
    rejected: dict[int, str] = {}
    for index, one in enumerate(_list(body)):
        try:
            # The later one is said later, by a nanosecond: of two tellings of a record it counts.
            spans[index] = _span(one, now_ns + index)
        except FlawError as flaw:
            rejected[index] = str(flaw)
        else:
            told[index] = cast("Mapping[str, object]", one)
    return ReadRecords(told, spans, rejected)


def decode_records(body: bytes) -> tuple[DecodedRequest, RecordsAnswer]:
    """Decode a request, as far as it can be judged by itself.

    Raises:
        MalformedError: it is not of the form above.
        TooLargeError: too many records.
    """
    return read_records(body).request()


def _list(body: bytes) -> list[object]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedError(f"The body is no JSON: {error}. Nothing of it was stored.") from error
    records = cast("dict[str, Any]", told).get("records") if isinstance(told, dict) else None
    if not isinstance(records, list):
        raise MalformedError('The body is not {"records": [...]}. Nothing of it was stored.')
    found = cast("list[object]", records)
    if len(found) > MAX_SPANS:
        raise TooLargeError(f"The request holds more than {MAX_SPANS} records: send fewer at once.")
    return found


def _span(told: object, now_ns: int) -> Span:
    """The span of one record."""
    kind, fields = _fields(told)
    at = fields.pop("at", None)
    read = asset_attributes if kind in ENTRIES else attributes_of
    attributes = read(kind, fields)
    start_ns = now_ns if at is None else moment_ns(at, now_ns)
    attributes.setdefault(semconv.RECORD_ID, secrets.token_hex(_RECORD_ID_BYTES))
    identity = _identity(kind, attributes, None if at is None else start_ns)
    if at is not None:
        attributes.setdefault(semconv.RECORD_RECORDED_AT, instant(now_ns))
    pairs = [_pair(key, value) for key, value in attributes.items()]
    return record_span(identity, kind.replace("_", " ", 1), start_ns, pairs)


def _record_id(span: Span) -> str:
    return next(one.value.string_value for one in span.attributes if one.key == semconv.RECORD_ID)


def _fields(told: object) -> tuple[str, dict[str, object]]:
    """Kind and fields that say something."""
    if not isinstance(told, dict):
        raise FlawError("it is no JSON object")
    said = cast("Mapping[str, object]", told)
    fields = {name: value for name, value in said.items() if value is not None and value != ""}
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise FlawError(f"kind: {kind!r} is none of {', '.join(_KINDS)}")
    return kind, fields


def _identity(kind: str, attributes: Attributes, at_ns: int | None) -> bytes:
    """24 bytes that are the same for the same record, and for no other."""
    content = orjson.dumps([kind, at_ns, attributes], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).digest()[:24]


def _pair(key: str, value: str | float) -> KeyValue:
    held = AnyValue(string_value=value) if isinstance(value, str) else AnyValue(double_value=value)
    return KeyValue(key=key, value=held)
