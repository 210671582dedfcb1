"""Metrics: what GPUs tell of themselves is kept, everything else is told to be left out."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import orjson
import pytest
from grpc import aio
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from tests.collector.receive.conftest import Connect, Inbox, Start
from tests.collector.receive.told_metrics import (
    CUMULATIVE,
    DELTA,
    add_metric,
    metric_json,
    metric_names,
    metric_request,
    pair,
)

from spanledger_collector.errors import (
    CollectorError,
    TooLargeError,
)
from spanledger_collector.receive.samples import (
    MAX_POINTS,
    UNITS,
    decode_metrics,
    decode_metrics_json,
    samples,
)

_EXPORT = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"


def test_every_metric_of_a_gpu_is_kept_with_what_names_it_and_nothing_else() -> None:
    """Other attributes of the resource, exemplars and descriptions are not."""
    request = metric_request(*UNITS)
    metric = request.resource_metrics[0].scope_metrics[0].metrics[0]
    metric.description = "words"
    metric.gauge.data_points[0].exemplars.add(as_int=1)
    metric.gauge.data_points[0].attributes.append(pair("hw.serial_number", "secret"))
    told = samples(request)
    assert (told.points, told.rejected, told.rejection) == (6, 0, "")
    assert metric_names(told.payload) == list(UNITS)
    assert b"words" not in told.payload
    assert b"secret" not in told.payload
    assert b"linux" not in told.payload
    again = samples(ExportMetricsServiceRequest.FromString(told.payload))
    assert again.payload == told.payload


def _over(metric: Metric) -> None:
    metric.gauge.data_points[0].as_double = 55.0


def _untyped(metric: Metric) -> None:
    del metric.gauge.data_points[0].attributes[1]


def _of_a_battery(metric: Metric) -> None:
    metric.gauge.data_points[0].attributes[1].value.string_value = "battery"


def _unnamed(metric: Metric) -> None:
    metric.gauge.data_points[0].attributes[0].value.string_value = ""


def _at(offset_s: int) -> Callable[[Metric], None]:
    def moved(metric: Metric) -> None:
        metric.gauge.data_points[0].time_unix_nano = time.time_ns() + offset_s * 10**9

    return moved


def _value(value: float) -> Callable[[Metric], None]:
    def changed(metric: Metric) -> None:
        metric.gauge.data_points[0].as_double = value

    return changed


def _as_sum(temporality: int) -> Callable[[Metric], None]:
    def changed(metric: Metric) -> None:
        points = list(metric.gauge.data_points)
        metric.sum.data_points.extend(points)
        metric.sum.is_monotonic = True
        metric.sum.aggregation_temporality = temporality  # pyright: ignore[reportAttributeAccessIssue] -- any number comes in

    return changed


def _as_gauge(metric: Metric) -> None:
    metric.gauge.data_points.extend(list(metric.sum.data_points))


def _set(path: str, value: object) -> Callable[[Metric], None]:
    *parents, name = path.split(".")

    def changed(metric: Metric) -> None:
        setattr(reduce(getattr, parents, metric), name, value)

    return changed


def _histogram(metric: Metric) -> None:
    metric.histogram.data_points.add(count=3)


_DAY_S = 86_400


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("http.server.duration", None, "none of the metrics of GPUs"),
        ("hw.temperature", None, "none of the metrics of GPUs"),
        ("hw.gpu.utilization", _over, "a share from 0 to 1"),
        ("hw.gpu.utilization", _value(float("nan")), "a number from 0 on"),
        ("hw.power", _value(-1.0), "a number from 0 on"),
        ("hw.power", _value(float("inf")), "a number from 0 on"),
        ("hw.power", _untyped, "hw.type is '', not 'gpu'"),
        ("hw.power", _of_a_battery, "hw.type is 'battery', not 'gpu'"),
        ("hw.power", _unnamed, "hw.id is not told"),
        ("hw.power", _at(2 * _DAY_S), "in the future"),
        ("hw.power", _at(-366 * _DAY_S), "over a year ago"),
        ("hw.power", _as_sum(DELTA), "has to be cumulative"),
        ("hw.power", _histogram, "is a histogram, not a gauge or a sum"),
        ("hw.energy", _as_gauge, "no monotonic sum"),
        ("hw.energy", _set("sum.is_monotonic", False), "no monotonic sum"),
        ("hw.energy", _set("sum.aggregation_temporality", 0), "cumulative or delta"),
        ("hw.energy", _set("unit", "kWh"), "is in 'kWh', not in 'J'"),
    ],
)
def test_what_is_not_kept_is_told(
    name: str, change: Callable[[Metric], None] | None, says: str
) -> None:
    """One point among good ones: it is counted, the reason is in words, the others stay."""
    request = metric_request("hw.gpu.memory.usage", name)
    if change is not None:
        change(request.resource_metrics[0].scope_metrics[0].metrics[1])
    told = samples(request)
    assert metric_names(told.payload) == ["hw.gpu.memory.usage"]
    assert told.points == 1
    assert told.rejected == 1
    assert says in told.rejection


def test_levels_may_be_up_down_counters_and_energy_may_be_deltas() -> None:
    """As the conventions have it, and as some exporters prefer it."""
    request = ExportMetricsServiceRequest()
    add_metric(request, "hw.gpu.memory.usage", 8e9, sum=True)
    add_metric(request, "hw.energy", 30.0, temporality=DELTA, start_time_unix_nano=1)
    add_metric(request, "hw.gpu.utilization", attributes={"hw.id": "0"})
    told = samples(request)
    assert (told.points, told.rejected) == (3, 0)
    kept = ExportMetricsServiceRequest.FromString(told.payload).resource_metrics[0]
    usage, energy, _ = kept.scope_metrics[0].metrics
    assert usage.WhichOneof("data") == "gauge"
    assert energy.sum.aggregation_temporality == DELTA


def test_a_point_that_says_there_is_no_value_is_no_loss() -> None:
    """Exporters mark a series that ended so."""
    request = ExportMetricsServiceRequest()
    add_metric(request, "hw.power", flags=1)
    assert samples(request) == samples(ExportMetricsServiceRequest())


def test_integers_are_numbers_and_a_point_without_one_is_none() -> None:
    """``as_int`` is what most gauges of bytes are."""
    request = ExportMetricsServiceRequest()
    add_metric(request, "hw.gpu.memory.usage").as_int = 80 * 2**30
    add_metric(request, "hw.power").ClearField("as_double")
    told = samples(request)
    assert (told.points, told.rejected) == (1, 1)
    kept = ExportMetricsServiceRequest.FromString(told.payload)
    [point] = kept.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points
    assert point.as_double == 80 * 2**30


def test_too_many_points_are_refused() -> None:
    """Whether they would be kept or not."""
    request = metric_request("anything")
    points = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points
    points.extend([points[0]] * MAX_POINTS)
    with pytest.raises(TooLargeError, match="smaller batches"):
        samples(request)


_ONE = metric_request(*UNITS, "other").SerializeToString()


@given(st.lists(st.tuples(st.integers(0, len(_ONE) - 1), st.integers(0, 255)), max_size=4))
def test_harmed_bytes_are_refused_or_understood_but_nothing_else(
    harm: list[tuple[int, int]],
) -> None:
    """What is understood is a request again, and the same one."""
    body = bytearray(_ONE)
    for at, byte in harm:
        body[at] = byte
    try:
        told = decode_metrics(bytes(body))
    except CollectorError:
        return
    assert len(metric_names(told.payload)) == told.points
    assert decode_metrics(told.payload).payload == told.payload


def test_json_gives_the_same_bytes() -> None:
    """Protobuf's own JSON is OTLP's where there are no ids."""
    request = metric_request(*UNITS, "other")
    told, lenient = decode_metrics_json(metric_json(request))
    assert told == samples(request)
    assert lenient == 0


@pytest.mark.parametrize("content_type", ["application/x-protobuf", "application/json"])
async def test_http_stores_them_and_tells_what_it_left_out(
    start: Start, connect: Connect, inbox: Inbox, content_type: str
) -> None:
    """200 and a partial success: no sender sends it again."""
    running = await start()
    request = metric_request(*UNITS, "http.server.duration", "process.cpu.time")
    as_json = content_type == "application/json"
    body = gzip.compress(metric_json(request) if as_json else request.SerializeToString())
    connection = await connect(running)
    await connection.request(
        body, path="/v1/metrics", content_type=content_type, headers={"content-encoding": "gzip"}
    )
    answer = await connection.answer()
    assert answer.status == 200
    assert answer.headers["content-type"] == content_type
    if as_json:
        told = orjson.loads(answer.body)["partialSuccess"]
        assert told["rejectedDataPoints"] == "2"
        words = told["errorMessage"]
    else:
        partial = ExportMetricsServiceResponse.FromString(answer.body).partial_success
        assert partial.rejected_data_points == 2
        words = partial.error_message
    assert "2 data points were not kept, 6 stored" in words
    assert "'http.server.duration' is none of the metrics of GPUs" in words
    assert metric_names(inbox.payloads[0]) == list(UNITS)
    [meaning] = inbox.meanings
    assert (meaning["signal"], meaning["span_count"]) == ("metrics", 6)
    transport = "http_json" if as_json else "http_protobuf"
    assert running.count("points_total", transport=transport, outcome="accepted") == 6
    assert running.count("points_total", transport=transport, outcome="refused") == 2
    assert running.count("requests_total", transport=transport, outcome="partial") == 1


async def test_nothing_to_keep_is_a_success_and_not_stored(
    start: Start, connect: Connect, inbox: Inbox
) -> None:
    """An application that sends all its metrics here is told so, never made to try again."""
    connection = await connect(await start())
    await connection.request(metric_request("a", "b").SerializeToString(), path="/v1/metrics")
    answer = await connection.answer()
    partial = ExportMetricsServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, partial.rejected_data_points) == (200, 2)
    assert inbox.payloads == []


async def test_grpc_stores_them(start: Start, inbox: Inbox) -> None:
    """The same path; no bytes at all when everything was kept."""
    running = await start()
    async with aio.insecure_channel(f"127.0.0.1:{running.ports.grpc}") as channel:
        export = channel.unary_unary(_EXPORT)
        assert await export(metric_request(*UNITS).SerializeToString()) == b""
        answer = await export(metric_request("hw.power", "other").SerializeToString())
    partial = ExportMetricsServiceResponse.FromString(answer).partial_success
    assert partial.rejected_data_points == 1
    assert [meaning["span_count"] for meaning in inbox.meanings] == [6, 1]
    assert running.count("points_total", transport="grpc", outcome="accepted") == 7


async def test_redaction_holds_for_points(
    start: Start, connect: Connect, inbox: Inbox, tmp_path: Path
) -> None:
    """Resources and points, before anything is on disk."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "rules:\n  - {name: host.name, action: hash}\n  - {name: hw.name, action: drop}\n"
    )
    connection = await connect(await start(redaction_file=rules, redaction_key="k"))
    await connection.request(
        metric_request("hw.power", "hw.energy").SerializeToString(), path="/v1/metrics"
    )
    assert (await connection.answer()).status == 200
    [payload] = inbox.payloads
    assert b"gpu-1" not in payload
    assert b"H100" not in payload
    assert payload.count(b"GPU-1") == 2


