"""The ``groq`` client under the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import groq
import httpx
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    ClientCases,
    Mode,
    Operation,
    Shape,
)

from spanledger.instrumentors.groq import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider

MODEL = "openai/gpt-oss-120b"
ASKED: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": SECRET_PROMPT}],
}
ANSWER = Answer(
    text=SECRET_ANSWER,
    input_tokens=1000,
    output_tokens=70,
    cache_read_tokens=400,
    reasoning_tokens=20,
)
EMBEDDED = Answer(input_tokens=12, output_tokens=0)


def make(mode: Mode, provider: Provider, **options: Any) -> Any:
    """A client of the simulated provider."""
    kind = groq.Groq if mode == "sync" else groq.AsyncGroq
    http = httpx.Client if mode == "sync" else httpx.AsyncClient
    options.setdefault("http_client", http(verify=False))  # no certificates to load: plain HTTP
    return kind(base_url=provider.url, api_key="made-up", **options)


def _chat(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    return Operation(name, shape, call, ANSWER, f"chat {MODEL}")


OPERATIONS = (
    _chat("groq chat", Shape.WHOLE, lambda c: c.chat.completions.create(**ASKED)),
    _chat(
        "groq chat stream",
        Shape.STREAM,
        lambda c: c.chat.completions.create(**ASKED, stream=True),
    ),
    _chat(
        "groq chat raw",
        Shape.RAW,
        lambda c: c.chat.completions.with_raw_response.create(**ASKED),
    ),
    _chat(
        "groq chat raw stream",
        Shape.RAW_STREAM,
        lambda c: c.chat.completions.with_raw_response.create(**ASKED, stream=True),
    ),
    _chat(
        "groq chat open",
        Shape.OPEN,
        lambda c: c.chat.completions.with_streaming_response.create(**ASKED),
    ),
    Operation(
        "groq embeddings",
        Shape.WHOLE,
        lambda c: c.embeddings.create(model="nomic-embed-text-v1_5", input=[SECRET_PROMPT]),
        EMBEDDED,
        "embeddings nomic-embed-text-v1_5",
    ),
)

CASES = ClientCases(instrumentor=INSTRUMENTOR, make=make, operations=OPERATIONS)
