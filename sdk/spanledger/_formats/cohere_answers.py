"""What Cohere's answers say: the counts of both its APIs, and how the first one chats and writes.

The first API has the counts in a field ``meta`` of its answers. A stream holds the whole answer in
its last event; text that is generated as a stream tells no counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, strings, text


def integer(units: Any, name: str) -> int | None:
    """A count of this client, whose models make every number a float."""
    value = getattr(units, name, None)
    if isinstance(value, int | float) and value >= 0 and value == value // 1:
        return int(value)
    return None


def usage_of(usage: Any) -> Usage:
    """The counts of a ``usage`` or a ``meta``: the billed ones, where there are any."""
    billed, seen = getattr(usage, "billed_units", None), getattr(usage, "tokens", None)
    given, made = (
        integer(seen, name) if integer(billed, name) is None else integer(billed, name)
        for name in ("input_tokens", "output_tokens")
    )
    cached = integer(usage, "cached_tokens") or 0
    return Usage(input_tokens=given, output_tokens=made, cache_read_tokens=min(cached, given or 0))


def processed(usage: Any) -> Mapping[str, int] | None:
    """What the model read and wrote, where a ``usage`` or a ``meta`` bills another number."""
    billed, seen = getattr(usage, "billed_units", None), getattr(usage, "tokens", None)
    counts = {
        attribute: (integer(seen, name), integer(billed, name))
        for name, attribute in _PROCESSED.items()
    }
    if all(one in (None, other) or other is None for one, other in counts.values()):
        return None
    return {name: one for name, (one, _) in counts.items() if one is not None}


_PROCESSED: Final = {
    "input_tokens": semconv.USAGE_PROCESSED_INPUT_TOKENS,
    "output_tokens": semconv.USAGE_PROCESSED_OUTPUT_TOKENS,
}


def reasons(reason: Any) -> tuple[str, ...]:
    """Why an answer ended, if it says so."""
    return (reason,) if isinstance(reason, str) else ()


def chat_answer(answer: Any) -> Answer:
    """A whole chat."""
    usage = usage_of(answer.meta)
    return Answer(
        response_id=text(answer.response_id) or text(answer.generation_id),
        finish_reasons=reasons(answer.finish_reason),
        usage=usage,
        texts=list(strings([answer.text, answer.tool_calls])) if usage.needs_texts else [],
        facts=processed(answer.meta),
    )


def text_answer(answer: Any) -> Answer:
    """A whole text, or several."""
    usage = usage_of(getattr(answer, "meta", None))
    made = answer.generations or ()
    told = (text(getattr(one, "finish_reason", None)) for one in made)
    return Answer(
        response_id=text(answer.id),
        finish_reasons=tuple(reason for reason in told if reason),
        usage=usage,
        texts=[text(one.text) for one in made] if usage.needs_texts else [],
        facts=processed(getattr(answer, "meta", None)),
    )


class Reading:
    """A stream read event by event; the last one holds the whole answer.

    Args:
        _kwargs: the call's parameters.
        read: makes an answer of what the last event holds.
    """

    __slots__ = ("_end", "_id", "_read", "_texts")

    def __init__(self, _kwargs: Mapping[str, Any], read: Callable[[Any], Answer]) -> None:
        self._read = read
        self._texts: list[str] = []
        self._id = ""
        self._end: Any = None

    def chunk(self, event: Any, /) -> None:
        """Keep generated text, the id, and the end."""
        kind = event.event_type
        if kind == "text-generation":
            self._texts.append(event.text or "")
        elif kind in _ENDS:
            self._end = event
        elif kind == "stream-start":
            self._id = text(event.generation_id)
        elif kind == "tool-calls-generation":
            self._texts += strings(event.tool_calls)

    def answer(self) -> Answer:
        """Whole once the last event came."""
        end = self._end
        response = getattr(end, "response", None)
        answer = Answer(complete=False) if response is None else self._read(response)
        answer.response_id = answer.response_id or self._id
        if not answer.usage.known:
            answer.texts = self._texts
        answer.finish_reasons = answer.finish_reasons or reasons(
            getattr(end, "finish_reason", None)
        )
        if any(reason.startswith("ERROR") for reason in answer.finish_reasons):
            answer.error_code = "stream_error"
        return answer


#: Events after which nothing comes.
_ENDS: Final = frozenset({"stream-end", "stream-error"})
