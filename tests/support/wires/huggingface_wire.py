"""Hugging Face's wire formats: text generation and embeddings of its servers; chats are OpenAI's.

Source of the shapes: the public API reference of text-generation-inference and the types of the
client. Everything of one server is asked at its address; chats below ``/v1``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Final

from spanledger_collector.demo import openai_wire
from spanledger_collector.demo.answers import Answer, Request, usage_of
from spanledger_collector.demo.provider import Route, Wire

Body = dict[str, Any]


def generate(request: Request, answer: Answer) -> Any:
    """A whole text; details only where they are asked for."""
    asked: Mapping[str, Any] = request.body["parameters"]
    body: Body = {"generated_text": answer.text}
    if not asked.get("details"):
        return body
    usage = usage_of(request, answer)
    token = {"id": 1, "text": "a", "logprob": -0.5}
    seen = usage.input_tokens if asked.get("decoder_input_details") else 0
    details: Body = {
        "finish_reason": answer.finish_reason or "eos_token",
        "generated_tokens": usage.output_tokens,
        "prefill": [token] * seen,
        "tokens": [],
    }
    return body | {"details": details}


def generate_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as a stream of tokens; the last one has the whole text and the details."""
    pieces = answer.pieces()
    usage = usage_of(request, answer)
    for index, piece in enumerate(pieces):
        last = index == len(pieces) - 1
        details = {
            "finish_reason": answer.finish_reason or "eos_token",
            "generated_tokens": usage.output_tokens,
            "input_length": usage.input_tokens,
        }
        yield openai_wire.event(
            {
                "index": index + 1,
                "token": {"id": index, "text": piece, "logprob": -0.5, "special": False},
                "generated_text": answer.text if last else None,
                "details": details if last else None,
            }
        )


def embed(request: Request, _answer: Answer) -> Any:
    """One vector a text, and no count."""
    texts: Any = request.body["inputs"]
    return [[0.5, 0.25]] * (1 if isinstance(texts, str) else len(texts))


def picture(_request: Request, _answer: Answer) -> Iterator[bytes]:
    """The smallest picture that there is."""
    yield PICTURE


def sound(_request: Request, _answer: Answer) -> Iterator[bytes]:
    """A few bytes of sound."""
    yield b"ID3 sound"


def transcript(request: Request, answer: Answer) -> Any:
    """Words, with the seconds at which they were said."""
    end = usage_of(request, answer).input_tokens
    return {"text": "a b", "chunks": [{"text": "a b", "timestamp": [0.0, end]}]}


#: One white point, as PNG.
PICTURE: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP6DwABBQECz6AuzQAAAABJRU5ErkJggg=="
)
PREFIX: Final = "/huggingface"
EMBED_PATH: Final = f"{PREFIX}/embed"
#: The router's paths, for tests that put it here.
ROUTER_PATH: Final = f"{PREFIX}/router"
ROUTES: Final[Mapping[str, Route]] = {
    PREFIX: (generate, generate_events),
    f"{PREFIX}/v1/chat/completions": (openai_wire.chat, openai_wire.chat_events),
    EMBED_PATH: (embed, None),
    f"{PREFIX}/picture": Wire(None, picture, kind="image/png"),
    f"{PREFIX}/sound": Wire(None, sound, kind="audio/mpeg"),
    f"{PREFIX}/heard": (transcript, None),
    f"{ROUTER_PATH}/{{provider}}/v1/chat/completions": (openai_wire.chat, openai_wire.chat_events),
}