_ENGINE = {"service.instance.id": "10.0.0.5:8000", "service.name": "chat"}


def _of_engines(**attributes: str) -> tuple[ExportMetricsServiceRequest, Any]:
    """A request of one server, and its list of metrics."""
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    told = {key.replace("__", "."): value for key, value in attributes.items()} or _ENGINE
    resource.resource.attributes.extend(pair(key, value) for key, value in told.items())
    return request, resource.scope_metrics.add().metrics


def _grow(metrics: Any, name: str, value: float = 1.0, **labels: str) -> Any:
    metric = metrics.add(name=name)
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = CUMULATIVE
    point = metric.sum.data_points.add(as_double=value, time_unix_nano=time.time_ns())
    point.attributes.extend(pair(key, text) for key, text in labels.items())
    return metric


def _be(metrics: Any, name: str, value: float = 0.5, **labels: str) -> Any:
    metric = metrics.add(name=name)
    point = metric.gauge.data_points.add(as_double=value, time_unix_nano=time.time_ns())
    point.attributes.extend(pair(key, text) for key, text in labels.items())
    return metric


def test_what_engines_tell_is_kept_under_either_spelling() -> None:
    """With ``:`` or ``_``, with ``_total`` or without, old names and new; labels of ours only."""
    request, metrics = _of_engines()
    _be(metrics, "vllm:kv_cache_usage_perc", model_name="m", engine="0", pod="secret")
    _be(metrics, "vllm_gpu_cache_usage_perc")
    _be(metrics, "sglang:num_queue_reqs", 3.0, tp_rank="0", priority="")
    _be(metrics, "sglang:num_queue_reqs", 2.0, tp_rank="0", priority="1")
    _grow(metrics, "vllm:prompt_tokens_total", 8.0)
    _grow(metrics, "vllm_prompt_tokens", 8.0)
    _grow(metrics, "sglang:cached_tokens_total", 8.0, cache_source="host")
    told = metrics.add(name="tgi_request_generated_tokens")
    told.histogram.aggregation_temporality = CUMULATIVE
    told.histogram.data_points.add(count=4, sum=81.0, time_unix_nano=time.time_ns())
    kept = samples(request)
    # What is waiting by priority is in what is waiting: left out, and no loss.
    assert (kept.points, kept.rejected) == (7, 0)
    assert b"secret" not in kept.payload
    read = ExportMetricsServiceRequest.FromString(kept.payload).resource_metrics[0]
    *_, generated = read.scope_metrics[0].metrics
    assert generated.sum.is_monotonic
    assert generated.sum.data_points[0].as_double == 81.0
    assert samples(ExportMetricsServiceRequest.FromString(kept.payload)).payload == kept.payload


