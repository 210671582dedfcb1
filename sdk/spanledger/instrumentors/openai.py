"""The ``openai`` client: chat completions, responses, embeddings, and what batches gave.

Counts of this API include cached tokens in the input and reasoning tokens in the output. The stream
helpers (``.stream()``) and the raw and streaming responses call the patched methods themselves.
Azure's client is a subclass and is told apart by its host, else by its name.
"""

from __future__ import annotations

from typing import Final

from spanledger import _embeddings, _openai_media, _responses, _text_completions, semconv
from spanledger._api import Api
from spanledger._batch_lines import BATCH_FILE
from spanledger._chat_completions import ChatReading, answer_of, request
from spanledger._fetch import Fetch
from spanledger._instrumentor import Instrumentor, both, by_class

#: Oldest version tried: synchronous calls and streams, by hand, not the contract suite.
MINIMUM_VERSION: Final = "1.60.0"


CHAT: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=request,
    answer=answer_of,
    reading=ChatReading,
    prompt=("messages", "tools", "functions"),
)
RESPONSES: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=_responses.request,
    answer=_responses.answer_of,
    reading=_responses.ResponseReading,
    prompt=("input", "instructions", "tools"),
)
EMBEDDINGS: Final = Api(
    operation=semconv.OPERATION_EMBEDDINGS,
    request=_embeddings.request,
    answer=_embeddings.answer_of,
    reading=ChatReading,  # this API does not stream
    prompt=("input",),
)
TEXT: Final = Api(
    operation=semconv.OPERATION_TEXT_COMPLETION,
    request=request,
    answer=_text_completions.answer_of,
    reading=_text_completions.TextReading,
    prompt=("prompt",),
)
#: An answer that the provider made in the background; each poll asks for it.
BACKGROUND: Final = Fetch(read=_responses.read_background, is_set=False)


_TRANSCRIPTION: Final = _openai_media.TRANSCRIPTION
_AUDIO_MODULE: Final = "openai.resources.audio"
_STORED: Final = "reads or changes what is stored; no tokens are billed"
_CHAT_MODULE: Final = "openai.resources.chat.completions"
_BETA_CHAT_MODULE: Final = "openai.resources.beta.chat.completions"
_RESPONSES_MODULE: Final = "openai.resources.responses"
_BETA_RESPONSES_MODULE: Final = "openai.resources.beta.responses"

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
        *both(_RESPONSES_MODULE, "Responses.retrieve", BACKGROUND, optional=True),
        *both(_BETA_RESPONSES_MODULE, "Responses.retrieve", BACKGROUND, optional=True),
        *both("openai.resources.embeddings", "Embeddings.create", EMBEDDINGS),
        *both("openai.resources.completions", "Completions.create", TEXT),
        *both("openai.resources.images", "Images.generate", _openai_media.IMAGES),
        *both("openai.resources.images", "Images.edit", _openai_media.IMAGES),
        *both("openai.resources.images", "Images.create_variation", _openai_media.IMAGES),
        *both(f"{_AUDIO_MODULE}.transcriptions", "Transcriptions.create", _TRANSCRIPTION),
        *both(f"{_AUDIO_MODULE}.translations", "Translations.create", _openai_media.TRANSLATION),
        *both(f"{_AUDIO_MODULE}.speech", "Speech.create", _openai_media.SPEECH),
        *both("openai.resources.moderations", "Moderations.create", _openai_media.MODERATION),
        *both("openai.resources.files", "Files.content", BATCH_FILE),
    ),
    flavour=by_class({"AzureOpenAI": "azure.ai.openai"}),
    helpers=(
        f"{_CHAT_MODULE}.Completions.stream",
        f"{_RESPONSES_MODULE}.Responses.stream",
    ),
    not_metered={
        **{
            f"openai.resources.files.Files.{name}": _STORED
            for name in ("create", "delete", "list", "retrieve", "wait_for_processing")
        },
        "openai.resources.files.Files.retrieve_content": "deprecated: use content",
        f"{_CHAT_MODULE}.Completions.retrieve": _STORED,
        f"{_CHAT_MODULE}.Completions.update": _STORED,
        f"{_CHAT_MODULE}.Completions.list": _STORED,
        f"{_CHAT_MODULE}.Completions.delete": _STORED,
        f"{_RESPONSES_MODULE}.Responses.cancel": _STORED,
        f"{_RESPONSES_MODULE}.Responses.delete": _STORED,
        f"{_RESPONSES_MODULE}.Responses.compact": "compaction of a conversation is not metered yet",
        f"{_RESPONSES_MODULE}.Responses.connect": "websocket sessions are not metered yet",
        f"{_BETA_RESPONSES_MODULE}.Responses.cancel": _STORED,
        f"{_BETA_RESPONSES_MODULE}.Responses.delete": _STORED,
        f"{_BETA_RESPONSES_MODULE}.Responses.compact": "compaction is not metered yet",
        f"{_BETA_RESPONSES_MODULE}.Responses.connect": "websocket sessions are not metered yet",
    },
    notes=(
        "Not metered: realtime, assistants, videos, images that the tool of a response makes.",
        "A chat stream carries usage only with stream_options.include_usage; else it is estimated.",
    ),
)
