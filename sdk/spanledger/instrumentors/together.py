"""The ``together`` client: completions, embeddings, reranking, images, audio, results of batches.

The wire format is OpenAI's, with the cached tokens beside the other counts of a usage and not in
details of their own. The last chunk of a stream carries the usage whether it was asked for or not.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, fields_of, text, whole
from spanledger._calls.api import Api
from spanledger._calls.maker import opened_later
from spanledger._formats import chat_completions, openai_media, text_completions
from spanledger._formats.batch_lines import KINDS, batch_file
from spanledger._formats.chat_completions import ChatReading
from spanledger._formats.chat_usage import usage_of
from spanledger._patches.gaps import (
    BY_PATH,
    FETCHED,
    MACHINES,
    MEDIA,
    MODEL_CALLS,
    NO_REQUEST,
    SESSIONS,
    STORED,
    TRAINING,
    under,
)
from spanledger._patches.instrumentor import Instrumentor, both, number

#: Oldest version tried: with the contract suite; before it, another client of the same name.
MINIMUM_VERSION: Final = "2.0.0"


def _embeddings_answer(answer: Any) -> Answer:
    """Its model has no usage; where a server sends one, the client keeps it."""
    given = whole(fields_of(fields_of(answer).get("usage")).get("prompt_tokens"))
    return Answer(model=text(answer.model), usage=Usage(input_tokens=given, output_tokens=0))


def _rerank_answer(answer: Any) -> Answer:
    usage = usage_of(answer.usage)
    return Answer(
        response_id=text(answer.id),
        model=text(answer.model),
        usage=usage,
        uncounted=not usage.known,  # an estimate of what a reranker reads would be nobody's bill
    )


def _image(kwargs: Mapping[str, Any]) -> tuple[Api, Mapping[str, Any]]:
    """A way to read images, whose size only the request tells, as its two sides."""
    width, height = (int(number(kwargs, side) or _SIDE) for side in ("width", "height"))
    read = functools.partial(openai_media.images_of, {"size": f"{width}x{height}"})
    return replace(openai_media.IMAGES, answer=read), kwargs


#: Pixels of a side that is not asked for.
_SIDE: Final = 1024

CHAT: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=chat_completions.request,
    answer=chat_completions.answer_of,
    reading=ChatReading,
    prompt=("messages", "tools"),
)
TEXT: Final = Api(
    operation=semconv.OPERATION_TEXT_COMPLETION,
    request=chat_completions.request,
    answer=text_completions.answer_of,
    reading=text_completions.TextReading,
    prompt=("prompt",),
)
EMBEDDINGS: Final = Api(
    operation=semconv.OPERATION_EMBEDDINGS,
    request=lambda _kwargs: {},
    answer=_embeddings_answer,
    reading=ChatReading,  # this API does not stream
    prompt=("input",),
)
RERANK: Final = Api(
    operation=semconv.OPERATION_RERANK,
    request=lambda _kwargs: {},
    answer=_rerank_answer,
    reading=ChatReading,  # this API does not stream
    prompt=("documents", "query"),
)

IMAGES: Final = replace(openai_media.IMAGES, adapt=_image)
#: What lies in the results of a batch: the bodies of the calls above.
RESULT_FILE: Final = batch_file(
    {
        **KINDS,
        "chat.completion": (semconv.OPERATION_CHAT, chat_completions.answer_of),
        "text.completion": (semconv.OPERATION_TEXT_COMPLETION, text_completions.answer_of),
        "list": (semconv.OPERATION_EMBEDDINGS, _embeddings_answer),
    }
)

_PACKAGE: Final = "together.resources"
_AUDIO: Final = f"{_PACKAGE}.audio"

INSTRUMENTOR: Final = Instrumentor(
    client="together",
    provider="together",
    minimum=MINIMUM_VERSION,
    methods=(
        *both("together.resources.chat.completions", "CompletionsResource.create", CHAT),
        *both("together.resources.completions", "CompletionsResource.create", TEXT),
        *both("together.resources.embeddings", "EmbeddingsResource.create", EMBEDDINGS),
        *both("together.resources.rerank", "RerankResource.create", RERANK),
        *both("together.resources.images", "ImagesResource.generate", IMAGES),
        *both(f"{_AUDIO}.speech", "SpeechResource.create", openai_media.SPEECH),
        *both(
            f"{_AUDIO}.transcriptions",
            "TranscriptionsResource.create",
            openai_media.TRANSCRIPTION,
        ),
        *both(f"{_AUDIO}.translations", "TranslationsResource.create", openai_media.TRANSLATION),
        *both("together.resources.files", "FilesResource.content", RESULT_FILE),
    ),
    helpers=(),
    deferring=opened_later("together"),
    not_metered={
        **under("together", NO_REQUEST, "Together.*"),
        **under("together", STORED, "Together.whoami"),
        **under("together", BY_PATH, "_base_client.*"),
        **under(_PACKAGE, MEDIA, "videos.*"),
        **under(_PACKAGE, SESSIONS, "realtime.*"),
        **under(_PACKAGE, MODEL_CALLS, "evals.*"),
        **under(_PACKAGE, FETCHED, "batches.*"),
        **under(f"{_PACKAGE}.files.FilesResource", STORED, "delete", "list", "retrieve", "upload"),
        **under(_PACKAGE, TRAINING, "fine_tuning.*", "post_training.*"),
        **under(_PACKAGE, MACHINES, "beta.jig.*", "clusters.*", "endpoints.*"),
        **under(
            _PACKAGE,
            STORED,
            *("audio.voices.*", "models.*", "organization.*", "projects.*"),
        ),
    },
    notes=(
        "Embeddings are counted here where the answer says no usage.",
        "A transcript tells its length where response_format is verbose_json; else it is missing.",
        "Images are told by number and size; what more steps cost is not known.",
    ),
)
