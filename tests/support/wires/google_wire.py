"""Gemini's wire format: the model and the kind of answer stand in the path.

Source of the shapes: the public references of the Gemini API and of Vertex AI. Every chunk of a
stream carries the usage as far as it is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from spanledger_collector.demo import openai_wire
from spanledger_collector.demo.answers import MARKER, Answer, Request, usage_of
from spanledger_collector.demo.provider import Route, Wire

Body = dict[str, Any]

#: Of the input, tokens of results of tools that the provider ran itself.
TOOL_USE_TOKENS: Final = 10
#: A model whose name ends so asks Google Maps.
MAPPED: Final = "-mapped"


def content(request: Request, answer: Answer) -> Body:
    """A whole answer."""
    return _chunk(request, answer, _parts(answer), last=True)


def content_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as a stream of chunks."""
    if answer.tool_calls:
        yield openai_wire.event(_chunk(request, answer, _parts(answer), last=True))
        return
    *pieces, last = answer.pieces()
    for piece in pieces:
        yield openai_wire.event(_chunk(request, answer, [{"text": piece}], last=False))
    yield openai_wire.event(_chunk(request, answer, [{"text": last}], last=True))


def embeddings(request: Request, answer: Answer) -> Body:
    """One vector a text; only the counts tell what was read."""
    asked: list[Any] = request.body.get("requests") or [request.body]
    body: Body = {"embeddings": [{"values": [0.5, 0.25]} for _ in asked]}
    if answer.usage is not False:
        body["usageMetadata"] = {"promptTokenCount": usage_of(request, answer).input_tokens}
    return body


def pictures(_request: Request, _answer: Answer) -> Body:
    """Two pictures, and one that was held back."""
    made = {"bytesBase64Encoded": "AAAA", "mimeType": "image/png"}
    return {"predictions": [made, made, {"raiFilteredReason": "not shown"}]}


def predictions(request: Request, answer: Answer) -> Body:
    """Vertex AI's embeddings: each has the count of its own text; or pictures."""
    asked: list[Any] = request.body["instances"]
    if "content" not in asked[0]:
        return pictures(request, answer)
    share, rest = divmod(usage_of(request, answer).input_tokens, len(asked))
    counts = [share + rest, *[share] * (len(asked) - 1)]
    return {
        "predictions": [
            {"embeddings": {"values": [0.5], "statistics": {"token_count": count}}}
            for count in counts
        ]
    }


def error(_request: Request, answer: Answer) -> Body:
    """The body of a failed answer."""
    return {
        "error": {"code": answer.status, "message": answer.error_message, "status": "UNAVAILABLE"}
    }


def tier(_request: Request, answer: Answer) -> Mapping[str, str]:
    """The Gemini API tells in a header which tier answered."""
    return {"X-Gemini-Service-Tier": answer.service_tier} if answer.service_tier else {}


def _parts(answer: Answer) -> list[Body]:
    calls: list[Body] = [
        {"functionCall": {"name": call.name, "args": dict(call.arguments)}}
        for call in answer.tool_calls
    ]
    return calls or [{"text": answer.text}]


def _chunk(request: Request, answer: Answer, parts: list[Body], *, last: bool) -> Body:
    candidate: Body = {"content": {"role": "model", "parts": parts}, "index": 0}
    if last:
        candidate["finishReason"] = answer.finish_reason or "STOP"
    if last and answer.web_search_requests:
        queries = [f"query {number}" for number in range(answer.web_search_requests)]
        candidate["groundingMetadata"] = {"webSearchQueries": ["", *queries, queries[0]]}
    if last and request.model.endswith(MAPPED):
        place = {"uri": "https://maps.test/1", "title": "a place"}
        candidate["groundingMetadata"] = {"groundingChunks": [{"maps": place}, {"maps": place}]}
    body: Body = {
        "candidates": [candidate],
        "modelVersion": answer.model or request.model,
        "responseId": f"{MARKER}-{request.serial}",
    }
    if answer.usage is not False:
        body["usageMetadata"] = _usage(request, answer, last=last)
    return body


