"""The ``groq`` client: chat completions, embeddings and audio, in OpenAI's wire format.

The last chunk of a stream carries the usage in Groq's own field, ``x_groq``, whether it was asked
for or not; so a stream of this client is never estimated when it is read to its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, fields_of, text
from spanledger._calls.api import Api
from spanledger._calls.maker import opened_later
from spanledger._formats import embeddings, openai_media
from spanledger._formats.batch_lines import KINDS, batch_file
from spanledger._formats.chat_completions import ChatReading, answer_of, request
from spanledger._patches.gaps import BY_PATH, FETCHED, NO_REQUEST, STORED, under
from spanledger._patches.instrumentor import Instrumentor, both

#: Oldest version tried: with the contract suite.
MINIMUM_VERSION: Final = "0.13.0"


class GroqReading(ChatReading):
    """A chat completion read chunk by chunk, with what Groq adds to the last one."""

    __slots__ = ("_executed", "_request_id")

    def __init__(self, kwargs: Mapping[str, Any]) -> None:
        super().__init__(kwargs)
        self._request_id = ""
        self._executed: list[Any] = []

    def chunk(self, chunk: Any, /) -> None:
        """Keep what ``x_groq`` says: an id, the usage, an error that stopped the answer early."""
        super().chunk(chunk)
        for choice in chunk.choices:
            self._executed += getattr(choice.delta, "executed_tools", None) or ()
        added = chunk.x_groq
        if added is not None:
            self._usage = getattr(added, "usage", None) or self._usage
            self._request_id = text(getattr(added, "id", None)) or self._request_id
            if text(getattr(added, "error", None)):
                self._error = "stream_error"

    def answer(self) -> Answer:
        """With the id of the request, which is another one than the answer's."""
        return _with_tools(_requested(super().answer(), self._request_id), self._executed)


def _answer_of(completion: Any) -> Answer:
    executed = [
        one
        for choice in getattr(completion, "choices", None) or ()
        for one in getattr(choice.message, "executed_tools", None) or ()
    ]
    return _with_tools(_requested(answer_of(completion), _request_id(completion)), executed)


#: Tools that Groq's systems run themselves -> the unit of their bill.
_TOOLS: Final = {
    "search": semconv.UNIT_WEB_SEARCHES,
    "visit": semconv.UNIT_WEB_FETCHES,
    "python": semconv.UNIT_CODE_EXECUTIONS,
}


def _with_tools(answer: Answer, executed: Iterable[Any]) -> Answer:
    """Each tool once: a stream tells one when it begins and again with what it found."""
    ran = {(text(one.type), getattr(one, "index", None)) for one in executed}
    units = Counter(_TOOLS[kind] for kind, _ in ran if kind in _TOOLS)
    if units and answer.usage.known:  # beside an estimate they would pass for the whole bill
        answer.usage.units = {**(answer.usage.units or {}), **units}
    return answer


def _request_id(answer: Any) -> str:
    return text(fields_of(fields_of(answer).get("x_groq")).get("id"))


def _requested(answer: Answer, request_id: str) -> Answer:
    if request_id:
        answer.facts = {**(answer.facts or {}), semconv.RESPONSE_REQUEST_ID: request_id}
    return answer


def _heard(answer: Any) -> Answer:
    """A transcript; a recording shorter than Groq's least is billed as that long."""
    told = openai_media.heard(answer)
    told.response_id = _request_id(answer)
    seconds = (told.usage.units or {}).get(semconv.UNIT_AUDIO_SECONDS, _LEAST_SECONDS)
    if seconds < _LEAST_SECONDS:
        told.usage.units, told.derived = {semconv.UNIT_AUDIO_SECONDS: _LEAST_SECONDS}, True
    return told


#: What each request to hear something is billed at least. Source: Groq's page on speech to text.
_LEAST_SECONDS: Final = 10

CHAT: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=request,
    answer=_answer_of,
    reading=GroqReading,
    prompt=("messages", "tools", "functions"),
)
EMBEDDINGS: Final = Api(
    operation=semconv.OPERATION_EMBEDDINGS,
    request=embeddings.request,
    answer=embeddings.answer_of,
    reading=ChatReading,  # this API does not stream
    prompt=("input",),
)

TRANSCRIPTION: Final = replace(openai_media.TRANSCRIPTION, answer=_heard)
TRANSLATION: Final = replace(openai_media.TRANSLATION, answer=_heard)


def _heard_batched(answer: Any) -> Answer | None:
    return None if answer.text is None else _heard(answer)


#: A transcript in the results of a batch does not say what it is.
RESULT_FILE: Final = batch_file({**KINDS, "": (semconv.OPERATION_TRANSCRIPTION, _heard_batched)})

_AUDIO: Final = "groq.resources.audio"
INSTRUMENTOR: Final = Instrumentor(
    client="groq",
    provider="groq",
    minimum=MINIMUM_VERSION,
    methods=(
        *both("groq.resources.chat.completions", "Completions.create", CHAT),
        *both("groq.resources.embeddings", "Embeddings.create", EMBEDDINGS),
        *both(f"{_AUDIO}.transcriptions", "Transcriptions.create", TRANSCRIPTION),
        *both(f"{_AUDIO}.translations", "Translations.create", TRANSLATION),
        *both(f"{_AUDIO}.speech", "Speech.create", openai_media.SPEECH, optional=True),
        *both("groq.resources.files", "Files.content", RESULT_FILE, optional=True),
    ),
    helpers=(),
    deferring=opened_later("groq"),
    not_metered={
        **under("groq", NO_REQUEST, "Groq.*"),
        **under("groq", BY_PATH, "_base_client.*"),
        **under("groq.resources", FETCHED, "batches.*"),
        **under("groq.resources", STORED, "models.*"),
        **under("groq.resources.files.Files", STORED, "create", "delete", "info", "list"),
    },
    notes=(
        "A transcript tells its length where response_format is verbose_json; else it is missing.",
        "Tools that Groq's compound systems run themselves are not metered; their tokens are.",
    ),
)
