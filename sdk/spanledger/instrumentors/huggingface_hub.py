"""The ``huggingface_hub`` client: chat, text generation and embeddings of its inference clients.

One client, many providers: the parameter ``provider``, the ending of a model's name, or an address
says who answers. With a token of Hugging Face's own the request goes through its router and is
billed by Hugging Face at the provider's rates (``huggingface_groq``); with a provider's own key it
goes there directly (``groq``). Which one the router chose by itself (``auto``) no answer tells.

Generated text carries its count of tokens only with ``details=True``, that of the prompt only in a
stream; embeddings carry none: what is missing is estimated. A server of Text Generation Inference
tells how long it took, and how long a request waited, in headers of answers that are no streams.
The client never makes a failed request again, but for text generation without the parameters that a
server refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, text, whole
from spanledger._calls.api import Api
from spanledger._calls.facts import Attributes
from spanledger._calls.hosts import endpoint
from spanledger._formats import chat_completions
from spanledger._formats.chat_completions import ChatReading
from spanledger._formats.pieces import images, speech, transcript
from spanledger._formats.server_times import header_times
from spanledger._patches.gaps import NOT_YET, NOTHING
from spanledger._patches.instrumentor import (
    Asked,
    Instrumentor,
    Method,
    number,
    sampling_attributes,
)
from spanledger._patches.patching import Kind, Target

#: Oldest version tried: with the contract suite; before it, on HTTP libraries that are not watched.
MINIMUM_VERSION: Final = "1.0.0"

#: Endings of a model's name by which the router chooses itself.
_POLICIES: Final = frozenset({"fastest", "cheapest", "preferred"})
_OWN: Final = "huggingface"


# --- who answers ----------------------------------------------------------------------------------
def _is_url(model: str) -> bool:
    return model.startswith(("http://", "https://"))


def _asked(client: Any, kwargs: Mapping[str, Any]) -> Asked:
    """The model and the provider; the client's own model may be the address of a server."""
    own, given = text(client.model), text(kwargs.get("model"))
    # A chat goes to the client's own address, and names the model that the call names.
    place = (own or given) if "messages" in kwargs else (given or own)
    model = next((name for name in (given, own) if name and not _is_url(name)), "")
    named = {**kwargs, "model": model}
    if _is_url(place):
        return Asked(named, _OWN, endpoint(place))
    return Asked(named, _provider(client, model), None)


def _provider(client: Any, model: str) -> str:
    chosen = text(client.provider)
    if chosen in ("", "auto"):
        ending = model.rpartition(":")[2] if ":" in model else ""
        chosen = "" if ending in _POLICIES else ending
    if chosen in ("", "hf-inference"):
        return _OWN
    key = text(client.token)
    return chosen if key and not key.startswith("hf_") else f"{_OWN}_{chosen}"


# --- chat -----------------------------------------------------------------------------------------
def _chat_answer(completion: Any) -> Answer:
    """As attributes it has objects; as the mapping that it is too, plain JSON."""
    return chat_completions.answer_of(vars(completion))


# --- text generation ------------------------------------------------------------------------------
def _text_request(kwargs: Mapping[str, Any]) -> Attributes:
    return sampling_attributes(kwargs, "max_new_tokens")


def _text_answer(answer: Any) -> Answer:
    if isinstance(answer, str):
        return Answer(texts=[answer])
    details = answer.details
    prefill = getattr(details, "prefill", None)
    return Answer(
        finish_reasons=_reasons(details),
        usage=Usage(len(prefill) if prefill else None, _generated(details)),
        texts=[text(answer.generated_text)],
    )


def _generated(details: Any) -> int | None:
    return whole(getattr(details, "generated_tokens", None))


def _reasons(details: Any) -> tuple[str, ...]:
    reason = text(getattr(details, "finish_reason", None))
    return (reason,) if reason else ()


