"""Together's wire format: OpenAI's, with what Together does otherwise.

Source of the shapes: Together's public API reference and the types of its client. Cached tokens
stand beside the other counts; a stream carries its usage unasked, in the chunk that ends it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.support.wires import groq_wire, openai_media_wire

from spanledger_collector.demo import openai_wire
from spanledger_collector.demo.answers import MARKER, Answer, Request, usage_of
from spanledger_collector.demo.provider import Route

Body = dict[str, Any]


def chat(request: Request, answer: Answer) -> Body:
    """A whole chat completion."""
    body = {**openai_wire.chat(request, answer), "prompt": []}
    return body if answer.usage is False else body | {"usage": _usage(request, answer)}


def chat_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as a stream; each chunk repeats the role."""
    for data in openai_wire.chat_events(request, answer):
        if data.startswith(b"data: [DONE]"):
            yield data
            continue
        chunk: Body = json.loads(data.removeprefix(b"data: "))
        for choice in chunk["choices"]:
            choice["delta"] = {"role": "assistant", "content": "", **choice["delta"]}
            if choice["finish_reason"] and answer.usage is not False:
                chunk["usage"] = _usage(request, answer)
        yield openai_wire.event(chunk)


def completion(request: Request, answer: Answer) -> Body:
    """A whole text completion."""
    choice = {"text": answer.text, "finish_reason": answer.finish_reason or "stop", "seed": 1}
    body = {**_head(request, answer, "text.completion"), "choices": [choice], "prompt": []}
    return body if answer.usage is False else body | {"usage": _usage(request, answer)}


def completion_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as a stream of tokens."""
    head = _head(request, answer, "completion.chunk")
    for number, piece in enumerate(answer.pieces()):
        token = {"id": number, "text": piece, "logprob": -0.5, "special": False}
        choice = {"index": 0, "text": piece, "delta": {"role": "assistant", "content": piece}}
        yield openai_wire.event({**head, "token": token, "choices": [choice]})
    last: Body = {
        **head,
        "token": {"id": 2, "text": "</s>", "logprob": 0, "special": True},
        "choices": [{"index": 0, "text": ""}],
        "finish_reason": answer.finish_reason or "eos",
    }
    if answer.usage is not False:
        last["usage"] = _usage(request, answer)
    yield openai_wire.event(last)
    yield b"data: [DONE]\n\n"


def embeddings(request: Request, answer: Answer) -> Body:
    """One vector an input; counts only where they are scripted."""
    body = openai_wire.embeddings(request, answer)
    if answer.input_tokens is None:
        del body["usage"]
    return body


def rerank(request: Request, answer: Answer) -> Body:
    """The documents in the order they came."""
    documents: list[str] = request.body["documents"]
    body: Body = {
        **_head(request, answer, "rerank"),
        "results": [
            {"index": index, "relevance_score": 0.5, "document": {"text": ""}}
            for index in range(len(documents))
        ],
    }
    return body if answer.usage is False else body | {"usage": _usage(request, answer)}


def _head(request: Request, answer: Answer, kind: str) -> Body:
    return {
        "id": f"{MARKER}-{request.serial}",
        "object": kind,
        "created": openai_wire.CREATED,
        "model": answer.model or request.model,
    }


def _usage(request: Request, answer: Answer) -> Body:
    usage = usage_of(request, answer)
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "cached_tokens": answer.cache_read_tokens,
    }


#: The paths are those of OpenAI; this host is told apart by its prefix.
def images(request: Request, answer: Answer) -> Body:
    """As many images as were asked for."""
    number = int(request.body.get("n") or 1)
    data = [{"index": index, "b64_json": "AAAA", "type": "b64_json"} for index in range(number)]
    return {**_head(request, answer, "list"), "data": data}


PREFIX: Final = "/together"
ROUTES: Final[Mapping[str, Route]] = {
    f"{PREFIX}/v1/chat/completions": (chat, chat_events),
    f"{PREFIX}/v1/completions": (completion, completion_events),
    f"{PREFIX}/v1/embeddings": (embeddings, None),
    f"{PREFIX}/v1/images/generations": (images, None),
    f"{PREFIX}/v1/audio/transcriptions": (groq_wire.transcript, None),
    f"{PREFIX}/v1/audio/translations": (groq_wire.transcript, None),
    f"{PREFIX}/v1/audio/speech": openai_media_wire.ROUTES["/v1/audio/speech"],
    f"{PREFIX}/v1/rerank": (rerank, None),
}
