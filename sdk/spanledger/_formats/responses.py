"""Responses: OpenAI's newer wire format, which other servers speak too.

Counts of this format include cached tokens in the input and reasoning tokens in the output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, count, fields_of, text, whole
from spanledger._calls.facts import Attributes
from spanledger._calls.fetch import Fetched
from spanledger._formats.chat_completions import tier
from spanledger._formats.chat_usage import cost_of
from spanledger._formats.hosted_tools import units_of
from spanledger._patches.instrumentor import sampling_attributes


def request(kwargs: Mapping[str, Any]) -> Attributes:
    """Parameters of a response."""
    attributes = sampling_attributes(kwargs, "max_output_tokens") | tier(kwargs)
    if kwargs.get("background") is True:
        attributes[semconv.RESPONSE_DEFERRED] = True
    return attributes


def usage_of(usage: Any) -> Usage:
    """The counts of a response's ``usage``, which may be missing."""
    if usage is None:
        return Usage()
    counts = fields_of(usage)
    given = fields_of(counts.get("input_tokens_details"))
    made = fields_of(counts.get("output_tokens_details"))
    return Usage(
        input_tokens=whole(counts.get("input_tokens")),
        output_tokens=whole(counts.get("output_tokens")),
        cache_read_tokens=count(given.get("cached_tokens")),
        cache_write_5m_tokens=count(given.get("cache_write_tokens")),
        reasoning_tokens=count(made.get("reasoning_tokens")),
        cost_usd=cost_of(counts.get("cost")),
    )


def answer_of(response: Any) -> Answer:
    """A response as it is now: whole, or still to come."""
    status = text(getattr(response, "status", None))
    reason = text(getattr(getattr(response, "incomplete_details", None), "reason", None))
    usage = usage_of(getattr(response, "usage", None))
    if usage.known:
        usage.units = units_of(response)
    return Answer(
        response_id=text(response.id),
        model=text(response.model),
        finish_reasons=tuple(word for word in (reason or status,) if word),
        service_tier=text(getattr(response, "service_tier", None)),
        usage=usage,
        texts=_output_texts(response) if usage.needs_texts else [],
        uncounted=status in _PENDING or (status in _FAILED and _made_nothing(response, usage)),
        error_code=text(getattr(getattr(response, "error", None), "code", None)),
    )


_PENDING: Final = frozenset({"queued", "in_progress"})
_FAILED: Final = frozenset({"failed", "cancelled"})


def _made_nothing(response: Any, usage: Usage) -> bool:
    """A failure that nobody counts and that left nothing: as an error of HTTP, it has no bill."""
    return not usage.known and not getattr(response, "output", None)


def compaction_of(compaction: Any) -> Answer:
    """A conversation that was made shorter; its output is for the service alone to read."""
    usage = usage_of(compaction.usage)
    return Answer(response_id=text(compaction.id), usage=usage, uncounted=not usage.known)


def read_background(result: Any) -> Fetched | None:
    """The answer in what was retrieved (a response, or an event of its stream).

    None while there is none, and for a response that was not made in the background: the call that
    made that one has told it.
    """
    response = getattr(result, "response", result)
    if getattr(response, "background", None) is not True:
        return None
    answer = answer_of(response)
    return Fetched(semconv.OPERATION_CHAT, answer) if answer.usage.known else None


def _output_texts(response: Any) -> list[str]:
    texts: list[str] = []
    for item in getattr(response, "output", None) or ():
        texts += [text(getattr(item, name, None)) for name in ("name", "arguments")]
        texts += [
            text(getattr(part, "text", None)) for part in getattr(item, "content", None) or ()
        ]
    return [piece for piece in texts if piece]


class ResponseReading:
    """A response read event by event; its last event carries the whole response."""

    __slots__ = ("_error", "_final", "_first", "_texts")

    #: Events whose ``response`` is the final one.
    _LAST: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})

    def __init__(self, _kwargs: Mapping[str, Any]) -> None:
        self._texts: list[str] = []
        self._first: Any = None
        self._final: Any = None
        self._error = ""

    def chunk(self, event: Any, /) -> None:
        """Keep generated text, and the response objects of the first and the last event."""
        kind = event.type
        if kind.endswith(".delta"):
            delta = event.delta
            if isinstance(delta, str) and "audio" not in kind:
                self._texts.append(delta)
        elif kind in self._LAST:
            self._final = event.response
        elif kind == "response.created":
            self._first = event.response
        elif kind == "response.output_item.added":
            self._texts.append(text(getattr(event.item, "name", None)))
        elif kind == "error":
            self._error = text(getattr(event, "code", None)) or "error"

    def answer(self) -> Answer:
        """The final response; before it came, what was generated so far."""
        seen = self._final or self._first
        answer = Answer() if seen is None else answer_of(seen)
        if self._final is None:
            answer.complete = answer.uncounted = False
            answer.finish_reasons = ()
        if not answer.usage.known:
            answer.texts = self._texts
            answer.uncounted = answer.uncounted and not self._texts
        answer.error_code = answer.error_code or self._error
        return answer
