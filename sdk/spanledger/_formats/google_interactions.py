"""Interactions of Google's client: answers in steps, whose state the service keeps.

Thoughts stand beside the output, and results of tools that the provider ran beside the input. One
public call may make several requests, each an interaction with counts of its own; each is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, count, present, text, whole
from spanledger._calls.api import Api
from spanledger._calls.facts import Attributes
from spanledger._patches.instrumentor import fields, sampling_attributes


def _request(kwargs: Mapping[str, Any]) -> Attributes:
    attributes = sampling_attributes(fields(kwargs.get("generation_config")), "max_output_tokens")
    if kwargs.get("background") is True:
        attributes[semconv.RESPONSE_DEFERRED] = True
    return attributes


def _adapt(kwargs: Mapping[str, Any]) -> tuple[Api, Mapping[str, Any]]:
    """The parameters, where they were given as one object; an agent stands for its model."""
    request = fields(kwargs.get("request"))
    given = fields(request.get("body")) or request or kwargs
    return INTERACTION, {**given, "model": text(given.get("model")) or text(given.get("agent"))}


def _modalities(usage: Any) -> Mapping[str, int]:
    """The parts of both sides that are no text; those of tools are the input's."""
    found: dict[str, int] = {}
    for breakdown, attributes in _BREAKDOWNS:
        for one in getattr(usage, breakdown, None) or ():
            attribute = attributes.get(text(one.modality))
            if attribute:
                found[attribute] = found.get(attribute, 0) + count(one.tokens)
    return found


_INPUT: Final = {
    "audio": semconv.USAGE_AUDIO_INPUT_TOKENS,
    "image": semconv.USAGE_IMAGE_INPUT_TOKENS,
    "video": semconv.USAGE_VIDEO_INPUT_TOKENS,
}
_OUTPUT: Final = {
    "audio": semconv.USAGE_AUDIO_OUTPUT_TOKENS,
    "image": semconv.USAGE_IMAGE_OUTPUT_TOKENS,
    "video": semconv.USAGE_VIDEO_OUTPUT_TOKENS,
}
_BREAKDOWNS: Final = (
    ("input_tokens_by_modality", _INPUT),
    ("tool_use_tokens_by_modality", _INPUT),
    ("output_tokens_by_modality", _OUTPUT),
)


def _usage(usage: Any) -> Usage:
    given = whole(getattr(usage, "total_input_tokens", None))
    if given is None:
        return Usage()
    thoughts = count(getattr(usage, "total_thought_tokens", None))
    searches = {
        text(one.type): count(one.count)
        for one in getattr(usage, "grounding_tool_count", None) or ()
    }
    return Usage(
        input_tokens=given + count(getattr(usage, "total_tool_use_tokens", None)),
        output_tokens=count(getattr(usage, "total_output_tokens", None)) + thoughts,
        cache_read_tokens=count(getattr(usage, "total_cached_tokens", None)),
        reasoning_tokens=thoughts,
        parts=present(_modalities(usage)),
        units=present(
            {
                semconv.UNIT_WEB_SEARCHES: searches.get("google_search", 0),
                semconv.UNIT_MAPS_GROUNDINGS: min(1, searches.get("google_maps", 0)),
            }
        ),
    )


def _texts(steps: Any) -> Iterator[str]:
    for step in steps or ():
        if getattr(step, "type", None) == "model_output":
            for part in getattr(step, "content", None) or ():
                yield text(getattr(part, "text", None))
        elif getattr(step, "type", None) == "function_call":
            yield f"{step.name}{step.arguments}"


def _answer(interaction: Any) -> Answer:
    status = text(getattr(interaction, "status", None))
    if not status:
        return Answer(uncounted=True)  # the application asked for the bytes
    usage = _usage(getattr(interaction, "usage", None))
    return Answer(
        response_id=text(getattr(interaction, "id", None)),
        model=text(getattr(interaction, "model", None)),
        finish_reasons=(status,),
        service_tier=text(getattr(interaction, "service_tier", None)),
        usage=usage,
        texts=[one for one in _texts(interaction.steps) if one] if usage.needs_texts else [],
        uncounted=status == "in_progress",
        error_code="failed" if status == "failed" else "",
    )


class InteractionReading:
    """An interaction read event by event; the last one has the counts."""

    __slots__ = ("_error", "_final", "_first", "_texts")

    def __init__(self, _kwargs: Mapping[str, Any]) -> None:
        self._texts: list[str] = []
        self._first: Any = None
        self._final: Any = None
        self._error = ""

    def chunk(self, event: Any, /) -> None:
        """Keep generated text, and the interaction of the first and the last event."""
        kind = event.event_type
        if kind == "step.delta":
            delta = event.delta
            said = getattr(delta, "text", None) or getattr(delta, "arguments", None)
            self._texts.append(said if isinstance(said, str) else "")
        elif kind == "interaction.completed":
            self._final = event.interaction
        elif kind == "interaction.created":
            self._first = event.interaction
        elif kind == "error":
            self._error = text(getattr(event.error, "code", None)) or "error"

    def answer(self) -> Answer:
        """The whole interaction; before it came, what was generated so far."""
        seen = self._final or self._first
        answer = Answer() if seen is None else _answer(seen)
        if self._final is None:
            answer.complete = answer.uncounted = False
            answer.finish_reasons = ()
        if answer.usage.needs_texts:
            answer.texts = [one for one in self._texts if one]
        answer.error_code = answer.error_code or self._error
        return answer


INTERACTION: Final = Api(
    operation=semconv.OPERATION_GENERATE_CONTENT,
    request=_request,
    answer=_answer,
    reading=InteractionReading,
    prompt=("input", "system_instruction", "tools"),
    adapt=_adapt,
)
