"""The ``mistralai`` client under the contract."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import mistralai
import pydantic
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    ClientCases,
    Mode,
    Operation,
    Shape,
)
from tests.support.contracts import Hole
from tests.support.wires.mistral_wire import PREFIX

from spanledger.instrumentors.mistralai import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider

#: Since 2.0 the package is a namespace and the client a module of it; since 3.0 it has another
#: HTTP library.
_CLIENT: Any = (
    mistralai if hasattr(mistralai, "Mistral") else importlib.import_module("mistralai.client")
)
_UTILS: Any = importlib.import_module(f"{_CLIENT.__name__}.utils")
_SDK: Any = sys.modules[_CLIENT.Mistral.__module__]
_HTTP: Any = getattr(_SDK, "httpx2", None) or _SDK.httpx
MODEL = "mistral-large-latest"
FIM_MODEL = "codestral-latest"
ASKED: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": SECRET_PROMPT}],
    "temperature": 0.5,
}
FIM: dict[str, Any] = {"model": FIM_MODEL, "prompt": SECRET_PROMPT, "suffix": "return"}
ANSWER = Answer(text=SECRET_ANSWER, input_tokens=1000, output_tokens=70, cache_read_tokens=400)
FORMED = Answer(text=json.dumps({"told": SECRET_ANSWER}), input_tokens=1000, output_tokens=70)
EMBEDDED = Answer(input_tokens=12, output_tokens=0)


class Told(pydantic.BaseModel):
    """What ``parse`` is asked for."""

    told: str


class Elapsed(int):
    """Milliseconds that are over after some comparisons: the client limits retries by time only."""

    left: int = 0

    def __lt__(self, _elapsed: int) -> bool:
        self.left -= 1
        return self.left < 0


#: Parts that old versions have not got.
_NEWER = {
    "": ("responses",),
    "beta": ("conversations",),
    "audio": ("transcriptions", "speech"),
}
_PARTS = ("chat", "fim", "embeddings", "agents", "files", "ocr")


class Client:
    """One face of the client: its methods have two names, the contract knows one."""

    def __init__(self, client: Any, http: Any) -> None:
        asynchronous = isinstance(http, _HTTP.AsyncClient)
        self.mistral = client
        self.close: Callable[[], Any] = http.aclose if asynchronous else http.close
        suffix = "_async" if asynchronous else ""
        self.jobs = _face(client.batch.jobs, suffix)
        for name in _PARTS:
            setattr(self, name, _face(getattr(client, name), suffix))
        for owner, names in _NEWER.items():
            whole = getattr(client, owner) if owner else client
            for name in [name for name in names if hasattr(whole, name)]:
                setattr(self, name, _face(getattr(whole, name), suffix))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def _face(part: Any, suffix: str) -> Any:
    names = ("complete", "stream", "parse", "parse_stream", "create", "download", "get", "process")
    names += ("start", "start_stream", "append", "restart")
    present = [name for name in names if hasattr(part, name)]
    return SimpleNamespace(**{name: getattr(part, f"{name}{suffix}") for name in present})


def make(mode: Mode, provider: Provider, max_retries: int = 2, timeout: float | None = None) -> Any:
    """A client of the simulated provider."""
    elapsed = Elapsed(0)
    elapsed.left = max_retries
    backoff = _UTILS.BackoffStrategy(20, 20, 1, elapsed)
    sync, other = _HTTP.Client(verify=False), _HTTP.AsyncClient(verify=False)
    client = _CLIENT.Mistral(
        api_key="made-up",
        server_url=f"{provider.url}{PREFIX}",
        client=sync,
        async_client=other,
        retry_config=_UTILS.RetryConfig("backoff", backoff, retry_connection_errors=False),
        timeout_ms=None if timeout is None else round(timeout * 1000),
    )
    return Client(client, sync if mode == "sync" else other)


def _chat(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    return Operation(name, shape, call, ANSWER, f"chat {MODEL}")


def _fim(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    return Operation(name, shape, call, ANSWER, f"text_completion {FIM_MODEL}")


OPERATIONS = (
    _chat("mistral chat", Shape.WHOLE, lambda c: c.chat.complete(**ASKED)),
    Operation(
        "mistral chat parse",
        Shape.WHOLE,
        lambda c: c.chat.parse(Told, **ASKED),
        FORMED,
        f"chat {MODEL}",
    ),
    _chat("mistral chat stream", Shape.STREAM, lambda c: c.chat.stream(**ASKED)),
    _chat(
        "mistral chat parse stream",
        Shape.STREAM,
        lambda c: c.chat.parse_stream(Told, **ASKED),
    ),
    _fim("mistral fim", Shape.WHOLE, lambda c: c.fim.complete(**FIM)),
    _fim("mistral fim stream", Shape.STREAM, lambda c: c.fim.stream(**FIM)),
    Operation(
        "mistral embeddings",
        Shape.WHOLE,
        lambda c: c.embeddings.create(model="mistral-embed", inputs=[SECRET_PROMPT]),
        EMBEDDED,
        "embeddings mistral-embed",
    ),
)

CASES = ClientCases(
    instrumentor=INSTRUMENTOR,
    make=make,
    operations=OPERATIONS,
    holes=(
        Hole(
            "reasoning_is_told_as_a_part_of_the_output", "no usage of Mistral counts thoughts apart"
        ),
    ),
)

TURN: dict[str, Any] = {"model": MODEL, "inputs": SECRET_PROMPT}
TURNED = Answer(text=SECRET_ANSWER, input_tokens=1000, output_tokens=70, web_search_requests=2)
_UNCACHED = (
    Hole("reasoning_is_told_as_a_part_of_the_output", "no usage of Mistral counts thoughts apart"),
)
FLAVOURS = (
    ClientCases(
        instrumentor=INSTRUMENTOR,
        make=make,
        operations=(
            Operation(
                "mistral conversation",
                Shape.WHOLE,
                lambda c: c.conversations.start(**TURN),
                TURNED,
                f"chat {MODEL}",
            ),
            Operation(
                "mistral conversation stream",
                Shape.STREAM,
                lambda c: c.conversations.start_stream(**TURN),
                TURNED,
                f"chat {MODEL}",
            ),
        ),
        flavour="conversations",
        provider="mistral_ai",
        holes=_UNCACHED,
    ),
)
