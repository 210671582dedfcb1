"""OTLP metrics -> the samples of GPUs and engines that are kept, as canonical protobuf.

The ledger is no store of metrics. Of a request it keeps what GPUs tell of themselves by the names
of the hardware conventions (OpenTelemetry, "Semantic conventions for GPU metrics") and what
inference engines do (``engine_samples``), and of that only what the ledger has a column for:
numbers, their times, and who told them. Everything else is
rejected the way OTLP has it: the request succeeds and says how many points were left out and why
the first was, so that no sender sends it again.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    DataPointFlags,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
)

from spanledger.semconv import SERVICE_NAME, TENANT_ID
from spanledger_collector.engine_metrics import engine_metric
from spanledger_collector.errors import TooLargeError
from spanledger_collector.receive import engine_samples
from spanledger_collector.receive.broken_text import parse
from spanledger_collector.receive.otlp_json import read_json
from spanledger_collector.receive.points import (
    CUMULATIVE,
    DELTA,
    MOST_TEXT,
    flaw_of_time,
    flaw_of_value,
    texts,
    value_of,
)
from spanledger_collector.receive.wire import check_submessages

MAX_POINTS: Final = 50_000
#: Metric -> its unit; in another unit it would be another number.
UNITS: Final[Mapping[str, str]] = {
    "hw.gpu.utilization": "1",
    "hw.gpu.memory.usage": "By",
    "hw.gpu.memory.limit": "By",
    "hw.gpu.memory.utilization": "1",
    "hw.power": "W",
    "hw.energy": "J",
}
#: The one that is a total; the others are levels.
_ENERGY: Final = "hw.energy"
_OF_RESOURCE: Final = frozenset(
    {"host.name", "host.id", SERVICE_NAME, TENANT_ID, *engine_samples.INSTANCE}
)
_OF_POINT: Final = frozenset({"hw.id", "hw.name", "hw.type", "hw.gpu.task"})
_NO_VALUE: Final = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK


@dataclass(slots=True)
class DecodedMetrics:
    """What of a request may be stored.

    Attributes:
        payload: canonical ``ExportMetricsServiceRequest`` of the points that are kept.
        points: how many these are.
        rejected: points that were left out.
        rejection: why the first of them was, for the sender; empty when there is none.
        repaired: strings that were not UTF-8.
    """

    payload: bytes = b""
    points: int = 0
    rejected: int = 0
    rejection: str = ""
    repaired: int = 0

    def reject(self, points: int, reason: str) -> None:
        """Count points that are left out for one reason."""
        self.rejected += points
        if points:
            self.rejection = self.rejection or reason


@dataclass(slots=True)
class _Kept:
    """A request in the making, and what was left out of it."""

    now_ns: int
    told: DecodedMetrics = field(default_factory=DecodedMetrics)
    request: ExportMetricsServiceRequest = field(default_factory=ExportMetricsServiceRequest)


def decode_metrics(body: bytes) -> DecodedMetrics:
    """Decode an OTLP/protobuf request of metrics.

    Raises:
        MalformedError: the bytes are not one.
        TooLargeError: too many points or messages.
    """
    check_submessages(body, signal="metrics")
    request = ExportMetricsServiceRequest()
    _, repaired = parse(body, request)
    decoded = samples(request)
    decoded.repaired = repaired
    return decoded


def decode_metrics_json(body: bytes) -> tuple[DecodedMetrics, int]:
    """Decode an OTLP/JSON request of metrics.

    Returns:
        What is kept of it, and how many fields were written as OTLP forbids senders to.

    Raises:
        MalformedError: the bytes are not one.
        TooLargeError: too many points or values.
    """
    request = ExportMetricsServiceRequest()
    lenient_fields = read_json(body, request)
    return samples(request), lenient_fields


def samples(request: ExportMetricsServiceRequest) -> DecodedMetrics:
    """What is kept of a request.

    Raises:
        TooLargeError: it holds too many points.
    """
    kept = _Kept(time.time_ns())
    for resource in request.resource_metrics:
        _of_resource(resource, kept)
    kept.told.payload = kept.request.SerializeToString() if kept.told.points else b""
    return kept.told


def _of_resource(resource: ResourceMetrics, kept: _Kept) -> None:
    told = kept.told
    mine = ResourceMetrics()
    mine.resource.attributes.extend(texts(resource.resource.attributes, _OF_RESOURCE))
    for scope in resource.scope_metrics:
        held = mine.scope_metrics.add()
        held.scope.name = scope.scope.name[:MOST_TEXT]
        for metric in scope.metrics:
            points = _points(metric)
            if told.points + told.rejected + len(points) > MAX_POINTS:
                raise TooLargeError(
                    f"The request holds more than {MAX_POINTS} data points: send smaller batches."
                )
            good = _good(metric, points, mine.resource.attributes, kept)
            if good:
                told.points += len(good)
                _add(held.metrics.add(), metric, good)
    if any(scope.metrics for scope in mine.scope_metrics):
        kept.request.resource_metrics.append(mine)


def _points(metric: Metric) -> Sequence[Any]:
    """Its data points, of whatever kind."""
    kind = metric.WhichOneof("data")
    return getattr(metric, kind).data_points if kind else ()


def _good(
    metric: Metric, points: Sequence[Any], resource: Sequence[KeyValue], kept: _Kept
) -> list[Any]:
    """The points that are kept; the others are counted."""
    known = engine_metric(metric.name)
    reason = _flaw(metric) if known is None else engine_samples.flaw(metric, known)
    if reason:
        kept.told.reject(len(points), reason)
        return []
    good: list[Any] = []
    for point in points:
        if point.flags & _NO_VALUE:  # it says that there is no value: nothing is lost
            continue
        if known is None:
            reason = _flaw_of_point(metric, point, kept.now_ns)
        elif engine_samples.is_breakdown(point):
            continue
        else:
            reason = engine_samples.flaw_of_point(point, known, resource, kept.now_ns)
        if reason:
            kept.told.reject(1, f"{metric.name}: {reason}")
        else:
            good.append(point)
    return good


def _flaw(metric: Metric) -> str:
    """Why no point of a metric is kept; empty where they may be."""
    name, kind = metric.name, metric.WhichOneof("data")
    unit = UNITS.get(name)
    if unit is None:
        return (
            f"{name[:80]!r} is none of the metrics of GPUs that are kept "
            f"({', '.join(UNITS)}), nor of engines: send others elsewhere"
        )
    if metric.unit not in ("", unit):
        return f"{name} is in {metric.unit[:20]!r}, not in {unit!r}"
    if kind not in ("gauge", "sum"):
        return f"{name} is a {kind}, not a gauge or a sum"
    if name == _ENERGY:
        counts = kind == "sum" and metric.sum.is_monotonic
        if not counts or metric.sum.aggregation_temporality not in (CUMULATIVE, DELTA):
            return f"{name} is no monotonic sum, cumulative or delta"
    elif kind == "sum" and metric.sum.aggregation_temporality != CUMULATIVE:
        return f"{name} is a level: as a sum it has to be cumulative"
    return ""


def _flaw_of_point(metric: Metric, point: NumberDataPoint, now_ns: int) -> str:
    """Why a point is not kept; empty where it is."""
    told = {pair.key: pair.value.string_value for pair in point.attributes}
    if not told.get("hw.id"):
        return "hw.id is not told"
    # Power and energy are of anything; what is hw.gpu.* is of a GPU.
    kind = told.get("hw.type", "gpu" if metric.name.startswith("hw.gpu.") else "")
    if kind != "gpu":
        return f"hw.type is {kind[:40]!r}, not 'gpu'"
    return flaw_of_time(point, now_ns) or flaw_of_value(
        value_of(point), share=UNITS[metric.name] == "1"
    )


def _add(target: Metric, metric: Metric, points: Iterable[Any]) -> None:
    """A metric with these points; of them their value, their times and who they are of."""
    known = engine_metric(metric.name)
    if known is not None:
        engine_samples.add(target, metric, known, points)
        return
    target.name = metric.name
    target.unit = UNITS[metric.name]
    data: Any = target.gauge
    if metric.name == _ENERGY:
        data = target.sum
        data.is_monotonic = True
        data.aggregation_temporality = metric.sum.aggregation_temporality
    for point in points:
        data.data_points.add(
            attributes=texts(point.attributes, _OF_POINT),
            start_time_unix_nano=point.start_time_unix_nano,
            time_unix_nano=point.time_unix_nano,
            as_double=value_of(point),
        )
