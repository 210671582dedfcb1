"""Metrics of GPUs and engines, over the real exporters, into the ledger.

A GPU's come from a real MeterProvider. An engine's have the names of Prometheus, which no
instrument of OpenTelemetry may have: they are handed to the exporter as an OpenTelemetry Collector
makes them of what it scraped.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcExporter,
)
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpExporter,
)
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    PeriodicExportingMetricReader,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from tests.support.running import RunningCollector

pytestmark = pytest.mark.slow

_Callback = Callable[[CallbackOptions], Iterable[Observation]]
_NEVER_MS = 3_600_000.0


class _Board:
    """A GPU that draws 360 kJ (0.1 kWh) between two collections."""

    def __init__(self, name: str) -> None:
        self.attributes = {"hw.id": name, "hw.name": "NVIDIA H100 80GB HBM3", "hw.type": "gpu"}
        self._joules = 7.5e9

    def energy(self, _options: CallbackOptions) -> Iterable[Observation]:
        self._joules += 360_000
        yield Observation(self._joules, self.attributes)

    def level(self, value: float) -> list[_Callback]:
        def told(_options: CallbackOptions) -> Iterable[Observation]:
            yield Observation(value, self.attributes)

        return [told]


def _tell(exporter: MetricExporter, board: _Board, times: int) -> None:
    """An application that measures its GPU, and other things too; each time is acknowledged."""
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=_NEVER_MS)
    provider = MeterProvider([reader], Resource({"host.name": "gpu-1", "service.name": "vllm"}))
    meter = provider.get_meter("tests")
    meter.create_observable_gauge("hw.gpu.utilization", board.level(0.75), "1")
    meter.create_observable_gauge("hw.power", board.level(412.5), "W")
    meter.create_observable_up_down_counter("hw.gpu.memory.usage", board.level(6e10), "By")
    meter.create_observable_counter("hw.energy", [board.energy], "J")
    meter.create_histogram("http.server.duration").record(0.2)
    for _ in range(times):
        assert provider.force_flush()
    provider.shutdown()


def _tell_engine(exporter: MetricExporter, instance: str) -> None:
    """Two scrapes of a vLLM server, half a minute apart."""
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    begin_ns = int(yesterday.replace(hour=12).timestamp()) * 10**9
    labels = {"model_name": "llama", "engine": "0"}

    def points(*values: float) -> list[NumberDataPoint]:
        return [
            NumberDataPoint(labels, begin_ns, begin_ns + step * 30 * 10**9, value)
            for step, value in enumerate(values)
        ]

    running = Metric("vllm:num_requests_running", "", "", Gauge(points(3.0, 5.0)))
    tokens = Metric(
        "vllm:generation_tokens_total",
        "",
        "",
        Sum(points(100.0, 700.0), AggregationTemporality.CUMULATIVE, True),
    )
    scope = ScopeMetrics(InstrumentationScope("prometheusreceiver"), [running, tokens], "")
    resource = Resource({"service.name": "chat", "service.instance.id": instance})
    told = MetricsData([ResourceMetrics(resource, [scope], "")])
    assert exporter.export(told) is MetricExportResult.SUCCESS


def _metrics(collector: RunningCollector) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{collector.api_port}/metrics") as answer:
        return str(answer.read().decode())


def test_metrics_of_gpus_and_engines_reach_the_ledger_once(tmp_path: Path) -> None:
    """Over gRPC and HTTP, packed; killed after the acknowledgement, none is lost and none twice."""
    boards = {name: _Board(f"GPU-{name}") for name in ("grpc", "http")}
    folder = tmp_path / "data"
    with RunningCollector(folder) as collector:
        grpc_exporter = GrpcExporter(
            endpoint=f"http://127.0.0.1:{collector.grpc_port}",
            insecure=True,
            compression=grpc.Compression.Gzip,
        )
        http_exporter = HttpExporter(
            endpoint=f"http://127.0.0.1:{collector.http_port}/v1/metrics",
            compression=Compression.Gzip,
        )
        _tell_engine(grpc_exporter, "10.0.0.5:8000")
        _tell_engine(http_exporter, "10.0.0.6:8000")
        _tell(grpc_exporter, boards["grpc"], 3)
        _tell(http_exporter, boards["http"], 3)
        told = _metrics(collector)
        collector.kill()
    # Three times and the last collection of the shutdown, four numbers each, and four of an engine;
    # the histogram is not.
    assert 'spanledger_receive_points_total{outcome="accepted",transport="grpc"} 20.0' in told
    assert 'spanledger_receive_points_total{outcome="refused",transport="grpc"} 4.0' in told
    assert 'outcome="accepted",transport="http_protobuf"} 20.0' in told
    with RunningCollector(folder) as collector:
        collector.wait_for("SELECT count() FROM gpu_samples", 32)
        assert collector.count("SELECT count() FROM gpu_samples") == 32
        collector.wait_for("SELECT count() FROM engine_samples", 8)
        assert collector.count("SELECT count() FROM engine_samples") == 8
        with collector.ledger() as ledger:
            engines = ledger.engines()
            days = ledger.arrow("gpu_utilisation").to_pylist()
    rows = {row["device_id"]: row for row in days}
    assert set(rows) == {"GPU-grpc", "GPU-http"}
    for row in rows.values():
        assert (row["host"], row["device_name"]) == ("gpu-1", "NVIDIA H100 80GB HBM3")
        assert (row["samples"], row["utilisation_mean"], row["utilisation_max"]) == (16, 0.75, 0.75)
        assert (row["power_mean_watts"], row["memory_used_max_bytes"]) == (412.5, 6e10)
        assert row["memory_limit_bytes"] is None
        assert row["energy_kwh"] == pytest.approx(0.3)
        assert row["first_at"].astimezone(timezone.utc).date() == row["day"]
    assert [row.instance for row in engines] == ["10.0.0.5:8000", "10.0.0.6:8000"]
    for row in engines:
        assert (row.service_name, row.engine, row.model) == ("chat", "vllm", "llama")
        assert (row.running_max, row.output_tokens, row.counted_seconds) == (5.0, 600.0, 30.0)
