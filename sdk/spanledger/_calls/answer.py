"""What a provider said, in one shape for every client: the answer, its usage and its texts.

The texts are references to strings that already exist; they are read only when the provider sends
no usage, and leave the process only where the user asks for content (``capture``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from spanledger._calls.capture import CAPTURE

#: Keys whose strings are not counted as prompt text: names of things, and binary content.
_NOT_TEXT: Final = frozenset(
    {
        *("role", "type", "id", "call_id", "tool_call_id", "url"),
        *("data", "image_url", "file_data", "images"),
    }
)


_NOTHING: Final[dict[str, Any]] = {}


def _no_texts() -> list[str]:
    return []


@dataclass(slots=True)
class Usage:
    """What one answer used; ``None`` is a count the provider did not send.

    ``input_tokens`` is all input, cached tokens included; ``output_tokens`` is all output,
    reasoning included (the rule of the OpenTelemetry conventions).
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    #: Parts of the totals that are no text (audio, images, video), by their attributes' names.
    parts: Mapping[str, int] | None = None
    #: What is billed in other units than tokens: the unit (``semconv.UNIT_...``) and how many.
    units: Mapping[str, int | float] | None = None

    #: What the provider says it cost, in USD.
    cost_usd: float | None = None
    #: False: nobody says whether any of the prompt was found in a cache; 0 tokens is no count then.
    cache_told: bool = True

    @property
    def known(self) -> bool:
        """Whether the provider sent both sides, or bills by other units alone."""
        if self.input_tokens is None:
            return self.output_tokens is None and bool(self.units)
        return self.output_tokens is not None

    @property
    def needs_texts(self) -> bool:
        """Whether somebody will read what was generated: to count it, or to tell it."""
        return not self.known or CAPTURE.on


#: What a fact is: part of what the tracing API takes as an attribute value.
FactValue = str | bool | int | float


@dataclass(slots=True)
class Answer:
    """One answer, whole or as far as it was read."""

    response_id: str = ""
    model: str = ""
    finish_reasons: tuple[str, ...] = ()
    service_tier: str = ""
    usage: Usage = field(default_factory=Usage)
    #: What was generated, in pieces.
    texts: list[str] = field(default_factory=_no_texts)
    #: Output tokens that the provider counted and that are in none of the texts: hidden thoughts.
    hidden_tokens: int = 0
    #: False: the answer stopped before the provider said that it was complete.
    complete: bool = True
    #: True: the stream says nothing of its end, so it is complete where it was read to it.
    ends_silently: bool = False
    #: True: there are no tokens to count, because the provider will answer later (background
    #: responses) or bills in other units.
    uncounted: bool = False
    #: Where inference ran, if the provider says so.
    region: str = ""
    #: What only this provider says, as attributes.
    facts: Mapping[str, FactValue] | None = None
    #: True: what is billed was worked out from the request, because no answer tells it.
    derived: bool = False
    #: True: no provider was asked (a client's own cache, a mock), so nothing is billed.
    free: bool = False
    #: The provider's error code inside an otherwise successful HTTP answer.
    error_code: str = ""


class Record:
    """A JSON object read like a client's model: attributes, and ``None`` for what is not there.

    So one reader serves both the objects a client built and the bytes of a raw response.
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        return None


def parse_json(data: bytes | str) -> Any:
    """JSON with its objects as :class:`Record`."""
    return json.loads(data, object_hook=Record)


@dataclass(frozen=True, slots=True)
class JsonText:
    """A parameter that is JSON already: parsed only when its texts have to be counted."""

    raw: str | bytes | bytearray

    def parsed(self) -> object:
        """The JSON as plain mappings and lists."""
        return json.loads(self.raw)


def strings(value: object, key: str = "") -> Iterator[str]:
    """Every text in a request parameter, walked in place: nothing is copied or consumed.

    Only strings, mappings, lists, tuples and the client's own models are looked into; a generator
    is left alone, because reading it would take it away from the client.
    """
    if isinstance(value, str):
        if key not in _NOT_TEXT and not value.startswith("data:"):
            yield value
    elif isinstance(value, Mapping):
        for name, inner in cast("Mapping[str, object]", value).items():
            yield from strings(inner, name)
    elif isinstance(value, list | tuple):
        for inner in cast("list[object]", value):
            yield from strings(inner, key)
    else:
        yield from strings(_inside(value)) if value is not None else ()


def _inside(value: object) -> object:
    """What is in an object that is none of the plain kinds; None for what is not looked into."""
    if isinstance(value, JsonText):
        return value.parsed()
    if hasattr(value, "__dict__") and hasattr(value, "model_dump"):
        return vars(value)
    return None


def fields_of(source: object) -> Mapping[str, Any]:
    """What an object of a client holds, by name; nothing for what holds nothing.

    Looking a name up here costs a fraction of ``getattr`` on a client's model, above all where the
    name is not there. Read only.
    """
    if source is None:
        return _NOTHING
    if isinstance(source, dict):
        return cast("dict[str, Any]", source)
    fields: dict[str, Any] = getattr(source, "__dict__", _NOTHING)
    unknown: dict[str, Any] | None = getattr(source, "__pydantic_extra__", None)
    return {**fields, **unknown} if unknown else fields


def text(value: object) -> str:
    """The value if it is a string, else an empty one (also for markers like ``NOT_GIVEN``).

    A member of an enumeration of strings is what it stands for, not its name.
    """
    if type(value) is str:
        return value
    return str.__str__(value) if isinstance(value, str) else ""


def whole(value: object) -> int | None:
    """The value if it is a count: an integer from 0 on; clients pass on whatever a server sent."""
    return value if isinstance(value, int) and value >= 0 else None


def present(counts: Mapping[str, int]) -> Mapping[str, int] | None:
    """The counts that are not 0, if any: a provider may send every one it has."""
    return {name: number for name, number in counts.items() if number} or None


def count(value: object) -> int:
    """The value if it is a count, else 0."""
    return value if isinstance(value, int) and value > 0 else 0


def error_of(error: Any) -> str:
    """A word for an error that an answer tells: its code, else its type; empty where none is."""
    if not error:
        return ""
    told = fields_of(error)
    code = told.get("code") or told.get("type")
    return str(code) if isinstance(code, str | int) else "error"
