"""OTLP requests of metrics: what GPUs tell of themselves, and others."""

from __future__ import annotations

import time
from typing import Any

import orjson
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from spanledger_collector.receive.samples import UNITS

CUMULATIVE, DELTA = 2, 1


def pair(key: str, value: str) -> KeyValue:
    """An attribute."""
    return KeyValue(key=key, value=AnyValue(string_value=value))


def add_metric(
    request: ExportMetricsServiceRequest, name: str, value: float = 0.5, **given: Any
) -> Any:
    """A metric with one point; ``given`` are fields of the point, ``unit`` and ``sum``."""
    if not request.resource_metrics:
        resource = request.resource_metrics.add()
        resource.resource.attributes.extend(
            [pair("service.name", "server"), pair("host.name", "gpu-1"), pair("os", "linux")]
        )
        resource.scope_metrics.add().scope.name = "tests"
    metric = request.resource_metrics[0].scope_metrics[0].metrics.add(name=name)
    metric.unit = given.pop("unit", UNITS.get(name, ""))
    data: Any = metric.gauge
    if given.pop("sum", name == "hw.energy"):
        data = metric.sum
        data.is_monotonic = given.pop("monotonic", name == "hw.energy")
        data.aggregation_temporality = given.pop("temporality", CUMULATIVE)
    attributes = given.pop("attributes", {"hw.id": "GPU-1", "hw.type": "gpu", "hw.name": "H100"})
    point = data.data_points.add(as_double=value, time_unix_nano=time.time_ns(), **given)
    point.attributes.extend(pair(key, text) for key, text in attributes.items())
    return point


def metric_request(*names: str) -> ExportMetricsServiceRequest:
    """One point of each metric."""
    request = ExportMetricsServiceRequest()
    for name in names:
        add_metric(request, name)
    return request


def metric_names(payload: bytes) -> list[str]:
    """Of each point of what is stored, its metric."""
    return [
        metric.name
        for resource in ExportMetricsServiceRequest.FromString(payload).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for _ in (*metric.gauge.data_points, *metric.sum.data_points)
    ]


def metric_json(request: ExportMetricsServiceRequest) -> bytes:
    """As OTLP/JSON: protobuf's own, where there are no ids."""
    return orjson.dumps(MessageToDict(request, use_integers_for_enums=True))
