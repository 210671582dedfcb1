"""The ``cohere`` client under the contract; reranking, which has no tokens, stands by itself."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import cohere
import httpx
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    ClientCases,
    Mode,
    Operation,
    Shape,
)
from tests.support.contracts import Hole

from spanledger.instrumentors.cohere import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider

MODEL = "command-a-03-2025"
EMBED_MODEL = "embed-v4.0"
ASKED: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": SECRET_PROMPT}],
    "p": 0.5,
}
ANSWER = Answer(text=SECRET_ANSWER, input_tokens=1000, output_tokens=70, cache_read_tokens=400)
EMBEDDED = Answer(input_tokens=12, output_tokens=0)


_METHODS = ("chat", "chat_stream", "embed", "rerank", "generate", "generate_stream")


class Raw:
    """The methods that give raw responses; what is told is read, and a stream is its ``data``."""

    def __init__(self, raw: Any, given: dict[str, Any], *, asynchronous: bool) -> None:
        self._data = _data_async if asynchronous else _data
        self.chat = functools.partial(raw.chat, **given)
        self.embed = functools.partial(raw.embed, **given)
        self.rerank = functools.partial(raw.rerank, **given)
        self._given, self._raw = given, raw

    def chat_stream(self, **asked: Any) -> Any:
        """A manager of the stream in the raw response, as all other clients give one."""
        return self._data(self._raw.chat_stream(**asked, **self._given))


@contextlib.contextmanager
def _data(manager: Any) -> Generator[Any]:
    with manager as response:
        yield response.data


@contextlib.asynccontextmanager
async def _data_async(manager: Any) -> AsyncGenerator[Any]:
    async with manager as response:
        yield response.data


class Client:
    """The client, closed by the HTTP client it was given."""

    def __init__(
        self, client: Any, http: httpx.Client | httpx.AsyncClient, given: dict[str, Any]
    ) -> None:
        asynchronous = isinstance(http, httpx.AsyncClient)
        self.close: Callable[[], Any] = http.aclose if asynchronous else http.close
        for name in _METHODS:
            setattr(self, name, functools.partial(getattr(client, name), **given))
        self.batches, self.embed_jobs = getattr(client, "batches", None), client.embed_jobs
        self.audio = getattr(client, "audio", None)
        self.with_raw_response = Raw(client.with_raw_response, given, asynchronous=asynchronous)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def make(mode: Mode, provider: Provider, **options: Any) -> Any:
    """A client of the simulated provider."""
    return _make(mode, provider, cohere.ClientV2, cohere.AsyncClientV2, **options)


def make_first(mode: Mode, provider: Provider, **options: Any) -> Any:
    """The same of the first API."""
    return _make(mode, provider, cohere.Client, cohere.AsyncClient, **options)


def _make(mode: Mode, provider: Provider, *kinds: Any, **options: Any) -> Any:
    library, kind = (httpx.Client, kinds[0]) if mode == "sync" else (httpx.AsyncClient, kinds[1])
    http: Any = library(verify=False, timeout=options.get("timeout"))  # no certificates to load
    build: Any = kind
    retries = {} if _RETRIES in inspect.signature(build).parameters else _by_request(options)
    client = build("made-up", base_url=provider.url, httpx_client=http, **options)
    return Client(client, http, retries)


_RETRIES = "max_retries"


def _by_request(options: dict[str, Any]) -> dict[str, Any]:
    """Old versions take the number of retries with each request."""
    given = options.pop(_RETRIES, None)
    return {} if given is None else {"request_options": {_RETRIES: given}}


OPERATIONS = (
    Operation("cohere chat", Shape.WHOLE, lambda c: c.chat(**ASKED), ANSWER, f"chat {MODEL}"),
    Operation(
        "cohere chat stream",
        Shape.GENERATOR,
        lambda c: c.chat_stream(**ASKED),
        ANSWER,
        f"chat {MODEL}",
    ),
    Operation(
        "cohere embed",
        Shape.WHOLE,
        lambda c: c.embed(
            model=EMBED_MODEL,
            texts=[SECRET_PROMPT],
            input_type="search_query",
            embedding_types=["float"],
        ),
        EMBEDDED,
        f"embeddings {EMBED_MODEL}",
    ),
)

RAW = (
    Operation(
        "cohere raw chat",
        Shape.WHOLE,
        lambda c: c.with_raw_response.chat(**ASKED),
        ANSWER,
        f"chat {MODEL}",
    ),
    Operation(
        "cohere raw chat stream",
        Shape.HELPER,
        lambda c: c.with_raw_response.chat_stream(**ASKED),
        ANSWER,
        f"chat {MODEL}",
    ),
)
FIRST_RAW = (
    Operation(
        "cohere first raw chat",
        Shape.WHOLE,
        lambda c: c.with_raw_response.chat(model=MODEL, message=SECRET_PROMPT),
        ANSWER,
        f"chat {MODEL}",
    ),
    Operation(
        "cohere first raw chat stream",
        Shape.HELPER,
        lambda c: c.with_raw_response.chat_stream(model=MODEL, message=SECRET_PROMPT),
        ANSWER,
        f"chat {MODEL}",
    ),
)

FIRST = (
    Operation(
        "cohere first chat",
        Shape.WHOLE,
        lambda c: c.chat(model=MODEL, message=SECRET_PROMPT),
        ANSWER,
        f"chat {MODEL}",
    ),
    Operation(
        "cohere first chat stream",
        Shape.GENERATOR,
        lambda c: c.chat_stream(model=MODEL, message=SECRET_PROMPT),
        ANSWER,
        f"chat {MODEL}",
    ),
    Operation(
        "cohere generate",
        Shape.WHOLE,
        lambda c: c.generate(model=MODEL, prompt=SECRET_PROMPT),
        ANSWER,
        f"text_completion {MODEL}",
    ),
    Operation(
        "cohere first embed",
        Shape.WHOLE,
        lambda c: c.embed(model=EMBED_MODEL, texts=[SECRET_PROMPT], batching=False),
        EMBEDDED,
        f"embeddings {EMBED_MODEL}",
    ),
)

_ONCE = "cohere makes the failed request of a stream only once"
_STREAM = ("stream", "async stream")

_HOLES = (
    Hole("reasoning_is_told_as_a_part_of_the_output", "no usage of Cohere counts thoughts apart"),
    Hole("the_model_that_answered_is_told", "no answer of Cohere names its model"),
    Hole("the_clients_own_retries_are_told", _ONCE, modes=_STREAM),
    Hole("the_last_failed_attempt_is_told_too", _ONCE, modes=_STREAM),
)
CASES = ClientCases(
    instrumentor=INSTRUMENTOR, make=make, operations=(*OPERATIONS, *RAW), holes=_HOLES
)
FLAVOURS = (
    ClientCases(
        instrumentor=INSTRUMENTOR,
        make=make_first,
        operations=(*FIRST, *FIRST_RAW),
        holes=_HOLES,
        flavour="first API",
        provider="cohere",
    ),
)
