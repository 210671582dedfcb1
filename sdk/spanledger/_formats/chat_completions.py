"""Chat completions: OpenAI's wire format, which the clients of many providers share.

Counts of this format include cached tokens in the input and reasoning tokens in the output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, error_of, fields_of, strings, text
from spanledger._calls.facts import Attributes
from spanledger._formats.chat_usage import usage_of
from spanledger._formats.server_times import TELLING, server_times
from spanledger._patches.instrumentor import number, sampling_attributes

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


def answer_of(completion: Any, read_usage: Callable[[Any], Usage] = usage_of) -> Answer:
    """A whole completion; its texts only where they have to be counted."""
    fields = fields_of(completion)
    choices = fields.get("choices") or ()
    reasons = tuple([reason for choice in choices if (reason := choice.finish_reason)])
    answer = Answer(
        text(fields.get("id")),
        text(fields.get("model")),
        reasons,
        text(fields.get("service_tier")),
        read_usage(fields.get("usage")),
    )
    if not choices or len(reasons) < len(choices) or "error" in reasons:
        _note_error(answer, fields, choices)
    if answer.usage.needs_texts:
        answer.texts = _message_texts(choices)
    if not TELLING.isdisjoint(fields):  # a server of open models
        answer.facts = server_times(fields)
    elif choices and "meta_info" in _beside(choices[0]):  # SGLang, where it was asked for
        answer.facts = server_times(_beside(choices[0]))
    return answer


def _beside(choice: Any) -> Mapping[str, Any]:
    """What a server put into a choice beside what the client knows of."""
    unknown: Mapping[str, Any] | None = getattr(choice, "__pydantic_extra__", None)
    return unknown or getattr(choice, "__dict__", {})


def _note_error(answer: Answer, fields: Mapping[str, Any], choices: Any) -> None:
    """An error in an answer of status 200, as OpenRouter has it: of the whole, or of a choice.

    Without a choice nothing was generated, so that nothing is there to be counted.
    """
    answer.error_code = error_of(fields.get("error"))
    answer.uncounted = bool(answer.error_code) and not choices and not answer.usage.known
    for choice in choices:
        if not answer.error_code:
            answer.error_code = _choice_error(choice)


def _choice_error(choice: Any) -> str:
    told = error_of(getattr(choice, "error", None))
    return told or ("error" if choice.finish_reason == "error" else "")


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

    __slots__ = ("_apart", "_choices", "_error", "_finishes", "_head", "_last", "_texts", "_usage")

    def __init__(self, kwargs: Mapping[str, Any]) -> None:
        self._choices = int(number(kwargs, "n") or 1) if "n" in kwargs else 1
        self._texts: list[str] = []
        self._finishes: dict[int, str] = {}
        self._usage: Any = None
        #: Whether the usage came in a chunk without choices, so at the end: vLLM may send what was
        #: used so far with every chunk.
        self._apart = False
        #: The last chunk that said more than a piece of text.
        self._last: Any = None
        #: Who answers, as the chunks say it; empty before one does.
        self._head: dict[str, str] = {}
        #: The code of an error inside the stream.
        self._error = ""

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
                and self._head
                and type(content) is str
            ):
                self._texts.append(content)
                return
        except (AttributeError, KeyError, TypeError, ValueError):
            pass  # no choice or several of them, or a server that leaves fields out
        self._read(chunk, fields)

    def _read(self, chunk: Any, fields: Mapping[str, Any]) -> None:
        choices = fields.get("choices") or ()
        for choice in choices:
            told = choice.__dict__
            delta = told.get("delta")  # Azure's annotations of a text have none
            said = fields_of(delta)
            content = said.get("content")
            if type(content) is str and content and not said.get("tool_calls"):
                self._texts.append(content)
            else:
                self._texts += said_texts(delta)
            if told.get("finish_reason"):
                self._end_choice(choice)
        if fields.get("usage") is not None:
            self._usage, self._apart = fields["usage"], not choices
        self._error = error_of(fields.get("error")) or self._error
        self._note(chunk, fields)

    def _end_choice(self, choice: Any) -> None:
        self._finishes[choice.index] = choice.finish_reason
        if choice.finish_reason == "error":
            self._error = _choice_error(choice)
        self._usage = getattr(choice, "usage", None) or self._usage  # Moonshot's place for it

    def _note(self, chunk: Any, fields: Mapping[str, Any]) -> None:
        """Who answers: the last chunk that says it, because some of Azure's are of nobody."""
        self._last = chunk
        for name in _HEAD:
            if value := text(fields.get(name)):
                self._head[name] = value

    def answer(self) -> Answer:
        """Whole once every choice has ended or the usage of all has come."""
        usage = usage_of(self._usage)
        head = self._head
        complete = len(self._finishes) >= self._choices or (self._apart and usage.known)
        return Answer(
            response_id=head.get("id", ""),
            model=head.get("model", ""),
            finish_reasons=tuple([self._finishes[index] for index in sorted(self._finishes)]),
            service_tier=head.get("service_tier", ""),
            usage=usage,
            texts=self._texts,
            complete=complete and not self._error,
            ends_silently=usage.known and not self._error,
            facts=server_times(fields_of(self._last)),
            error_code=self._error,
        )


_HEAD: Final = ("id", "model", "service_tier")
