"""An application of LiteLLM with its own OpenTelemetry callback, and ours before or after it.

    python -m tests.sdk.coexistence.litellm_callback ORDER COLLECTOR PROVIDER

The callback tells in threads of LiteLLM's own, streams in traces of their own, so the application
waits until it has told every call.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any, Final

import litellm
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

import spanledger

_MODEL: Final = "openai/gpt-4o"
_STREAM: Final[dict[str, Any]] = {"stream": True, "stream_options": {"include_usage": True}}
CALLS: Final = 4
_PATIENCE_SECONDS: Final = 60.0


class _Told(SpanProcessor):
    """Says when the callback has told every call."""

    def __init__(self) -> None:
        self._left = CALLS
        self.at_last: Callable[[], object] = lambda: None

    def on_end(self, span: ReadableSpan) -> None:
        self._left -= span.name == "litellm_request"
        if not self._left:
            self.at_last()


def _ours(collector: str) -> None:
    spanledger.init(endpoint=collector, protocol="http/protobuf")


def _theirs(collector: str) -> None:
    from litellm.integrations.opentelemetry import OpenTelemetry, OpenTelemetryConfig

    config = OpenTelemetryConfig(exporter="otlp_http", endpoint=f"{collector}/v1/traces")
    litellm.callbacks = [OpenTelemetry(config=config)]


async def _asynchronous(asked: dict[str, Any], counter: _Told) -> None:
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    counter.at_last = lambda: loop.call_soon_threadsafe(told.set)
    await litellm.acompletion(**asked)
    stream: Any = await litellm.acompletion(**asked, **_STREAM)
    async for _ in stream:
        pass
    # Its worker lives on this loop.
    await asyncio.wait_for(told.wait(), _PATIENCE_SECONDS)


def main(order: str, collector: str, provider: str) -> None:
    """Make the calls, each of an agent's run of its own."""
    steps = [_ours, _theirs] if order == "ours first" else [_theirs, _ours]
    for step in steps:
        step(collector)
    counter = _Told()
    tracing: Any = trace.get_tracer_provider()
    tracing.add_span_processor(counter)
    asked: dict[str, Any] = {
        "model": _MODEL,
        "messages": [{"role": "user", "content": "x"}],
        "api_base": provider,
        "api_key": "made-up",
    }
    with spanledger.agent("planner"):
        litellm.completion(**asked)
    with spanledger.agent("planner"):
        stream: Any = litellm.completion(**asked, **_STREAM)
        for _ in stream:
            pass
    with spanledger.agent("planner"):
        asyncio.run(_asynchronous(asked, counter))
    assert spanledger.flush(60)
    tracing.force_flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
