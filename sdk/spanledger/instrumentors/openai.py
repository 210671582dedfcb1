"""The ``openai`` client: chat completions, responses and embeddings.

Counts of this API include cached tokens in the input and reasoning tokens in the output. The stream
helpers (``.stream()``) and the raw and streaming responses call the patched methods themselves.
Azure's client is a subclass and is told apart by its host.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._answer import Answer, Usage, count, fields_of, text, whole
from spanledger._api import Api
from spanledger._chat_completions import ChatReading, answer_of, request, tier
from spanledger._facts import Attributes
from spanledger._instrumentor import Instrumentor, both, number, sampling_attributes

#: Oldest version tried: synchronous calls and streams, by hand, not the contract suite.
MINIMUM_VERSION: Final = "1.60.0"


# --- responses ------------------------------------------------------------------------------------
def _response_request(kwargs: Mapping[str, Any]) -> Attributes:
    return sampling_attributes(kwargs, "max_output_tokens") | tier(kwargs)


def _response_usage(usage: Any) -> Usage:
    if usage is None:
        return Usage()
    counts = fields_of(usage)
    given = fields_of(counts.get("input_tokens_details"))
    made = fields_of(counts.get("output_tokens_details"))
    return Usage(
        input_tokens=whole(counts.get("input_tokens")),
        output_tokens=whole(counts.get("output_tokens")),
        cache_read_tokens=count(given.get("cached_tokens")),
        cache_write_5m_tokens=count(given.get("cache_write_tokens")),
        reasoning_tokens=count(made.get("reasoning_tokens")),
    )


def _response_answer(response: Any) -> Answer:
    status = text(getattr(response, "status", None))
    reason = text(getattr(getattr(response, "incomplete_details", None), "reason", None))
    usage = _response_usage(getattr(response, "usage", None))
    return Answer(
        response_id=text(response.id),
        model=text(response.model),
        finish_reasons=tuple(word for word in (reason or status,) if word),
        service_tier=text(getattr(response, "service_tier", None)),
        usage=usage,
        texts=[] if usage.known else _output_texts(response),
        uncounted=status in ("queued", "in_progress"),
        error_code=text(getattr(getattr(response, "error", None), "code", None)),
    )


def _output_texts(response: Any) -> list[str]:
    texts: list[str] = []
    for item in getattr(response, "output", None) or ():
        texts += [text(getattr(item, name, None)) for name in ("name", "arguments")]
        texts += [
            text(getattr(part, "text", None)) for part in getattr(item, "content", None) or ()
        ]
    return [piece for piece in texts if piece]


class ResponseReading:
    """A response read event by event; its last event carries the whole response."""

    __slots__ = ("_error", "_final", "_first", "_texts")

    #: Events whose ``response`` is the final one.
    _LAST: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})

    def __init__(self, _kwargs: Mapping[str, Any]) -> None:
        self._texts: list[str] = []
        self._first: Any = None
        self._final: Any = None
        self._error = ""

    def chunk(self, event: Any, /) -> None:
        """Keep generated text, and the response objects of the first and the last event."""
        kind = event.type
        if kind.endswith(".delta"):
            delta = event.delta
            if isinstance(delta, str) and "audio" not in kind:
                self._texts.append(delta)
        elif kind in self._LAST:
            self._final = event.response
        elif kind == "response.created":
            self._first = event.response
        elif kind == "response.output_item.added":
            self._texts.append(text(getattr(event.item, "name", None)))
        elif kind == "error":
            self._error = text(getattr(event, "code", None)) or "error"

    def answer(self) -> Answer:
        """The final response; before it came, what was generated so far."""
        seen = self._final or self._first
        answer = Answer() if seen is None else _response_answer(seen)
        if self._final is None:
            answer.complete = answer.uncounted = False
            answer.finish_reasons = ()
        if not answer.usage.known:
            answer.texts = self._texts
        answer.error_code = answer.error_code or self._error
        return answer


# --- embeddings -----------------------------------------------------------------------------------
def _embeddings_request(kwargs: Mapping[str, Any]) -> Attributes:
    dimensions = number(kwargs, "dimensions")
    if dimensions is None:
        return {}
    return {semconv.EMBEDDINGS_DIMENSION_COUNT: int(dimensions)}


def _embeddings_answer(answer: Any) -> Answer:
    given = getattr(getattr(answer, "usage", None), "prompt_tokens", None)
    usage = Usage(input_tokens=whole(given), output_tokens=0)
    return Answer(model=text(answer.model), usage=usage)


CHAT: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=request,
    answer=answer_of,
    reading=ChatReading,
    prompt=("messages", "tools", "functions"),
)
RESPONSES: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=_response_request,
    answer=_response_answer,
    reading=ResponseReading,
    prompt=("input", "instructions", "tools"),
)
EMBEDDINGS: Final = Api(
    operation=semconv.OPERATION_EMBEDDINGS,
    request=_embeddings_request,
    answer=_embeddings_answer,
    reading=ChatReading,  # this API does not stream
    prompt=("input",),
)


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
        *both("openai.resources.embeddings", "Embeddings.create", EMBEDDINGS),
    ),
    helpers=(
        f"{_CHAT_MODULE}.Completions.stream",
        f"{_RESPONSES_MODULE}.Responses.stream",
    ),
    not_metered={
        f"{_CHAT_MODULE}.Completions.retrieve": _STORED,
        f"{_CHAT_MODULE}.Completions.update": _STORED,
        f"{_CHAT_MODULE}.Completions.list": _STORED,
        f"{_CHAT_MODULE}.Completions.delete": _STORED,
        f"{_RESPONSES_MODULE}.Responses.retrieve": (
            "reads a stored response; the answer of a background response is not metered either"
        ),
        f"{_RESPONSES_MODULE}.Responses.cancel": _STORED,
        f"{_RESPONSES_MODULE}.Responses.delete": _STORED,
        f"{_RESPONSES_MODULE}.Responses.compact": "compaction of a conversation is not metered yet",
        f"{_RESPONSES_MODULE}.Responses.connect": "websocket sessions are not metered yet",
        f"{_BETA_RESPONSES_MODULE}.Responses.retrieve": _STORED,
        f"{_BETA_RESPONSES_MODULE}.Responses.cancel": _STORED,
        f"{_BETA_RESPONSES_MODULE}.Responses.delete": _STORED,
        f"{_BETA_RESPONSES_MODULE}.Responses.compact": "compaction is not metered yet",
        f"{_BETA_RESPONSES_MODULE}.Responses.connect": "websocket sessions are not metered yet",
    },
    notes=(
        "Not metered: legacy completions, images, audio, realtime, batches, assistants.",
        "A chat stream carries usage only with stream_options.include_usage; else it is estimated.",
    ),
)
