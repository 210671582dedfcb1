"""Nothing appears and nothing is lost: received = stored + copies + set aside + waiting."""

from __future__ import annotations

import asyncio
import http.client
import time
from pathlib import Path

import pytest
from benchmarks.spans import request_bytes
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from tests.support.posting import metrics
from tests.support.running import RunningCollector

from spanledger_collector.journal import Journal

SPANS = 20


def _post(port: int, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
    answer = connection.getresponse()
    result = answer.status, answer.read()
    connection.close()
    return result


def _without_some_ids(body: bytes, bad: int) -> bytes:
    request = ExportTraceServiceRequest.FromString(body)
    for span in request.resource_spans[0].scope_spans[0].spans[:bad]:
        span.span_id = b""
    return request.SerializeToString()


def _spans(now: dict[str, float], outcome: str) -> float:
    return now[f'spanledger_receive_spans_total{{outcome="{outcome}",transport="http_protobuf"}}']


def _leave_unreadable(folder: Path, spans: int) -> None:
    """A record in the journal that no database can read, as an older version might leave one."""

    async def leave() -> None:
        journal = Journal.open(folder / "journal", max_bytes=1 << 24)
        await journal.append(
            b"\x0a\xff\xff",
            workspace="default", tenant="", span_count=spans, received_at_ns=time.time_ns(),
        )  # fmt: skip
        journal.close()

    asyncio.run(leave())


def _sums_agree(collector: RunningCollector) -> bool:
    """Also where a trace that was settled while it arrived is settled once more."""
    (sums,) = collector.rows(
        "SELECT (SELECT sum(cost_usd) FROM attempts FINAL WHERE counted) AS attempts, "
        "(SELECT sum(cost_usd) FROM runs FINAL) AS runs, "
        "(SELECT sum(cost_usd) FROM trace_cost) AS traces"
    )
    return bool(sums["attempts"] == sums["runs"] == sums["traces"] > 0)


@pytest.mark.slow
def test_every_span_is_accounted_for(tmp_path: Path) -> None:
    """Good requests, the same again, spans without ids, requests that are none, a dead letter."""
    folder = tmp_path / "data"
    _leave_unreadable(folder, spans=7)
    with RunningCollector(folder) as collector:
        good = [request_bytes(number, SPANS) for number in range(10)]
        for body in good:
            assert _post(collector.http_port, body) == (200, b"")
        for body in good[:4]:
            assert _post(collector.http_port, body) == (200, b"")
        for number in range(20, 23):
            status, answer = _post(
                collector.http_port, _without_some_ids(request_bytes(number, SPANS), 5)
            )
            told = ExportTraceServiceResponse.FromString(answer).partial_success
            assert (status, told.rejected_spans) == (200, 5)
        for _ in range(3):
            assert _post(collector.http_port, good[0][:-3])[0] == 400

        stored, copies, refused = 10 * SPANS + 3 * 15, 4 * SPANS, 3 * 5
        collector.wait_until(lambda: metrics(collector)["spanledger_journal_backlog_records"] == 0)
        now = metrics(collector)
        received = _spans(now, "accepted")
        waited = 7
        set_aside = now["spanledger_load_set_aside_spans_total"]
        loaded = now["spanledger_load_spans_total"]
        assert received == stored + copies
        assert _spans(now, "refused") == refused
        assert (now["spanledger_load_set_aside_total"], set_aside) == (1, 7)
        assert waited + received == loaded + set_aside
        assert collector.count("SELECT count() FROM spans FINAL") == stored
        assert collector.count("SELECT sum(spans) FROM arrivals FINAL") == loaded
        assert loaded == stored + copies
        malformed = (
            'spanledger_receive_requests_total{outcome="malformed",transport="http_protobuf"}'
        )
        assert now[malformed] == 3

        traces = collector.count("SELECT uniqExact(trace_id) FROM spans FINAL")
        collector.wait_for("SELECT uniqExact(trace_id) FROM runs FINAL", traces)
        calls = collector.count("SELECT count() FROM spans FINAL WHERE role = 'call'")
        assert calls > 0
        collector.wait_for("SELECT count() FROM attempts FINAL", calls)
        collector.wait_until(lambda: _sums_agree(collector))
