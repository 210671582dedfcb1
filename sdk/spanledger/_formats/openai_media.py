"""Images, audio and moderation in OpenAI's wire format, which other servers speak too.

Newer models are billed by tokens, which the answer tells; older ones by the image, the second heard
or the character spoken. What no answer tells and the request determines is marked as derived.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, count, fields_of, present, text, whole
from spanledger._calls.api import Api
from spanledger._calls.facts import Attributes
from spanledger._patches.instrumentor import number


def _request(_kwargs: Mapping[str, Any]) -> Attributes:
    return {}


class LastEvent:
    """A stream whose last event with a usage tells all; nothing of it can be counted by us."""

    __slots__ = ("_read", "_told")

    def __init__(
        self, _kwargs: Mapping[str, Any], *, read: Callable[[Any], Usage] = lambda _usage: Usage()
    ) -> None:
        self._read = read
        self._told: Any = None

    def chunk(self, event: Any, /) -> None:
        """Keep the usage."""
        self._told = fields_of(event).get("usage") or self._told

    def answer(self) -> Answer:
        """Whole once the usage came."""
        usage = self._read(self._told)
        return Answer(usage=usage, complete=usage.known, uncounted=not usage.known)


# --- images ---------------------------------------------------------------------------------------
def _image_usage(usage: Any) -> Usage:
    counts = fields_of(usage)
    given = fields_of(counts.get("input_tokens_details"))
    made = fields_of(counts.get("output_tokens_details"))
    output = whole(counts.get("output_tokens"))
    return Usage(
        input_tokens=whole(counts.get("input_tokens")),
        output_tokens=output,
        parts=present(
            {
                semconv.USAGE_IMAGE_INPUT_TOKENS: count(given.get("image_tokens")),
                # Without details all of it is the image.
                semconv.USAGE_IMAGE_OUTPUT_TOKENS: count(made.get("image_tokens", output)),
            }
        ),
    )


def images_of(kwargs: Mapping[str, Any], answer: Any) -> Answer:
    """The usage of the answer; without one, the images in it by quality and size."""
    usage = _image_usage(getattr(answer, "usage", None))
    who = text(getattr(answer, "id", None)), text(getattr(answer, "model", None))
    if usage.input_tokens or usage.output_tokens:
        return Answer(*who, usage=usage)
    made = len(getattr(answer, "data", None) or ())
    quality, size = (
        text(getattr(answer, name, None)) or _asked(kwargs, name, otherwise)
        for name, otherwise in (("quality", "standard"), ("size", "1024x1024"))
    )
    unit = f"{semconv.UNIT_IMAGES}.{quality}.{size}"
    return Answer(*who, usage=Usage(units={unit: made}), derived=True, uncounted=not made)


def _asked(kwargs: Mapping[str, Any], name: str, otherwise: str) -> str:
    asked = text(kwargs.get(name))
    return otherwise if asked in ("", "auto") else asked


# --- audio ----------------------------------------------------------------------------------------
def _heard_usage(usage: Any) -> Usage:
    counts = fields_of(usage)
    given = fields_of(counts.get("input_token_details"))
    seconds = number(counts, "seconds")
    return Usage(
        input_tokens=whole(counts.get("input_tokens")),
        output_tokens=whole(counts.get("output_tokens")),
        parts=present({semconv.USAGE_AUDIO_INPUT_TOKENS: count(given.get("audio_tokens"))}),
        units={semconv.UNIT_AUDIO_SECONDS: seconds} if seconds else None,
    )


def heard(answer: Any) -> Answer:
    """The usage of a transcript, else the length of what was heard; a bare text tells neither."""
    told = fields_of(answer)
    usage = _heard_usage(told.get("usage") or {"seconds": _seconds(told.get("duration"))})
    return Answer(usage=usage, uncounted=not usage.known)


def _seconds(value: object) -> float | None:
    """A length, which older versions of the client keep as a text."""
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None


def _speak(call: Any, _result: Any, kwargs: Mapping[str, Any]) -> None:
    """Speech is bytes and tells nothing: what is billed are the characters that were given."""
    spoken = len(text(kwargs.get("input")))
    usage = Usage(units={semconv.UNIT_CHARACTERS: spoken})
    call.finish(Answer(usage=usage, derived=True, uncounted=not spoken))


# --- moderation -----------------------------------------------------------------------------------
def _moderated(answer: Any) -> Answer:
    usage = Usage(units={semconv.UNIT_REQUESTS: 1})
    return Answer(text(answer.id), text(answer.model), usage=usage, derived=True)


def _by_request(kwargs: Mapping[str, Any]) -> tuple[Api, Mapping[str, Any]]:
    """A way to read an answer that says less than its request."""
    return replace(IMAGES, answer=functools.partial(images_of, kwargs)), kwargs


IMAGES: Final = Api(
    operation=semconv.OPERATION_IMAGE_GENERATION,
    request=_request,
    answer=functools.partial(images_of, {}),
    reading=functools.partial(LastEvent, read=_image_usage),
    prompt=("prompt", "image"),
    adapt=_by_request,
)
TRANSCRIPTION: Final = Api(
    operation=semconv.OPERATION_TRANSCRIPTION,
    request=_request,
    answer=heard,
    reading=functools.partial(LastEvent, read=_heard_usage),
    prompt=(),
)
TRANSLATION: Final = replace(TRANSCRIPTION, operation=semconv.OPERATION_TRANSLATION)
SPEECH: Final = Api(
    operation=semconv.OPERATION_SPEECH,
    request=_request,
    answer=heard,  # never asked: see `watch`
    reading=LastEvent,
    prompt=("input", "instructions"),
    watch=_speak,
)
MODERATION: Final = Api(
    operation=semconv.OPERATION_MODERATION,
    request=_request,
    answer=_moderated,
    reading=LastEvent,  # this API does not stream
    prompt=("input",),
)
