"""Documents and audio of the ``mistralai`` client, billed by the page, the second, the character.

The usage of a transcript counts tokens too, which nobody pays: its seconds are told alone. Speech
tells no usage, or tokens that are not the characters on the bill: those are told by the request.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, count, text
from spanledger._calls.api import Api
from spanledger._formats import openai_media
from spanledger._patches.instrumentor import fields

_SECONDS: Final = "prompt_audio_seconds"


def seconds_of(usage: Any) -> Mapping[str, int] | None:
    """The audio in a prompt, if any."""
    seconds = count(getattr(usage, _SECONDS, None))
    return {semconv.UNIT_AUDIO_SECONDS: seconds} if seconds else None


# --- audio ----------------------------------------------------------------------------------------
def _heard(answer: Any) -> Answer:
    usage = Usage(units=seconds_of(answer.usage))
    return Answer(model=text(answer.model), usage=usage, uncounted=not usage.known)


class HeardReading:
    """A transcript read event by event; the last one has the usage."""

    __slots__ = ("_done",)

    def __init__(self, _kwargs: Mapping[str, Any]) -> None:
        self._done: Any = None

    def chunk(self, event: Any, /) -> None:
        """Keep the end."""
        if getattr(event.data, "type", None) == "transcription.done":
            self._done = event.data

    def answer(self) -> Answer:
        """Whole once the end came."""
        if self._done is None:
            return Answer(complete=False, uncounted=True)
        return _heard(self._done)


def _transcription(*, streams: bool) -> Api:
    return Api(
        operation=semconv.OPERATION_TRANSCRIPTION,
        request=lambda _kwargs: {},
        answer=_heard,
        reading=HeardReading,
        prompt=(),
        streams=streams,
    )


TRANSCRIPTION: Final = _transcription(streams=False)
STREAMED_TRANSCRIPTION: Final = _transcription(streams=True)
SPEECH: Final = replace(openai_media.SPEECH, prompt=("input",))


# --- documents ------------------------------------------------------------------------------------
def _read(unit: str, answer: Any) -> Answer:
    pages = count(getattr(answer.usage_info, "pages_processed", None))
    usage = Usage(units={unit: pages} if pages else None)
    return Answer(model=text(answer.model), usage=usage, uncounted=not pages)


def read_batched(answer: Any) -> Answer | None:
    """Pages in the results of a batch; whether they were annotated, the answer tells."""
    if answer.usage_info is None:
        return None
    annotated = answer.document_annotation or any(
        image.image_annotation for page in answer.pages or () for image in page.images or ()
    )
    return _read(semconv.UNIT_PAGES_ANNOTATED if annotated else semconv.UNIT_PAGES, answer)


def _ocr(kwargs: Mapping[str, Any]) -> tuple[Api, Mapping[str, Any]]:
    """A way to read pages, whose price depends on what the request wants of them."""
    annotated = any(fields(kwargs.get(name)) for name in _FORMS)
    unit = semconv.UNIT_PAGES_ANNOTATED if annotated else semconv.UNIT_PAGES
    return replace(OCR, answer=functools.partial(_read, unit)), kwargs


#: Parameters with the form that a page, or the document, is read into.
_FORMS: Final = ("bbox_annotation_format", "document_annotation_format")

OCR: Final = Api(
    operation=semconv.OPERATION_OCR,
    request=lambda _kwargs: {},
    answer=functools.partial(_read, semconv.UNIT_PAGES),
    reading=HeardReading,  # this API does not stream
    prompt=(),
    adapt=_ocr,
)
