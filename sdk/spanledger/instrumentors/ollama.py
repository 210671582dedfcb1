"""The ``ollama`` client: chat, completion and embeddings, of its clients and of its module.

The server is usually one's own, so there is no bill; its answers say how long each part of the work
took, which is what the cost of a machine is shared out by. Counts include tokens of thinking, which
are not told apart. A server that found the whole prompt in its memory may send no count for it; it
is estimated then. No answer has an id, nor says what else of a prompt was found in memory.

A stream is a generator here: its request, and so its span, begin when it is first read. The client
never makes a failed request again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, strings, text, whole
from spanledger._calls.api import Api
from spanledger._calls.facts import Attributes
from spanledger._patches.gaps import NO_REQUEST, NOT_YET, STORED
from spanledger._patches.instrumentor import (
    Instrumentor,
    Method,
    fields,
    number,
    sampling_attributes,
)
from spanledger._patches.patching import Kind, Target

#: Oldest version tried: with the contract suite, but for what its clients cannot do: be closed.
MINIMUM_VERSION: Final = "0.6.0"

#: Field of an answer (nanoseconds) -> attribute.
_DURATIONS: Final = (
    ("total_duration", semconv.SERVER_TOTAL_NS),
    ("load_duration", semconv.SERVER_LOAD_NS),
    ("prompt_eval_duration", semconv.SERVER_PREFILL_NS),
    ("eval_duration", semconv.SERVER_DECODE_NS),
)
#: Reasons of answers that only put a model into memory, or out of it.
_NOTHING_ASKED: Final = frozenset({"load", "unload"})


def _request(kwargs: Mapping[str, Any]) -> Attributes:
    return sampling_attributes(fields(kwargs.get("options")), "num_predict")


def _embed_request(kwargs: Mapping[str, Any]) -> Attributes:
    dimensions = number(kwargs, "dimensions")
    return {} if dimensions is None else {semconv.EMBEDDINGS_DIMENSION_COUNT: int(dimensions)}


def _durations(answer: Any) -> dict[str, int]:
    told = ((name, whole(getattr(answer, field, None))) for field, name in _DURATIONS)
    return {name: nanoseconds for name, nanoseconds in told if nanoseconds is not None}


def _said(answer: Any) -> Iterator[str]:
    """What an answer, or a piece of one, says."""
    message = getattr(answer, "message", None)
    said, content = (answer, "response") if message is None else (message, "content")
    yield text(getattr(said, content, None))
    yield text(getattr(said, "thinking", None))
    for call in getattr(said, "tool_calls", None) or ():
        yield text(call.function.name)
        yield from strings(call.function.arguments)


def _answer(answer: Any) -> Answer:
    reason = text(getattr(answer, "done_reason", None))
    usage = Usage(
        input_tokens=whole(getattr(answer, "prompt_eval_count", None)),
        output_tokens=whole(getattr(answer, "eval_count", None)),
        cache_told=False,
    )
    return Answer(
        model=text(getattr(answer, "model", None)),
        finish_reasons=(reason,) if reason else (),
        usage=usage,
        texts=list(_said(answer)) if usage.needs_texts else [],
        uncounted=reason in _NOTHING_ASKED,
        facts=_durations(answer),
    )


class Reading:
    """A stream of pieces; the last one has the reason of the end, the counts and the durations."""

    __slots__ = ("_last", "_texts")

    def __init__(self, _kwargs: Mapping[str, Any]) -> None:
        self._texts: list[str] = []
        self._last: Any = None

    def chunk(self, piece: Any, /) -> None:
        """Keep the text and the newest piece."""
        self._texts += filter(None, _said(piece))
        self._last = piece

    def answer(self) -> Answer:
        """Whole once a piece said that it is the last."""
        if self._last is None:
            return Answer(complete=False)
        answer = _answer(self._last)
        answer.texts = self._texts
        answer.complete = bool(self._last.done)
        return answer


def _embed_answer(answer: Any) -> Answer:
    told = _answer(answer)
    told.usage.output_tokens = 0
    told.texts = []
    return told


def _systemone_answer(answer: Any) -> Answer:
    usage = Usage(whole(answer.usage.input_tokens), whole(answer.usage.output_tokens))
    return Answer(model=text(answer.model), usage=usage)


def _api(
    operation: str,
    *positional: str,
    prompt: tuple[str, ...],
    request: Callable[[Mapping[str, Any]], Attributes] = _request,
    answer: Callable[[Any], Answer] = _answer,
    lazy: bool = False,
) -> Api:
    return Api(
        operation=operation,
        request=request,
        answer=answer,
        reading=Reading,
        prompt=prompt,
        positional=("model", *positional),
        lazy=lazy,
    )


_COMPLETION: Final = semconv.OPERATION_TEXT_COMPLETION
CHAT: Final = _api(
    semconv.OPERATION_CHAT, "messages", prompt=("messages", "tools", "format"), lazy=True
)
GENERATE: Final = _api(
    _COMPLETION,
    *("prompt", "suffix"),
    prompt=("prompt", "suffix", "system", "template", "context", "format"),
    lazy=True,
)
EMBED: Final = _api(
    semconv.OPERATION_EMBEDDINGS,
    "input",
    prompt=("input",),
    request=_embed_request,
    answer=_embed_answer,
)
EMBEDDINGS: Final = _api(
    semconv.OPERATION_EMBEDDINGS,
    "prompt",
    prompt=("prompt",),
    request=_embed_request,
    answer=_embed_answer,
)
SYSTEMONE: Final = _api(
    _COMPLETION,
    *("state", "questions"),
    prompt=("state", "questions"),
    request=lambda _kwargs: {},
    answer=_systemone_answer,
)

_MODULE: Final = "ollama"


def _methods(name: str, api: Api, *, optional: bool = False) -> tuple[Method, ...]:
    """The method of both clients, and that of the module's own client, which is bound already."""
    return (
        Method(Target(_MODULE, f"Client.{name}", Kind.SYNC, optional=optional), api),
        Method(Target(_MODULE, f"AsyncClient.{name}", Kind.ASYNC, optional=optional), api),
        Method(Target(_MODULE, name, Kind.SYNC, optional=optional), api),
    )


_CLOUD: Final = f"{NOT_YET}: asks Ollama's cloud, which bills no tokens for it"

INSTRUMENTOR: Final = Instrumentor(
    client="ollama",
    provider="ollama",
    minimum=MINIMUM_VERSION,
    methods=(
        *_methods("chat", CHAT),
        *_methods("generate", GENERATE),
        *_methods("embed", EMBED),
        *_methods("embeddings", EMBEDDINGS),
        *_methods("systemone", SYSTEMONE, optional=True),
    ),
    helpers=(),
    not_metered={
        f"{_MODULE}.Client.close": NO_REQUEST,
        f"{_MODULE}.Client.web_fetch": _CLOUD,
        f"{_MODULE}.Client.web_search": _CLOUD,
    }
    | {
        f"{_MODULE}.Client.{name}": STORED
        for name in (
            *("copy", "create", "create_blob", "delete", "list", "ps"),
            *("pull", "push", "show"),
        )
    },
    notes=(
        "Pictures that a model makes (generate with width and height) are told without their size.",
        "Another server behind the same client is named by SPANLEDGER_PROVIDERS.",
    ),
)
