"""The ``mistralai`` client: completions, conversations, embeddings, documents, audio, batches.

The wire format is OpenAI's chat completion with an envelope around each chunk of a stream. A count
that the server did not send reads as 0 in this client, so a usage of nothing but zeros is none.

The client can trace itself (scope ``mistralai_sdk_tracer``): in 3.7 when it is asked to, by
``MISTRAL_SDK_TELEMETRY`` or by its own functions. That span is left alone, nested under ours, and
the collector counts the call once by its response id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, parse_json, text, whole
from spanledger._calls.api import Api
from spanledger._calls.facts import Attributes
from spanledger._calls.fetch import Fetch, Fetched, Found
from spanledger._formats import chat_completions, mistral_conversations, mistral_media
from spanledger._formats.batch_lines import batch_file, read_result
from spanledger._formats.chat_completions import ChatReading
from spanledger._formats.chat_usage import usage_of
from spanledger._patches.gaps import (
    COUNTS,
    FETCHED,
    MACHINERY,
    MACHINES,
    MODEL_CALLS,
    NO_REQUEST,
    SESSIONS,
    STORAGE,
    STORED,
    TOOLS,
    under,
)
from spanledger._patches.instrumentor import Instrumentor, Method, number
from spanledger._patches.patching import Kind, Target

#: Oldest version tried: with the contract suite.
MINIMUM_VERSION: Final = "1.9.11"


def _usage(usage: Any) -> Usage:
    told = usage_of(usage)
    if told.input_tokens is None and told.output_tokens is None:
        return told
    told.units = mistral_media.seconds_of(usage)
    return told


def _tier(usage: Any) -> str:
    return text(getattr(usage, "service_tier", None))


def _answer(completion: Any) -> Answer:
    answer = chat_completions.answer_of(completion, _usage)
    answer.service_tier = _tier(completion.usage)
    return answer


class MistralReading(ChatReading):
    """A completion read event by event; each event is an envelope around a chunk."""

    __slots__ = ()

    def chunk(self, chunk: Any, /) -> None:
        """Keep what is in the envelope."""
        super().chunk(chunk.data)

    def answer(self) -> Answer:
        """The completion as far as it was read."""
        answer = super().answer()
        answer.usage, answer.service_tier = _usage(self._usage), _tier(self._usage)
        return answer


def _embeddings_request(kwargs: Mapping[str, Any]) -> Attributes:
    dimensions = number(kwargs, "output_dimension")
    if dimensions is None:
        return {}
    return {semconv.EMBEDDINGS_DIMENSION_COUNT: int(dimensions)}


def _embeddings_answer(answer: Any) -> Answer:
    given = whole(getattr(answer.usage, "prompt_tokens", None)) or None
    return Answer(
        response_id=text(answer.id),
        model=text(answer.model),
        usage=Usage(input_tokens=given, output_tokens=0),
    )


def _completion(operation: str, *prompt: str, streams: bool) -> Api:
    return Api(
        operation=operation,
        request=chat_completions.request,
        answer=_answer,
        reading=MistralReading,
        prompt=prompt,
        streams=streams,
    )


EMBEDDINGS: Final = Api(
    operation=semconv.OPERATION_EMBEDDINGS,
    request=_embeddings_request,
    answer=_embeddings_answer,
    reading=MistralReading,  # this API does not stream
    prompt=("inputs",),
)


#: What lies in the results of a batch: the bodies of the calls above.
_BATCHED: Final = {
    "chat.completion": (semconv.OPERATION_CHAT, _answer),
    "list": (semconv.OPERATION_EMBEDDINGS, _embeddings_answer),
    "": (semconv.OPERATION_OCR, mistral_media.read_batched),  # does not say what it is
}


def _find_inlined(job: Any) -> Found:
    """The results inside a job, where it was asked for with them and has ended."""
    outputs: Any = getattr(job, "outputs", None)
    if not isinstance(outputs, list):  # the client's mark for nothing
        return Found((), 0)
    results = cast("list[Any]", outputs)
    return Found(results, len(results))


def _read_inlined(output: Mapping[str, Any]) -> Fetched | None:
    return read_result(parse_json(json.dumps(output)), _BATCHED)


RESULT_FILE: Final = batch_file(_BATCHED)
INLINED: Final = Fetch(read=_read_inlined, find=_find_inlined)


def _both(module: str, name: str, api: Api | Fetch, *, optional: bool) -> tuple[Method, ...]:
    """A method and its asynchronous sister, which has a name of its own in the same class."""
    return (
        Method(Target(module, name, Kind.SYNC, optional=optional), api),
        Method(Target(module, f"{name}_async", Kind.ASYNC, optional=optional), api),
    )


def _completions(
    module: str, owner: str, operation: str, *prompt: str, optional: bool
) -> tuple[Method, ...]:
    whole_answer = _completion(operation, *prompt, streams=False)
    streamed = _completion(operation, *prompt, streams=True)
    return (
        *_both(module, f"{owner}.complete", whole_answer, optional=optional),
        *_both(module, f"{owner}.stream", streamed, optional=optional),
    )


_RESPONSE: Final = mistral_conversations.RESPONSE
_HEARD: Final = mistral_media.TRANSCRIPTION
_STREAMED: Final = mistral_media.STREAMED_TRANSCRIPTION


def _conversations(module: str) -> tuple[Method, ...]:
    """The ways to take a turn."""
    whole_turn, streamed = mistral_conversations.TURN, mistral_conversations.STREAMED_TURN
    return tuple(
        method
        for name in ("start", "append", "restart")
        for method in (
            *_both(module, f"Conversations.{name}", whole_turn, optional=True),
            *_both(module, f"Conversations.{name}_stream", streamed, optional=True),
        )
    )


def _methods(package: str, *, optional: bool = False) -> tuple[Method, ...]:
    chat, fim = semconv.OPERATION_CHAT, semconv.OPERATION_TEXT_COMPLETION
    asked = ("messages", "tools")
    return (
        *_completions(f"{package}.chat", "Chat", chat, *asked, optional=optional),
        *_completions(f"{package}.agents", "Agents", chat, *asked, optional=optional),
        *_completions(f"{package}.fim", "Fim", fim, "prompt", "suffix", optional=optional),
        *_both(f"{package}.embeddings", "Embeddings.create", EMBEDDINGS, optional=optional),
        *_conversations(f"{package}.conversations"),
        *_both(f"{package}.ocr", "Ocr.process", mistral_media.OCR, optional=optional),
        *_both(f"{package}.transcriptions", "Transcriptions.complete", _HEARD, optional=optional),
        *_both(f"{package}.transcriptions", "Transcriptions.stream", _STREAMED, optional=optional),
        *_both(f"{package}.speech", "Speech.complete", mistral_media.SPEECH, optional=True),
        *_both(f"{package}.files", "Files.download", RESULT_FILE, optional=optional),
        *_both(f"{package}.mistral_jobs", "MistralJobs.get", INLINED, optional=True),  # before 3.0
    )


_PACKAGE: Final = "mistralai.client"
_STORED_FILES: Final = ("delete", "get_signed_url", "list", "retrieve", "upload")
NOT_METERED: Final = {
    **under(_PACKAGE, MACHINERY, "basesdk.*"),
    **under(_PACKAGE, NO_REQUEST, "sdk.*"),
    **under(
        _PACKAGE,
        STORED,
        *("accesses.*", "audio_agents.*", "beta_agents.*", "beta_prompts.*", "connectors.*"),
        *("datasets.*", "datasets_records.*", "events.*", "logs.*", "metrics.*"),
        *("models_.*", "service_accounts.*", "skills.*", "spans.*", "traces.*", "users.*"),
        *("voices.*", "webhooks.*", "workflows_events.*", "workflows_runs.*"),
        "ingestion_pipeline_configurations.*",
    ),
    **under(
        _PACKAGE,
        MODEL_CALLS,
        *("classifiers.*", "datasets_records.DatasetsRecords.judge"),
        *("evaluations.*", "evaluations_projects.*", "evaluations_records.*"),
        *("evaluations_runs.*", "executions.*", "judges.*", "optimizations.*"),
        *("schedules.*", "triggers.*", "workflows.*"),
    ),
    **under(
        f"{_PACKAGE}.conversations.Conversations",
        STORED,
        *("delete", "get", "get_history", "get_messages", "list"),
    ),
    **under(f"{_PACKAGE}.files.Files", STORED, *_STORED_FILES),
    **under(f"{_PACKAGE}.jobs.Jobs", FETCHED, "cancel", "create", "delete", "list"),
    **under(_PACKAGE, COUNTS, "responses.Responses.count_input_tokens"),
    **under(_PACKAGE, TOOLS, "connectors.Connectors.call_tool"),
    **under(_PACKAGE, SESSIONS, "audio_sessions.*", "realtime_sessions.*"),
    **under(_PACKAGE, MACHINES, "deployments.*"),
    **under(
        _PACKAGE,
        STORAGE,
        *("context_search_indexes.*", "documents.*", "libraries.*", "rag_search_indexes.*"),
    ),
}

INSTRUMENTOR: Final = Instrumentor(
    client="mistralai",
    provider="mistral_ai",
    minimum=MINIMUM_VERSION,
    methods=(
        *_methods("mistralai.client"),
        *_both("mistralai.client.jobs", "Jobs.get", INLINED, optional=True),
        *_both("mistralai.client.responses", "Responses.create", _RESPONSE, optional=True),
        *_methods("mistralai", optional=True),  # before 2.0
    ),
    helpers=(
        "mistralai.client.chat.Chat.parse",
        "mistralai.client.chat.Chat.parse_async",
        "mistralai.client.chat.Chat.parse_stream",
        "mistralai.client.chat.Chat.parse_stream_async",
        "mistralai.client.conversations.Conversations.run_async",
        "mistralai.client.conversations.Conversations.run_stream_async",
    ),
    deferring=tuple(
        Target(f"{package}.conversations", "Conversations.run_stream_async", Kind.ASYNC, True)
        for package in ("mistralai.client", "mistralai")
    ),
    not_metered=NOT_METERED,
    notes=(
        "MISTRAL_SDK_TELEMETRY makes spans of the client below ours; the ledger counts one call.",
    ),
)
