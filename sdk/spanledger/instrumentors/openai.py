"""The ``openai`` client: chat completions, responses, embeddings, and what batches gave.

Counts of this API include cached tokens in the input and reasoning tokens in the output. The stream
helpers (``.stream()``) and the raw and streaming responses call the patched methods themselves.
Azure's client is a subclass and is told apart by its host, else by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, text
from spanledger._calls.api import Api
from spanledger._calls.fetch import Fetch
from spanledger._calls.maker import opened_later
from spanledger._formats import embeddings, openai_media, responses, text_completions
from spanledger._formats.batch_lines import BATCH_FILE
from spanledger._formats.chat_completions import ChatReading, answer_of, request
from spanledger._patches.gaps import (
    BY_PATH,
    COUNTS,
    FETCHED,
    MACHINES,
    MEDIA,
    MODEL_CALLS,
    NO_REQUEST,
    NOTHING,
    SESSIONS,
    STORAGE,
    STORED,
    TRAINING,
    under,
)
from spanledger._patches.instrumentor import Instrumentor, both, by_class
from spanledger._patches.patching import Kind, Target

#: Oldest version tried: with the contract suite.
MINIMUM_VERSION: Final = "1.60.0"


def _searched(answer: Answer) -> Answer:
    """The answer of a call that searches the web, which is billed by the call beside its tokens."""
    if answer.usage.known:
        answer.usage.units = {**(answer.usage.units or {}), semconv.UNIT_REQUESTS: 1}
    return answer


def _searched_answer(completion: Any) -> Answer:
    return _searched(answer_of(completion))


class SearchedReading(ChatReading):
    """A completion of a call that searches, read chunk by chunk."""

    __slots__ = ()

    def answer(self) -> Answer:
        """The completion as far as it was read."""
        return _searched(super().answer())


def _chat_of(kwargs: Mapping[str, Any]) -> tuple[Api, Mapping[str, Any]]:
    """How a call is read: models that search do it in each call, and no answer says so."""
    model = text(kwargs.get("model"))
    if "-search-" in model or isinstance(kwargs.get("web_search_options"), Mapping):
        return SEARCHED, kwargs
    return CHAT, kwargs


CHAT: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=request,
    answer=answer_of,
    reading=ChatReading,
    prompt=("messages", "tools", "functions"),
    adapt=_chat_of,
)
SEARCHED: Final = replace(CHAT, answer=_searched_answer, reading=SearchedReading)
RESPONSES: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=responses.request,
    answer=responses.answer_of,
    reading=responses.ResponseReading,
    prompt=("input", "instructions", "tools"),
    generates=".delta",
)
#: A conversation made shorter: an answer without a model and a state of its own.
COMPACTION: Final = replace(RESPONSES, answer=responses.compaction_of)
EMBEDDINGS: Final = Api(
    operation=semconv.OPERATION_EMBEDDINGS,
    request=embeddings.request,
    answer=embeddings.answer_of,
    reading=ChatReading,  # this API does not stream
    prompt=("input",),
)
TEXT: Final = Api(
    operation=semconv.OPERATION_TEXT_COMPLETION,
    request=request,
    answer=text_completions.answer_of,
    reading=text_completions.TextReading,
    prompt=("prompt",),
)
#: An answer that the provider made in the background; each poll asks for it.
BACKGROUND: Final = Fetch(read=responses.read_background, is_set=False)


_TRANSCRIPTION: Final = openai_media.TRANSCRIPTION
_AUDIO_MODULE: Final = "openai.resources.audio"
_CHAT_MODULE: Final = "openai.resources.chat.completions"
_BETA_CHAT_MODULE: Final = "openai.resources.beta.chat.completions"
_RESPONSES_MODULE: Final = "openai.resources.responses"
_BETA_RESPONSES_MODULE: Final = "openai.resources.beta.responses"

_PACKAGE: Final = "openai.resources"
NOT_METERED: Final = {
    **under("openai", NO_REQUEST, "OpenAI.*"),
    **under("openai", BY_PATH, "_base_client.*"),
    **under(
        _PACKAGE,
        STORED,
        *("admin.*", "audio.voice_consents.*", "audio.voices.*", "beta.assistants.*"),
        *("beta.responses.input_items.*", "beta.threads.messages.*", "chat.completions.messages.*"),
        *("conversations.*", "models.*", "responses.input_items.*", "safety.*", "skills.*"),
        *("uploads.*", "webhooks.*"),
    ),
    **under(
        _PACKAGE,
        MODEL_CALLS,
        *("beta.agents.*", "beta.chatkit.*", "beta.threads.*", "content_provenance_checks.*"),
        *("decisions.*", "evals.*", "fine_tuning.alpha.graders.*"),
    ),
    **under(_PACKAGE, COUNTS, "beta.responses.input_tokens.*", "responses.input_tokens.*"),
    **under(_PACKAGE, FETCHED, "batches.*"),
    **under(_PACKAGE, SESSIONS, "beta.realtime.*", "live.*", "realtime.*"),
    **under(_PACKAGE, MEDIA, "videos.*"),
    **under(_PACKAGE, TRAINING, "fine_tuning.*"),
    **under(_PACKAGE, MACHINES, "containers.*"),
    **under(_PACKAGE, STORAGE, "vector_stores.*"),
    **under(
        f"{_PACKAGE}.files.Files",
        STORED,
        *("create", "delete", "list", "retrieve", "wait_for_processing"),
    ),
    f"{_PACKAGE}.files.Files.retrieve_content": f"{NOTHING}: deprecated, use content",
    **under(f"{_CHAT_MODULE}.Completions", STORED, "retrieve", "update", "list", "delete"),
    **{
        gap: reason
        for module in (_RESPONSES_MODULE, _BETA_RESPONSES_MODULE)
        for gap, reason in {
            **under(f"{module}.Responses", STORED, "cancel", "delete"),
            **under(f"{module}.Responses", SESSIONS, "connect"),
        }.items()
    },
}

INSTRUMENTOR: Final = Instrumentor(
    client="openai",
    provider="openai",
    minimum=MINIMUM_VERSION,
    methods=(
        *both(_CHAT_MODULE, "Completions.create", CHAT),
        *both(_CHAT_MODULE, "Completions.parse", CHAT, optional=True),
        *both(_BETA_CHAT_MODULE, "Completions.parse", CHAT, optional=True),
        *both(_RESPONSES_MODULE, "Responses.create", RESPONSES, optional=True),
        *both(_RESPONSES_MODULE, "Responses.parse", RESPONSES, optional=True),
        *both(_BETA_RESPONSES_MODULE, "Responses.create", RESPONSES, optional=True),
        *both(_RESPONSES_MODULE, "Responses.compact", COMPACTION, optional=True),
        *both(_BETA_RESPONSES_MODULE, "Responses.compact", COMPACTION, optional=True),
        *both(_RESPONSES_MODULE, "Responses.retrieve", BACKGROUND, optional=True),
        *both(_BETA_RESPONSES_MODULE, "Responses.retrieve", BACKGROUND, optional=True),
        *both("openai.resources.embeddings", "Embeddings.create", EMBEDDINGS),
        *both("openai.resources.completions", "Completions.create", TEXT),
        *both("openai.resources.images", "Images.generate", openai_media.IMAGES),
        *both("openai.resources.images", "Images.edit", openai_media.IMAGES),
        *both("openai.resources.images", "Images.create_variation", openai_media.IMAGES),
        *both(f"{_AUDIO_MODULE}.transcriptions", "Transcriptions.create", _TRANSCRIPTION),
        *both(f"{_AUDIO_MODULE}.translations", "Translations.create", openai_media.TRANSLATION),
        *both(f"{_AUDIO_MODULE}.speech", "Speech.create", openai_media.SPEECH),
        *both("openai.resources.moderations", "Moderations.create", openai_media.MODERATION),
        *both("openai.resources.files", "Files.content", BATCH_FILE),
    ),
    flavour=by_class({"AzureOpenAI": "azure.ai.openai"}),
    helpers=(
        f"{_CHAT_MODULE}.Completions.stream",
        f"{_RESPONSES_MODULE}.Responses.stream",
    ),
    deferring=(
        *opened_later("openai"),
        *(
            Target(module, f"{owner}.stream", Kind.MANAGER, optional=True)
            for module, owner in (
                (_CHAT_MODULE, "Completions"),
                (_CHAT_MODULE, "AsyncCompletions"),
                (_BETA_CHAT_MODULE, "Completions"),
                (_BETA_CHAT_MODULE, "AsyncCompletions"),
                (_RESPONSES_MODULE, "Responses"),
                (_RESPONSES_MODULE, "AsyncResponses"),
            )
        ),
    ),
    not_metered=NOT_METERED,
    notes=(
        "Not metered: images that the tool of a response makes.",
        "A chat stream carries usage only with stream_options.include_usage; else it is estimated.",
        "A chat that searches (search models, web_search_options) is told as one billed request.",
        "Read through its HTTP response (stream.response), a stream is told as if it was left.",
    ),
)
