"""OpenAI's wire formats beside chat: text completions, images, audio, moderation, compaction.

Models of the name ``gpt-*`` tell tokens, the others what they told of old: the length of what was
heard, or nothing. Source of the shapes: OpenAI's public API reference and the types of its client.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from spanledger_collector.demo import openai_wire
from spanledger_collector.demo.answers import MARKER, Answer, Request, usage_of
from spanledger_collector.demo.provider import Route, Wire

Body = dict[str, Any]
#: Seconds of every recording that is heard.
HEARD_SECONDS: Final = 12.5
SPOKEN: Final = b"\xff\xfb not really sound"


# --- text completions -----------------------------------------------------------------------------
def completion(request: Request, answer: Answer) -> Body:
    """A whole text completion."""
    choice = {"index": 0, "text": answer.text, "finish_reason": "stop", "logprobs": None}
    whole = openai_wire.chat(request, answer)
    return {**whole, "object": "text_completion", "choices": [choice]}


def completion_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as a stream; usage where it is asked for."""
    for data in openai_wire.chat_events(request, answer):
        if data.startswith(b"data: [DONE]"):
            yield data
            continue
        chunk: Body = json.loads(data.removeprefix(b"data: "))
        for choice in chunk["choices"]:
            choice["text"] = choice.pop("delta").get("content") or ""
        yield openai_wire.event({**chunk, "object": "text_completion"})


# --- images ---------------------------------------------------------------------------------------
def images(request: Request, answer: Answer) -> Body:
    """As many images as were asked for."""
    number = int(request.body.get("n") or 1)
    body: Body = {"created": openai_wire.CREATED, "data": [{"b64_json": "AAAA"}] * number}
    if not _by_tokens(request):
        return body
    told = {"size": "1024x1024", "quality": "high", "output_format": "png"}
    return {**body, **told, "usage": _image_usage(request, answer)}


def image_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """One image, first as drafts."""
    picture = {"b64_json": "AAAA", "created_at": 1, "size": "1024x1024", "quality": "high"}
    picture |= {"background": "opaque", "output_format": "png"}
    for number in range(9):
        kind = "image_generation.partial_image"
        yield openai_wire.named_event({**picture, "type": kind, "partial_image_index": number})
    usage = _image_usage(request, answer)
    yield openai_wire.named_event({**picture, "type": "image_generation.completed", "usage": usage})


def _image_usage(request: Request, answer: Answer) -> Body:
    usage = usage_of(request, answer)
    parts = {"image_tokens": usage.input_tokens // 2}
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "input_tokens_details": {**parts, "text_tokens": usage.input_tokens // 2},
    }


def _by_tokens(request: Request) -> bool:
    return request.model.startswith("gpt-")


# --- audio ----------------------------------------------------------------------------------------
def transcription(request: Request, answer: Answer) -> Body:
    """A transcript with its usage; a detailed one with the length of the recording."""
    if request.body.get("response_format") == "verbose_json":
        told = {"duration": HEARD_SECONDS, "language": "english"}
        return {"text": answer.text, "segments": [], "words": [], **told}
    seconds = {"type": "duration", "seconds": HEARD_SECONDS}
    told = _heard_usage(request, answer) if _by_tokens(request) else seconds
    return {"text": answer.text, "usage": told}


def transcription_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as it is heard."""
    for piece in answer.pieces():
        yield openai_wire.named_event({"type": "transcript.text.delta", "delta": piece})
    done = {"type": "transcript.text.done", "text": answer.text}
    yield openai_wire.named_event({**done, "usage": _heard_usage(request, answer)})


def _heard_usage(request: Request, answer: Answer) -> Body:
    usage = usage_of(request, answer)
    return {
        "type": "tokens",
        "input_tokens": usage.input_tokens,
        "input_token_details": {"audio_tokens": usage.input_tokens - 2, "text_tokens": 2},
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def speech(_request: Request, _answer: Answer) -> Iterator[bytes]:
    """Sound, in two pieces."""
    yield SPOKEN[:4]
    yield SPOKEN[4:]


def moderation(request: Request, _answer: Answer) -> Body:
    """Nothing is wrong with anything."""
    result = {"flagged": False, "categories": {}, "category_scores": {}}
    return {"id": f"modr-{MARKER}", "model": request.model, "results": [result]}


# --- compaction -----------------------------------------------------------------------------------
def compaction(request: Request, answer: Answer) -> Body:
    """A conversation in one item that only the service can read."""
    whole = openai_wire.response(request, answer)
    item = {"id": "cmp_1", "type": "compaction", "encrypted_content": "AAAA"}
    return {
        **{name: whole[name] for name in ("id", "created_at", "usage")},
        "object": "response.compaction",
        "output": [item],
    }


ROUTES: Final[Mapping[str, Route]] = {
    "/v1/completions": (completion, completion_events),
    "/v1/responses/compact": (compaction, None),
    "/v1/images/generations": (images, image_events),
    "/v1/images/edits": (images, image_events),
    "/v1/images/variations": (images, None),
    "/v1/audio/transcriptions": (transcription, transcription_events),
    "/v1/audio/translations": (transcription, None),
    "/v1/audio/speech": Wire(None, speech, kind="audio/mpeg"),
    "/v1/moderations": (moderation, None),
}
