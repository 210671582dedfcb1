"""Of OTLP metrics those that an inference engine tells of itself (``engine_metrics``).

They come as an OpenTelemetry Collector's Prometheus receiver writes what it scraped: gauges,
cumulative sums, and histograms, of which the sum is kept as one.
"""

from collections.abc import Iterable
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from spanledger_collector.engine_metrics import MODEL_LABELS, PART_LABELS, EngineMetric
from spanledger_collector.receive.points import (
    CUMULATIVE,
    DELTA,
    flaw_of_time,
    flaw_of_value,
    texts,
    value_of,
)

#: Who told it: one of these has to be there, or two servers would be taken for one.
INSTANCE: Final = ("service.instance.id", "server.address", "host.name")
_OF_POINT: Final = frozenset({*MODEL_LABELS, *PART_LABELS})
#: Parts of a sum that the same server tells beside it.
_BREAKDOWN: Final = "priority"


def flaw(metric: Metric, known: EngineMetric) -> str:
    """Why no point of a metric is kept; empty where they may be."""
    name, kind = metric.name, metric.WhichOneof("data")
    if not known.is_total:
        level = kind == "gauge" or (
            kind == "sum" and metric.sum.aggregation_temporality == CUMULATIVE
        )
        return "" if level else f"{name} is a level: a gauge is needed"
    grows = kind == "histogram" or (kind == "sum" and metric.sum.is_monotonic)
    told = metric.histogram if kind == "histogram" else metric.sum
    if not grows or told.aggregation_temporality not in (CUMULATIVE, DELTA):
        return f"{name} is a total: a monotonic sum or a histogram is needed, cumulative or delta"
    return ""


def flaw_of_point(
    point: Any, known: EngineMetric, resource: Iterable[KeyValue], now_ns: int
) -> str:
    """Why a point is not kept; empty where it is."""
    if not any(pair.key in INSTANCE and pair.value.string_value for pair in resource):
        return f"which server told it is not said: its resource needs one of {', '.join(INSTANCE)}"
    return flaw_of_time(point, now_ns) or flaw_of_value(
        _value(point), share=known.measure == "kv_cache_used"
    )


def is_breakdown(point: Any) -> bool:
    """It is a part of what another point of the same request tells in all: nothing is lost."""
    return any(pair.key == _BREAKDOWN and pair.value.string_value for pair in point.attributes)


def add(target: Metric, metric: Metric, known: EngineMetric, points: Iterable[Any]) -> None:
    """A metric with these points; of them their value, their times and who they are of."""
    target.name = metric.name
    data: Any = target.gauge
    if known.is_total:
        told: Any = metric.sum if metric.WhichOneof("data") == "sum" else metric.histogram
        data = target.sum
        data.is_monotonic = True
        data.aggregation_temporality = told.aggregation_temporality
    for point in points:
        data.data_points.add(
            attributes=texts(point.attributes, _OF_POINT),
            start_time_unix_nano=point.start_time_unix_nano,
            time_unix_nano=point.time_unix_nano,
            as_double=_value(point),
        )


def _value(point: Any) -> float:
    """Its number; of a histogram its sum, which is 0 where it has seen nothing."""
    return value_of(point) if hasattr(point, "as_double") else float(point.sum)
