"""Converse: Bedrock's one format for the models of all vendors, read as plain mappings.

Counts exclude cached tokens from ``inputTokens``; they are added here. Amazon's own models answer
``InvokeModel`` in this format too, with ``Count`` at the end of the two names of cached tokens.
Source: the API reference of the Bedrock runtime (Converse, ConverseStream, TokenUsage).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from spanledger._calls.answer import Answer, Usage, count, strings, text, whole

Body = Mapping[str, Any]


def part(body: object, name: str) -> Body:
    """A member that is a mapping; an empty one where it is not."""
    value = cast("Body", body).get(name) if isinstance(body, Mapping) else None
    return cast("Body", value) if isinstance(value, Mapping) else {}


def usage_of(usage: Body) -> Usage:
    """The counts of a ``usage``; the cache writes of one hour as far as they are told apart."""
    read = count(usage.get("cacheReadInputTokens", usage.get("cacheReadInputTokenCount")))
    written = count(usage.get("cacheWriteInputTokens", usage.get("cacheWriteInputTokenCount")))
    hour = sum(
        count(one.get("inputTokens"))
        for one in cast("list[Body]", usage.get("cacheDetails") or ())
        if one.get("ttl") == "1h"
    )
    hour = min(written, hour)
    uncached = whole(usage.get("inputTokens"))
    return Usage(
        input_tokens=None if uncached is None else uncached + read + written,
        output_tokens=whole(usage.get("outputTokens")),
        cache_read_tokens=read,
        cache_write_5m_tokens=written - hour,
        cache_write_1h_tokens=hour,
    )


def tier_of(body: Body) -> str:
    """The tier that sets the price; the optimised latency is one, although it has its own field."""
    if part(body, "performanceConfig").get("latency") == "optimized":
        return "optimized"
    return text(part(body, "serviceTier").get("type"))


def routed_model(body: Body) -> str:
    """The model that a prompt router chose, where the trace of the answer was asked for."""
    return text(part(part(body, "trace"), "promptRouter").get("invokedModelId"))


def request_id(result: Body) -> str:
    """Bedrock's name of the request: an answer has no other, but for what some vendors add."""
    return text(part(result, "ResponseMetadata").get("RequestId"))


def answer_of(result: Body) -> Answer:
    """A whole answer; its texts only where they have to be counted."""
    usage = usage_of(part(result, "usage"))
    reason = text(result.get("stopReason"))
    message = part(part(result, "output"), "message")
    return Answer(
        response_id=request_id(result),
        model=routed_model(result),
        finish_reasons=(reason,) if reason else (),
        service_tier=tier_of(result),
        usage=usage,
        texts=list(strings(message.get("content"))) if usage.needs_texts else [],
    )


class ConverseReading:
    """A stream read event by event; the last event, ``metadata``, has the usage."""

    __slots__ = ("_id", "_metadata", "_reason", "_texts")

    def __init__(self, response_id: str = "") -> None:
        self._id = response_id
        self._texts: list[str] = []
        self._reason = ""
        self._metadata: Body = {}

    def chunk(self, event: Body, /) -> None:
        """Keep generated text, the reason of the end, the usage."""
        if "contentBlockDelta" in event:
            delta = event["contentBlockDelta"]["delta"]
            piece = delta.get("text")
            self._texts += (piece,) if piece else strings(delta)
        elif "contentBlockStart" in event:
            self._texts += _tool_name(event["contentBlockStart"])
        elif "messageStop" in event:
            self._reason = text(event["messageStop"].get("stopReason"))
        elif "metadata" in event:
            self._metadata = event["metadata"]

    def answer(self) -> Answer:
        """Whole once the model said why it stopped."""
        return Answer(
            response_id=self._id,
            model=routed_model(self._metadata),
            finish_reasons=(self._reason,) if self._reason else (),
            service_tier=tier_of(self._metadata),
            usage=usage_of(part(self._metadata, "usage")),
            texts=self._texts,
            complete=bool(self._reason or self._metadata),
        )


def _tool_name(block: Body) -> Iterator[str]:
    return strings(part(part(block, "start"), "toolUse").get("name"))
