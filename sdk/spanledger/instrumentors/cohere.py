"""The ``cohere`` client: chat, text, embeddings and reranking of both its APIs, batches.

Cohere counts twice: ``tokens`` is what the model saw, with Cohere's own template around the prompt;
``billed_units`` is what the invoice has. The billed counts are told where there are any, and the
others beside them. Reranking
is billed by search units, by newer models by tokens: what the answer says is told, and nothing is
estimated, because an estimate would be nobody's bill. No answer of this API names its model.

The results of a batch or of an embed job lie in a dataset that is downloaded from elsewhere; what
is billed stands in the job, so it is told as one answer by whoever fetches the job at its end.

The first API's ``embed`` makes one request for so many texts, in threads of its own, and sums up
their counts; it is told as the one call that it is for its caller.

A stream is a generator here: its request, and so its span, begin when it is first read.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, present, strings, text
from spanledger._calls.api import Api
from spanledger._calls.facts import Attributes
from spanledger._calls.fetch import Fetch, Fetched
from spanledger._formats import cohere_answers, openai_media
from spanledger._formats.cohere_answers import integer, processed, reasons, usage_of
from spanledger._formats.cohere_raw import raw, raw_stream
from spanledger._patches.gaps import (
    COUNTS,
    FETCHED,
    INSIDE,
    MACHINERY,
    MEDIA,
    MODEL_CALLS,
    STORED,
    TRAINING,
    under,
)
from spanledger._patches.instrumentor import Instrumentor, Method, both, number, sampling_attributes
from spanledger._patches.patching import Kind, Target

#: Oldest version tried: with the contract suite.
MINIMUM_VERSION: Final = "5.20.7"


def _chat_request(kwargs: Mapping[str, Any]) -> Attributes:
    attributes = sampling_attributes(kwargs, "max_tokens")
    share = number(kwargs, "p")
    if share is not None:
        attributes[semconv.REQUEST_TOP_P] = float(share)
    return attributes


def _chat_answer(answer: Any) -> Answer:
    usage = usage_of(answer.usage)
    message = answer.message
    said = [message.content, message.tool_plan, message.tool_calls]
    return Answer(
        response_id=text(answer.id),
        finish_reasons=reasons(answer.finish_reason),
        usage=usage,
        texts=list(strings(said)) if usage.needs_texts else [],
        facts=processed(answer.usage),
    )


class ChatReading:
    """A chat read event by event; the last event has the reason, the usage, and any error."""

    __slots__ = ("_end", "_id", "_texts")

    def __init__(self, _kwargs: Mapping[str, Any]) -> None:
        self._texts: list[str] = []
        self._id = ""
        self._end: Any = None

    def chunk(self, event: Any, /) -> None:
        """Keep generated text, the id, and the end."""
        kind = event.type
        if kind == "content-delta":
            content = event.delta.message.content
            self._texts.append(content.text or content.thinking or "")
        elif kind == "message-end":
            self._end = event.delta
        elif kind == "message-start":
            self._id = text(event.id)
        elif kind in _OTHER_TEXT:
            self._texts += strings(event.delta.message)

    def answer(self) -> Answer:
        """Whole once the last event came."""
        end = self._end
        usage = getattr(end, "usage", None)
        return Answer(
            response_id=self._id,
            finish_reasons=reasons(getattr(end, "finish_reason", None)),
            usage=usage_of(usage),
            texts=self._texts,
            facts=processed(usage),
            complete=end is not None,
            error_code="stream_error" if getattr(end, "error", None) else "",
        )


#: Events with a name, arguments or a plan for tools.
_OTHER_TEXT: Final = frozenset({"tool-plan-delta", "tool-call-start", "tool-call-delta"})


def _embed_request(kwargs: Mapping[str, Any]) -> Attributes:
    dimensions = number(kwargs, "output_dimension")
    if dimensions is None:
        return {}
    return {semconv.EMBEDDINGS_DIMENSION_COUNT: int(dimensions)}


def _billed(answer: Any) -> Any:
    return getattr(answer.meta, "billed_units", None)


def _embed_answer(answer: Any) -> Answer:
    billed = _billed(answer)
    given, images = integer(billed, "input_tokens"), integer(billed, "image_tokens")
    if images:
        given = (given or 0) + images
    parts = present({semconv.USAGE_IMAGE_INPUT_TOKENS: images or 0})
    usage = Usage(input_tokens=given, output_tokens=0, parts=parts)
    return Answer(response_id=text(answer.id), usage=usage)


def _rerank_answer(answer: Any) -> Answer:
    billed = _billed(answer)
    units = integer(billed, "search_units")
    given = integer(billed, "input_tokens")
    usage = Usage(
        input_tokens=given,
        output_tokens=None if given is None else 0,
        units={semconv.UNIT_SEARCH_UNITS: units} if units else None,
    )
    return Answer(response_id=text(answer.id), uncounted=not usage.known, usage=usage)


def _batch(fetched: Any) -> Fetched | None:
    """A batch that has ended, also a cancelled one, with the tokens of its records."""
    batch = fetched.batch
    if batch.status not in _ENDED:
        return None
    given, made = _digits(batch.input_tokens), _digits(batch.output_tokens)
    if given is None:
        return None
    return Fetched(
        semconv.OPERATION_CHAT if made else semconv.OPERATION_EMBEDDINGS,
        Answer(
            response_id=text(batch.id),
            model=text(batch.model),
            service_tier=semconv.TIER_BATCH,
            usage=Usage(input_tokens=given, output_tokens=made or 0),
        ),
    )


#: How a batch ends.
_ENDED: Final = frozenset(
    {"BATCH_STATUS_COMPLETED", "BATCH_STATUS_FAILED", "BATCH_STATUS_CANCELED"}
)


def _digits(value: object) -> int | None:
    """A count that is sent as a text."""
    said = text(value)
    return int(said) if said.isdecimal() else None


def _embed_job(job: Any) -> Fetched | None:
    """A job that is complete, with the tokens of all its texts."""
    given = integer(_billed(job), "input_tokens")
    if job.status != "complete" or given is None:
        return None
    usage = Usage(input_tokens=given, output_tokens=0)
    answer = Answer(response_id=text(job.job_id), model=text(job.model), usage=usage)
    return Fetched(semconv.OPERATION_EMBEDDINGS, answer)


BATCH: Final = Fetch(read=_batch, is_set=False)
EMBED_JOB: Final = Fetch(read=_embed_job, is_set=False)


def _chat(*, streams: bool) -> Api:
    return Api(
        operation=semconv.OPERATION_CHAT,
        request=_chat_request,
        answer=_chat_answer,
        reading=ChatReading,
        prompt=("messages", "tools", "documents"),
        streams=streams,
        lazy=streams,
        covers=True,
    )


def _streamed(
    module: str, owner: str, name: str, module_of_raw: str, api: Api
) -> tuple[Method, ...]:
    """A method that streams: both clients give a generator at once, there is nothing to await."""
    return (
        Method(Target(module, f"{owner}.{name}", Kind.SYNC), api),
        Method(Target(module, f"Async{owner}.{name}", Kind.SYNC), api),
        *(
            Method(Target(module_of_raw, f"{before}Raw{owner}.{name}", kind), watched)
            for before, kind, watched in (
                ("", Kind.MANAGER, raw_stream(api, asynchronous=False)),
                ("Async", Kind.ASYNC_MANAGER, raw_stream(api, asynchronous=True)),
            )
        ),
    )


def _first_api(
    name: str, operation: str, answer: Callable[[Any], Answer], *prompt: str
) -> tuple[Method, ...]:
    """A method of the first API, and the one that streams the same."""
    whole = Api(
        operation=operation,
        request=_chat_request,
        answer=answer,
        reading=functools.partial(cohere_answers.Reading, read=answer),
        prompt=prompt,
        covers=True,
    )
    streamed = replace(whole, streams=True, lazy=True)
    return (
        *both(_FIRST, f"BaseCohere.{name}", whole),
        *both(_FIRST_RAW, f"RawBaseCohere.{name}", raw(whole)),
        *_streamed(_FIRST, "BaseCohere", f"{name}_stream", _FIRST_RAW, streamed),
    )


_FIRST_RAW: Final = "cohere.raw_base_client"
_FIRST: Final = "cohere.base_client"
_CHATTED: Final = ("message", "chat_history", "documents", "tools", "tool_results")

EMBED: Final = Api(
    operation=semconv.OPERATION_EMBEDDINGS,
    request=_embed_request,
    answer=_embed_answer,
    reading=ChatReading,  # this API does not stream
    prompt=("texts", "inputs"),
    covers=True,
)
RERANK: Final = Api(
    operation=semconv.OPERATION_RERANK,
    request=lambda _kwargs: {},
    answer=_rerank_answer,
    reading=ChatReading,  # this API does not stream
    prompt=("documents", "query"),
    covers=True,
)
_MODULE: Final = "cohere.v2.client"
_RAW: Final = "cohere.v2.raw_client"
_STREAMED: Final = _chat(streams=True)

#: Applications have a class below the one that is patched; OpenLIT puts its wrappers on that.
_BELOW: Final = functools.partial(Target, "cohere.client_v2", optional=True, over_others=True)

_FREE: Final = (("tokenize", COUNTS), ("detokenize", COUNTS), ("check_api_key", STORED))

INSTRUMENTOR: Final = Instrumentor(
    client="cohere",
    provider="cohere",
    minimum=MINIMUM_VERSION,
    methods=(
        *both(_MODULE, "V2Client.chat", _chat(streams=False)),
        *both(_RAW, "RawV2Client.chat", raw(_chat(streams=False))),
        *_streamed(_MODULE, "V2Client", "chat_stream", _RAW, _STREAMED),
        Method(_BELOW("ClientV2.chat", Kind.SYNC), _chat(streams=False)),
        Method(_BELOW("AsyncClientV2.chat", Kind.ASYNC), _chat(streams=False)),
        Method(_BELOW("ClientV2.chat_stream", Kind.SYNC), _STREAMED),
        Method(_BELOW("ClientV2.embed", Kind.SYNC), EMBED),
        Method(_BELOW("AsyncClientV2.embed", Kind.ASYNC), EMBED),
        *both(_MODULE, "V2Client.embed", EMBED),
        *both(_RAW, "RawV2Client.embed", raw(EMBED)),
        *both(_MODULE, "V2Client.rerank", RERANK),
        *both(_RAW, "RawV2Client.rerank", raw(RERANK)),
        *_first_api("chat", semconv.OPERATION_CHAT, cohere_answers.chat_answer, *_CHATTED),
        *_first_api(
            "generate", semconv.OPERATION_TEXT_COMPLETION, cohere_answers.text_answer, "prompt"
        ),
        *both(_FIRST, "BaseCohere.rerank", RERANK),
        *both(_FIRST_RAW, "RawBaseCohere.rerank", raw(RERANK)),
        *both("cohere.client", "Client.embed", EMBED),
        *both(
            "cohere.audio.transcriptions.client",
            "TranscriptionsClient.create",
            openai_media.TRANSCRIPTION,
            optional=True,
        ),
        *both("cohere.batches.client", "BatchesClient.retrieve", BATCH, optional=True),
        *both("cohere.embed_jobs.client", "EmbedJobsClient.get", EMBED_JOB),
    ),
    helpers=(),
    not_metered={
        **under(_MODULE, MEDIA, "V2Client.parse"),
        **under(
            "cohere",
            MODEL_CALLS,
            *("audio.transcriptions.raw_client.*", "batches.raw_client.*", "bedrock_client.*"),
            "embed_jobs.raw_client.*",
        ),
        **under(_RAW, MEDIA, "RawV2Client.parse"),
        **under(f"{_FIRST}.BaseCohere", MODEL_CALLS, "classify", "summarize"),
        **under(f"{_FIRST_RAW}.RawBaseCohere", MODEL_CALLS, "classify", "summarize", "embed"),
        f"{_FIRST}.BaseCohere.embed": MACHINERY,
        "cohere.client.Client.embed_stream": MODEL_CALLS,
        **under("cohere.batches.client.BatchesClient", FETCHED, "cancel", "create", "list"),
        **under("cohere.embed_jobs.client.EmbedJobsClient", FETCHED, "cancel", "create", "list"),
        **under("cohere", TRAINING, "finetuning.*"),
        **under("cohere", STORED, "connectors.*", "datasets.*", "models.*"),
        **under("cohere.client.Client", COUNTS, "tokenize", "detokenize"),
        **{
            f"cohere.{owner}.{name}": reason
            for owner in ("base_client.BaseCohere", "raw_base_client.RawBaseCohere")
            for name, reason in _FREE
        },
        **under("cohere.client.Client", COUNTS, "fetch_tokenizer"),
        **under("cohere.client.Client", INSIDE, "wait"),
    },
    notes=(
        "Images embedded by models before embed-v4 have no tokens: told without usage.",
        "A transcript says nothing of the length of what was heard: told without usage.",
        "Not metered: raw responses of the first API's embed, whose requests are told as one.",
    ),
)
