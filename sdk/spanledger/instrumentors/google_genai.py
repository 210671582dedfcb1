"""The ``google-genai`` client: Gemini's content, also of chats and batches, interactions.

One public call may make several requests: functions of the application that the client calls by
itself, and continued answers. Its result has the usage of the last one only. So what is patched is
the one method a request, which has a private name; should a version lack it, the public method is
patched instead, ``spanledger doctor`` says so, and less is told.

Counts of this API include cached tokens in the prompt. Thoughts stand beside the candidates in the
output, and results of tools that the provider ran beside the prompt in the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, count, present, text, whole
from spanledger._calls.api import Api
from spanledger._calls.facts import Attributes
from spanledger._formats.google_batches import fetches
from spanledger._formats.google_interactions import INTERACTION
from spanledger._formats.google_usage import usage_of
from spanledger._formats.pieces import images
from spanledger._patches.google_gaps import NEXT, NOT_METERED
from spanledger._patches.instrumentor import (
    Instrumentor,
    Method,
    both,
    fields,
    number,
    sampling_attributes,
)
from spanledger._patches.patching import Kind, Target

#: Oldest version tried: with the contract suite.
MINIMUM_VERSION: Final = "1.50.0"

#: Says which tier answered, which is not always the one that was asked for.
_TIER_HEADER: Final = "x-gemini-service-tier"
#: Vertex AI's types of traffic that have prices of their own -> tier.
_TIERS: Final = {
    "ON_DEMAND_PRIORITY": "priority",
    "ON_DEMAND_FLEX": "flex",
    "ON_DEMAND_OFFPEAK": "offpeak",
    "PROVISIONED_THROUGHPUT": "provisioned_throughput",
}
#: Generations whose search is billed by the answer; later ones are billed by the query.
_SEARCH_BY_ANSWER: Final = ("gemini-1", "gemini-2")


# --- requests -------------------------------------------------------------------------------------
def _request(kwargs: Mapping[str, Any]) -> Attributes:
    config = fields(kwargs.get("config"))
    attributes = sampling_attributes(config, "max_output_tokens")
    choices = number(config, "candidate_count")
    if choices is not None and choices != 1:
        attributes[semconv.REQUEST_CHOICE_COUNT] = int(choices)
    return attributes


def _embeddings_request(kwargs: Mapping[str, Any]) -> Attributes:
    dimensions = number(fields(kwargs.get("config")), "output_dimensionality")
    return {} if dimensions is None else {semconv.EMBEDDINGS_DIMENSION_COUNT: int(dimensions)}


# --- answers --------------------------------------------------------------------------------------
def _parts(response: Any) -> Iterator[Any]:
    for candidate in response.candidates or ():
        yield from getattr(candidate.content, "parts", None) or ()


def _texts(response: Any) -> Iterator[str]:
    """What was generated; thoughts only where nobody counts them."""
    counted = response.usage_metadata is not None
    for part in _parts(response):
        if part.text and not (counted and getattr(part, "thought", None)):
            yield part.text
        if part.function_call is not None:
            yield f"{part.function_call.name}{part.function_call.args}"
        if part.executable_code is not None:
            yield text(part.executable_code.code)


def _finishes(response: Any) -> tuple[str, ...]:
    reasons = (candidate.finish_reason for candidate in response.candidates or ())
    return tuple(str(reason.value) for reason in reasons if reason is not None)


def _queries(response: Any) -> set[str]:
    """What the provider searched for. Billed are different queries, without empty ones."""
    return {
        query
        for candidate in response.candidates or ()
        for query in getattr(candidate.grounding_metadata, "web_search_queries", None) or ()
        if query
    }


def _mapped(response: Any) -> bool:
    """Whether a place of Google Maps stands behind the answer; that is billed by the answer."""
    return any(
        getattr(one, "maps", None) is not None
        for candidate in response.candidates or ()
        for one in getattr(candidate.grounding_metadata, "grounding_chunks", None) or ()
    )


def _searches(queries: set[str], model: str, *, mapped: bool) -> Mapping[str, int] | None:
    searches = min(1, len(queries)) if model.startswith(_SEARCH_BY_ANSWER) else len(queries)
    return present({semconv.UNIT_WEB_SEARCHES: searches, semconv.UNIT_MAPS_GROUNDINGS: int(mapped)})


def _tier(response: Any) -> str:
    """What the Gemini API says in a header, and Vertex AI as the type of traffic."""
    traffic = getattr(getattr(response.usage_metadata, "traffic_type", None), "value", "")
    if traffic in _TIERS:
        return _TIERS[traffic]
    http: Any = getattr(response, "sdk_http_response", None)
    headers: Mapping[str, str] = getattr(http, "headers", None) or {}
    return next((headers[name] for name in headers if name.lower() == _TIER_HEADER), "")


def _answer(response: Any) -> Answer | None:
    if response.candidates is None and response.usage_metadata is None:
        return None  # the application asked for the bytes
    model = text(response.model_version)
    usage = usage_of(response.usage_metadata)
    if usage.known:  # beside tokens that are estimated, units would pass for the whole bill
        usage.units = _searches(_queries(response), model, mapped=_mapped(response))
    return Answer(
        response_id=text(getattr(response, "response_id", None)),
        model=model,
        finish_reasons=_finishes(response),
        service_tier=_tier(response),
        usage=usage,
        texts=list(_texts(response)) if usage.needs_texts else [],
    )


class ContentReading:
    """A stream of content; each chunk has the counts so far, the last one those of the whole."""

    __slots__ = ("_counted", "_finishes", "_last", "_mapped", "_queries", "_texts")

    def __init__(self, _kwargs: Mapping[str, Any]) -> None:
        self._texts: list[str] = []
        self._queries: set[str] = set()
        self._mapped = False
        self._last: Any = None
        self._counted: Any = None
        self._finishes: tuple[str, ...] = ()

    def chunk(self, chunk: Any, /) -> None:
        """Keep the text, the counts, what was searched for, and why the model stopped."""
        self._last = chunk
        self._texts += _texts(chunk)
        if chunk.usage_metadata is not None:
            self._counted = chunk
        self._finishes = _finishes(chunk) or self._finishes  # the client may clear it later
        self._queries |= _queries(chunk)
        self._mapped = self._mapped or _mapped(chunk)

    def answer(self) -> Answer:
        """Whole once a candidate has ended or was refused; before it, the output is estimated."""
        last = self._last
        if last is None:
            return Answer(complete=False)
        answer = Answer(
            response_id=text(getattr(last, "response_id", None)),
            model=text(last.model_version),
            finish_reasons=self._finishes,
            service_tier=_tier(self._counted or last),
            usage=usage_of(getattr(self._counted, "usage_metadata", None)),
            texts=self._texts,
        )
        if answer.usage.known:
            answer.usage.units = _searches(self._queries, answer.model, mapped=self._mapped)
        if not self._finishes and last.prompt_feedback is None:
            answer.complete = False
            answer.usage.output_tokens = None
            answer.hidden_tokens = answer.usage.reasoning_tokens
        return answer


def _tokens_of(embedding: Any) -> int | None:
    """Vertex AI counts each text; the client's model makes the count a float."""
    given = getattr(getattr(embedding, "statistics", None), "token_count", None)
    return int(given) if isinstance(given, int | float) else None


