"""Text completions: OpenAI's older wire format, which the clients of other providers share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from spanledger._answer import Answer, Usage, fields_of, text
from spanledger._chat_completions import usage_of


def answer_of(completion: Any, read_usage: Callable[[Any], Usage] = usage_of) -> Answer:
    """A whole completion; its texts only where they have to be counted."""
    choices = completion.choices or ()
    reasons = (text(choice.finish_reason) for choice in choices)
    usage = read_usage(completion.usage)
    return Answer(
        response_id=text(completion.id),
        model=text(completion.model),
        finish_reasons=tuple(reason for reason in reasons if reason),
        usage=usage,
        texts=[text(choice.text) for choice in choices] if usage.needs_texts else [],
    )


class TextReading:
    """A text completion read chunk by chunk. A choice, or the chunk, says how it ended."""

    __slots__ = ("_finishes", "_last", "_texts", "_usage")

    def __init__(self, _kwargs: Mapping[str, Any]) -> None:
        self._texts: list[str] = []
        self._finishes: list[str] = []
        self._usage: Any = None
        self._last: Any = None

    def chunk(self, chunk: Any, /) -> None:
        """Keep the piece of text, the end, the usage."""
        self._last = chunk
        for choice in chunk.choices or ():
            told = fields_of(choice)
            delta = fields_of(told.get("delta"))
            self._texts.append(text(told.get("text")) or text(delta.get("content")))
        for ended in (chunk, *(chunk.choices or ())):
            reason = text(getattr(ended, "finish_reason", None))
            if reason:
                self._finishes.append(reason)
        if chunk.usage is not None:
            self._usage = chunk.usage

    def read_usage(self, usage: Any) -> Usage:
        """The counts as this provider words them."""
        return usage_of(usage)

    def answer(self) -> Answer:
        """Whole once it ended or the usage has come."""
        usage = self.read_usage(self._usage)
        return Answer(
            response_id=text(getattr(self._last, "id", None)),
            model=text(getattr(self._last, "model", None)),
            finish_reasons=tuple(self._finishes),
            usage=usage,
            texts=self._texts,
            complete=bool(self._finishes) or usage.known,
        )
