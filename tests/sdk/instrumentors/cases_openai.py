"""The ``openai`` client under the contract."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import openai
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    ClientCases,
    Mode,
    Operation,
    Shape,
)

from spanledger.instrumentors.openai import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider

MODEL = "gpt-4o"
MESSAGES: list[Any] = [{"role": "user", "content": SECRET_PROMPT}]
USAGE = {"stream_options": {"include_usage": True}}
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
    kind = openai.OpenAI if mode == "sync" else openai.AsyncOpenAI
    http = openai.DefaultHttpxClient if mode == "sync" else openai.DefaultAsyncHttpxClient
    options.setdefault("http_client", http(verify=False))  # no certificates to load: plain HTTP
    return kind(base_url=provider.openai_url, api_key="made-up", **options)


def _chat(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    return Operation(name, shape, call, ANSWER, f"chat {MODEL}")


def _newer(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    return dataclasses.replace(_chat(name, shape, call), in_oldest=False)


OPERATIONS = (
    _chat(
        "chat",
        Shape.WHOLE,
        lambda c: c.chat.completions.create(model=MODEL, messages=MESSAGES, temperature=0.5),
    ),
    _chat(
        "chat, two choices",
        Shape.WHOLE,
        lambda c: c.chat.completions.create(model=MODEL, messages=MESSAGES, n=2),
    ),
    _newer(
        "chat parse",
        Shape.WHOLE,
        lambda c: c.chat.completions.parse(model=MODEL, messages=MESSAGES),
    ),
    _chat(
        "beta chat parse",
        Shape.WHOLE,
        lambda c: c.beta.chat.completions.parse(model=MODEL, messages=MESSAGES),
    ),
    _chat(
        "chat stream",
        Shape.STREAM,
        lambda c: c.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True, **USAGE),
    ),
    _chat(
        "chat stream, two choices",
        Shape.STREAM,
        lambda c: c.chat.completions.create(
            model=MODEL, messages=MESSAGES, stream=True, n=2, **USAGE
        ),
    ),
    _newer(
        "chat helper",
        Shape.HELPER,
        lambda c: c.chat.completions.stream(model=MODEL, messages=MESSAGES, **USAGE),
    ),
    _chat(
        "chat raw",
        Shape.RAW,
        lambda c: c.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES),
    ),
    _chat(
        "chat raw stream",
        Shape.RAW_STREAM,
        lambda c: c.chat.completions.with_raw_response.create(
            model=MODEL, messages=MESSAGES, stream=True, **USAGE
        ),
    ),
    _chat(
        "chat open",
        Shape.OPEN,
        lambda c: c.chat.completions.with_streaming_response.create(model=MODEL, messages=MESSAGES),
    ),
    _newer(
        "responses",
        Shape.WHOLE,
        lambda c: c.responses.create(model=MODEL, input=SECRET_PROMPT),
    ),
    _newer(
        "responses parse",
        Shape.WHOLE,
        lambda c: c.responses.parse(model=MODEL, input=SECRET_PROMPT),
    ),
    _newer(
        "responses stream",
        Shape.STREAM,
        lambda c: c.responses.create(model=MODEL, input=SECRET_PROMPT, stream=True),
    ),
    _newer(
        "responses helper",
        Shape.HELPER,
        lambda c: c.responses.stream(model=MODEL, input=SECRET_PROMPT),
    ),
    _newer(
        "responses raw",
        Shape.RAW,
        lambda c: c.responses.with_raw_response.create(model=MODEL, input=SECRET_PROMPT),
    ),
    _newer(
        "responses open",
        Shape.OPEN,
        lambda c: c.responses.with_streaming_response.create(model=MODEL, input=SECRET_PROMPT),
    ),
    _newer(
        "responses raw stream",
        Shape.RAW_STREAM,
        lambda c: c.responses.with_raw_response.create(
            model=MODEL, input=SECRET_PROMPT, stream=True
        ),
    ),
    Operation(
        "embeddings",
        Shape.WHOLE,
        lambda c: c.embeddings.create(model="text-embedding-3-small", input=[SECRET_PROMPT]),
        EMBEDDED,
        "embeddings text-embedding-3-small",
    ),
)

CASES = ClientCases(instrumentor=INSTRUMENTOR, make=make, operations=OPERATIONS)
