"""Cohere's wire format: chat, embeddings and reranking of both its APIs, text of the first.

Source of the shapes: Cohere's public API reference. ``billed_units`` has the scripted counts,
``tokens`` more of them, as the real service adds a template of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from spanledger_collector.demo import openai_wire
from spanledger_collector.demo.answers import MARKER, Answer, Request, usage_of
from spanledger_collector.demo.provider import Route, Wire

Body = dict[str, Any]

#: Tokens that the model sees and nobody pays.
TEMPLATE_TOKENS: Final = 65
#: Billed for an image that is embedded.
IMAGE_TOKENS: Final = 1500
#: Documents that fit in one search unit.
DOCUMENTS_PER_UNIT: Final = 100


def chat(request: Request, answer: Answer) -> Body:
    """A whole answer."""
    return {
        "id": _id(request),
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": answer.text}]},
        "usage": _usage(request, answer),
    }


def chat_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as a stream of typed events, closed by ``[DONE]``."""
    for data in _chat_data(request, answer):
        yield openai_wire.named_event(data)
    yield b"data: [DONE]\n\n"


def embed(request: Request, answer: Answer) -> Body:
    """One vector a text."""
    texts: list[str] = request.body.get("texts") or [""]
    billed = {"input_tokens": usage_of(request, answer).input_tokens}
    if images := request.body.get("images"):
        billed = {"image_tokens": IMAGE_TOKENS * len(images)}
    return {
        "id": _id(request),
        "response_type": "embeddings_by_type",
        "embeddings": {"float": [[0.25, 0.5]] * len(texts)},
        "texts": texts,
        "meta": {"api_version": {"version": "2"}, "billed_units": billed},
    }


def rerank(request: Request, _answer: Answer) -> Body:
    """The documents in the order they came, and search units."""
    documents: list[str] = request.body["documents"]
    units = -(-len(documents) // DOCUMENTS_PER_UNIT)
    return {
        "id": _id(request),
        "results": [{"index": index, "relevance_score": 0.5} for index in range(len(documents))],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": units}},
    }


def _chat_data(request: Request, answer: Answer) -> Iterator[Body]:
    opening = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}
    yield {"type": "message-start", "id": _id(request), "delta": {"message": opening}}
    start: Body = {"message": {"content": {"type": "text", "text": ""}}}
    yield {"type": "content-start", "index": 0, "delta": start}
    for piece in answer.pieces():
        delta: Body = {"message": {"content": {"text": piece}}}
        yield {"type": "content-delta", "index": 0, "delta": delta}
    yield {"type": "content-end", "index": 0}
    end: Body = {"finish_reason": "COMPLETE"}
    if answer.usage is not False:
        end["usage"] = _usage(request, answer)
    yield {"type": "message-end", "delta": end}


def _id(request: Request) -> str:
    return f"{MARKER}-{request.serial}"


def _usage(request: Request, answer: Answer) -> Body:
    usage = usage_of(request, answer)
    billed = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    seen = {name: count + TEMPLATE_TOKENS for name, count in billed.items()}
    return {"billed_units": billed, "tokens": seen, "cached_tokens": answer.cache_read_tokens}


# --- the first API --------------------------------------------------------------------------------
def first_chat(request: Request, answer: Answer) -> Body:
    """A whole chat."""
    body = {"text": answer.text, "generation_id": _id(request), "response_id": _id(request)}
    told = {"finish_reason": answer.finish_reason or "COMPLETE", "chat_history": []}
    return {**body, **told, **_meta(request, answer)}


def first_chat_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as a stream of JSON lines; the last event holds the answer."""
    head = {"event_type": "stream-start", "generation_id": _id(request), "is_finished": False}
    yield _json_line(head)
    yield from _pieces(answer)
    whole = first_chat(request, answer)
    yield _json_line(_end(answer, whole))


def generation(request: Request, answer: Answer) -> Body:
    """A whole text."""
    made = [{"id": "g", "text": answer.text, "finish_reason": answer.finish_reason or "COMPLETE"}]
    return {"id": _id(request), "prompt": "", "generations": made, **_meta(request, answer)}


def generation_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as a stream, which tells no counts."""
    yield from _pieces(answer)
    whole = generation(request, answer)
    del whole["meta"]
    yield _json_line(_end(answer, whole))


def _pieces(answer: Answer) -> Iterator[bytes]:
    for piece in answer.pieces():
        yield _json_line({"event_type": "text-generation", "text": piece, "is_finished": False})


def _end(answer: Answer, whole: Body) -> Body:
    told = {"finish_reason": answer.finish_reason or "COMPLETE", "response": whole}
    return {"event_type": "stream-end", "is_finished": True, **told}


def _meta(request: Request, answer: Answer) -> Body:
    if answer.usage is False:
        return {"meta": {"api_version": {"version": "1"}}}
    return {"meta": {"api_version": {"version": "1"}, **_usage(request, answer)}}


def _json_line(event: Body) -> bytes:
    return json.dumps(event).encode() + b"\n"


def first_embed(request: Request, answer: Answer) -> Body:
    """One vector a text."""
    vectors = [[0.1, 0.2] for _ in request.body["texts"]]
    told = {"response_type": "embeddings_floats", "texts": request.body["texts"]}
    return {"id": _id(request), **told, "embeddings": vectors, **_meta(request, answer)}


def transcript(_request: Request, answer: Answer) -> Body:
    """What was heard, and nothing else."""
    return {"text": answer.text}


ROUTES: Final[Mapping[str, Route]] = {
    "/v1/chat": Wire(first_chat, first_chat_events, kind="application/stream+json"),
    "/v1/generate": Wire(generation, generation_events, kind="application/stream+json"),
    "/v1/embed": (first_embed, None),
    "/v1/rerank": (rerank, None),
    "/v2/audio/transcriptions": (transcript, None),
    "/v2/chat": (chat, chat_events),
    "/v2/embed": (embed, None),
    "/v2/rerank": (rerank, None),
}
