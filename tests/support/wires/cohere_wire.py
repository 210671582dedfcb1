"""Cohere's wire format: chat, embeddings and reranking of its second API.

Source of the shapes: Cohere's public API reference. ``billed_units`` has the scripted counts,
``tokens`` more of them, as the real service adds a template of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from spanledger_collector.demo import openai_wire
from spanledger_collector.demo.answers import MARKER, Answer, Request, usage_of
from spanledger_collector.demo.provider import Route

Body = dict[str, Any]

#: Tokens that the model sees and nobody pays.
TEMPLATE_TOKENS: Final = 65
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
    texts: list[str] = request.body["texts"]
    billed = {"input_tokens": usage_of(request, answer).input_tokens}
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
    return f"{MARKER}-{request.number:06d}"


def _usage(request: Request, answer: Answer) -> Body:
    usage = usage_of(request, answer)
    billed = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    seen = {name: count + TEMPLATE_TOKENS for name, count in billed.items()}
    return {"billed_units": billed, "tokens": seen, "cached_tokens": answer.cache_read_tokens}


ROUTES: Final[Mapping[str, Route]] = {
    "/v2/chat": (chat, chat_events),
    "/v2/embed": (embed, None),
    "/v2/rerank": (rerank, None),
}
