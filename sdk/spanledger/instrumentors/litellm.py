"""The ``litellm`` library: completions, responses, embeddings, reranking, images, audio, routed.

LiteLLM asks every provider for its caller, some through that provider's own client, which may be
instrumented too. LiteLLM sees the usage of all of them, so its span is the one that is told, with
the provider and the model that were really asked, and what its caller's call does inside is not
told again. A call with ``fallbacks`` makes one call a model; these are told, each on its own, and
so are the calls of ``litellm.Router``. What LiteLLM answers from its own cache or from a mock was
billed by nobody: 0 tokens.

Where a provider sends no usage, LiteLLM fills in an estimate of its own without saying so, or
zeros. A stream tells the two apart by its pieces; both are counted here, and marked.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, count, fields_of, present, text
from spanledger._calls.api import Api, Reading
from spanledger._calls.facts import Attributes
from spanledger._calls.routing import own_model, split_model
from spanledger._formats import chat_completions, embeddings, openai_media, responses
from spanledger._formats.chat_completions import ChatReading, said_texts
from spanledger._formats.chat_usage import usage_of
from spanledger._formats.litellm_batches import RESULT_FILE
from spanledger._formats.litellm_surfaces import MESSAGES, contents
from spanledger._formats.responses import ResponseReading
from spanledger._patches.instrumentor import Asked, Instrumentor, Method, number
from spanledger._patches.litellm_gaps import HELPERS, NOT_METERED
from spanledger._patches.litellm_pools import POOLS, carry
from spanledger._patches.patching import Kind, Target

#: Oldest version tried: with the contract suite.
MINIMUM_VERSION: Final = "1.82.0"

#: Parameters of calls that ask no provider.
_MOCKS: Final = ("mock_response", "mock_tool_calls", "mock_timeout")


# --- what is asked --------------------------------------------------------------------------------
def _called_back(request: _Request) -> _Request:
    """With a mark where callbacks are registered: LiteLLM calls them in threads of its own."""

    def told(kwargs: Mapping[str, Any]) -> Attributes:
        module = sys.modules["litellm"]
        if not any(getattr(module, name, None) for name in _CALLBACKS):
            return request(kwargs)
        return {**request(kwargs), semconv.RESPONSE_TOLD_APART: True}

    return told


_Request = Callable[[Mapping[str, Any]], Attributes]
_CALLBACKS: Final = ("callbacks", "success_callback")


def _asked(_module: Any, kwargs: Mapping[str, Any]) -> Asked:
    model, provider = split_model(
        text(kwargs.get("model")), text(kwargs.get("custom_llm_provider"))
    )
    return Asked({**kwargs, "model": model}, provider, None)


def _told_inside(kwargs: Mapping[str, Any]) -> bool:
    """A call that only makes others: one a fallback, or its own asynchronous sister."""
    return bool(kwargs.get("fallbacks")) or kwargs.get("acompletion") is True


# --- what is answered -----------------------------------------------------------------------------
def _hidden(answer: Any) -> Mapping[str, Any]:
    """What LiteLLM says about an answer, beside it."""
    return fields_of(getattr(answer, "_hidden_params", None))


def _checked(answer: Answer, source: Any) -> Answer:
    """The answer with the provider's own name of the model, and free where nobody was asked."""
    hidden = _hidden(source)
    answer.model = own_model(answer.model, text(hidden.get("custom_llm_provider")))
    if hidden.get("cache_hit") is True:
        # It has the id of the answer it repeats, which is told already.
        answer.response_id = ""
        return _free(answer)
    return answer


def _free(answer: Answer) -> Answer:
    answer.usage, answer.free, answer.uncounted = Usage(0, 0), True, False
    return answer


def _chat_answer(completion: Any) -> Answer:
    return _checked(chat_completions.answer_of(completion), completion)


def _text_answer(completion: Any) -> Answer:
    usage = usage_of(getattr(completion, "usage", None))
    choices = completion.choices or ()
    answer = Answer(
        response_id=text(completion.id),
        model=text(completion.model),
        finish_reasons=tuple(reason for one in choices if (reason := text(one.finish_reason))),
        usage=usage,
        texts=[] if usage.known else [text(one.text) for one in choices],
    )
    return _checked(answer, completion)


def _response_answer(response: Any) -> Answer:
    return _checked(responses.answer_of(response), response)


def _embeddings_answer(answer: Any) -> Answer:
    told = embeddings.answer_of(answer)
    told.usage.input_tokens = told.usage.input_tokens or None
    return _checked(told, answer)


def _rerank_answer(answer: Any) -> Answer:
    meta = fields_of(answer.meta)
    billed = fields_of(meta.get("billed_units"))
    tokens = count(billed.get("total_tokens"))
    usage = Usage(
        input_tokens=tokens or None,
        output_tokens=0 if tokens else None,
        units=present({semconv.UNIT_SEARCH_UNITS: count(billed.get("search_units"))}),
    )
    told = Answer(response_id=text(answer.id), usage=usage, uncounted=not usage.known)
    return _checked(told, answer)


