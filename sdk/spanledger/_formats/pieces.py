"""Images and audio of clients whose answers have no usage: by the piece, the character, the second.

What only the request determines is marked as derived; what neither tells is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, text
from spanledger._calls.api import Api
from spanledger._calls.call import Call
from spanledger._formats.openai_media import LastEvent
from spanledger._patches.instrumentor import number


def images(count: Callable[[Any], int], *positional: str, derived: bool) -> Api:
    """Pictures that are made.

    Args:
        count: how many are in an answer.
        positional: parameters that may be given without their name, in order.
        derived: the answer does not say itself how many there are.
    """

    def answer(result: Any) -> Answer:
        made = count(result)
        usage = Usage(units={semconv.UNIT_IMAGES: made})
        return Answer(usage=usage, derived=derived, uncounted=not made)

    return _api(semconv.OPERATION_IMAGE_GENERATION, answer, *positional, prompt=("prompt",))


def speech(spoken: str) -> Api:
    """Words that are spoken: what is billed are the characters of this parameter."""

    def watch(call: Call, _result: Any, kwargs: Mapping[str, Any]) -> None:
        characters = len(text(kwargs.get(spoken)))
        usage = Usage(units={semconv.UNIT_CHARACTERS: characters})
        call.finish(Answer(usage=usage, derived=True, uncounted=not characters))

    return _api(semconv.OPERATION_SPEECH, _never, spoken, prompt=(spoken,), watch=watch)


def transcript(heard: str) -> Api:
    """Recordings that are written down; their length is the end of the last piece, if any has."""
    return _api(semconv.OPERATION_TRANSCRIPTION, _heard, heard, prompt=())


def _heard(answer: Any) -> Answer:
    seconds: float | int | None = None
    for chunk in getattr(answer, "chunks", None) or ():
        ends: Any = getattr(chunk, "timestamp", None) or ()
        seconds = number({"end": ends[-1] if ends else None}, "end") or seconds
    usage = Usage(units={semconv.UNIT_AUDIO_SECONDS: seconds} if seconds else None)
    return Answer(usage=usage, uncounted=not usage.known)


def _never(_answer: Any) -> Answer:
    return Answer(uncounted=True)


def _api(
    operation: str,
    answer: Callable[[Any], Answer],
    *positional: str,
    prompt: tuple[str, ...],
    watch: Callable[[Call, Any, Mapping[str, Any]], None] | None = None,
) -> Api:
    return Api(
        operation=operation,
        request=lambda _kwargs: {},
        answer=answer,
        reading=LastEvent,  # none of these streams
        prompt=prompt,
        positional=positional,
        watch=watch,
    )
