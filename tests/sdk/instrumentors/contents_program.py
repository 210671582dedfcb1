"""Asks in Google's words through LiteLLM, every way there is, and prints what the spans tell.

    python -m tests.sdk.instrumentors.contents_program URL

In an environment of its own (``tests/environments/litellm-contents.in``).
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from typing import Any

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from spanledger._calls import call, draining
from spanledger._patches import registry

MODEL = "gemini-2.5-flash"


async def _ask(library: Any, url: str) -> None:
    asked: dict[str, Any] = {
        "model": f"gemini/{MODEL}",
        "contents": [{"role": "user", "parts": [{"text": "hello"}]}],
        "api_base": f"{url}/v1beta",
        "api_key": "made-up",
    }
    await library.agenerate_content(**asked)
    async for _ in await library.agenerate_content_stream(**asked):
        pass
    await asyncio.to_thread(library.generate_content, **asked)
    await asyncio.to_thread(lambda: list(library.generate_content_stream(**asked)))


def main() -> None:
    """Ask, and print."""
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    registry.instrument(tracer_provider=provider)
    library = importlib.import_module("litellm.google_genai")
    asyncio.run(_ask(library, sys.argv[1]))
    assert draining.drain(120)
    assert not call.internal_errors(), call.internal_errors()
    spans = [dict(span.attributes or {}) for span in exporter.get_finished_spans()]
    print(json.dumps(spans))  # noqa: T201


if __name__ == "__main__":
    main()
