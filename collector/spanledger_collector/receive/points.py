"""What is read of any data point: its number, its time, its attributes."""

import math
from collections.abc import Iterable
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, NumberDataPoint

CUMULATIVE: Final = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
DELTA: Final = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
MOST_TEXT: Final = 256
_DAY_NS: Final = 86_400_000_000_000
#: Months are partitions: a sender cannot make any number of them.
_OLDEST_NS: Final = 365 * _DAY_NS


def value_of(point: NumberDataPoint) -> float:
    """Its number; NaN where it has none."""
    kind = point.WhichOneof("value")
    return float(getattr(point, kind)) if kind else math.nan


def flaw_of_time(point: Any, now_ns: int) -> str:
    """Why its time cannot be; empty where it can."""
    if not now_ns - _OLDEST_NS <= point.time_unix_nano <= now_ns + _DAY_NS:
        return "its time is not told, over a year ago, or in the future"
    return ""


def flaw_of_value(value: float, *, share: bool) -> str:
    """Why it is no such number; empty where it is one."""
    if not math.isfinite(value) or value < 0:
        return "a number from 0 on is needed"
    return "a share from 0 to 1 is needed" if share and value > 1 else ""


def texts(pairs: Iterable[KeyValue], names: frozenset[str]) -> list[KeyValue]:
    """The attributes of these names that are texts, cut."""
    return [
        KeyValue(key=pair.key, value=AnyValue(string_value=pair.value.string_value[:MOST_TEXT]))
        for pair in pairs
        if pair.key in names and pair.value.string_value
    ]
