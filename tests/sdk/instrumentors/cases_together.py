"""The ``together`` client under the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import together
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    ClientCases,
    Mode,
    Operation,
    Shape,
)
from tests.support.contracts import Hole
from tests.support.wires.together_wire import PREFIX

from spanledger.instrumentors.together import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider

MODEL = "openai/gpt-oss-120b"
EMBED_MODEL = "BAAI/bge-base-en-v1.5"
RERANK_MODEL = "mixedbread-ai/Mxbai-Rerank-Large-V2"
ASKED: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": SECRET_PROMPT}],
}
TEXT: dict[str, Any] = {"model": MODEL, "prompt": SECRET_PROMPT, "max_tokens": 100}
RANKED: dict[str, Any] = {
    "model": RERANK_MODEL,
    "query": SECRET_PROMPT,
    "documents": ["one", "another"],
}
ANSWER = Answer(text=SECRET_ANSWER, input_tokens=1000, output_tokens=70, cache_read_tokens=400)
EMBEDDED = Answer(input_tokens=12, output_tokens=0)


def make(mode: Mode, provider: Provider, **options: Any) -> Any:
    """A client of the simulated provider."""
    kind: Any = together.Together if mode == "sync" else together.AsyncTogether
    http = httpx.Client if mode == "sync" else httpx.AsyncClient
    options.setdefault("http_client", http(verify=False))  # no certificates to load: plain HTTP
    version = together.__version__.partition(".")[0]
    url = (
        f"{provider.url}{PREFIX}"
        if int(version) >= _PATHS_NAME_VERSION
        else f"{provider.url}{PREFIX}/v1"
    )
    return kind(base_url=url, api_key="made-up", **options)


#: Since then ``/v1`` is part of the paths, no longer of the address.
_PATHS_NAME_VERSION = 3


def _chat(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    return Operation(name, shape, call, ANSWER, f"chat {MODEL}")


def _text(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    return Operation(name, shape, call, ANSWER, f"text_completion {MODEL}")


OPERATIONS = (
    _chat("together chat", Shape.WHOLE, lambda c: c.chat.completions.create(**ASKED)),
    _chat(
        "together chat stream",
        Shape.STREAM,
        lambda c: c.chat.completions.create(**ASKED, stream=True),
    ),
    _chat(
        "together chat raw",
        Shape.RAW,
        lambda c: c.chat.completions.with_raw_response.create(**ASKED),
    ),
    _chat(
        "together chat raw stream",
        Shape.RAW_STREAM,
        lambda c: c.chat.completions.with_raw_response.create(**ASKED, stream=True),
    ),
    _chat(
        "together chat open",
        Shape.OPEN,
        lambda c: c.chat.completions.with_streaming_response.create(**ASKED),
    ),
    _text("together text", Shape.WHOLE, lambda c: c.completions.create(**TEXT)),
    _text(
        "together text stream", Shape.STREAM, lambda c: c.completions.create(**TEXT, stream=True)
    ),
    Operation(
        "together embeddings",
        Shape.WHOLE,
        lambda c: c.embeddings.create(model=EMBED_MODEL, input=[SECRET_PROMPT]),
        EMBEDDED,
        f"embeddings {EMBED_MODEL}",
    ),
    Operation(
        "together rerank",
        Shape.WHOLE,
        lambda c: c.rerank.create(**RANKED),
        Answer(input_tokens=12, output_tokens=0),
        f"rerank {RERANK_MODEL}",
    ),
)

CASES = ClientCases(
    instrumentor=INSTRUMENTOR,
    make=make,
    operations=OPERATIONS,
    holes=(
        Hole(
            "reasoning_is_told_as_a_part_of_the_output",
            "no usage of Together counts thoughts apart",
        ),
    ),
)
