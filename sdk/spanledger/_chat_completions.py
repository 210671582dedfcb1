"""Chat completions: OpenAI's wire format, which the clients of many providers share.

Counts of this format include cached tokens in the input and reasoning tokens in the output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._answer import Answer, Usage, count, fields_of, present, strings, text, whole
from spanledger._facts import Attributes
from spanledger._instrumentor import number, sampling_attributes
from spanledger._server_times import server_times

#: The parameters that a span tells.
_TOLD: Final = frozenset(
    {"max_completion_tokens", "max_tokens", "temperature", "top_p", "service_tier", "n"}
)


def tier(kwargs: Mapping[str, Any]) -> Attributes:
    """The service tier that was asked for."""
    asked = text(kwargs.get("service_tier"))
    return {semconv.OPENAI_REQUEST_SERVICE_TIER: asked} if asked else {}


def request(kwargs: Mapping[str, Any]) -> Attributes:
    """Parameters of a chat completion."""
    if _TOLD.isdisjoint(kwargs):
        return {}
    attributes = sampling_attributes(kwargs, "max_completion_tokens", "max_tokens")
    if "service_tier" in kwargs:
        attributes |= tier(kwargs)
    choices = number(kwargs, "n") if "n" in kwargs else None
    if choices is not None and choices != 1:
        attributes[semconv.REQUEST_CHOICE_COUNT] = int(choices)
    return attributes


def usage_of(usage: Any) -> Usage:
    """The counts of a completion's ``usage``, which may be missing."""
    if usage is None:
        return Usage()
    counts = fields_of(usage)
    told = Usage(whole(counts.get("prompt_tokens")), whole(counts.get("completion_tokens")))
    heard = said = 0
    if (details := counts.get("prompt_tokens_details")) is not None:
        given = fields_of(details)
        told.cache_read_tokens = count(given.get("cached_tokens"))
        if "cache_write_tokens" in given:
            told.cache_write_5m_tokens = count(given["cache_write_tokens"])
        heard = count(given.get("audio_tokens"))
    if (details := counts.get("completion_tokens_details")) is not None:
        made = fields_of(details)
        told.reasoning_tokens = count(made.get("reasoning_tokens"))
        said = count(made.get("audio_tokens"))
    if "cost" in counts:
        told.cost_usd = cost_of(counts["cost"])
    if heard or said:
        told.parts = present(
            {semconv.USAGE_AUDIO_INPUT_TOKENS: heard, semconv.USAGE_AUDIO_OUTPUT_TOKENS: said}
        )
    return told


def cost_of(cost: Any) -> float | None:
    """What OpenRouter (a number) and Perplexity (a sum and its parts) say of it, in USD."""
    total = fields_of(cost).get("total_cost", cost)
    return float(total) if isinstance(total, int | float) and total >= 0 else None


def answer_of(completion: Any, read_usage: Callable[[Any], Usage] = usage_of) -> Answer:
    """A whole completion; its texts only where they have to be counted."""
    fields = fields_of(completion)
    choices = fields.get("choices") or ()
    answer = Answer(
        text(fields.get("id")),
        text(fields.get("model")),
        tuple([reason for choice in choices if (reason := choice.finish_reason)]),
        text(fields.get("service_tier")),
        read_usage(fields.get("usage")),
    )
    if answer.usage.needs_texts:
        answer.texts = _message_texts(choices)
    if "timings" in fields or "metrics" in fields:  # a server of open models
        answer.facts = server_times(fields)
    return answer


def _message_texts(choices: Any) -> list[str]:
    texts: list[str] = []
    for choice in choices:
        texts += said_texts(choice.message)
    return texts


def said_texts(message: Any) -> list[str]:
    """What a message, or a piece of one, says, in any server's field."""
    fields = fields_of(message)
    content = fields.get("content")
    # A text, or a list of typed parts (thinking models).
    texts = [content] if isinstance(content, str) else list(strings(content))
    for call in fields.get("tool_calls") or ():
        kinds = fields_of(call)
        for part in (fields_of(kinds.get("function")), fields_of(kinds.get("custom"))):
            texts += [text(part.get(name)) for name in ("name", "arguments", "input")]
    texts += [text(fields.get(name)) for name in _OTHER_TEXTS]
    return [piece for piece in texts if piece]


#: Fields of a message with generated text: OpenAI's, and those of servers that show the thinking.
_OTHER_TEXTS: Final = ("refusal", "reasoning_content", "reasoning")


class ChatReading:
    """A chat completion read chunk by chunk; all its choices count together."""

    __slots__ = ("_choices", "_finishes", "_last", "_texts", "_usage")

    def __init__(self, kwargs: Mapping[str, Any]) -> None:
        self._choices = int(number(kwargs, "n") or 1) if "n" in kwargs else 1
        self._texts: list[str] = []
        self._finishes: dict[int, str] = {}
        self._usage: Any = None
        #: The last chunk that said more than a piece of text, or the first one.
        self._last: Any = None

    def chunk(self, chunk: Any, /) -> None:
        """Keep the piece of text, the end of a choice, the usage."""
        # Names are looked up where the client keeps them: a fraction of its attributes' cost.
        fields = chunk.__dict__
        try:
            (choice,) = fields["choices"]
            told = choice.__dict__
            said = told["delta"].__dict__
            content = said["content"]
            if (  # nearly always: a piece of text and nothing else
                content
                and said["tool_calls"] is None
                and told["finish_reason"] is None
                and fields["usage"] is None
                and self._last is not None
                and type(content) is str
            ):
                self._texts.append(content)
                return
        except (KeyError, TypeError, ValueError):
            pass  # no choice or several of them, or a server that leaves fields out
        self._read(chunk, fields)

    def _read(self, chunk: Any, fields: Mapping[str, Any]) -> None:
        for choice in fields.get("choices") or ():
            told = choice.__dict__
            delta = told["delta"]
            said = delta.__dict__
            content = said.get("content")
            if type(content) is str and content and not said.get("tool_calls"):
                self._texts.append(content)
            else:
                self._texts += said_texts(delta)
            if told.get("finish_reason"):
                self._finishes[choice.index] = choice.finish_reason
        if fields.get("usage") is not None:
            self._usage = chunk.usage
        self._last = chunk

    def answer(self) -> Answer:
        """Whole once every choice has ended or the usage has come."""
        usage = usage_of(self._usage)
        last = fields_of(self._last)
        return Answer(
            response_id=text(last.get("id")),
            model=text(last.get("model")),
            finish_reasons=tuple([self._finishes[index] for index in sorted(self._finishes)]),
            service_tier=text(last.get("service_tier")),
            usage=usage,
            texts=self._texts,
            complete=len(self._finishes) >= self._choices or usage.known,
            facts=server_times(last),
        )
