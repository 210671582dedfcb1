"""What only the ``ollama`` client does: the server's own clock, module functions, odd answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import ollama
import pytest
import wrapt
from opentelemetry.sdk.trace import TracerProvider
from tests.sdk.instrumentors.cases_ollama import ASKED, CASES, EMBED_MODEL, MODEL
from tests.sdk.instrumentors.conftest import Desk, Spans
from tests.sdk.instrumentors.contract import Mode
from tests.support.wires.ollama_wire import DECODE_NS, LOAD_NS, PREFILL_NS

from spanledger import semconv
from spanledger._patches import registry
from spanledger_collector.demo.provider import Answer, ToolCall

DURATIONS = {
    semconv.SERVER_TOTAL_NS: LOAD_NS + 90 * PREFILL_NS + 7 * DECODE_NS,
    semconv.SERVER_LOAD_NS: LOAD_NS,
    semconv.SERVER_PREFILL_NS: 90 * PREFILL_NS,
    semconv.SERVER_DECODE_NS: 7 * DECODE_NS,
}
WORDS = 300


def _told(spans: Spans) -> dict[str, Any]:
    [span] = spans()
    return dict(span.attributes or {})


def _chat(client: Any) -> object:
    return client.chat(**ASKED)


def _chat_stream(client: Any) -> object:
    return list(client.chat(**ASKED, stream=True))


def _generate(client: Any) -> object:
    return client.generate(MODEL, "why?")


def _generate_stream(client: Any) -> object:
    return list(client.generate(MODEL, "why?", stream=True))


CALLS = pytest.mark.parametrize("call", [_chat, _chat_stream, _generate, _generate_stream])


@CALLS
async def test_the_servers_own_times_are_told(desk: Desk, call: Callable[[Any], object]) -> None:
    """In nanoseconds, as the server sends them: loading, reading, writing."""
    desk.provider.enqueue(Answer(input_tokens=90, output_tokens=7))
    call(desk.make(CASES, "sync"))
    told = _told(desk.spans)
    assert {name: told[name] for name in DURATIONS} == DURATIONS


async def test_times_that_were_not_sent_are_not_told(desk: Desk) -> None:
    """Unknown is not zero: an embedding has no time of writing."""
    desk.provider.enqueue(Answer(input_tokens=90))
    desk.make(CASES, "sync").embed(EMBED_MODEL, "one", dimensions=64)
    told = _told(desk.spans)
    assert told[semconv.SERVER_TOTAL_NS] == LOAD_NS + 90 * PREFILL_NS
    assert semconv.SERVER_DECODE_NS not in told
    assert told[semconv.EMBEDDINGS_DIMENSION_COUNT] == 64


@CALLS
async def test_counts_that_were_not_sent_are_estimated(
    desk: Desk, call: Callable[[Any], object]
) -> None:
    """The end came, so it is not partial."""
    desk.provider.enqueue(Answer(text="word " * WORDS, usage=False))
    call(desk.make(CASES, "sync"))
    told = _told(desk.spans)
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert WORDS / 2 <= told[semconv.USAGE_OUTPUT_TOKENS] <= 2 * WORDS
    assert semconv.USAGE_PARTIAL not in told


async def test_tools_that_are_called_count_as_output(desk: Desk) -> None:
    """Their names and arguments, where the server counts nothing."""
    tool = ToolCall("look_up", {"names": " ".join(["name"] * WORDS)})
    desk.provider.enqueue(Answer(tool_calls=(tool,), usage=False))
    desk.make(CASES, "sync").chat(**ASKED)
    assert WORDS <= _told(desk.spans)[semconv.USAGE_OUTPUT_TOKENS] <= 2 * WORDS


async def test_a_picture_is_no_text(desk: Desk) -> None:
    """Its bytes are not counted as words of the prompt."""
    picture = base64.b64encode(bytes(9999)).decode()
    messages = [{"role": "user", "content": "what is it?", "images": [picture]}]
    desk.provider.enqueue(Answer(usage=False))
    desk.make(CASES, "sync").chat(MODEL, messages)
    assert _told(desk.spans)[semconv.USAGE_INPUT_TOKENS] < 20


async def test_the_older_embeddings_have_no_counts(desk: Desk) -> None:
    """They are estimated, and the answer names no model."""
    desk.make(CASES, "sync").embeddings(EMBED_MODEL, "one two three")
    told = _told(desk.spans)
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert told[semconv.USAGE_INPUT_TOKENS] > 0
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 0


async def test_loading_a_model_is_no_use_of_it(desk: Desk) -> None:
    """No prompt, no tokens, and none are made up; how long it took is told."""
    desk.provider.enqueue(Answer(text="", finish_reason="load", usage=False))
    desk.make(CASES, "sync").generate(MODEL)
    told = _told(desk.spans)
    assert told[semconv.USAGE_SOURCE] == "missing"
    assert semconv.USAGE_OUTPUT_TOKENS not in told


@pytest.mark.skipif(not hasattr(ollama.Client, "systemone"), reason="not in this version")
async def test_scored_questions_are_told(desk: Desk) -> None:
    """Their usage has names of its own."""
    desk.provider.enqueue(Answer(input_tokens=90, output_tokens=7))
    question = {"type": "noul", "instructions": "is it so?"}
    desk.make(CASES, "sync").systemone(MODEL, "so it is", {"so": question})
    told = _told(desk.spans)
    assert told[semconv.USAGE_INPUT_TOKENS] == 90
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 7


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_functions_of_the_module_are_told_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, *, streamed: bool
) -> None:
    """They are methods of a client that the module made when it was imported."""
    client = ollama.chat.__self__
    desk.provider.enqueue(Answer(input_tokens=90, output_tokens=7))
    with httpx.Client(base_url=desk.provider.url) as http:
        monkeypatch.setattr(client, "_client", http)
        if streamed:
            list(ollama.chat(**ASKED, stream=True))
        else:
            ollama.chat(**ASKED)
    told = _told(desk.spans)
    assert told[semconv.USAGE_INPUT_TOKENS] == 90
    assert told[semconv.SERVER_ADDRESS] == "127.0.0.1"


def test_an_error_inside_a_stream_is_the_calls_error(spans: Spans) -> None:
    """The status was good, a later line was not."""
    lines = [{"model": MODEL, "message": {"role": "assistant", "content": "so"}, "done": False}]
    body = "".join(f"{json.dumps(line)}\n" for line in [*lines, {"error": "out of memory"}])
    answer = httpx.MockTransport(lambda _request: httpx.Response(200, text=body))
    with ollama.Client("http://ollama.test", transport=answer) as client:
        stream = client.chat(**ASKED, stream=True)
        assert next(stream).message.content == "so"
        with pytest.raises(ollama.ResponseError, match="out of memory"):
            next(stream)
    told = _told(spans)
    assert told[semconv.ERROR_TYPE] == "ResponseError"
    assert told[semconv.USAGE_PARTIAL] is True
    assert told[semconv.USAGE_SOURCE] == "estimated"


async def test_a_generator_that_nobody_reads_makes_no_request_and_no_span(desk: Desk) -> None:
    """The call begins with the first read; also of the asynchronous client."""
    stream = desk.make(CASES, "sync").chat(**ASKED, stream=True)
    other = await desk.make(CASES, "async").chat(**ASKED, stream=True)
    await other.aclose()
    del stream, other
    assert not desk.provider.requests
    assert not desk.spans()


if TYPE_CHECKING:
    _Proxy = wrapt.ObjectProxy[Any]
else:  # the class of older versions takes no parameter at run time
    _Proxy = wrapt.ObjectProxy


class _OfBothKinds(_Proxy):
    """What OpenInference makes of every stream."""

    def __iter__(self) -> Any:
        return iter(self.__wrapped__)

    def __next__(self) -> Any:
        return next(self.__wrapped__)

    def __aiter__(self) -> Any:
        return aiter(self.__wrapped__)

    async def __anext__(self) -> Any:
        return await anext(self.__wrapped__)


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_generator_that_others_made_one_of_both_kinds_is_told(
    desk: Desk, tracer_provider: TracerProvider, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    """They came first, so what we are given is theirs."""
    owner: Any = ollama.Client if mode == "sync" else ollama.AsyncClient
    bare = vars(owner)["chat"].__wrapped__

    def chat(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _OfBothKinds(bare(self, *args, **kwargs))

    async def chat_async(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _OfBothKinds(await bare(self, *args, **kwargs))

    registry.uninstrument()
    monkeypatch.setattr(owner, "chat", chat if mode == "sync" else chat_async)
    registry.instrument(tracer_provider=tracer_provider)
    desk.provider.enqueue(Answer(input_tokens=90, output_tokens=7))
    made = desk.make(CASES, mode).chat(**ASKED, stream=True)
    read = list(made) if mode == "sync" else [chunk async for chunk in await made]
    assert read
    told = _told(desk.spans)
    registry.uninstrument()
    assert (told[semconv.USAGE_INPUT_TOKENS], told[semconv.USAGE_OUTPUT_TOKENS]) == (90, 7)
