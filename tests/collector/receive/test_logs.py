"""Logs: evaluations among them become records, as durable as spans; everything else is let go."""

from __future__ import annotations

import gzip
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from grpc import aio
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceResponse,
)
from tests.collector.receive.conftest import Connect, Inbox, Start
from tests.collector.receive.told_logs import (
    AT_NS,
    CANARY,
    EVENT,
    JUDGED,
    SPAN_ID,
    TRACE_ID,
    attributes_of,
    log_json,
    log_request,
    naming,
    told_spans,
)

from spanledger_collector.errors import (
    CollectorError,
    JournalUnavailableError,
    MalformedError,
    TooLargeError,
)
from spanledger_collector.receive import logs
from spanledger_collector.receive.logs import decode_logs, decode_logs_json

_EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


def test_an_event_is_a_record_about_its_span() -> None:
    """Of it name, score and label; never the explanation or the body."""
    found = decode_logs(log_request({}).SerializeToString())
    [span] = told_spans(found.payload)
    told = attributes_of(span)
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
        log_request({"attributes": by_run, "name": "", "trace_id": "", "span_id": ""})
        .SerializeToString()
    )  # fmt: skip
    [span] = told_spans(found.payload)
    told = attributes_of(span)
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
    found = decode_logs(log_request(naming(**named)).SerializeToString())
    [span] = told_spans(found.payload)
    told = {key: value for key, value in attributes_of(span).items() if ".subject." in key}
    ids = {"spanledger.subject.trace_id", "spanledger.subject.span_id"}
    assert told == {key: v.lower() if key in ids else v for key, v in subjects.items()}


def test_what_is_no_evaluation_is_counted_and_let_go() -> None:
    """Another event, plain lines, and an evaluation that says neither score nor label."""
    found = decode_logs(
        log_request(
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
        (naming(trace_id="abcd"), "trace_id that is not 32 hex digits"),
        (naming(trace_id="00" * 16), "trace_id that is not 32 hex digits"),
        (naming(run_id="r-1", span_id="xy" * 8), "span_id that is not 16 hex digits"),
        (naming(span_id="ab" * 8), "a span without its trace"),
    ],
)
def test_an_evaluation_of_nobody_knows_what_is_rejected(told: Mapping[str, Any], why: str) -> None:
    found = decode_logs(log_request(told, {}).SerializeToString())
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
        span.span_id: attributes_of(span)["spanledger.record.id"]
        for span in told_spans(decode_logs(log_request(*told).SerializeToString()).payload)
    }
    assert len(once) == count + 1
    again = [*told, *told, {"name": "other"}]
    chance.shuffle(again)
    cut = chance.randrange(len(again))
    parts = [part for part in (again[:cut], again[cut:]) if part]
    found = {
        span.span_id: attributes_of(span)["spanledger.record.id"]
        for part in parts
        for span in told_spans(decode_logs(log_request(*part).SerializeToString()).payload)
    }
    assert found == once


def test_json_gives_the_same_bytes() -> None:
    request = log_request({}, {"name": "other"})
    found, lenient_fields = decode_logs_json(log_json(request))
    assert found == decode_logs(request.SerializeToString())
    assert (found.used, found.unused, lenient_fields) == (1, 1, 0)


def test_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_LOG_RECORDS", 3)
    body = log_request({}, {"name": "a"}, {"name": "b"}).SerializeToString()
    assert decode_logs(body).used == 1
    with pytest.raises(TooLargeError, match="more than 3 log records"):
        decode_logs(log_request(*[{}] * 4).SerializeToString())


@given(st.data())
def test_harmed_bytes_are_refused_or_understood_but_nothing_else(data: st.DataObject) -> None:
    body = bytearray(log_request({}, {"name": "other"}).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode_logs(bytes(body))
    except CollectorError as error:
        assert isinstance(error, MalformedError | TooLargeError)  # noqa: PT017 - either, or none
    else:
        assert len(told_spans(found.payload)) == found.used


@pytest.mark.parametrize("content_type", ["application/x-protobuf", "application/json"])
async def test_http_stores_them_and_lets_others_go(
    start: Start, connect: Connect, inbox: Inbox, content_type: str
) -> None:
    """No bytes at all: what is no evaluation is not told as a fault, so nobody repeats it."""
    running = await start()
    request = log_request({}, {"name": "other"}, {"name": ""})
    as_json = content_type == "application/json"
    body = gzip.compress(log_json(request) if as_json else request.SerializeToString())
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
    request = log_request({"trace_id": "", "span_id": ""}, {})
    connection = await connect(await start())
    await connection.request(request.SerializeToString(), path="/v1/logs")
    answer = await connection.answer()
    partial = ExportLogsServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, partial.rejected_log_records) == (200, 1)
    assert "1 evaluations were rejected, 1 stored; first: " in partial.error_message
    await connection.request(log_json(request), path="/v1/logs", content_type="application/json")
    told = orjson.loads((await connection.answer()).body)["partialSuccess"]
    assert told["rejectedLogRecords"] == "1"
    assert len(inbox.payloads) == 2


async def test_grpc_stores_them(start: Start, inbox: Inbox) -> None:
    running = await start()
    async with aio.insecure_channel(f"127.0.0.1:{running.ports.grpc}") as channel:
        export = channel.unary_unary(_EXPORT)
        assert await export(log_request({}, {"name": "other"}).SerializeToString()) == b""
        answer = await export(log_request({"trace_id": ""}).SerializeToString())
    partial = ExportLogsServiceResponse.FromString(answer).partial_success
    assert partial.rejected_log_records == 1
    assert [meaning["span_count"] for meaning in inbox.meanings] == [1]
    assert running.count("log_records_total", transport="grpc", outcome="used") == 1


async def test_what_nobody_keeps_needs_no_disk(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    inbox.error = JournalUnavailableError("disk full: free space")
    connection = await connect(await start())
    await connection.request(log_request({"name": "other"}).SerializeToString(), path="/v1/logs")
    assert (await connection.answer()).status == 200


async def test_redaction_holds_for_them(
    start: Start, connect: Connect, inbox: Inbox, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {name: spanledger.tenant.id, action: hash}\n")
    connection = await connect(await start(redaction_file=rules, redaction_key="k"))
    await connection.request(log_request({}).SerializeToString(), path="/v1/logs")
    assert (await connection.answer()).status == 200
    [span] = told_spans(inbox.payloads[0])
    assert attributes_of(span)["spanledger.tenant.id"] != "acme"
