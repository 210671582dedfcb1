"""Logs: evaluations among them become records, as durable as spans; everything else is let go."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
import orjson
import pytest
from grpc import aio
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry._logs import LogRecord as Emitted
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource
from tests.collector.receive.conftest import Connect, Inbox, Start
from tests.support.otlp_requests import set_value

from spanledger_collector.access import Identity
from spanledger_collector.config import MIB
from spanledger_collector.errors import (
    CollectorError,
    ForbiddenError,
    JournalUnavailableError,
    MalformedError,
    TooLargeError,
)
from spanledger_collector.journal import Journal
from spanledger_collector.receive import Ports, logs
from spanledger_collector.receive.logs import decode_logs, decode_logs_json
from spanledger_collector.receive.wire import check_submessages

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
_EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


def _add(
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


def _request(*told: Mapping[str, Any]) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    for one in told:
        _add(request, **one)
    return request


def _naming(**subjects: str) -> Mapping[str, Any]:
    named = {f"spanledger.subject.{name}": told for name, told in subjects.items()}
    return {"attributes": {**JUDGED, **named}}


def _spans(payload: bytes) -> list[Span]:
    request = ExportTraceServiceRequest.FromString(payload)
    return [
        span
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _attributes(span: Span) -> dict[str, object]:
    return {
        pair.key: getattr(pair.value, str(pair.value.WhichOneof("value")))
        for pair in span.attributes
    }


def _json(request: ExportLogsServiceRequest) -> bytes:
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


def test_an_event_is_a_record_about_its_span() -> None:
    """Of it name, score and label; never the explanation or the body."""
    found = decode_logs(_request({}).SerializeToString())
    [span] = _spans(found.payload)
    told = _attributes(span)
    assert len(str(told.pop("spanledger.record.id"))) == 16
    assert told == {
        "gen_ai.operation.name": "record",
        "spanledger.subject.trace_id": TRACE_ID,
        "spanledger.subject.span_id": SPAN_ID,
        "spanledger.tenant.id": "acme",
        "gen_ai.evaluation.name": "correctness",
        "gen_ai.evaluation.score.value": 0.2,
        "gen_ai.evaluation.score.label": "fail",
    }
    assert span.start_time_unix_nano == span.end_time_unix_nano == AT_NS
    assert CANARY.encode() not in found.payload
    assert b"judge" in found.payload


def test_it_may_name_a_run_or_a_key_of_its_own() -> None:
    """Where no trace is in its context; an older sender tells its name as an attribute."""
    by_run = {**JUDGED, "spanledger.subject.run_id": "r-1", "event.name": EVENT}
    found = decode_logs(
        _request({"attributes": by_run, "name": "", "trace_id": "", "span_id": ""})
        .SerializeToString()
    )  # fmt: skip
    [span] = _spans(found.payload)
    told = _attributes(span)
    assert told["spanledger.subject.run_id"] == "r-1"
    assert "spanledger.subject.trace_id" not in told


@pytest.mark.parametrize(
    "named",
    [
        {"run_id": "r-1"},
        {"external_key": "ticket-7"},
        {"trace_id": "ab" * 16},
        {"trace_id": "AB" * 16, "span_id": "CD" * 8},
    ],
    ids="+".join,
)
def test_whom_it_names_goes_before_its_context(named: Mapping[str, str]) -> None:
    """A judge that is traced itself emits in a span of its own, which nobody judged."""
    subjects = {f"spanledger.subject.{name}": told for name, told in named.items()}
    found = decode_logs(_request(_naming(**named)).SerializeToString())
    [span] = _spans(found.payload)
    told = {key: value for key, value in _attributes(span).items() if ".subject." in key}
    ids = {"spanledger.subject.trace_id", "spanledger.subject.span_id"}
    assert told == {key: v.lower() if key in ids else v for key, v in subjects.items()}


def test_what_is_no_evaluation_is_counted_and_let_go() -> None:
    """Another event, plain lines, and an evaluation that says neither score nor label."""
    found = decode_logs(
        _request(
            {"name": "gen_ai.client.inference.operation.details"},
            {"name": "", "trace_id": "", "span_id": ""},
            {"attributes": {"gen_ai.evaluation.name": "correctness"}},
        ).SerializeToString()
    )
    assert (found.payload, found.used, found.unused, found.rejected) == (b"", 0, 3, 0)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"trace_id": "", "span_id": ""}, "names no trace"),
        ({"trace_id": "00" * 16}, "names no trace"),
        ({"trace_id": "abcd"}, "names no trace"),
        ({"span_id": "abcd"}, "span id that is not 8 bytes"),
        (_naming(trace_id="abcd"), "trace_id that is not 32 hex digits"),
        (_naming(trace_id="00" * 16), "trace_id that is not 32 hex digits"),
        (_naming(run_id="r-1", span_id="xy" * 8), "span_id that is not 16 hex digits"),
        (_naming(span_id="ab" * 8), "a span without its trace"),
    ],
)
def test_an_evaluation_of_nobody_knows_what_is_rejected(told: Mapping[str, Any], why: str) -> None:
    found = decode_logs(_request(told, {}).SerializeToString())
    assert (found.used, found.rejected) == (1, 1)
    assert why in found.rejection


@given(st.randoms(use_true_random=False), st.integers(1, 8))
def test_sent_again_in_whatever_parts_it_is_the_same_records(
    chance: random.Random, count: int
) -> None:
    """Ids follow from what is said, whatever else stands in the request, in whatever order."""
    told: list[Mapping[str, Any]] = [{"at_ns": AT_NS + number} for number in range(count)]
    told += [{"attributes": {**JUDGED, "gen_ai.evaluation.name": "tone"}}]
    once = {
        span.span_id: _attributes(span)["spanledger.record.id"]
        for span in _spans(decode_logs(_request(*told).SerializeToString()).payload)
    }
    assert len(once) == count + 1
    again = [*told, *told, {"name": "other"}]
    chance.shuffle(again)
    cut = chance.randrange(len(again))
    parts = [part for part in (again[:cut], again[cut:]) if part]
    found = {
        span.span_id: _attributes(span)["spanledger.record.id"]
        for part in parts
        for span in _spans(decode_logs(_request(*part).SerializeToString()).payload)
    }
    assert found == once


def test_json_gives_the_same_bytes() -> None:
    request = _request({}, {"name": "other"})
    found, lenient_fields = decode_logs_json(_json(request))
    assert found == decode_logs(request.SerializeToString())
    assert (found.used, found.unused, lenient_fields) == (1, 1, 0)


def test_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_LOG_RECORDS", 3)
    body = _request({}, {"name": "a"}, {"name": "b"}).SerializeToString()
    assert decode_logs(body).used == 1
    with pytest.raises(TooLargeError, match="more than 3 log records"):
        decode_logs(_request(*[{}] * 4).SerializeToString())


def _submessages(message: Any) -> int:
    children = [
        child
        for field, value in message.ListFields()
        if field.message_type is not None
        for child in (value if hasattr(value, "__len__") else [value])
    ]
    return len(children) + sum(map(_submessages, children))


def test_messages_are_counted_exactly_before_they_are_parsed() -> None:
    request = _request({}, {"name": "other"})
    body, count = request.SerializeToString(), _submessages(request)
    check_submessages(body, count, "logs")
    with pytest.raises(TooLargeError):
        check_submessages(body, count - 1, "logs")


@given(st.data())
def test_harmed_bytes_are_refused_or_understood_but_nothing_else(data: st.DataObject) -> None:
    body = bytearray(_request({}, {"name": "other"}).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode_logs(bytes(body))
    except CollectorError as error:
        assert isinstance(error, MalformedError | TooLargeError)  # noqa: PT017 - either, or none
    else:
        assert len(_spans(found.payload)) == found.used


@pytest.mark.parametrize("content_type", ["application/x-protobuf", "application/json"])
async def test_http_stores_them_and_lets_others_go(
    start: Start, connect: Connect, inbox: Inbox, content_type: str
) -> None:
    """No bytes at all: what is no evaluation is not told as a fault, so nobody repeats it."""
    running = await start()
    request = _request({}, {"name": "other"}, {"name": ""})
    as_json = content_type == "application/json"
    body = gzip.compress(_json(request) if as_json else request.SerializeToString())
    connection = await connect(running)
    await connection.request(
        body, path="/v1/logs", content_type=content_type, headers={"content-encoding": "gzip"}
    )
    answer = await connection.answer()
    assert (answer.status, answer.body) == (200, b"{}" if as_json else b"")
    assert answer.headers["content-type"] == content_type
    [meaning] = inbox.meanings
    assert (meaning["signal"], meaning["span_count"]) == ("traces", 1)
    transport = "http_json" if as_json else "http_protobuf"
    for outcome, count in (("used", 1), ("unused", 2), ("refused", 0)):
        assert running.count("log_records_total", transport=transport, outcome=outcome) == count
    assert running.count("spans_total", transport=transport, outcome="accepted") == 1
    assert running.count("requests_total", transport=transport, outcome="ok") == 1


async def test_http_tells_what_it_could_not_use(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    request = _request({"trace_id": "", "span_id": ""}, {})
    connection = await connect(await start())
    await connection.request(request.SerializeToString(), path="/v1/logs")
    answer = await connection.answer()
    partial = ExportLogsServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, partial.rejected_log_records) == (200, 1)
    assert "1 evaluations were rejected, 1 stored; first: " in partial.error_message
    await connection.request(_json(request), path="/v1/logs", content_type="application/json")
    told = orjson.loads((await connection.answer()).body)["partialSuccess"]
    assert told["rejectedLogRecords"] == "1"
    assert len(inbox.payloads) == 2


@pytest.mark.parametrize(
    ("body", "options", "status", "says"),
    [
        (b"\xff\xff", {}, 400, b"ExportLogsServiceRequest"),
        (b"{", {"content_type": "application/json"}, 400, b"not JSON"),
        (b"x", {"content_type": "text/plain"}, 415, b"application/x-protobuf"),
        (b"", {"method": "GET"}, 405, b"POST"),
        (b"x" * (MIB + 1), {}, 413, b"smaller batches"),
    ],
)
async def test_bad_requests_get_the_status_that_those_of_traces_get(
    start: Start,
    connect: Connect,
    inbox: Inbox,
    *,
    body: bytes,
    options: dict[str, Any],
    status: int,
    says: bytes,
) -> None:
    connection = await connect(await start(max_request_bytes=MIB))
    await connection.request(body, path="/v1/logs", **options)
    answer = await connection.answer()
    assert answer.status == status
    assert says in answer.body
    assert inbox.payloads == []


async def test_an_empty_request_is_fine_and_not_stored(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    running = await start()
    connection = await connect(running)
    await connection.request(b"", path="/v1/logs")
    answer = await connection.answer()
    assert (answer.status, answer.body) == (200, b"")
    async with aio.insecure_channel(f"127.0.0.1:{running.ports.grpc}") as channel:
        assert await channel.unary_unary(_EXPORT)(b"") == b""
    assert inbox.payloads == []


async def test_grpc_stores_them(start: Start, inbox: Inbox) -> None:
    running = await start()
    async with aio.insecure_channel(f"127.0.0.1:{running.ports.grpc}") as channel:
        export = channel.unary_unary(_EXPORT)
        assert await export(_request({}, {"name": "other"}).SerializeToString()) == b""
        answer = await export(_request({"trace_id": ""}).SerializeToString())
        with pytest.raises(aio.AioRpcError) as caught:
            await export(b"\xff\xff")
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        inbox.error = JournalUnavailableError("disk full: free space")
        with pytest.raises(aio.AioRpcError) as caught:
            await export(_request({}).SerializeToString())
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    partial = ExportLogsServiceResponse.FromString(answer).partial_success
    assert partial.rejected_log_records == 1
    assert [meaning["span_count"] for meaning in inbox.meanings] == [1]
    assert running.count("log_records_total", transport="grpc", outcome="used") == 1


async def test_a_failing_journal_asks_the_sender_to_come_back(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    """Acknowledged is on disk; what nobody keeps needs no disk."""
    inbox.error = JournalUnavailableError("disk full: free space")
    connection = await connect(await start())
    await connection.request(_request({}).SerializeToString(), path="/v1/logs")
    answer = await connection.answer()
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    await connection.request(_request({"name": "other"}).SerializeToString(), path="/v1/logs")
    assert (await connection.answer()).status == 200


async def test_keys_are_those_of_traces(start: Start, connect: Connect, inbox: Inbox) -> None:
    def authenticate(key: str | None) -> Identity:
        if key != "good":
            raise ForbiddenError("key x may not send")
        return Identity("acme", "pinned")

    connection = await connect(await start(arguments={"authenticate": authenticate}))
    body = _request({}).SerializeToString()
    await connection.request(body, path="/v1/logs", headers={"x-api-key": "good"})
    assert (await connection.answer()).status == 200
    await connection.request(body, path="/v1/logs", headers={"x-api-key": "bad"})
    assert (await connection.answer()).status == 403
    [meaning] = inbox.meanings
    assert (meaning["workspace"], meaning["tenant"]) == ("acme", "pinned")


async def test_redaction_holds_for_them(
    start: Start, connect: Connect, inbox: Inbox, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {name: spanledger.tenant.id, action: hash}\n")
    connection = await connect(await start(redaction_file=rules, redaction_key="k"))
    await connection.request(_request({}).SerializeToString(), path="/v1/logs")
    assert (await connection.answer()).status == 200
    [span] = _spans(inbox.payloads[0])
    assert _attributes(span)["spanledger.tenant.id"] != "acme"


_EXPORTERS: Mapping[str, Callable[[Ports], LogRecordExporter]] = {
    "grpc": lambda ports: GrpcExporter(endpoint=f"http://127.0.0.1:{ports.grpc}", insecure=True),
    "grpc-gzip": lambda ports: GrpcExporter(
        endpoint=f"http://127.0.0.1:{ports.grpc}", insecure=True,
        compression=grpc.Compression.Gzip,
    ),
    "http": lambda ports: HttpExporter(endpoint=f"http://127.0.0.1:{ports.http}/v1/logs"),
    "http-gzip": lambda ports: HttpExporter(
        endpoint=f"http://127.0.0.1:{ports.http}/v1/logs", compression=Compression.Gzip
    ),
}  # fmt: skip


def _emit(exporter: LogRecordExporter, evaluations: int) -> None:
    """Events of a judge among lines of a log, through OpenTelemetry's own SDK; flushed."""
    provider = LoggerProvider(resource=Resource({"service.name": "judge"}))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("judge")
    judged = trace.NonRecordingSpan(
        trace.SpanContext(int(TRACE_ID, 16), int(SPAN_ID, 16), is_remote=True)
    )
    context = trace.set_span_in_context(judged)
    for number in range(evaluations):
        logger.emit(Emitted(timestamp=AT_NS + number, body="a line", context=context))
        logger.emit(
            Emitted(timestamp=AT_NS + number, event_name=EVENT, context=context, attributes=JUDGED)
        )
    assert provider.force_flush()
    provider.shutdown()


