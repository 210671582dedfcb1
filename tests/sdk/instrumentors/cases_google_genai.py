"""The ``google-genai`` client under the contract, on ``httpx``; aiohttp stands by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from google import genai
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    ClientCases,
    Mode,
    Operation,
    Shape,
)
from tests.support.contracts import OLDEST, Hole
from tests.support.wires.google_wire import API_VERSION

from spanledger.instrumentors.google_genai import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider

MODEL = "gemini-3.8-flash"
EMBED_MODEL = "gemini-embedding-001"
ASKED: dict[str, Any] = {
    "model": MODEL,
    "contents": SECRET_PROMPT,
    "config": {"temperature": 0.5, "max_output_tokens": 100},
}
ANSWER = Answer(
    text=SECRET_ANSWER,
    input_tokens=1000,
    output_tokens=70,
    cache_read_tokens=400,
    reasoning_tokens=20,
    web_search_requests=2,
)
EMBEDDED = Answer(input_tokens=12, output_tokens=0)


class Client:
    """The face of the client for one mode, closed with the HTTP client that it was given."""

    def __init__(self, client: genai.Client, http: httpx.Client | httpx.AsyncClient) -> None:
        asynchronous = isinstance(http, httpx.AsyncClient)
        face: Any = client.aio if asynchronous else client
        self.close: Callable[[], Any] = http.aclose if asynchronous else http.close
        self.models, self.chats = face.models, face.chats
        self.interactions = getattr(face, "interactions", None)  # not in old versions
        self.whole = client


def options(provider: Provider, max_retries: int = 2, timeout: float | None = None) -> Any:
    """HTTP options of a client of the simulated provider; it does not wait for ``retry-after``."""
    return {
        "base_url": provider.url,
        "api_version": API_VERSION,
        "timeout": None if timeout is None else round(timeout * 1000),
        "retry_options": {
            "attempts": max_retries + 1,
            "initial_delay": 0.02,
            "exp_base": 1,
            "jitter": 0,
        },
    }


def make(mode: Mode, provider: Provider, **given: Any) -> Any:
    """A client of the simulated provider; ``vertexai`` makes it one of Vertex AI."""
    vertex = given.pop("vertexai", False)
    sync = httpx.Client(verify=False)  # noqa: S501 - plain HTTP: no certificates to load
    other = httpx.AsyncClient(verify=False)  # noqa: S501 - the same
    http: Any = {**options(provider, **given), "httpx_client": sync, "httpx_async_client": other}
    client = genai.Client(api_key="made-up", vertexai=vertex, http_options=http)
    return Client(client, sync if mode == "sync" else other)


def _ask_in_chat(client: Any) -> Any:
    asked = {name: ASKED[name] for name in ("model", "config")}
    return client.chats.create(**asked).send_message(SECRET_PROMPT)


def _stream_in_chat(client: Any) -> Any:
    asked = {name: ASKED[name] for name in ("model", "config")}
    return client.chats.create(**asked).send_message_stream(SECRET_PROMPT)


def _content(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    return Operation(name, shape, call, ANSWER, f"generate_content {MODEL}", answered_by=MODEL)


OPERATIONS = (
    _content("gemini content", Shape.WHOLE, lambda c: c.models.generate_content(**ASKED)),
    _content("gemini chat", Shape.WHOLE, _ask_in_chat),
    _content(
        "gemini content stream",
        Shape.GENERATOR,
        lambda c: c.models.generate_content_stream(**ASKED),
    ),
    _content("gemini chat stream", Shape.GENERATOR, _stream_in_chat),
    Operation(
        "gemini embeddings",
        Shape.WHOLE,
        lambda c: c.models.embed_content(model=EMBED_MODEL, contents=SECRET_PROMPT),
        EMBEDDED,
        f"embeddings {EMBED_MODEL}",
    ),
)

_UNTOLD = Hole(
    "a_call_is_told_and_its_result_is_untouched",
    "old versions drop the usage of embeddings: it is estimated",
    ways=("gemini embeddings",),
    parts=("the provider's usage is the source", "input is told"),
)

CASES = ClientCases(
    instrumentor=INSTRUMENTOR,
    make=make,
    operations=OPERATIONS,
    holes=(
        Hole(
            "the_model_that_answered_is_told",
            "an answer with embeddings does not name its model",
            ways=("gemini embeddings",),
        ),
        *((_UNTOLD,) if OLDEST else ()),
    ),
)

ASKED_STEPS: dict[str, Any] = {"model": MODEL, "input": SECRET_PROMPT}
FLAVOURS = (
    ClientCases(
        instrumentor=INSTRUMENTOR,
        make=make,
        operations=(
            _content(
                "gemini interaction",
                Shape.WHOLE,
                lambda c: c.interactions.create(**ASKED_STEPS),
            ),
            _content(
                "gemini interaction stream",
                Shape.STREAM,
                lambda c: c.interactions.create(**ASKED_STEPS, stream=True),
            ),
        ),
        flavour="interactions",
        provider="gcp.gemini",
    ),
)
