"""The ``litellm`` library under the contract, on its way through the ``openai`` client."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

import httpx2
import openai
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    ClientCases,
    Mode,
    Operation,
    Shape,
)

from spanledger.instrumentors.litellm import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider

MODEL: Final = "gpt-4o"
EMBED_MODEL: Final = "text-embedding-3-small"
MESSAGES: list[Any] = [{"role": "user", "content": SECRET_PROMPT}]
ANSWER = Answer(
    text=SECRET_ANSWER,
    input_tokens=1000,
    output_tokens=70,
    cache_read_tokens=400,
    reasoning_tokens=20,
)
EMBEDDED = Answer(input_tokens=12, output_tokens=0)


def library() -> Any:
    """The library, which takes seconds to import, so only where it is used."""
    litellm: Any = importlib.import_module("litellm")
    litellm.suppress_debug_info = True  # it would print where to get help
    return litellm


class Client:
    """The functions of one mode, with a client of the provider that they are given.

    The ``openai`` client is instrumented too; its calls may not be told a second time.
    """

    def __init__(self, mode: Mode, client: Any, url: str, max_retries: int) -> None:
        self._prefix = "" if mode == "sync" else "a"
        self._given: dict[str, Any] = {"client": client, "max_retries": max_retries}
        self._place: dict[str, Any] = {"api_base": url, "api_key": "made-up"}
        self.close: Callable[[], Any] = client.close

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(library(), f"{self._prefix}{name}")
        return lambda *args, **kwargs: function(*args, **self._place, **self._given, **kwargs)


def make(mode: Mode, provider: Provider, max_retries: int = 2, timeout: float | None = None) -> Any:
    """Functions that ask the simulated provider."""
    kind: Any = openai.OpenAI if mode == "sync" else openai.AsyncOpenAI
    http = httpx2.Client if mode == "sync" else httpx2.AsyncClient
    client = kind(
        base_url=provider.openai_url,
        api_key="made-up",
        http_client=http(verify=False),
        max_retries=max_retries,
        timeout=timeout,
    )
    made = Client(mode, client, provider.openai_url, max_retries)
    if timeout is not None:
        made._given["timeout"] = timeout
    return made


def _chat(name: str, shape: Shape, **kwargs: Any) -> Operation:
    return Operation(
        name,
        shape,
        lambda c: c.completion(model=f"openai/{MODEL}", messages=MESSAGES, **kwargs),
        ANSWER,
        f"chat {MODEL}",
    )


USAGE = {"stream": True, "stream_options": {"include_usage": True}}

OPERATIONS = (
    _chat("litellm chat", Shape.WHOLE, temperature=0.5),
    _chat("litellm chat, two choices", Shape.WHOLE, n=2),
    _chat("litellm chat stream", Shape.STREAM, **USAGE),
    Operation(
        "litellm embeddings",
        Shape.WHOLE,
        lambda c: c.embedding(f"openai/{EMBED_MODEL}", [SECRET_PROMPT]),
        EMBEDDED,
        f"embeddings {EMBED_MODEL}",
    ),
)

CASES = ClientCases(instrumentor=INSTRUMENTOR, make=make, operations=OPERATIONS, host="localhost")
