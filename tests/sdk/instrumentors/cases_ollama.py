"""The ``ollama`` client under the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ollama
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    ClientCases,
    Mode,
    Operation,
    Shape,
)
from tests.support.contracts import Hole

from spanledger.instrumentors.ollama import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider

MODEL = "llama3.2:3b"
EMBED_MODEL = "nomic-embed-text"
OPTIONS: dict[str, Any] = {"temperature": 0.5, "num_predict": 100}
ASKED: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": SECRET_PROMPT}],
    "options": OPTIONS,
}
ANSWER = Answer(text=SECRET_ANSWER, input_tokens=1000, output_tokens=70)
EMBEDDED = Answer(input_tokens=12, output_tokens=0)


def make(mode: Mode, provider: Provider, timeout: float | None = None, max_retries: int = 0) -> Any:
    """A client of the simulated provider; it makes no failed request again."""
    assert max_retries >= 0
    kind: Any = ollama.Client if mode == "sync" else ollama.AsyncClient
    client = kind(provider.url, timeout=timeout, verify=False)
    if not hasattr(client, "close"):  # older versions
        client.close = client._client.close if mode == "sync" else client._client.aclose
    return client


def _operation(name: str, shape: Shape, call: Callable[[Any], Any], kind: str) -> Operation:
    return Operation(name, shape, call, ANSWER, f"{kind} {MODEL}")


OPERATIONS = (
    _operation("ollama chat", Shape.WHOLE, lambda c: c.chat(**ASKED), "chat"),
    _operation(
        "ollama chat stream",
        Shape.GENERATOR,
        lambda c: c.chat(MODEL, ASKED["messages"], stream=True),
        "chat",
    ),
    _operation(
        "ollama generate",
        Shape.WHOLE,
        lambda c: c.generate(MODEL, SECRET_PROMPT, options=OPTIONS),
        "text_completion",
    ),
    _operation(
        "ollama generate stream",
        Shape.GENERATOR,
        lambda c: c.generate(model=MODEL, prompt=SECRET_PROMPT, stream=True),
        "text_completion",
    ),
    Operation(
        "ollama embed",
        Shape.WHOLE,
        lambda c: c.embed(EMBED_MODEL, [SECRET_PROMPT]),
        EMBEDDED,
        f"embeddings {EMBED_MODEL}",
    ),
)

_ONCE = "ollama makes no failed request again"

CASES = ClientCases(
    instrumentor=INSTRUMENTOR,
    make=make,
    operations=OPERATIONS,
    holes=(
        Hole(
            "reasoning_is_told_as_a_part_of_the_output", "no usage of Ollama counts thoughts apart"
        ),
        Hole("the_clients_own_retries_are_told", _ONCE),
        Hole("the_last_failed_attempt_is_told_too", _ONCE),
        Hole("the_answers_id_is_told_of_a_broken_stream", "no answer of Ollama has an id"),
    ),
)
