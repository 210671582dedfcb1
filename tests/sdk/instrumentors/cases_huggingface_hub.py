"""The ``huggingface_hub`` client under the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import huggingface_hub
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    ClientCases,
    Mode,
    Operation,
    Shape,
)
from tests.support.contracts import Hole
from tests.support.wires.huggingface_wire import PREFIX

from spanledger.instrumentors.huggingface_hub import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider

MODEL = "openai/gpt-oss-120b"
MESSAGES: list[Any] = [{"role": "user", "content": SECRET_PROMPT}]
USAGE: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
ANSWER = Answer(
    text=SECRET_ANSWER,
    input_tokens=1000,
    output_tokens=70,
    cache_read_tokens=400,
    reasoning_tokens=20,
)
GENERATED = Answer(text=SECRET_ANSWER, input_tokens=1000, output_tokens=70)


def make(mode: Mode, provider: Provider, timeout: float | None = None, max_retries: int = 0) -> Any:
    """A client of the simulated provider; it makes no failed request again."""
    assert max_retries >= 0
    kind: Any = huggingface_hub.InferenceClient
    if mode == "async":
        kind = huggingface_hub.AsyncInferenceClient
    return kind(base_url=f"{provider.url}{PREFIX}", api_key="made-up", timeout=timeout)


def _chat(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    return Operation(name, shape, call, ANSWER, f"chat {MODEL}")


def _text(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    """The model is the one that the address is of."""
    return Operation(name, shape, call, GENERATED, "text_completion")


OPERATIONS = (
    _chat(
        "huggingface chat",
        Shape.WHOLE,
        lambda c: c.chat_completion(MESSAGES, model=MODEL, temperature=0.5),
    ),
    _chat(
        "huggingface chat, the other name",
        Shape.WHOLE,
        lambda c: c.chat.completions.create(model=MODEL, messages=MESSAGES),
    ),
    _chat(
        "huggingface chat stream",
        Shape.STREAM,
        lambda c: c.chat_completion(MESSAGES, model=MODEL, **USAGE),
    ),
    _text(
        "huggingface text",
        Shape.WHOLE,
        lambda c: c.text_generation(SECRET_PROMPT, details=True, decoder_input_details=True),
    ),
    _text(
        "huggingface text stream",
        Shape.STREAM,
        lambda c: c.text_generation(SECRET_PROMPT, details=True, stream=True),
    ),
)

_ONCE = "huggingface_hub makes no failed request again"
_TEXTS = ("huggingface text", "huggingface text stream")

CASES = ClientCases(
    instrumentor=INSTRUMENTOR,
    make=make,
    operations=OPERATIONS,
    holes=(
        Hole("the_clients_own_retries_are_told", _ONCE),
        Hole("the_last_failed_attempt_is_told_too", _ONCE),
        Hole("the_model_that_answered_is_told", "no generated text names its model", _TEXTS),
        Hole("the_answers_id_is_told_of_a_broken_stream", "no generated text has an id", _TEXTS),
    ),
)