def _usage(request: Request, answer: Answer, *, last: bool) -> Body:
    usage = usage_of(request, answer)
    tools = TOOL_USE_TOKENS if answer.web_search_requests else 0
    said = usage.output_tokens - answer.reasoning_tokens
    body: Body = {
        "promptTokenCount": usage.input_tokens - tools,
        "candidatesTokenCount": said if last else 1,
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }
    optional: Body = {
        "cachedContentTokenCount": answer.cache_read_tokens,
        "thoughtsTokenCount": answer.reasoning_tokens,
        "toolUsePromptTokenCount": tools,
    }
    if request.path.startswith(VERTEX):
        optional["trafficType"] = answer.service_tier
    return body | {name: value for name, value in optional.items() if value}


#: The clients' default differs from release to release.
API_VERSION: Final = "v1beta"
GEMINI: Final = f"/{API_VERSION}"
#: Vertex AI with a key; its other addresses have the project before this.
VERTEX: Final = f"/{API_VERSION}/publishers/google"
_STREAM: Final = Wire(None, content_events, error=error)


# --- interactions ---------------------------------------------------------------------------------
def interaction(request: Request, answer: Answer) -> Body:
    """A whole interaction."""
    calls = [
        {"type": "function_call", "id": "c", "name": call.name, "arguments": dict(call.arguments)}
        for call in answer.tool_calls
    ]
    said = {"type": "model_output", "content": [{"type": "text", "text": answer.text}]}
    return {**_interaction(request, answer, "completed"), "steps": [said, *calls]}


def interaction_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as a stream of steps."""
    begun = _interaction(request, answer, "in_progress")
    begun.pop("usage", None)
    yield _named({"event_type": "interaction.created", "interaction": begun})
    step = {"type": "model_output", "content": []}
    yield _named({"event_type": "step.start", "index": 0, "step": step})
    for piece in answer.pieces():
        delta = {"type": "text", "text": piece}
        yield _named({"event_type": "step.delta", "index": 0, "delta": delta})
    yield _named({"event_type": "step.stop", "index": 0})
    whole = _interaction(request, answer, "completed")
    yield _named({"event_type": "interaction.completed", "interaction": whole})


def _named(event: Body) -> bytes:
    return openai_wire.named_event({"type": event["event_type"], **event})


def _interaction(request: Request, answer: Answer, status: str) -> Body:
    told: Body = {"id": f"int-{MARKER}-{request.serial}", "status": status}
    told["model"] = answer.model or request.model
    if answer.service_tier:
        told["service_tier"] = answer.service_tier
    if answer.usage is False:
        return told
    usage = usage_of(request, answer)
    tools = TOOL_USE_TOKENS if answer.web_search_requests else 0
    counts: Body = {
        "total_input_tokens": usage.input_tokens - tools,
        "total_tool_use_tokens": tools,
        "total_output_tokens": usage.output_tokens - answer.reasoning_tokens,
        "total_thought_tokens": answer.reasoning_tokens,
        "total_cached_tokens": answer.cache_read_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
    if answer.web_search_requests:
        searched = {"type": "google_search", "count": answer.web_search_requests}
        counts["grounding_tool_count"] = [searched]
    return {**told, "usage": counts}


ROUTES: Final[Mapping[str, Route]] = {
    f"{GEMINI}/models/{{model}}:generateContent": Wire(content, headers=tier, error=error),
    f"{GEMINI}/models/{{model}}:streamGenerateContent": _STREAM,
    f"{GEMINI}/interactions": Wire(interaction, interaction_events, error=error),
    f"{GEMINI}/models/{{model}}:batchEmbedContents": Wire(embeddings, error=error),
    f"{VERTEX}/models/{{model}}:generateContent": Wire(content, error=error),
    f"{VERTEX}/models/{{model}}:streamGenerateContent": _STREAM,
    f"{VERTEX}/models/{{model}}:predict": Wire(predictions, error=error),
}
