"""Mistral's wire format: chat, agents and fill-in-the-middle completions, and embeddings.

Source of the shapes: Mistral's public API reference and its pages on prompt caching (cached tokens
are inside ``prompt_tokens``) and on service tiers (told inside the usage).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from spanledger_collector.demo import openai_wire
from spanledger_collector.demo.answers import MARKER, Answer, Request, usage_of
from spanledger_collector.demo.provider import Route

Body = dict[str, Any]


def completion(request: Request, answer: Answer) -> Body:
    """A whole completion; the choices are those of OpenAI."""
    choices = openai_wire.chat(request, answer)["choices"]
    return {
        **_head(request, answer, "chat.completion"),
        "choices": [{key: choice[key] for key in _CHOICE} for choice in choices],
        "usage": _usage(request, answer),
    }


def completion_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as a stream; the chunk that ends it has the usage."""
    head = _head(request, answer, "chat.completion.chunk")
    opening: Body = {"role": "assistant", "content": ""}
    for delta in (opening, *({"content": piece} for piece in answer.pieces())):
        yield openai_wire.event({**head, "choices": [_chunk(delta, None)]})
    last: Body = {**head, "choices": [_chunk({"content": ""}, answer.finish_reason or "stop")]}
    if answer.usage is not False:
        last["usage"] = _usage(request, answer)
    yield openai_wire.event(last)
    yield b"data: [DONE]\n\n"


def embeddings(request: Request, answer: Answer) -> Body:
    """One vector an input."""
    return {
        **openai_wire.embeddings(request, answer),
        "id": f"embd-{MARKER}-{request.serial}",
        "usage": _usage(request, answer),
    }


_CHOICE: Final = ("index", "message", "finish_reason")


def _head(request: Request, answer: Answer, kind: str) -> Body:
    return {
        "id": f"cmpl-{MARKER}-{request.serial}",
        "object": kind,
        "created": openai_wire.CREATED,
        "model": answer.model or request.model or f"{MARKER}-agent-model",
    }


def _chunk(delta: Body, finish: str | None) -> Body:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _usage(request: Request, answer: Answer) -> Body:
    if answer.usage is False:
        return {}
    usage = usage_of(request, answer)
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cache_read_tokens},
        "service_tier": answer.service_tier or "standard",
    }


# --- documents and audio ------------------------------------------------------------------------
def pages(request: Request, answer: Answer) -> Body:
    """As many pages as input was scripted."""
    page = {"index": 0, "markdown": "a", "images": [], "dimensions": None}
    usage = {"pages_processed": answer.input_tokens, "doc_size_bytes": 9}
    return {"pages": [page], "model": request.model, "usage_info": usage}


def transcript(request: Request, answer: Answer) -> Body:
    """What was heard, as many seconds as input was scripted; tokens beside them."""
    usage = {"prompt_audio_seconds": answer.input_tokens, "prompt_tokens": 4, "total_tokens": 9}
    usage["completion_tokens"] = 5
    body = {"model": request.model, "text": answer.text, "language": "en", "segments": []}
    return {**body, "usage": usage}


def transcript_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as it is heard."""
    for piece in answer.pieces():
        yield openai_wire.named_event({"type": "transcription.text.delta", "text": piece})
    done = {"type": "transcription.done", **transcript(request, answer)}
    yield openai_wire.named_event(done)


def speech(_request: Request, _answer: Answer) -> Body:
    """Sound, in text."""
    return {"audio_data": "AAAA"}


# --- conversations --------------------------------------------------------------------------------
def turn(request: Request, answer: Answer) -> Body:
    """A turn of a conversation: one entry."""
    told = {"conversation_id": f"conv-{MARKER}", "object": "conversation.response"}
    entry = {**_entry(request, answer), "type": "message.output", "content": answer.text}
    return {**told, "outputs": [entry], "usage": _turn_usage(request, answer)}


def turn_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as a stream."""
    start = {"type": "conversation.response.started", "conversation_id": f"conv-{MARKER}"}
    yield openai_wire.named_event(start)
    head = {**_entry(request, answer), "type": "message.output.delta"}
    for piece in answer.pieces():
        yield openai_wire.named_event({**head, "content": piece})
    done = {"type": "conversation.response.done", "usage": _turn_usage(request, answer)}
    yield openai_wire.named_event(done)


def _entry(request: Request, answer: Answer) -> Body:
    model = answer.model or request.model or f"{MARKER}-agent-model"
    return {"id": f"msg-{MARKER}-{request.serial}", "model": model, "role": "assistant"}


#: Of the input, what a connector read; it is counted beside the prompt.
CONNECTOR_TOKENS: Final = 10


def _turn_usage(request: Request, answer: Answer) -> Body:
    if answer.usage is False:
        return {}
    usage = usage_of(request, answer)
    read = CONNECTOR_TOKENS if answer.web_search_requests else 0
    told = {
        "prompt_tokens": usage.input_tokens - read,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
    if not read:
        return told
    used = {"web_search": answer.web_search_requests}
    return {**told, "connector_tokens": read, "connectors": used}


#: The paths of chat and embeddings are those of OpenAI; this host is told apart by its prefix.
PREFIX: Final = "/mistral"
ROUTES: Final[Mapping[str, Route]] = {
    f"{PREFIX}/v1/chat/completions": (completion, completion_events),
    f"{PREFIX}/v1/agents/completions": (completion, completion_events),
    f"{PREFIX}/v1/fim/completions": (completion, completion_events),
    f"{PREFIX}/v1/conversations": (turn, turn_events),
    f"{PREFIX}/v1/conversations/{{conversation}}": (turn, turn_events),
    f"{PREFIX}/v1/conversations/{{conversation}}/restart": (turn, turn_events),
    f"{PREFIX}/v1/responses": (openai_wire.response, openai_wire.response_events),
    f"{PREFIX}/v1/ocr": (pages, None),
    f"{PREFIX}/v1/audio/transcriptions": (transcript, transcript_events),
    f"{PREFIX}/v1/audio/speech": (speech, None),
    f"{PREFIX}/v1/embeddings": (embeddings, None),
}