class TextReading:
    """Generated text read piece by piece; the last one has the counts, where they were asked for.

    Pieces without details are plain text, and nothing says which one is the last.
    """

    __slots__ = ("_details", "_plain", "_texts")

    def __init__(self, _kwargs: Mapping[str, Any]) -> None:
        self._texts: list[str] = []
        self._details: Any = None
        self._plain = False

    def chunk(self, piece: Any, /) -> None:
        """Keep the text and the details."""
        if isinstance(piece, str):
            self._texts.append(piece)
            self._plain = True
            return
        self._texts.append(text(piece.token.text))
        self._details = piece.details or self._details

    def answer(self) -> Answer:
        """Whole once the details came."""
        details = self._details
        return Answer(
            finish_reasons=_reasons(details),
            usage=Usage(whole(getattr(details, "input_length", None)), _generated(details)),
            texts=self._texts,
            complete=details is not None,
            ends_silently=self._plain,
        )


# --- what is patched ------------------------------------------------------------------------------
CHAT: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=chat_completions.request,
    answer=_chat_answer,
    reading=ChatReading,
    prompt=("messages", "tools"),
    positional=("messages",),
    headers=header_times,
)
TEXT: Final = Api(
    operation=semconv.OPERATION_TEXT_COMPLETION,
    request=_text_request,
    answer=_text_answer,
    reading=TextReading,
    prompt=("prompt",),
    positional=("prompt",),
    headers=header_times,
)


def _embeddings_request(kwargs: Mapping[str, Any]) -> Attributes:
    dimensions = number(kwargs, "dimensions")
    return {} if dimensions is None else {semconv.EMBEDDINGS_DIMENSION_COUNT: int(dimensions)}


EMBEDDINGS: Final = Api(
    operation=semconv.OPERATION_EMBEDDINGS,
    request=_embeddings_request,
    answer=lambda _vectors: Answer(usage=Usage(output_tokens=0)),
    reading=TextReading,  # this API does not stream
    prompt=("text",),
    positional=("text",),
)

_MODULE: Final = "huggingface_hub.inference._client"
_ASYNC_MODULE: Final = "huggingface_hub.inference._generated._async_client"


def _methods(name: str, api: Api) -> tuple[Method, Method]:
    return (
        Method(Target(_MODULE, f"InferenceClient.{name}", Kind.SYNC), api),
        Method(Target(_ASYNC_MODULE, f"AsyncInferenceClient.{name}", Kind.ASYNC), api),
    )


_BY_TIME: Final = f"{NOT_YET}: billed by the time of the machine, which no answer tells"
_BY_PIECE: Final = f"{NOT_YET}: billed by the piece, the second or the time of the machine"
_NOTHING: Final = f"{NOTHING}: asks no model"
_NOT_METERED: Final = {
    **dict.fromkeys(("close", "get_endpoint_info", "health_check"), _NOTHING),
    **dict.fromkeys(
        (*("audio_to_audio", "image_to_image", "image_to_video", "text_to_video"),),
        _BY_PIECE,
    ),
    **dict.fromkeys(
        (
            *("audio_classification", "document_question_answering", "fill_mask"),
            *("image_classification", "image_segmentation", "image_to_text", "object_detection"),
            *("question_answering", "sentence_similarity", "summarization"),
            *("table_question_answering", "tabular_classification", "tabular_regression"),
            *("text_classification", "token_classification", "translation"),
            *("visual_question_answering", "zero_shot_classification"),
            "zero_shot_image_classification",
        ),
        _BY_TIME,
    ),
}

INSTRUMENTOR: Final = Instrumentor(
    client="huggingface_hub",
    provider=_OWN,
    minimum=MINIMUM_VERSION,
    methods=(
        *_methods("chat_completion", CHAT),  # `chat.completions.create` is another name of it
        *_methods("text_generation", TEXT),
        *_methods("feature_extraction", EMBEDDINGS),
        *_methods("text_to_image", images(lambda _picture: 1, "prompt", derived=True)),
        *_methods("text_to_speech", speech("text")),
        *_methods("automatic_speech_recognition", transcript("audio")),
    ),
    helpers=(),
    not_metered={
        f"{module}.InferenceClient.{name}": reason
        for module in (_MODULE, _ASYNC_MODULE)
        for name, reason in _NOT_METERED.items()
    },
    asked=_asked,
    notes=(
        "A provider that the router chooses (auto) is told as huggingface, without a price.",
        "Pictures, characters, seconds are told; who bills by machine time bills otherwise.",
        "Not metered: changed pictures, video, and tasks billed by the time of a machine.",
    ),
)
