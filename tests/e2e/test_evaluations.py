"""A judge tells its verdict in OpenTelemetry's own words, through OpenTelemetry's own SDK."""

from __future__ import annotations

import time

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.support.running import RunningCollector

CANARY = "CANARY-it-quotes-the-answer"


@pytest.mark.slow
def test_evaluation_events_are_records_of_the_call_that_was_judged(
    collector: RunningCollector,
) -> None:
    provider = TracerProvider(resource=Resource({"service.name": "judged-app"}))
    exporter = OTLPSpanExporter(f"http://127.0.0.1:{collector.http_port}/v1/traces")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("app")
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "judged"}
    call = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 10,
    }
    with (
        tracer.start_as_current_span("invoke_agent judged", attributes=agent) as run,
        tracer.start_as_current_span("chat gpt-4o", attributes=call) as span,
    ):
        for name, label in (("Hallucination", "Detected"), ("tone", "terse")):
            span.add_event(
                "gen_ai.evaluation.result",
                {
                    "gen_ai.evaluation.name": name,
                    "gen_ai.evaluation.score.value": 0.75,
                    "gen_ai.evaluation.score.label": label,
                    "gen_ai.evaluation.explanation": CANARY,
                },
            )
    provider.shutdown()
    trace_id, span_id = f"{run.get_span_context().trace_id:032x}", span.get_span_context().span_id
    where = f"trace_id = '{trace_id}'"
    collector.wait_for(f"SELECT count() FROM run_economics WHERE {where} AND records = 2", 1)
    with collector.ledger() as ledger:
        rows = ledger.records(trace_id=trace_id)
    assert [(row.name, row.verdict, row.score, row.label, row.counts) for row in rows] == [
        ("Hallucination", "hallucinated", 0.75, "Detected", True),
        ("tone", "", 0.75, "terse", True),
    ]
    assert {row.subject_span_id for row in rows} == {f"{span_id:016x}"}
    assert {row.service_name for row in rows} == {"judged-app"}
    [told] = collector.rows(f"SELECT judged_wrong FROM run_economics WHERE {where}")
    assert told["judged_wrong"] == 1
    for table in ("spans", "records", "run_records"):
        [held] = collector.rows(
            f"SELECT countIf(position(toString(tuple(*)), '{CANARY}') > 0) AS n FROM {table}"
        )
        assert held["n"] == 0, table


@pytest.mark.slow
def test_evaluations_in_logs_count_once_however_often_they_come(
    collector: RunningCollector,
) -> None:
    """The span over HTTP; its judge's events over HTTP and gRPC, by the SDK's own logs exporters.

    A collector on the way that sends what it sent before, over whatever transport, brings the same
    record; lines of the log are nowhere.
    """
    provider = TracerProvider(resource=Resource({"service.name": "logged-app"}))
    spans = OTLPSpanExporter(f"http://127.0.0.1:{collector.http_port}/v1/traces")
    provider.add_span_processor(SimpleSpanProcessor(spans))
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "logged"}
    call = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 10,
    }
    tracer = provider.get_tracer("app")
    with (
        tracer.start_as_current_span("invoke_agent logged", attributes=agent),
        tracer.start_as_current_span("chat gpt-4o", attributes=call) as span,
    ):
        judged = trace.set_span_in_context(span)
    provider.shutdown()
    over_http = HttpLogExporter(f"http://127.0.0.1:{collector.http_port}/v1/logs")
    over_grpc = GrpcLogExporter(f"http://127.0.0.1:{collector.grpc_port}", insecure=True)
    at_ns = time.time_ns()
    for exporter in (over_http, over_grpc):
        logs = LoggerProvider(resource=Resource({"service.name": "judge"}))
        logs.add_log_record_processor(BatchLogRecordProcessor(exporter))
        logger = logs.get_logger("judge")
        for _ in range(3):
            logger.emit(LogRecord(timestamp=at_ns, body=CANARY, context=judged))
            told = {
                "gen_ai.evaluation.name": "Hallucination",
                "gen_ai.evaluation.score.value": 0.9,
                "gen_ai.evaluation.score.label": "detected",
                "gen_ai.evaluation.explanation": CANARY,
            }
            name = "gen_ai.evaluation.result"
            logger.emit(
                LogRecord(timestamp=at_ns, event_name=name, context=judged, attributes=told)
            )
        assert logs.force_flush()
        logs.shutdown()
    trace_id = f"{span.get_span_context().trace_id:032x}"
    where = f"trace_id = '{trace_id}'"
    collector.wait_for(f"SELECT count() FROM run_economics WHERE {where} AND records = 1", 1)
    collector.wait_for(
        f"SELECT sum(spans) > count() FROM arrivals WHERE {where} OR trace_id IN "
        f"(SELECT trace_id FROM records WHERE subject = '{trace_id}')", 1,
    )  # fmt: skip
    with collector.ledger() as ledger:
        [row] = ledger.records(trace_id=trace_id)
    assert (row.name, row.verdict, row.score, row.label, row.counts, row.service_name) == (
        "Hallucination", "hallucinated", 0.9, "detected", True, "judge",
    )  # fmt: skip
    [told_run] = collector.rows(
        f"SELECT judged_wrong, rework_cost_usd > 0 AS wasted FROM run_economics WHERE {where}"
    )
    assert (told_run["judged_wrong"], told_run["wasted"]) == (1, 1)
    for table in ("spans", "records"):
        [held] = collector.rows(
            f"SELECT countIf(position(toString(tuple(*)), '{CANARY}') > 0) AS n FROM {table}"
        )
        assert held["n"] == 0, table
