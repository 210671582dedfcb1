"""Ollama's wire format: chat, completion and embeddings, streamed as lines of JSON.

Source of the shapes: the public API reference of Ollama and the types of its client. Durations are
made up from the counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from spanledger_collector.demo.answers import Answer, Request, usage_of
from spanledger_collector.demo.provider import Route, Wire

Body = dict[str, Any]

#: What a token takes, and what everything around them takes.
PREFILL_NS: Final = 1_000
DECODE_NS: Final = 20_000
LOAD_NS: Final = 5_000_000


def _message(text: str, tool_calls: list[Body]) -> Body:
    message: Body = {"role": "assistant", "content": text}
    return {"message": message | ({"tool_calls": tool_calls} if tool_calls else {})}


def _completion(text: str, _tool_calls: list[Body]) -> Body:
    return {"response": text}


def _wire(said: Callable[[str, list[Body]], Body]) -> Wire:
    def whole(request: Request, answer: Answer) -> Body:
        calls = [
            {"function": {"name": call.name, "arguments": dict(call.arguments)}}
            for call in answer.tool_calls
        ]
        return (
            _head(request, answer)
            | said("" if calls else answer.text, calls)
            | _end(request, answer)
        )

    def pieces(request: Request, answer: Answer) -> Iterator[bytes]:
        for piece in answer.pieces():
            yield _line(_head(request, answer) | said(piece, []) | {"done": False})
        yield _line(_head(request, answer) | said("", []) | _end(request, answer))

    return Wire(whole, pieces, kind="application/x-ndjson", error=error)


def embed(request: Request, answer: Answer) -> Body:
    """One vector a text."""
    texts: Any = request.body["input"]
    count = 1 if isinstance(texts, str) else len(texts)
    body: Body = {"model": request.model, "embeddings": [[0.5, 0.25]] * count}
    if answer.usage is False:
        return body
    tokens = usage_of(request, answer).input_tokens
    return body | {
        "total_duration": LOAD_NS + tokens * PREFILL_NS,
        "load_duration": LOAD_NS,
        "prompt_eval_count": tokens,
    }


def embeddings(_request: Request, _answer: Answer) -> Body:
    """The older way: one vector and nothing else."""
    return {"embedding": [0.5, 0.25]}


def systemone(request: Request, answer: Answer) -> Body:
    """Each question answered with the same probability."""
    usage = usage_of(request, answer)
    asked: Mapping[str, Any] = request.body["questions"]
    return {
        "model": request.model,
        "answers": {name: {"type": "noul", "noul": 0.5} for name in asked},
        "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
    }


def error(_request: Request, answer: Answer) -> Body:
    """The body of a failed answer."""
    return {"error": answer.error_message}


def _line(body: Body) -> bytes:
    return json.dumps(body).encode() + b"\n"


def _head(request: Request, answer: Answer) -> Body:
    return {"model": answer.model or request.model, "created_at": "2026-01-01T00:00:00.0Z"}


def _end(request: Request, answer: Answer) -> Body:
    end: Body = {"done": True, "done_reason": answer.finish_reason or "stop"}
    if answer.usage is False:
        return end
    usage = usage_of(request, answer)
    prefill, decode = usage.input_tokens * PREFILL_NS, usage.output_tokens * DECODE_NS
    return end | {
        "total_duration": LOAD_NS + prefill + decode,
        "load_duration": LOAD_NS,
        "prompt_eval_count": usage.input_tokens,
        "prompt_eval_duration": prefill,
        "eval_count": usage.output_tokens,
        "eval_duration": decode,
    }


ROUTES: Final[Mapping[str, Route]] = {
    "/api/chat": _wire(_message),
    "/api/generate": _wire(_completion),
    "/api/embed": Wire(embed, error=error),
    "/api/embeddings": Wire(embeddings, error=error),
    "/v1/systemone": Wire(systemone, error=error),
}
