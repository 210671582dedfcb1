"""Chat completions: OpenAI's wire format, which the clients of many providers share.

Counts of this format include cached tokens in the input and reasoning tokens in the output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._answer import Answer, Usage, count, fields_of, strings, text, whole
from spanledger._facts import Attributes
from spanledger._instrumentor import number, sampling_attributes


def tier(kwargs: Mapping[str, Any]) -> Attributes:
    """The service tier that was asked for."""
    asked = text(kwargs.get("service_tier"))
    return {semconv.OPENAI_REQUEST_SERVICE_TIER: asked} if asked else {}


def request(kwargs: Mapping[str, Any]) -> Attributes:
    """Parameters of a chat completion."""
    attributes = sampling_attributes(kwargs, "max_completion_tokens", "max_tokens")
    attributes |= tier(kwargs)
    choices = number(kwargs, "n")
    if choices is not None and choices != 1:
        attributes[semconv.REQUEST_CHOICE_COUNT] = int(choices)
    return attributes


def usage_of(usage: Any) -> Usage:
    """The counts of a completion's ``usage``, which may be missing."""
    if usage is None:
        return Usage()
    counts = fields_of(usage)
    given = fields_of(counts.get("prompt_tokens_details"))
    made = fields_of(counts.get("completion_tokens_details"))
    return Usage(
        input_tokens=whole(counts.get("prompt_tokens")),
        output_tokens=whole(counts.get("completion_tokens")),
        cache_read_tokens=count(given.get("cached_tokens")),
        cache_write_5m_tokens=count(given.get("cache_write_tokens")),
        reasoning_tokens=count(made.get("reasoning_tokens")),
        audio_input_tokens=count(given.get("audio_tokens")),
        audio_output_tokens=count(made.get("audio_tokens")),
    )


def answer_of(completion: Any, read_usage: Callable[[Any], Usage] = usage_of) -> Answer:
    """A whole completion; its texts only where they have to be counted."""
    fields = fields_of(completion)
    usage = read_usage(fields.get("usage"))
    choices = fields.get("choices") or ()
    return Answer(
        response_id=text(fields.get("id")),
        model=text(fields.get("model")),
        finish_reasons=tuple([choice.finish_reason for choice in choices if choice.finish_reason]),
        service_tier=text(fields.get("service_tier")),
        usage=usage,
        texts=[] if usage.known else _message_texts(choices),
    )


def _message_texts(choices: Any) -> list[str]:
    texts: list[str] = []
    for choice in choices:
        message = choice.message
        texts += [*_content_texts(message.content), *_other_texts(message)]
    return [piece for piece in texts if piece]


def _content_texts(content: Any) -> list[str]:
    """The content of a message: a text, or a list of typed parts (thinking models)."""
    return [content] if isinstance(content, str) else list(strings(content))


def _other_texts(message: Any) -> Iterator[str]:
    """What a message, or a piece of one, says beside its content, in any server's field."""
    for call in getattr(message, "tool_calls", None) or ():
        for part in (getattr(call, "function", None), getattr(call, "custom", None)):
            yield from (text(getattr(part, name, None)) for name in ("name", "arguments", "input"))
    yield from (text(getattr(message, name, None)) for name in _OTHER_TEXTS)


#: Fields of a message with generated text: OpenAI's, and those of servers that show the thinking.
_OTHER_TEXTS: Final = ("refusal", "reasoning_content", "reasoning")


class ChatReading:
    """A chat completion read chunk by chunk; all its choices count together."""

    __slots__ = ("_choices", "_finishes", "_last", "_texts", "_usage")

    def __init__(self, kwargs: Mapping[str, Any]) -> None:
        self._choices = int(number(kwargs, "n") or 1)
        self._texts: list[str] = []
        self._finishes: dict[int, str] = {}
        self._usage: Any = None
        self._last: Any = None

    def chunk(self, chunk: Any, /) -> None:
        """Keep the piece of text, the end of a choice, the usage."""
        for choice in chunk.choices or ():
            delta = choice.delta
            if delta.content:
                self._texts += _content_texts(delta.content)
            if delta.tool_calls or not delta.content:
                self._texts += filter(None, _other_texts(delta))
            if choice.finish_reason:
                self._finishes[choice.index] = choice.finish_reason
        if chunk.usage is not None:
            self._usage = chunk.usage
        self._last = chunk

    def answer(self) -> Answer:
        """Whole once every choice has ended or the usage has come."""
        usage = usage_of(self._usage)
        last = self._last
        return Answer(
            response_id=text(getattr(last, "id", None)),
            model=text(getattr(last, "model", None)),
            finish_reasons=tuple(self._finishes[index] for index in sorted(self._finishes)),
            service_tier=text(getattr(last, "service_tier", None)),
            usage=usage,
            texts=self._texts,
            complete=len(self._finishes) >= self._choices or usage.known,
        )
