"""Bodies of Bedrock's ``InvokeModel``: each vendor answers in a format of its own.

The format is recognised by the answer, not by the model's name: a name may be the ARN of a profile
that says nothing. Where a vendor's format has no counts, Bedrock's own are taken: headers of a
whole answer, ``amazon-bedrock-invocationMetrics`` in the last chunk of a stream; both exclude
cached tokens. Read in the background, never on the user's thread.

Source: the Bedrock user guide, inference parameters of each vendor.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, count, parse_json, text, whole
from spanledger._formats import chat_completions, converse, messages
from spanledger._formats.converse import Body, ConverseReading, part, request_id

_METRICS: Final = "amazon-bedrock-invocationMetrics"
_HEADER: Final = "x-amzn-bedrock-{}-token-count"
#: Where vendors put generated text, a reason to stop, and lists of things that have these.
_TEXTS: Final = ("generation", "outputText", "text", "completion")
_REASONS: Final = ("stop_reason", "finish_reason", "completionReason")
_LISTS: Final = ("outputs", "generations", "results", "choices", "completions")


def read_body(head: Body, pieces: list[bytes], *, generates: bool = True) -> Answer:
    """A whole answer.

    Args:
        head: what the client's method gave, but for the body.
        pieces: the bytes that the application read of its body, all or some or none.
        generates: False for a model of embeddings, whose answers have no output tokens.
    """
    answer = _read_whole(b"".join(pieces))
    told = _header_usage(part(head, "ResponseMetadata").get("HTTPHeaders") or {})
    return _completed(answer, head, told, generates=generates)


def read_events(head: Body, events: list[Body]) -> Answer:
    """An answer read event by event, as far as the application read it."""
    pieces = [piece for event in events if (piece := part(event, "chunk").get("bytes"))]
    chunks = [cast("Body", json.loads(piece)) for piece in pieces]
    answer = _read_chunks(chunks, pieces)
    told = _metric_usage(part(chunks[-1] if chunks else {}, _METRICS))
    return _completed(answer, head, told, generates=True)


def _completed(answer: Answer, head: Body, told: Usage, *, generates: bool) -> Answer:
    """The answer with what Bedrock itself says of it."""
    if not generates:
        answer.usage.output_tokens = told.output_tokens = 0
    if told.known:
        answer.complete = True
        if not answer.usage.known:
            answer.usage = told
    answer.response_id = answer.response_id or request_id(head)
    fast = head.get("performanceConfigLatency") == "optimized"
    tier = "optimized" if fast else text(head.get("serviceTier"))
    answer.service_tier = answer.service_tier or tier
    return answer


def _read_whole(content: bytes) -> Answer:
    try:
        body: Any = json.loads(content)
    except ValueError:  # not read to its end
        return Answer(complete=False)
    if not isinstance(body, dict):
        return Answer()
    usage = part(cast("Body", body), "usage")
    if "input_tokens" in usage:
        return messages.answer_of(parse_json(content))
    if "prompt_tokens" in usage:
        return chat_completions.answer_of(parse_json(content))
    if "inputTokens" in usage:
        return converse.answer_of(cast("Body", body))
    return _other(cast("Body", body))


def _read_chunks(chunks: list[Body], pieces: list[bytes]) -> Answer:
    first: Body = chunks[0] if chunks else {}
    if "type" in first:
        return _reread(messages.MessageReading({}), pieces)
    if any("delta" in choice for choice in _members(first, "choices")):
        return _reread(chat_completions.ChatReading({}), pieces)
    if "messageStart" in first:
        reading = ConverseReading()
        for chunk in chunks:
            reading.chunk(chunk)
        return reading.answer()
    return _join(chunks)


def _reread(
    reading: messages.MessageReading | chat_completions.ChatReading, pieces: list[bytes]
) -> Answer:
    for piece in pieces:
        reading.chunk(parse_json(piece))
    return reading.answer()


def _join(chunks: list[Body]) -> Answer:
    """The chunks of a vendor whose streams are pieces of its whole answer."""
    whole_answer = Answer(complete=False)
    for answer in map(_other, chunks):
        whole_answer.texts += answer.texts
        whole_answer.finish_reasons = answer.finish_reasons or whole_answer.finish_reasons
        whole_answer.response_id = answer.response_id or whole_answer.response_id
        for name in ("input_tokens", "output_tokens"):
            told = getattr(answer.usage, name)
            if told is not None:
                setattr(whole_answer.usage, name, told)
    whole_answer.complete = bool(whole_answer.finish_reasons)
    return whole_answer


def _other(body: Body) -> Answer:
    """What the remaining formats have in common: a few names for the same few things."""
    parts = [body, *(member for name in _LISTS for member in _members(body, name))]
    return Answer(
        response_id=text(body.get("id")) or text(body.get("generation_id")),
        finish_reasons=tuple(_strings(parts, _REASONS)),
        usage=_counts(body),
        texts=list(_strings(parts, _TEXTS)),
    )


def _members(body: Body, name: str) -> list[Body]:
    members: object = body.get(name)
    if not isinstance(members, list):
        return []
    listed = cast("list[object]", members)
    return [cast("Body", one) for one in listed if isinstance(one, Mapping)]


def _strings(parts: list[Body], names: tuple[str, ...]) -> Iterator[str]:
    for one in parts:
        for name in names:
            value = text(one.get(name))
            if value:
                yield value


def _counts(body: Body) -> Usage:
    """Counts of Meta's models, and of Amazon's before Nova (text, streamed text, embeddings).

    Pictures are billed by the piece.
    """
    pictures = cast("list[object]", body.get("images") or body.get("artifacts") or ())
    if pictures:
        return Usage(units={semconv.UNIT_IMAGES: len(pictures)})
    if "generation" in body:
        return Usage(
            whole(body.get("prompt_token_count")), whole(body.get("generation_token_count"))
        )
    made = [count(one.get("tokenCount")) for one in _members(body, "results")]
    if "embedding" in body or "embeddingsByType" in body:
        made = [0]
    streamed = whole(body.get("totalOutputTextTokenCount"))
    return Usage(whole(body.get("inputTextTokenCount")), sum(made) if made else streamed)


def _header_usage(headers: Mapping[str, str]) -> Usage:
    """Bedrock's own counts of a whole answer; headers that are missing are counts not told.

    Models that generate nothing, such as those of embeddings, tell their input alone.
    """
    named = {
        name: headers.get(_HEADER.format(name), "")
        for name in ("input", "output", "cache-read-input", "cache-write-input")
    }
    counts = {name: int(value) for name, value in named.items() if value.isdecimal()}
    return _own_usage(
        counts.get("input"),
        counts.get("output"),
        counts.get("cache-read-input", 0),
        counts.get("cache-write-input", 0),
    )


def _metric_usage(metrics: Body) -> Usage:
    return _own_usage(
        whole(metrics.get("inputTokenCount")),
        whole(metrics.get("outputTokenCount")),
        count(metrics.get("cacheReadInputTokenCount")),
        count(metrics.get("cacheWriteInputTokenCount")),
    )


def _own_usage(uncached: int | None, made: int | None, read: int, written: int) -> Usage:
    total = None if uncached is None else uncached + read + written
    return Usage(total, made, read, written)
