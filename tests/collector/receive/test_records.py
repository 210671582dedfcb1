"""``POST /v1/records``: records that come by themselves become the spans the SDK would write."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector.receive.conftest import Connect, Inbox, Start

from spanledger_collector.errors import MalformedError
from spanledger_collector.receive.records import decode_records

JSON = "application/json"
SALE = {"kind": "revenue", "external_key": "ticket-77", "amount": "20.00", "record_id": "sale"}


def spans(*records: object) -> list[dict[str, Any]]:
    """What is stored of a request: name, ids, start and attributes of each span."""
    decoded, _ = decode_records(orjson.dumps({"records": records}))
    [resource] = ExportTraceServiceRequest.FromString(decoded.payload).resource_spans
    [scope] = resource.scope_spans
    return [
        {
            "name": span.name,
            "ids": (span.trace_id.hex(), span.span_id.hex()),
            "start_ns": span.start_time_unix_nano,
            **{pair.key: pair.value.string_value or pair.value.double_value
               for pair in span.attributes},
        }
        for span in scope.spans
    ]  # fmt: skip


def flaw(**record: object) -> str:
    _, answer = decode_records(orjson.dumps({"records": [record]}))
    assert not answer.record_ids
    assert answer.http_status == 400
    [(index, reason)] = answer.rejected
    assert index == 0
    return reason


def test_a_record_is_the_span_that_the_sdk_writes() -> None:
    [told] = spans({**SALE, "currency": "eur", "at": "2026-11-01T12:00:00.25Z", "reason": "paid"})
    at = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
    assert told.pop("start_ns") == int(at.timestamp()) * 10**9 + 250_000_000
    assert [len(part) for part in told.pop("ids")] == [32, 16]
    assert str(told.pop("spanledger.record.recorded_at"))[:3] == "202"  # now, not when it happened
    assert told == {
        "name": "record revenue",
        "gen_ai.operation.name": "record",
        "spanledger.subject.external_key": "ticket-77",
        "spanledger.revenue.amount": "20.00",
        "spanledger.revenue.currency": "EUR",
        "spanledger.record.id": "sale",
        "spanledger.record.reason": "paid",
    }


def test_when_a_record_was_said_is_told_in_utc_or_is_now() -> None:
    """It is no part of what names the record, unless the sender says it."""
    said = "2026-11-02T09:30:00.5+02:00"
    [told] = spans({**SALE, "recorded_at": said})
    assert told["spanledger.record.recorded_at"] == "2026-11-02T07:30:00.500000Z"
    [one] = spans({**SALE, "at": "2026-11-01"})
    [again] = spans({**SALE, "at": "2026-11-01"})
    assert one["ids"] == again["ids"] != told["ids"]
    assert flaw(**{**SALE, "recorded_at": "soon"}).startswith("recorded_at: 'soon' is no time")


def test_every_kind_and_its_fields() -> None:
    subject = {"run_id": "r"}
    outcome, judged, scored, expense, effort = spans(
        {"kind": "outcome", "outcome": "SUCCESS", "amount": 4.5, **subject},
        {"kind": "evaluation", "verdict": "hallucinated", "name": "judge", **subject},
        {"kind": "evaluation", "score": "0.25", "label": "poor", **subject},
        {"kind": "expense", "amount": "0.05", "category": "sms", **subject},
        {"kind": "effort", "minutes": 12, **subject},
    )
    assert outcome["spanledger.outcome"] == "success"
    assert outcome["spanledger.value.amount"] == "4.5"
    assert judged["spanledger.evaluation.verdict"] == "hallucinated"
    assert judged["gen_ai.evaluation.name"] == "judge"
    assert scored["gen_ai.evaluation.score.value"] == 0.25
    assert scored["gen_ai.evaluation.score.label"] == "poor"
    assert expense["spanledger.expense.category"] == "sms"
    assert effort["spanledger.effort.minutes"] == "12"
    assert effort["spanledger.effort.role"] == "reviewer"


def test_the_same_record_again_is_the_same_span_and_another_is_another() -> None:
    """What changes nothing keeps the ids; whatever is told differently has others."""
    before = time.time_ns()
    first, again, amended, dated = spans(
        SALE, {**SALE, "tenant": None, "reason": ""}, {**SALE, "amount": "18"},
        {**SALE, "at": "2026-11-01"},
    )  # fmt: skip
    assert first["ids"] == again["ids"]
    assert len({first["ids"], amended["ids"], dated["ids"]}) == 3
    assert before <= first["start_ns"] <= time.time_ns()


def test_of_two_tellings_in_one_request_the_later_one_is_said_later() -> None:
    """Its moments are one nanosecond apart: that decides which of them counts."""
    dated = {**SALE, "at": "2026-11-01"}
    tellings = [{**sale, "amount": str(n)} for n in range(1, 11) for sale in (SALE, dated)]
    told = spans(*tellings)
    undated, said = told[::2], [str(one["spanledger.record.recorded_at"]) for one in told[1::2]]
    starts = [int(one["start_ns"]) for one in undated]
    assert [start - starts[0] for start in starts] == [*range(0, 20, 2)]
    assert said == sorted(set(said))
    seconds, fraction = divmod(starts[0] + 1, 10**9)
    second = datetime.fromtimestamp(seconds, timezone.utc)
    assert said[0] == f"{second:%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def test_so_is_of_two_plans_of_an_asset() -> None:
    plan = {"kind": "asset_plan", "asset": "ft", "at": "2026-11-01"}
    told = spans(*({**plan, "expected_executions": n} for n in range(1, 11)))
    said = [str(one["spanledger.record.recorded_at"]) for one in told]
    assert said == sorted(set(said))
    assert len({one["start_ns"] for one in told}) == 1


def test_a_record_without_an_id_is_a_new_one_each_time() -> None:
    record = {name: value for name, value in SALE.items() if name != "record_id"}
    _, answer = decode_records(orjson.dumps({"records": [record, record]}))
    assert len(set(answer.record_ids)) == 2
    one, other = spans(record, record)
    assert one["ids"] != other["ids"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"kind": "refund"}, "kind: 'refund' is none of revenue, outcome"),
        ({}, "kind: None"),
        ({"kind": "revenue", "amount": "1"}, "say what it is about"),
        ({"kind": "revenue", "run_id": "r"}, "revenue needs amount"),
        ({"kind": "revenue", "run_id": "r", "amount": "much"}, "amount: 'much' is no decimal"),
        ({"kind": "revenue", "run_id": "r", "amount": "NaN"}, "amount: give a number below"),
        ({"kind": "revenue", "run_id": "r", "amount": "1e15"}, "amount: give a number below"),
        ({"kind": "revenue", "run_id": "r", "amount": "0.0000000000001"}, "more than 12 decimals"),
        ({"kind": "revenue", "run_id": "r", "amount": True}, "amount: give text"),
        ({"kind": "revenue", "run_id": "r", "amount": "1", "currency": "€"}, "currency: '€'"),
        ({"kind": "revenue", "run_id": "r", "amount": "1", "minutes": "1"}, "has no minutes"),
        ({"kind": "outcome", "run_id": "r", "outcome": "done"}, "outcome: 'done' is none of"),
        ({"kind": "evaluation", "run_id": "r", "name": "judge"}, "verdict or score or label"),
        ({"kind": "evaluation", "run_id": "r", "score": "inf"}, "score: give a finite number"),
        ({"kind": "effort", "run_id": "r", "minutes": "-1"}, "minutes: give 0 minutes or more"),
        ({"kind": "effort", "run_id": "r", "minutes": "0.0000001"}, "more than 6 decimals"),
        ({"kind": "effort", "span_id": "ab" * 8, "run_id": "r", "minutes": 1}, "its trace_id too"),
        ({"kind": "effort", "trace_id": "0" * 32, "minutes": 1}, "has not 32 hex digits"),
        ({"kind": "effort", "run_id": "a\nb", "minutes": 1}, "run_id: it holds a line break"),
        ({"kind": "effort", "run_id": "é" * 129, "minutes": 1}, "longer than 256 bytes"),
        ({"kind": "effort", "run_id": ["r"], "minutes": 1}, "run_id: give text"),
        ({"kind": "effort", "run_id": "r", "minutes": 1, "at": "soon"}, "at: 'soon' is no time"),
        ({"kind": "effort", "run_id": "r", "minutes": 1, "at": "2019-12-31"}, "before 2020"),
        ({"kind": "effort", "run_id": "r", "minutes": 1, "at": "2999-01-01"}, "in the future"),
    ],
)  # fmt: skip
def test_what_the_ledger_could_not_keep_is_refused(record: dict[str, Any], reason: str) -> None:
    assert reason in flaw(**record)


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"records": {}}', b"\xff"])
def test_another_body_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError, match="Nothing of it was stored"):
        decode_records(body)


async def test_good_records_are_stored_beside_bad_ones(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    running = await start()
    connection = await connect(running)
    body = orjson.dumps({"records": [SALE, {"kind": "revenue"}, {**SALE, "record_id": "other"}]})
    await connection.request(body, path="/v1/records", content_type=JSON)
    answer = await connection.answer()
    assert answer.status == 200
    told = orjson.loads(answer.body)
    assert told["record_ids"] == ["sale", "other"]
    assert [one["index"] for one in told["rejected"]] == [1]
    assert [meaning["span_count"] for meaning in inbox.meanings] == [2]
    assert running.count("spans_total", transport="records", outcome="accepted") == 2
    assert running.count("requests_total", transport="records", outcome="partial") == 1


async def test_what_the_books_refuse_is_told_and_the_rest_is_stored(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    """They are asked about good records only, of the sender's workspace, when one takes capital."""
    asked: list[tuple[list[int], str]] = []

    def review(told: Mapping[int, Mapping[str, object]], workspace: str) -> Mapping[int, str]:
        asked.append(([*told], workspace))
        return {2: "more than is left"}

    running = await start(arguments={"review": review})
    flawed: list[dict[str, str]] = [{"kind": "asset_transfer", "asset": "ft", "amount": "1"}]
    loss = {"kind": "asset_write_off", "asset": "ft", "amount": "100"}
    credit = {"kind": "asset_cost", "asset": "ft", "amount": "-1", "record_id": "credit"}
    for records in ([SALE, *flawed, loss, credit], [SALE]):
        connection = await connect(running)
        body = orjson.dumps({"records": records})
        await connection.request(body, path="/v1/records", content_type=JSON)
        answer = await connection.answer()
        told = orjson.loads(answer.body)
        assert answer.status == 200
        if records == [SALE]:
            assert told == {"record_ids": ["sale"], "rejected": []}
            continue
        assert told["record_ids"] == ["sale", "credit"]
        assert [(one["index"], one["reason"]) for one in told["rejected"]] == [
            (1, "asset_transfer needs to"),
            (2, "more than is left"),
        ]
    assert asked == [([0, 2, 3], "default")]
    assert [meaning["span_count"] for meaning in inbox.meanings] == [2, 1]


async def test_refusals_say_what_to_do(start: Start, connect: Connect, inbox: Inbox) -> None:
    running = await start()
    for body, kind, method, status in (
        (b'{"records": [{"kind": "revenue"}]}', JSON, "POST", 400),
        (b"nothing", JSON, "POST", 400),
        (b"kind,amount", "text/csv", "POST", 415),
        (b"", JSON, "PUT", 405),
    ):
        # A refusal before the body is read ends the connection.
        connection = await connect(running)
        await connection.request(body, path="/v1/records", content_type=kind, method=method)
        answer = await connection.answer()
        assert answer.status == status
        assert len(answer.body) > 20
    assert inbox.payloads == []
