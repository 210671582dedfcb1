"""OTLP requests of made-up agent traces: one agent, model calls and tools, ten spans a trace."""

from __future__ import annotations

import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from spanledger import semconv

SPANS_PER_TRACE = 10
_MODELS = ("gpt-4.1-mini", "claude-haiku-4-5-20251001", "gpt-4o-mini", "claude-sonnet-4-5-20250929")


def _value(value: str | float) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(double_value=value)


def _attributes(values: dict[str, str | int | float]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _call(number: int) -> dict[str, str | int | float]:
    model = _MODELS[number % len(_MODELS)]
    return {
        semconv.OPERATION_NAME: "chat",
        semconv.PROVIDER_NAME: "anthropic" if model.startswith("claude") else "openai",
        semconv.REQUEST_MODEL: model,
        semconv.RESPONSE_MODEL: model,
        semconv.RESPONSE_ID: f"answer-{number}",
        semconv.USAGE_SOURCE: "provider",
        semconv.USAGE_INPUT_TOKENS: 1000,
        semconv.USAGE_OUTPUT_TOKENS: 200,
        semconv.USAGE_INPUT_UNCACHED_TOKENS: 600,
        semconv.USAGE_CACHE_READ_TOKENS: 400,
        semconv.USAGE_BILLED_OUTPUT_TOKENS: 200,
        semconv.RESPONSE_TIME_TO_FIRST_CHUNK: 0.35,
        semconv.ATTEMPT_NUMBER: 1,
    }


def _span(trace: int, position: int, now_ns: int) -> Span:
    number = trace * SPANS_PER_TRACE + position
    root = position == 0
    identity: dict[str, str | int | float] = {
        semconv.RUN_ID: f"{trace + 1:032x}", semconv.AGENT_NAME: f"agent-{trace % 7}",
        semconv.AGENT_VERSION: "1.0",
    }  # fmt: skip
    if root:
        own: dict[str, str | int | float] = {semconv.OPERATION_NAME: "invoke_agent"}
    elif position % 2:
        own = _call(number)
    else:
        own = {semconv.OPERATION_NAME: "execute_tool", semconv.TOOL_NAME: "search"}
    return Span(
        trace_id=(trace + 1).to_bytes(16, "big"),
        span_id=(number + 1).to_bytes(8, "big"),
        parent_span_id=b"" if root else (trace * SPANS_PER_TRACE + 1).to_bytes(8, "big"),
        name=str(own[semconv.OPERATION_NAME]),
        kind=Span.SPAN_KIND_CLIENT if position % 2 else Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=now_ns - 2_000_000_000 + position,
        end_time_unix_nano=now_ns - 1_000_000_000 + position,
        attributes=_attributes({**identity, **own}),
    )


def request_bytes(number: int, spans: int) -> bytes:
    """Request ``number``: whole traces, ``spans`` spans, ids that no other number has."""
    now_ns = time.time_ns()
    traces = spans // SPANS_PER_TRACE
    first = number * traces
    scope = ScopeSpans(
        spans=[
            _span(trace, position, now_ns)
            for trace in range(first, first + traces)
            for position in range(SPANS_PER_TRACE)
        ]
    )
    scope.scope.name = "spanledger"
    resource = ResourceSpans(scope_spans=[scope])
    resource.resource.attributes.extend(_attributes({semconv.SERVICE_NAME: "benchmark"}))
    return ExportTraceServiceRequest(resource_spans=[resource]).SerializeToString()
