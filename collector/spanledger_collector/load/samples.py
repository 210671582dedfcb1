"""Journal records of metrics as rows of ``metric_samples_in``, one a data point.

What is of a GPU goes on to ``gpu_samples``, what is of an engine to ``engine_samples``. A GPU tells
six numbers a minute, so Python makes the rows; spans, which come by the thousand, are
decoded by the engine (``frame.py``). The receiver has seen to it that points are numbers, their
metrics known, and their times possible. The same records always become the same bytes: a
deduplication token names them.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

import orjson
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Metric,
    NumberDataPoint,
)

from spanledger.semconv import SERVICE_NAME, TENANT_ID
from spanledger_collector.engine_metrics import (
    MODEL_LABELS,
    PART_LABELS,
    EngineMetric,
    engine_metric,
)
from spanledger_collector.load.frame import LoadRecord

#: The engine's name of the format.
FORMAT = "JSONEachRow"
#: Changes whenever the same records would become other rows: part of every deduplication token.
ROW_FORMAT = 2
TABLE = "metric_samples_in"

_NANO = 1_000_000_000
_DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA


def sampled(records: Iterable[LoadRecord], journal_id: str) -> bytes:
    """The rows for these records, in their order.

    Raises:
        DecodeError: a payload is no export request.
    """
    return b"".join(
        orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
        for record in records
        for row in _rows(record, journal_id)
    )


def _rows(record: LoadRecord, journal_id: str) -> Iterator[dict[str, object]]:
    request = ExportMetricsServiceRequest.FromString(record.payload)
    arrival = {
        "workspace": record.workspace,
        "received_at": _moment(record.received_at_ns),
        "journal_id": journal_id,
        "sequence": record.sequence,
    }
    for resource in request.resource_metrics:
        told = _texts(resource.resource.attributes)
        told_by = {
            "tenant": record.tenant or told.get(TENANT_ID, ""),
            "host": told.get("host.name") or told.get("host.id", ""),
            "service_name": told.get(SERVICE_NAME, ""),
        }
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind, points = _points(metric)
                told_of = {"metric": metric.name, "kind": kind}
                known = engine_metric(metric.name)
                instance = {} if known is None else {"instance": _instance(told)}
                for point in points:
                    of_what = _device(point) if known is None else _part(point, known)
                    yield {**arrival, **told_by, **instance, **told_of, **of_what, **_point(point)}


def _points(metric: Metric) -> tuple[str, Iterable[NumberDataPoint]]:
    """Gauge, cumulative or delta, and the points."""
    if metric.WhichOneof("data") == "gauge":
        return "gauge", metric.gauge.data_points
    delta = metric.sum.aggregation_temporality == _DELTA
    return "delta" if delta else "cumulative", metric.sum.data_points


def _instance(told: Mapping[str, str]) -> str:
    """Which server told it."""
    return (
        told.get("service.instance.id") or told.get("server.address") or told.get("host.name", "")
    )


def _device(point: NumberDataPoint) -> Mapping[str, object]:
    texts = _texts(point.attributes)
    return {
        "device_id": texts.get("hw.id", ""),
        "device_name": texts.get("hw.name", ""),
        "task": texts.get("hw.gpu.task", ""),
    }


def _part(point: NumberDataPoint, known: EngineMetric) -> Mapping[str, object]:
    texts = _texts(point.attributes)
    return {
        "engine": known.engine,
        "measure": known.measure,
        "model": next((texts[name] for name in MODEL_LABELS if texts.get(name)), ""),
        "part": " ".join(f"{name}={texts[name]}" for name in PART_LABELS if texts.get(name)),
    }


def _point(point: NumberDataPoint) -> Mapping[str, object]:
    return {
        "began_at": _moment(min(point.start_time_unix_nano, point.time_unix_nano)),
        "at": _moment(point.time_unix_nano),
        "value": point.as_double,
    }


def _texts(pairs: Iterable[KeyValue]) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in pairs}


def _moment(unix_ns: int) -> str:
    """As the engine reads a DateTime64(9)."""
    seconds, rest = divmod(unix_ns, _NANO)
    at: Any = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{at:%Y-%m-%d %H:%M:%S}.{rest:09d}"