def _embeddings_answer(response: Any) -> Answer:
    given = whole(getattr(getattr(response, "usage_metadata", None), "prompt_token_count", None))
    if given is None:
        told = [_tokens_of(one) for one in response.embeddings or ()]
        given = None if None in told or not told else sum(count(one) for one in told)
    return Answer(usage=Usage(input_tokens=given, output_tokens=0))


# --- what is patched ------------------------------------------------------------------------------
def _content(*, streams: bool, lazy: bool = False) -> Api:
    return Api(
        operation=semconv.OPERATION_GENERATE_CONTENT,
        request=_request,
        answer=cast("Any", _answer),
        reading=ContentReading,
        prompt=("contents", "config"),
        streams=streams,
        lazy=lazy,
    )


EMBEDDINGS: Final = Api(
    operation=semconv.OPERATION_EMBEDDINGS,
    request=_embeddings_request,
    answer=_embeddings_answer,
    reading=ContentReading,  # this API does not stream
    prompt=("contents",),
)

_MODULE: Final = "google.genai.models"
_WHOLE: Final = _content(streams=False)
_EAGER_STREAM: Final = _content(streams=True)
_LAZY_STREAM: Final = _content(streams=True, lazy=True)


def _both(owner: str, kind: Kind, name: str, own: Api, public: Api) -> tuple[Method, Method]:
    """The method of one request, and the public one that stands in for it."""
    private = f"_{name}"
    spare = Target(_MODULE, f"{owner}.{name}", kind, stands_in_for=private)
    return (
        Method(Target(_MODULE, f"{owner}.{private}", kind, optional=True), own),
        Method(spare, public),
    )


