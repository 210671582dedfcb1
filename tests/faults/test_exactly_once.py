"""F24: however often and in whatever parts spans are sent, sums are those of sending them once."""

from __future__ import annotations

import http.client
import random
from pathlib import Path
from typing import Any

import grpc
import pytest
from benchmarks.spans import request_bytes
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.running import RunningCollector

_TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_SPANS = 40
_SUMS = """
SELECT count() AS runs, sum(calls) AS model_calls,
       sum(output_tokens) AS tokens,
       toString(sum(cost_usd)) AS usd
FROM runs FINAL
"""


def _post(port: int, body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    connection.close()


def _call(port: int, body: bytes) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert channel.unary_unary(_TRACES)(body, timeout=300) == b""


def _regrouped(bodies: list[bytes], chance: random.Random) -> list[bytes]:
    """The same spans in other requests and another order, as a collector on the way makes them."""
    requests = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    spans = [span for one in requests for span in one.resource_spans[0].scope_spans[0].spans]
    chance.shuffle(spans)
    parts: list[bytes] = []
    for at in range(0, len(spans), 13):
        request = ExportTraceServiceRequest.FromString(bodies[0])
        scope = request.resource_spans[0].scope_spans[0]
        del scope.spans[:]
        scope.spans.extend(spans[at : at + 13])
        parts.append(request.SerializeToString())
    return parts


def _sums(collector: RunningCollector) -> dict[str, Any]:
    (row,) = collector.rows(_SUMS)
    return row


def _settled(collector: RunningCollector, sent: int) -> None:
    """Everything that was sent has arrived, copies too, and nothing waits to be settled."""
    collector.wait_for("SELECT sum(spans) FROM arrivals FINAL", sent)
    collector.wait_for("SELECT count() FROM runs FINAL", _SPANS * 2 // 10)
    # What arrives is settled a second later; a sum that copies change would change here.
    before = collector.reader.health()["settled_traces"]
    collector.wait_until(
        lambda: collector.reader.health()["settled_traces"] > before or before >= _SPANS * 2 // 10
    )


@pytest.mark.slow
def test_f24_sums_are_those_of_sending_once(tmp_path: Path) -> None:
    bodies = [request_bytes(number, _SPANS) for number in range(2)]
    with RunningCollector(tmp_path / "once") as collector:
        for body in bodies:
            _post(collector.http_port, body)
        _settled(collector, 2 * _SPANS)
    with RunningCollector(tmp_path / "once") as collector:
        collector.wait_ready()
        expected = _sums(collector)
    assert expected["runs"] == 2 * _SPANS // 10
    assert float(expected["usd"]) > 0
    chance = random.Random(24)  # noqa: S311 - an order, not a secret
    with RunningCollector(tmp_path / "often") as collector:
        for body in bodies * 2:
            _post(collector.http_port, body)
            _call(collector.grpc_port, body)
        for body in _regrouped(bodies, chance):
            _post(collector.http_port, body)
        _settled(collector, 5 * 2 * _SPANS)
    # The journal is read again from its beginning, as after a lost checkpoint.
    (tmp_path / "often" / "journal" / "checkpoint").unlink()
    with RunningCollector(tmp_path / "often") as collector:
        _post(collector.http_port, bodies[0])
        _settled(collector, 5 * 2 * _SPANS + _SPANS)
    with RunningCollector(tmp_path / "often") as collector:
        collector.wait_ready()
        assert _sums(collector) == expected
        assert collector.count("SELECT count() FROM spans FINAL") == 2 * _SPANS
