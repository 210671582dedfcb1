"""Groq's wire format: OpenAI's chat completions with ``x_groq``, in a stream first and last.

Source of the shapes: Groq's public API reference and the types of its client.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from spanledger_collector.demo import openai_wire
from spanledger_collector.demo.answers import MARKER, Answer, Request
from spanledger_collector.demo.provider import Route


def _request_id(request: Request) -> str:
    return f"req_{MARKER}_{request.serial}"


def chat(request: Request, answer: Answer) -> dict[str, Any]:
    """A whole completion."""
    return {**openai_wire.chat(request, answer), "x_groq": {"id": _request_id(request)}}


def chat_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """A completion as a stream; the chunk that ends the choices has the usage in ``x_groq``."""
    whole = openai_wire.chat(request, answer)
    opened = False
    for data in openai_wire.chat_events(request, answer):
        if data.startswith(b"data: [DONE]"):
            yield data
            continue
        chunk: dict[str, Any] = json.loads(data.removeprefix(b"data: "))
        finished = any(choice["finish_reason"] for choice in chunk["choices"])
        if not opened or finished:
            usage = {"usage": whole.get("usage")} if finished else {}
            chunk["x_groq"] = {"id": _request_id(request), **usage}
            opened = True
        yield openai_wire.event(chunk)


def transcript(request: Request, answer: Answer) -> dict[str, Any]:
    """What was heard; its length in the detailed form: as many seconds as input was scripted."""
    body = {"text": answer.text, "x_groq": {"id": _request_id(request)}}
    if request.body.get("response_format") != "verbose_json":
        return body
    told = {"task": "transcribe", "language": "English", "segments": []}
    return {**body, **told, "duration": answer.input_tokens}


ROUTES: Final[Mapping[str, Route]] = {
    "/openai/v1/chat/completions": (chat, chat_events),
    "/openai/v1/audio/transcriptions": (transcript, None),
    "/openai/v1/audio/translations": (transcript, None),
    "/openai/v1/embeddings": (openai_wire.embeddings, None),
}