def _heard(answer: Any) -> Answer:
    """What the provider said, else the length that LiteLLM found in the recording."""
    told = openai_media.heard(answer)
    seconds = number(_hidden(answer), "audio_transcription_duration")
    if not told.usage.known and seconds:
        told.usage = Usage(units={semconv.UNIT_AUDIO_SECONDS: seconds})
        told.derived, told.uncounted = True, False
    return told


# --- streams --------------------------------------------------------------------------------------
class StreamReading(ChatReading):
    """A chat or a text completion read piece by piece, with the stream that has the usage.

    Args:
        kwargs: the call's parameters.
        stream: LiteLLM's; keeps the pieces as the provider sent them.
    """

    __slots__ = ("_stream",)

    def __init__(self, kwargs: Mapping[str, Any], stream: Any = None) -> None:
        super().__init__(kwargs)
        self._stream = stream

    def chunk(self, chunk: Any, /) -> None:
        """Keep the piece of text, the end of a choice, the usage."""
        for choice in getattr(chunk, "choices", None) or ():
            delta = getattr(choice, "delta", None)
            self._texts += [text(choice.text)] if delta is None else said_texts(delta)
            if choice.finish_reason:
                self._finishes[choice.index] = choice.finish_reason
        self._usage = getattr(chunk, "usage", None) or self._usage
        self._note(chunk, fields_of(chunk))

    def answer(self) -> Answer:
        """Whole once every choice has ended."""
        answer = super().answer()
        stream = self._stream
        answer.model = own_model(answer.model, text(getattr(stream, "custom_llm_provider", None)))
        answer.usage = self._reported()
        answer.complete = len(self._finishes) >= self._choices
        if getattr(stream, "custom_llm_provider", None) == "cached_response":
            answer.response_id = ""
            return _free(answer)
        return answer

    def _reported(self) -> Usage:
        """LiteLLM's sum of what the provider reported, not its estimate."""
        stream = self._stream
        if not hasattr(stream, "chunks"):  # around text completions lies another stream
            stream = getattr(stream, "completion_stream", None)
        pieces: list[Any] = getattr(stream, "chunks", None) or []
        reported = [usage for piece in pieces if (usage := getattr(piece, "usage", None))]
        if not reported:
            return Usage()
        return usage_of(self._usage or _hidden(self._last).get("usage") or reported[-1])


class FreeReading(StreamReading):
    """The same when no provider was asked."""

    __slots__ = ()

    def answer(self) -> Answer:
        """Without what the library made up."""
        return _free(super().answer())


# --- what is patched ------------------------------------------------------------------------------
def _api(
    operation: str,
    answer: Callable[[Any], Answer],
    *positional: str,
    prompt: tuple[str, ...],
    request: _Request = chat_completions.request,
    reading: Callable[[Mapping[str, Any]], Reading] = StreamReading,
) -> Api:
    def free(result: Any) -> Answer:
        return _free(answer(result))

    routed = reading is StreamReading
    asking = Api(
        operation=operation,
        request=_called_back(request),
        answer=answer,
        reading=reading,
        prompt=prompt,
        positional=positional,
        reading_of=_reading if routed else None,
        covers=True,
        told_inside=_told_inside,
    )
    mocked = replace(asking, answer=free, reading_of=_free_reading if routed else None)

    def adapt(kwargs: Mapping[str, Any]) -> tuple[Api, Mapping[str, Any]]:
        return (mocked if any(kwargs.get(name) for name in _MOCKS) else asking), kwargs

    return replace(asking, adapt=adapt)


def _media(api: Api, *positional: str) -> Api:
    """Images and audio, routed: as another client's call is read."""
    routed = replace(api, positional=positional, covers=True, told_inside=_told_inside)

    def adapt(kwargs: Mapping[str, Any]) -> tuple[Api, Mapping[str, Any]]:
        read = api.answer if api.adapt is None else api.adapt(kwargs)[0].answer
        if any(kwargs.get(name) for name in _MOCKS):
            return replace(routed, answer=functools.partial(_mocked, read), watch=None), kwargs
        return replace(routed, answer=functools.partial(_routed, read)), kwargs

    return replace(routed, adapt=adapt)


def _mocked(read: Callable[[Any], Answer], result: Any) -> Answer:
    return _free(read(result))


def _routed(read: Callable[[Any], Answer], result: Any) -> Answer:
    return _checked(read(result), result)


def _reading(stream: Any, kwargs: Mapping[str, Any]) -> Reading:
    return StreamReading(kwargs, stream)


def _free_reading(stream: Any, kwargs: Mapping[str, Any]) -> Reading:
    return FreeReading(kwargs, stream)


