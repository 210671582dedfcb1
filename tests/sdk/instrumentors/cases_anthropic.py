"""The ``anthropic`` client under the contract."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import anthropic
from anthropic.lib import bedrock, vertex
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    ClientCases,
    Mode,
    Operation,
    Shape,
)
from tests.support.contracts import OLDEST, Hole
from tests.support.routed import routed

from spanledger.instrumentors.anthropic import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider

MODEL = "claude-opus-5"
ASKED: dict[str, Any] = {
    "model": MODEL,
    "max_tokens": 100,
    "messages": [{"role": "user", "content": SECRET_PROMPT}],
}
ANSWER = Answer(
    text=SECRET_ANSWER,
    input_tokens=1000,
    output_tokens=70,
    cache_read_tokens=400,
    cache_write_5m_tokens=50,
    cache_write_1h_tokens=30,
    web_search_requests=2,
)


def make(mode: Mode, provider: Provider, **options: Any) -> Any:
    """A client of the simulated provider."""
    kind = anthropic.Anthropic if mode == "sync" else anthropic.AsyncAnthropic
    http = anthropic.DefaultHttpxClient if mode == "sync" else anthropic.DefaultAsyncHttpxClient
    options.setdefault("http_client", http(verify=False))  # no certificates to load: plain HTTP
    return kind(base_url=provider.anthropic_url, api_key="made-up", **options)


def _chat(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    return Operation(name, shape, call, ANSWER, f"chat {MODEL}")


OPERATIONS = (
    _chat("messages", Shape.WHOLE, lambda c: c.messages.create(**ASKED)),
    dataclasses.replace(
        _chat("messages parse", Shape.WHOLE, lambda c: c.messages.parse(**ASKED)), in_oldest=False
    ),
    _chat("messages stream", Shape.STREAM, lambda c: c.messages.create(**ASKED, stream=True)),
    _chat("messages helper", Shape.HELPER, lambda c: c.messages.stream(**ASKED)),
    _chat("messages raw", Shape.RAW, lambda c: c.messages.with_raw_response.create(**ASKED)),
    _chat(
        "messages raw stream",
        Shape.RAW_STREAM,
        lambda c: c.messages.with_raw_response.create(**ASKED, stream=True),
    ),
    _chat(
        "messages open",
        Shape.OPEN,
        lambda c: c.messages.with_streaming_response.create(**ASKED),
    ),
    _chat("beta messages", Shape.WHOLE, lambda c: c.beta.messages.create(**ASKED)),
    _chat(
        "beta messages stream",
        Shape.STREAM,
        lambda c: c.beta.messages.create(**ASKED, stream=True),
    ),
    _chat("beta messages helper", Shape.HELPER, lambda c: c.beta.messages.stream(**ASKED)),
)

_EXACT = Hole(
    "a_call_is_told_and_its_result_is_untouched",
    "in old versions isinstance(..., Stream) is true of objects of exactly this class only",
    ways=("messages stream", "beta messages stream"),
    parts=("it is an instance of its class",),
)

CASES = ClientCases(
    instrumentor=INSTRUMENTOR,
    make=make,
    operations=OPERATIONS,
    holes=(_EXACT,) if OLDEST else (),
)


# --- other sellers --------------------------------------------------------------------------------
BEDROCK_HOST = "bedrock-runtime.eu-central-1.amazonaws.com"
BEDROCK_MODEL = "anthropic.claude-opus-5-v1:0"
VERTEX_HOST = "europe-west1-aiplatform.googleapis.com"
VERTEX_MODEL = "claude-opus-5@20260801"


def make_bedrock(mode: Mode, provider: Provider, **options: Any) -> Any:
    """The client for Bedrock, whose address leads to the simulated provider."""
    kind: Any = bedrock.AnthropicBedrock if mode == "sync" else bedrock.AsyncAnthropicBedrock
    return kind(
        aws_region="eu-central-1",
        aws_access_key="made-up",
        aws_secret_key="made-up",
        http_client=routed(mode, provider.url),
        **options,
    )


def make_vertex(mode: Mode, provider: Provider, **options: Any) -> Any:
    """The client for Vertex AI, likewise."""
    kind: Any = vertex.AnthropicVertex if mode == "sync" else vertex.AsyncAnthropicVertex
    return kind(
        region="europe-west1",
        project_id="made-up",
        access_token="made-up",
        http_client=routed(mode, provider.url),
        **options,
    )


def _sold(seller: str, model: str) -> tuple[Operation, ...]:
    asked = {**ASKED, "model": model}
    ways: tuple[tuple[str, Shape, Callable[[Any], Any]], ...] = (
        ("messages", Shape.WHOLE, lambda c: c.messages.create(**asked)),
        ("messages stream", Shape.STREAM, lambda c: c.messages.create(**asked, stream=True)),
        ("beta messages", Shape.WHOLE, lambda c: c.beta.messages.create(**asked)),
    )
    answer = dataclasses.replace(ANSWER, model=MODEL)
    return tuple(
        Operation(f"{seller} {name}", shape, call, answer, f"chat {model}", answered_by=MODEL)
        for name, shape, call in ways
    )


FLAVOURS = (
    ClientCases(
        instrumentor=INSTRUMENTOR,
        make=make_bedrock,
        operations=_sold("bedrock", BEDROCK_MODEL),
        flavour="bedrock",
        provider="aws.bedrock",
        host=BEDROCK_HOST,
    ),
    ClientCases(
        instrumentor=INSTRUMENTOR,
        make=make_vertex,
        operations=_sold("vertex", VERTEX_MODEL),
        flavour="vertex",
        provider="gcp.vertex_ai",
        host=VERTEX_HOST,
    ),
)
