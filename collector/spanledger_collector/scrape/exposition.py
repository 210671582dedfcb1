"""The text of ``/metrics`` -> an OTLP request of what an engine tells. Pure.

prometheus_client's own parser reads it; only metrics that are kept go on. As an OpenTelemetry
Collector has it: counters become cumulative sums, histograms stay ones.
"""

from collections.abc import Iterable
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric as OtlpMetric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from spanledger.semconv import SERVICE_NAME, TENANT_ID
from spanledger_collector.engine_metrics import engine_metric

from .document import Target

_CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
_SCOPE = "spanledger.scrape"
#: Longest line: the parser's time grows with the square of it.
MAX_LINE_CHARACTERS: Final = 16 * 1024


def exported(text: str, target: Target, at_ns: int) -> ExportMetricsServiceRequest:
    """What of an answer is kept, as if the engine had sent it; without metrics where nothing is.

    Args:
        text: the answer, in Prometheus' text format.
        target: who gave it.
        at_ns: when, nanoseconds since 1970.

    Raises:
        ValueError: it is no such text, or a line of it is too long.
    """
    if any(len(line) > MAX_LINE_CHARACTERS for line in text.splitlines()):
        raise ValueError(f"a line has more than {MAX_LINE_CHARACTERS} characters")
    request = ExportMetricsServiceRequest()
    told = request.resource_metrics.add(resource=_resource(target))
    scope = told.scope_metrics.add()
    scope.scope.name = _SCOPE
    for family in text_string_to_metric_families(text):
        if engine_metric(family.name) is not None:
            scope.metrics.append(_metric(family, at_ns))
    return request


def _resource(target: Target) -> Resource:
    told = {SERVICE_NAME: target.name, "service.instance.id": target.instance}
    if target.tenant:
        told[TENANT_ID] = target.tenant
    return Resource(attributes=_pairs(told.items()))


def _metric(family: Metric, at_ns: int) -> OtlpMetric:
    """A family with the points that tell its whole: of a histogram its sums."""
    metric = OtlpMetric(name=family.name)
    if family.type == "histogram":
        metric.histogram.aggregation_temporality = _CUMULATIVE
        for sample in _named(family, "_sum"):
            metric.histogram.data_points.add(
                attributes=_pairs(sample.labels.items()), time_unix_nano=at_ns, sum=sample.value
            )
        return metric
    points = metric.gauge.data_points
    if family.type == "counter":
        metric.sum.is_monotonic = True
        metric.sum.aggregation_temporality = _CUMULATIVE
        points = metric.sum.data_points
    for sample in _named(family, "_total" if family.type == "counter" else ""):
        points.add(
            attributes=_pairs(sample.labels.items()), time_unix_nano=at_ns, as_double=sample.value
        )
    return metric


def _named(family: Metric, ending: str) -> Iterable[Sample]:
    """Its samples of this ending: no buckets, no counts, no times of creation."""
    return (sample for sample in family.samples if sample.name == family.name + ending)


def _pairs(told: Iterable[tuple[str, str]]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in told]
