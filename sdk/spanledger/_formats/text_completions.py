"""Text completions: OpenAI's older wire format, which the clients of other providers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spanledger._calls.answer import Answer, error_of, fields_of, text
from spanledger._formats.chat_usage import usage_of


def answer_of(completion: Any) -> Answer:
    """A whole completion; its texts only where they have to be counted."""
    choices = completion.choices or ()
    reasons = (text(choice.finish_reason) for choice in choices)
    usage = usage_of(completion.usage)
    error_code = "" if choices else error_of(getattr(completion, "error", None))
    return Answer(
        response_id=text(completion.id),
        model=text(completion.model),
        finish_reasons=tuple(reason for reason in reasons if reason),
        usage=usage,
        texts=[text(choice.text) for choice in choices] if usage.needs_texts else [],
        uncounted=bool(error_code) and not usage.known,
        error_code=error_code,
    )


class TextReading:
    """A text completion read chunk by chunk. A choice, or the chunk, says how it ended."""

    __slots__ = ("_apart", "_finishes", "_last", "_open", "_texts", "_usage")

    def __init__(self, _kwargs: Mapping[str, Any]) -> None:
        self._texts: list[str] = []
        self._finishes: list[str] = []
        #: Choices that have begun and not ended.
        self._open: set[int] = set()
        self._usage: Any = None
        #: Whether the usage came in a chunk without choices: vLLM may send it with every chunk.
        self._apart = False
        self._last: Any = None

    def chunk(self, chunk: Any, /) -> None:
        """Keep the piece of text, the end, the usage."""
        self._last = chunk
        choices = chunk.choices or ()
        for choice in choices:
            told = fields_of(choice)
            delta = fields_of(told.get("delta"))
            self._texts.append(text(told.get("text")) or text(delta.get("content")))
            if reason := text(told.get("finish_reason")):
                self._finishes.append(reason)
                self._open.discard(told.get("index", 0))
            else:
                self._open.add(told.get("index", 0))
        if reason := text(getattr(chunk, "finish_reason", None)):
            self._finishes.append(reason)
            self._open.clear()
        if chunk.usage is not None:
            self._usage, self._apart = chunk.usage, not choices

    def answer(self) -> Answer:
        """Whole once every choice has ended or the usage of all has come."""
        usage = usage_of(self._usage)
        ended = bool(self._finishes) and not self._open
        return Answer(
            response_id=text(getattr(self._last, "id", None)),
            model=text(getattr(self._last, "model", None)),
            finish_reasons=tuple(self._finishes),
            usage=usage,
            texts=self._texts,
            complete=ended or (self._apart and usage.known),
            ends_silently=usage.known,
        )