@pytest.mark.parametrize("name", _EXPORTERS)
async def test_what_the_real_exporters_flush_is_in_the_journal(
    start: Start, tmp_path: Path, name: str
) -> None:
    journal = Journal.open(tmp_path, max_bytes=1 << 30, segment_bytes=1 << 20)
    running = await start(journal.append)
    await asyncio.to_thread(_emit, _EXPORTERS[name](running.ports), 300)
    journal.close()
    journal = Journal.open(tmp_path, max_bytes=1 << 30, segment_bytes=1 << 20)
    held = journal.read(1, max_records=100, max_spans=10_000)
    journal.close()
    spans = [span for record in held for span in _spans(record.payload)]
    assert len({span.span_id for span in spans}) == len(spans) == 300
    assert {_attributes(span)["spanledger.subject.span_id"] for span in spans} == {SPAN_ID}
    assert sum(record.span_count for record in held) == 300
    transport = "grpc" if name.startswith("grpc") else "http_protobuf"
    assert running.count("log_records_total", transport=transport, outcome="unused") == 300


@pytest.mark.parametrize("name", ["grpc", "http"])
async def test_a_passing_fault_costs_no_evaluation(start: Start, inbox: Inbox, name: str) -> None:
    """The stock exporters come back after 503 and UNAVAILABLE."""
    inbox.error = JournalUnavailableError("disk full: free space")
    running = await start()
    emitting = asyncio.create_task(asyncio.to_thread(_emit, _EXPORTERS[name](running.ports), 5))
    transport = "grpc" if name == "grpc" else "http_protobuf"
    for _ in range(6000):
        if running.count("requests_total", transport=transport, outcome="journal_unavailable"):
            break
        await asyncio.sleep(0.01)
    inbox.error = None
    await emitting
    assert [meaning["span_count"] for meaning in inbox.meanings] == [5]