CHAT: Final = _api(
    semconv.OPERATION_CHAT,
    _chat_answer,
    *("model", "messages"),
    prompt=("messages", "tools", "functions"),
)
TEXT: Final = _api(
    semconv.OPERATION_TEXT_COMPLETION, _text_answer, *("prompt", "model"), prompt=("prompt",)
)
RESPONSES: Final = _api(
    semconv.OPERATION_CHAT,
    _response_answer,
    *("input", "model"),
    prompt=("input", "instructions", "tools"),
    request=responses.request,
    reading=ResponseReading,
)
EMBEDDINGS: Final = _api(
    semconv.OPERATION_EMBEDDINGS,
    _embeddings_answer,
    *("model", "input"),
    prompt=("input",),
    request=embeddings.request,
)
RERANK: Final = _api(
    semconv.OPERATION_RERANK,
    _rerank_answer,
    *("model", "query", "documents"),
    prompt=("documents", "query"),
    request=lambda _kwargs: {},
)


IMAGES: Final = _media(openai_media.IMAGES, "prompt", "model", "n", "quality")
EDITS: Final = _media(openai_media.IMAGES, "image", "prompt", "model")
VARIATIONS: Final = _media(openai_media.IMAGES, "image", "model", "n")
SPEECH: Final = _media(openai_media.SPEECH, "model", "input", "voice")
TRANSCRIPTION: Final = _media(replace(openai_media.TRANSCRIPTION, answer=_heard), "model", "file")


def _result_files() -> tuple[Method, Method]:
    """The two have their parameters in another order."""
    plain = replace(RESULT_FILE, positional=("file_id", "model", "custom_llm_provider"))
    other = replace(RESULT_FILE, positional=("file_id", "custom_llm_provider"))
    return (
        Method(Target("litellm", "file_content", Kind.SYNC), plain),
        Method(Target("litellm", "afile_content", Kind.ASYNC), other),
    )


def _surfaces() -> tuple[Method, ...]:
    """In the words of other services; what has two names is patched under both."""
    messages = _asking(MESSAGES, _told_inside)
    whole, streamed = (_asking(contents(streams=streams), _adapted) for streams in (False, True))
    return (
        Method(_anthropic("acreate", Kind.ASYNC), messages),
        Method(_anthropic("create", Kind.SYNC), messages),
        Method(Target("litellm", "anthropic_messages", Kind.ASYNC, optional=True), messages),
        Method(Target("litellm", "anthropic_messages_handler", Kind.SYNC, optional=True), messages),
        *(
            Method(Target(place, "agenerate_content", Kind.ASYNC, optional=True), whole)
            for place in ("litellm.google_genai", "litellm")
        ),
        Method(_google("generate_content", Kind.SYNC), whole),
        Method(_google("agenerate_content_stream", Kind.ASYNC), streamed),
        Method(_google("generate_content_stream", Kind.SYNC), streamed),
    )


_anthropic: Final = functools.partial(Target, "litellm.anthropic_interface.messages", optional=True)
_google: Final = functools.partial(Target, "litellm.google_genai", optional=True)


def _asking(api: Api, told_inside: Callable[[Mapping[str, Any]], bool]) -> Api:
    return replace(api, request=_called_back(api.request), told_inside=told_inside)


def _adapted(kwargs: Mapping[str, Any]) -> bool:
    """Contents that are asked as a chat, whose usage says more."""
    return _told_inside(kwargs) or _asked(None, kwargs).provider not in _OF_GOOGLE


_OF_GOOGLE: Final = frozenset({"gcp.gemini", "gcp.vertex_ai", "gemini", "vertex_ai"})


def _methods(name: str, api: Api, *, module: str = "litellm") -> tuple[Method, Method]:
    """A function of the module and its asynchronous sister."""
    optional = name.endswith("_with_retries")
    return (
        Method(Target(module, name, Kind.SYNC, optional=optional), api),
        Method(Target(module, f"a{name}", Kind.ASYNC, optional=optional), api),
    )


INSTRUMENTOR: Final = Instrumentor(
    client="litellm",
    provider="openai",  # what LiteLLM takes a model for that it does not know
    minimum=MINIMUM_VERSION,
    methods=(
        *_methods("completion", CHAT),
        *_methods("completion", CHAT, module="litellm.main"),  # what its classes and adapters call
        *_methods("completion_with_retries", CHAT),
        *_methods("text_completion", TEXT),
        *_methods("responses", RESPONSES),
        *_methods("responses_with_retries", RESPONSES),
        *_methods("embedding", EMBEDDINGS),
        *_methods("rerank", RERANK),
        *_methods("image_generation", IMAGES),
        *_methods("image_edit", EDITS),
        *_methods("image_variation", VARIATIONS),
        *_methods("speech", SPEECH),
        *_methods("transcription", TRANSCRIPTION),
        *_result_files(),
        *_surfaces(),
    ),
    helpers=HELPERS,
    joined={POOLS: carry},
    not_metered=NOT_METERED,
    asked=_asked,
    offline={"LITELLM_LOCAL_MODEL_COST_MAP": "True"},  # else it fetches a list of prices
    notes=(
        "What the clients under LiteLLM do for it is told once, by LiteLLM's span.",
        "Not metered: video, OCR, realtime.",
        "Result files of batches in the formats of Google and of Bedrock are not read.",
        "Answers of LiteLLM's own cache, and mocks, are told with 0 tokens.",
        "Not seen: retries of providers that LiteLLM asks through its Rust core or through boto3.",
    ),
)
