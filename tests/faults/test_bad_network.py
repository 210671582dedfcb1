"""F40: resets before, in and instead of answers, half-closed and slow connections: all once.

And lost packets, where the system lets us lose some.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.sdk.delivery.test_processor import delivering
from tests.support.lossy_packets import WHY_NOT, can_lose, dropped, losing
from tests.support.lossy_proxy import Fault, LossyProxy
from tests.support.running import RunningCollector

from spanledger._delivery import processor as delivery

_PATIENCE_MS = 200_000
_BATCHES, _SPANS = 15, 20


def _ours(protocol: str, port: int) -> list[str]:
    """Names of spans that our SDK says were taken; it has to bring all of them."""
    names = [f"{protocol} {batch}.{n}" for batch in range(_BATCHES) for n in range(_SPANS)]
    with delivering(
        f"http://127.0.0.1:{port}", protocol=protocol, batch_size=_SPANS, timeout_seconds=5.0
    ) as (processor, span):
        for name in names:
            span(name)
        assert processor.force_flush(_PATIENCE_MS)
        counts = processor.delivery()
        assert (counts.sent, counts.failed, counts.dropped) == (len(names), 0, 0)
        assert counts.retried > 0
    return names


def _stock(port: int) -> list[str]:
    """Names of spans of which OpenTelemetry's exporter says that they were taken."""
    exporter = OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces", timeout=5)
    taken: list[str] = []
    for batch in range(_BATCHES):
        spans = _batch(f"stock {batch}")
        if exporter.export(spans) is SpanExportResult.SUCCESS:
            taken += [span.name for span in spans]
    exporter.shutdown()
    return taken


def _batch(name: str) -> Sequence[ReadableSpan]:
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    for number in range(_SPANS):
        provider.get_tracer("tests").start_span(f"{name}.{number}").end()
    return kept.get_finished_spans()


@pytest.mark.slow
def test_f40_a_bad_network_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(delivery, "_MAX_WAIT_SECONDS", 0.2)
    acknowledged: list[str] = []
    with RunningCollector(tmp_path / "data") as collector:
        for seed, (send, to) in enumerate(
            [
                (partial(_ours, "http/protobuf"), collector.http_port),
                (partial(_ours, "grpc"), collector.grpc_port),
                (_stock, collector.http_port),
            ]
        ):
            with LossyProxy(to, seed) as proxy:
                told = send(proxy.port)
                assert told
                acknowledged += told
                assert set(proxy.met) == set(Fault), proxy.met
        collector.wait_for("SELECT count() FROM spans FINAL", len(acknowledged))
        collector.wait_until(lambda: collector.reader.health()["journal"]["records"] == 0)
        rows = collector.rows("SELECT name, count() AS copies FROM spans FINAL GROUP BY name")
        arrived = collector.count("SELECT sum(spans) FROM arrivals FINAL")
    stored = {row["name"]: row["copies"] for row in rows}
    assert set(acknowledged) <= set(stored)
    assert set(stored.values()) == {1}
    # What was stored and whose answer was lost came again.
    assert arrived > len(stored)


_SENDING = """
import dataclasses, json, sys, spanledger
spanledger.init(endpoint=sys.argv[1], protocol=sys.argv[2], instrument=False, batch_size=20,
                timeout_seconds=20, schedule_delay_seconds=0.01)
for number in range(400):
    with spanledger.agent(f"{sys.argv[2]} {number}"):
        pass
flushed = spanledger.flush(200)
print(json.dumps(dataclasses.asdict(spanledger.delivery()) | {"flushed": flushed}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not can_lose(), reason=WHY_NOT)
def test_f40_lost_packets_cost_nothing(tmp_path: Path) -> None:
    """One packet in ten is lost, whichever it is."""
    with losing(0.1) as within:
        collector = RunningCollector(tmp_path / "data", within=within)
        ports = {"http/protobuf": collector.http_port, "grpc": collector.grpc_port}
        for protocol, port in ports.items():
            command = [sys.executable, "-c", _SENDING, f"http://127.0.0.1:{port}", protocol]
            done = subprocess.run(
                [*within, *command], capture_output=True, text=True, timeout=500, check=True
            )
            told = json.loads(done.stdout)
            assert (told["flushed"], told["sent"], told["accepted"]) == (True, 400, 400), told
        lost = dropped(within)
        collector.stop()
    assert lost > 10
    with RunningCollector(tmp_path / "data") as collector:
        collector.wait_for("SELECT count() FROM spans FINAL", 800)
        assert collector.count("SELECT count() FROM spans FINAL") == 800
        assert collector.count("SELECT uniqExact(name) FROM spans FINAL") == 800
