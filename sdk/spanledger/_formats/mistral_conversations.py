"""Conversations and responses of the ``mistralai`` client, whose state the service keeps.

A conversation's answer is a list of entries, each with an id of its own and the model that made it.
What a connector (a tool of the provider) read is counted apart from the prompt, is billed as input,
and the uses of connectors are billed by number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, count, fields_of, strings, text, whole
from spanledger._calls.api import Api
from spanledger._calls.facts import Attributes
from spanledger._formats import responses
from spanledger._patches.instrumentor import fields, sampling_attributes

#: The connectors that are billed by use -> the unit. Source: Mistral's page on its connectors.
_CONNECTORS: Final = {
    "web_search": semconv.UNIT_WEB_SEARCHES,
    "web_search_premium": f"{semconv.UNIT_WEB_SEARCHES}.premium",
    "code_interpreter": semconv.UNIT_CODE_EXECUTIONS,
    "image_generation": semconv.UNIT_IMAGES,
    "document_library": semconv.UNIT_FILE_SEARCHES,
}


def _request(kwargs: Mapping[str, Any]) -> Attributes:
    return sampling_attributes(fields(kwargs.get("completion_args")), "max_tokens")


def _usage(usage: Any) -> Usage:
    given = whole(getattr(usage, "prompt_tokens", None))
    made = whole(getattr(usage, "completion_tokens", None))
    if not given and not made:
        return Usage()  # the client's way to say that there was none
    used = fields_of(getattr(usage, "connectors", None))  # or the client's mark for nothing
    units = {unit: count(used.get(name)) for name, unit in _CONNECTORS.items()}
    return Usage(
        input_tokens=(given or 0) + count(getattr(usage, "connector_tokens", None)),
        output_tokens=made,
        units={unit: number for unit, number in units.items() if number} or None,
    )


def _answer(response: Any) -> Answer:
    usage = _usage(response.usage)
    entries = response.outputs or ()
    told = [text(getattr(entry, "model", None)) for entry in entries]
    return Answer(
        response_id=next((text(entry.id) for entry in reversed(entries) if entry.id), ""),
        model=next((model for model in told if model), ""),
        usage=usage,
        texts=[one for entry in entries for one in _said(entry)] if usage.needs_texts else [],
    )


def _said(entry: Any) -> list[str]:
    kind = getattr(entry, "type", None)
    if kind in _SPOKEN:
        return list(strings(entry.content))
    return list(strings([entry.name, entry.arguments])) if kind in _CALLED else []


_SPOKEN: Final = frozenset({"message.output", "message.output.delta"})
_CALLED: Final = frozenset({"function.call", "function.call.delta"})


class ConversationReading:
    """A conversation read event by event, each in an envelope; the last one has the usage."""

    __slots__ = ("_done", "_error", "_id", "_model", "_texts")

    def __init__(self, _kwargs: Mapping[str, Any]) -> None:
        self._texts: list[str] = []
        self._id = self._model = self._error = ""
        self._done: Any = None

    def chunk(self, event: Any, /) -> None:
        """Keep what was said, by which entry and model, and the end."""
        data = event.data
        kind = data.type
        if kind == "conversation.response.done":
            self._done = data
        elif kind == "conversation.response.error":
            self._error = str(data.code)
        elif kind in _SPOKEN or kind in _CALLED:
            self._texts += _said(data)
            self._id = text(data.id) or self._id
            self._model = self._model or text(getattr(data, "model", None))

    def answer(self) -> Answer:
        """Whole once the usage came."""
        return Answer(
            response_id=self._id,
            model=self._model,
            usage=_usage(getattr(self._done, "usage", None)),
            texts=self._texts,
            complete=self._done is not None,
            error_code=self._error,
        )


class EnvelopedReading(responses.ResponseReading):
    """A response read event by event, each in an envelope."""

    __slots__ = ()

    def chunk(self, event: Any, /) -> None:
        """Keep what is in the envelope."""
        super().chunk(event.data)


def _turn(*, streams: bool) -> Api:
    return Api(
        operation=semconv.OPERATION_CHAT,
        request=_request,
        answer=_answer,
        reading=ConversationReading,
        prompt=("inputs", "instructions", "tools"),
        streams=streams,
    )


TURN: Final = _turn(streams=False)
STREAMED_TURN: Final = _turn(streams=True)
RESPONSE: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=responses.request,
    answer=responses.answer_of,
    reading=EnvelopedReading,
    prompt=("input", "instructions", "tools"),
)