def _made(response: Any) -> int:
    """Pictures that were not held back, which are billed."""
    pictures = (one.image for one in response.generated_images or ())
    return sum(bool(one and (one.image_bytes or one.gcs_uri)) for one in pictures)


def _pictures(name: str) -> tuple[Method, Method]:
    api = images(_made, derived=False)
    return (
        Method(Target(_MODULE, f"Models.{name}", Kind.SYNC), api),
        Method(Target(_MODULE, f"AsyncModels.{name}", Kind.ASYNC), api),
    )


def _flavour(models: Any) -> str:
    """Vertex AI is another client of the same class; its host may be the application's gateway."""
    vertex = getattr(getattr(models, "_api_client", None), "vertexai", False)
    return "gcp.vertex_ai" if vertex is True else ""


_STREAMED: Final = "generate_content_stream"

_INLINED, _RESULT_FILE = fetches(_answer)

INSTRUMENTOR: Final = Instrumentor(
    client="google-genai",
    provider="gcp.gemini",
    minimum=MINIMUM_VERSION,
    methods=(
        *_both("Models", Kind.SYNC, "generate_content", _WHOLE, _WHOLE),
        *_both("AsyncModels", Kind.ASYNC, "generate_content", _WHOLE, _WHOLE),
        *_both("Models", Kind.SYNC, _STREAMED, _LAZY_STREAM, _LAZY_STREAM),
        *_both("AsyncModels", Kind.ASYNC, _STREAMED, _EAGER_STREAM, _LAZY_STREAM),
        Method(Target(_MODULE, "Models.embed_content", Kind.SYNC), EMBEDDINGS),
        Method(Target(_MODULE, "AsyncModels.embed_content", Kind.ASYNC), EMBEDDINGS),
        *_pictures("generate_images"),
        *_pictures("edit_image"),
        *_pictures("upscale_image"),
        *both("google.genai._gaos.interactions", "Interactions.create", INTERACTION, optional=True),
        *both("google.genai.batches", "Batches.get", _INLINED, optional=True),
        *both("google.genai.files", "Files.download", _RESULT_FILE, optional=True),
    ),
    helpers=(
        f"{NEXT}Interactions.create",
        "google.genai.chats.Chat.send_message",
        "google.genai.chats.Chat.send_message_stream",
    ),
    deferring=tuple(
        Target(module, f"{owner}.{name}", kind, optional=True)
        for module, client, name in (
            (_MODULE, "Models", _STREAMED),
            ("google.genai.chats", "Chat", "send_message_stream"),
        )
        for owner, kind in ((client, Kind.GENERATOR), (f"Async{client}", Kind.ASYNC))
    ),
    not_metered=NOT_METERED,
    notes=(
        "Each request is one span: functions that the client calls by itself make several.",
        "Older versions keep the count of embeddings to themselves: it is estimated there.",
        "Not metered: grounding with Google Maps; image searches are told as no searches.",
    ),
    flavour=_flavour,
)
