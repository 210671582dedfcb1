"""Export requests from plain values, and journal records around them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from spanledger_collector.signals import Signal

KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUSES = ("UNSET", "OK", "ERROR")
#: When the records of these tests were received: 2026-11-24, shortly after their spans ended.
RECEIVED_AT_NS = 1_795_500_000_000_000_000


@dataclass(frozen=True)
class PlainSpan:
    """A span in plain values. Attributes are pairs, so that a name can be sent twice.

    Values: str, int, float, bool, list, dict (kvlist), bytes, None (no value at all).
    """

    trace_id: str = "0123456789abcdef0123456789abcdef"
    span_id: str = "0123456789abcdef"
    parent_span_id: str = ""
    name: str = "span"
    kind: int = 1
    start_ns: int = RECEIVED_AT_NS - 2_000_000_000
    end_ns: int = RECEIVED_AT_NS - 1_000_000_000
    status: int = 0
    attributes: tuple[tuple[str, Any], ...] = ()
    events: tuple[tuple[str, int], ...] = ()
    scope: str = ""
    scope_version: str = ""
    resource: tuple[tuple[str, Any], ...] = (("service.name", "svc"),)


@dataclass(frozen=True)
class PlainRecord:
    """A journal record made by hand."""

    payload: bytes
    sequence: int = 1
    workspace: str = "default"
    tenant: str = ""
    span_count: int = 1
    received_at_ns: int = RECEIVED_AT_NS
    signal: Signal = "traces"


@dataclass
class Golden:
    """One case: spans of an emitter and the rows they must become."""

    path: Path
    spans: list[PlainSpan] = field(default_factory=list[PlainSpan])
    expected: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


_SCALARS: tuple[tuple[type, str], ...] = (
    (bool, "bool_value"),  # before int, which a bool is too
    (str, "string_value"),
    (int, "int_value"),
    (float, "double_value"),
    (bytes, "bytes_value"),
)


def set_value(value: AnyValue, plain: Any) -> None:
    """Writes a plain value."""
    if isinstance(plain, list):
        value.array_value.SetInParent()
        for element in cast("list[Any]", plain):
            set_value(value.array_value.values.add(), element)
    elif isinstance(plain, dict):
        value.kvlist_value.SetInParent()
        for key, element in cast("dict[str, Any]", plain).items():
            set_value(value.kvlist_value.values.add(key=key).value, element)
    else:
        name = next(name for kind, name in _SCALARS if isinstance(plain, kind))
        setattr(value, name, plain)


def _attributes(target: Any, pairs: Iterable[tuple[str, Any]]) -> None:
    for key, plain in pairs:
        pair: KeyValue = target.add(key=key)
        if plain is not None:
            set_value(pair.value, plain)


def _fill(span: ProtoSpan, plain: PlainSpan) -> None:
    span.trace_id = bytes.fromhex(plain.trace_id)
    span.span_id = bytes.fromhex(plain.span_id)
    span.parent_span_id = bytes.fromhex(plain.parent_span_id)
    span.name = plain.name
    span.kind = plain.kind  # pyright: ignore[reportAttributeAccessIssue] -- any int is valid on the wire
    span.start_time_unix_nano = plain.start_ns
    span.end_time_unix_nano = plain.end_ns
    span.status.code = plain.status  # pyright: ignore[reportAttributeAccessIssue] -- same
    _attributes(span.attributes, plain.attributes)
    for name, at_ns in plain.events:
        span.events.add(name=name, time_unix_nano=at_ns)


def request(spans: Iterable[PlainSpan]) -> bytes:
    """One request; spans that follow each other share resource and scope where these are equal."""
    message = ExportTraceServiceRequest()
    last: PlainSpan | None = None
    for plain in spans:
        if last is None or last.resource != plain.resource:
            _attributes(message.resource_spans.add().resource.attributes, plain.resource)
            last = None
        resource = message.resource_spans[-1]
        if last is None or (last.scope, last.scope_version) != (plain.scope, plain.scope_version):
            resource.scope_spans.add().scope.name = plain.scope
            resource.scope_spans[-1].scope.version = plain.scope_version
        _fill(resource.scope_spans[-1].spans.add(), plain)
        last = plain
    return message.SerializeToString()


def record(spans: Iterable[PlainSpan], sequence: int = 1, **fields: Any) -> PlainRecord:
    """A journal record that holds these spans."""
    held = list(spans)
    return PlainRecord(request(held), sequence, span_count=len(held), **fields)


def sampled(values: Iterable[float], at_ns: int = RECEIVED_AT_NS, device: str = "GPU-1") -> bytes:
    """One request of metrics: what a GPU drew, a second apart."""
    message = ExportMetricsServiceRequest()
    metric = message.resource_metrics.add().scope_metrics.add().metrics.add(name="hw.power")
    for number, watts in enumerate(values):
        point = metric.gauge.data_points.add(
            as_double=watts, time_unix_nano=at_ns + number * 1_000_000_000
        )
        _attributes(point.attributes, [("hw.id", device), ("hw.type", "gpu")])
    return message.SerializeToString()


def evaluated(scores: Iterable[float], at_ns: int = RECEIVED_AT_NS) -> bytes:
    """One request of logs: what a judge said of a span, a second apart, and a line beside."""
    message = ExportLogsServiceRequest()
    records = message.resource_logs.add().scope_logs.add().log_records
    for number, score in enumerate(scores):
        record = records.add(
            event_name="gen_ai.evaluation.result", trace_id=b"\x01" * 16, span_id=b"\x02" * 8,
            time_unix_nano=at_ns + number * 1_000_000_000,
        )  # fmt: skip
        told = [("gen_ai.evaluation.name", "tone"), ("gen_ai.evaluation.score.value", score)]
        _attributes(record.attributes, told)
    records.add(time_unix_nano=at_ns).body.string_value = "a line"
    return message.SerializeToString()


def engine_sampled(
    samples: Mapping[int, Mapping[str, float]],
    *,
    instance: str = "10.0.0.5:8000",
    labels: Mapping[str, str] | None = None,
) -> bytes:
    """One request of metrics: what an engine told, by when (ns) and name.

    As an OpenTelemetry Collector's Prometheus receiver writes it: counters end in ``_total``.
    """
    message = ExportMetricsServiceRequest()
    told = message.resource_metrics.add()
    _attributes(
        told.resource.attributes, [("service.name", "chat"), ("service.instance.id", instance)]
    )
    metrics = told.scope_metrics.add().metrics
    for at_ns, numbers in samples.items():
        for name, value in numbers.items():
            metric = metrics.add(name=name)
            data: Any = metric.gauge
            if name.endswith("_total"):
                data = metric.sum
                data.is_monotonic = True
                data.aggregation_temporality = 2
            point = data.data_points.add(as_double=value, time_unix_nano=at_ns)
            _attributes(point.attributes, list((labels or {"model_name": "m"}).items()))
    return message.SerializeToString()


def _pairs(plain: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(plain.items())


def read_spans(path: Path) -> list[PlainSpan]:
    """The spans of ``<case>.json``: the first half of a pair."""
    case = json.loads(path.read_text(encoding="utf-8"))
    return [
        PlainSpan(
            trace_id=span["trace_id"],
            span_id=span["span_id"],
            parent_span_id=span.get("parent_span_id", ""),
            name=span["name"],
            kind=KINDS.index(span["kind"]),
            start_ns=span["start_ns"],
            end_ns=span["end_ns"],
            status=STATUSES.index(span["status"]),
            attributes=_pairs(span["attributes"]),
            events=tuple((event["name"], event["time_ns"]) for event in span.get("events", [])),
            scope=span["scope"],
            scope_version=span.get("scope_version", ""),
            resource=_pairs(case["resource"]),
        )
        for span in case["spans"]
    ]


def read_golden(path: Path) -> Golden:
    """A pair on disk: ``<case>.json`` and ``<case>.expected.json``."""
    expected = path.with_suffix("").with_suffix(".expected.json")
    return Golden(path, read_spans(path), json.loads(expected.read_text(encoding="utf-8")))