def test_what_engines_tell_wrongly_is_left_out_and_told() -> None:
    """A total that may fall, a level that is a total, a share above 1, nobody's numbers."""
    request, metrics = _of_engines()
    _be(metrics, "vllm:num_requests_running")
    _be(metrics, "vllm:prompt_tokens_total")
    _grow(metrics, "vllm:prompt_tokens_total").sum.is_monotonic = False
    _grow(metrics, "vllm:prompt_tokens_total").sum.aggregation_temporality = 0
    _grow(metrics, "vllm:num_requests_waiting").sum.aggregation_temporality = DELTA
    metrics.add(name="sglang:token_usage").histogram.data_points.add(count=1)
    _be(metrics, "vllm:kv_cache_usage_perc", 50.0)
    _be(metrics, "vllm:num_requests_running", float("nan"))
    _be(metrics, "vllm:iteration_tokens_total")
    kept = samples(request)
    assert (kept.points, kept.rejected) == (1, 8)
    assert "vllm:prompt_tokens_total is a total" in kept.rejection
    request, metrics = _of_engines(service__name="chat")
    _be(metrics, "vllm:num_requests_running")
    kept = samples(request)
    assert (kept.points, kept.rejected) == (0, 1)
    assert "service.instance.id, server.address, host.name" in kept.rejection
