"""A call among other people's spans, on event loops, and with prompts of any size."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextvars import copy_context
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from tests.sdk.instrumentors import cases_openai
from tests.sdk.instrumentors.cases_openai import MESSAGES, MODEL, USAGE
from tests.sdk.instrumentors.conftest import Desk, Spans
from tests.sdk.instrumentors.contract import Mode

from spanledger import semconv
from spanledger._calls import draining
from spanledger._calls import tokens as _tokens
from spanledger._calls.tokens import TokenEstimate
from spanledger._patches import registry
from spanledger.testing import capture_spans
from spanledger_collector.demo.provider import Answer, Provider

STREAM: dict[str, Any] = {"model": MODEL, "messages": MESSAGES, "stream": True}


class _TracedTransport(httpx2.HTTPTransport):
    """An instrumentation of the HTTP library, written by hand; a careless one may leak."""

    def __init__(self, tracer: trace.Tracer, *, leaks: bool) -> None:
        super().__init__(verify=False)
        self._tracer = tracer
        self._leaks = leaks

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._leaks:
            context.attach(context.set_value("leaked", 1))
        with self._tracer.start_as_current_span(request.method):
            return super().handle_request(request)


@pytest.mark.parametrize("leaks", [False, True])
async def test_http_spans_of_others_hang_under_the_call(
    leaks: bool, desk: Desk, tracer_provider: TracerProvider
) -> None:
    """Each attempt's span is a child of the call; the user's context comes back as it was."""
    desk.provider.enqueue(Answer(status=429, retry_after_seconds=0.001))
    transport = _TracedTransport(tracer_provider.get_tracer("http"), leaks=leaks)
    before = context.get_current()
    with httpx2.Client(transport=transport) as http:
        client = desk.make(cases_openai.CASES, "sync", http_client=http)
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
        assert context.get_current() is before
        list(client.chat.completions.create(**STREAM, **USAGE))
        assert context.get_current() is before
    told = desk.spans()
    calls = {span.context.span_id for span in told if span.name == f"chat {MODEL}" and span.context}
    posts = [span.parent for span in told if span.name == "POST"]
    assert len(calls) == 2
    assert len(posts) == 3
    assert {parent.span_id for parent in posts if parent} == calls


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_requests_to_other_hosts_are_no_attempts(desk: Desk, mode: Mode) -> None:
    """A token that is fetched for each request, once in vain: the call's own attempts count."""
    desk.provider.enqueue(Answer(status=429, retry_after_seconds=0.001))
    with Provider() as tokens, socket.socket() as unanswered:
        unanswered.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unanswered.getsockname()[1]}"
        tokens.enqueue(Answer(status=503))

        def fetch(_: httpx2.Request) -> None:
            httpx2.post(f"{tokens.openai_url}/chat/completions", json={})
            with pytest.raises(httpx2.ConnectError):
                httpx2.get(closed)

        async def fetch_async(_: httpx2.Request) -> None:
            async with httpx2.AsyncClient() as http:
                await http.post(f"{tokens.openai_url}/chat/completions", json={})
                with pytest.raises(httpx2.ConnectError):
                    await http.get(closed)

        http: Any = (
            httpx2.Client(event_hooks={"request": [fetch]})
            if mode == "sync"
            else httpx2.AsyncClient(event_hooks={"request": [fetch_async]})
        )
        client = desk.make(cases_openai.CASES, mode, http_client=http)
        asked = client.chat.completions.create(model=MODEL, messages=MESSAGES)
        if mode == "async":
            await asked
        assert len(tokens.requests) == 2
    [span] = desk.spans()
    told = span.attributes or {}
    assert told[semconv.RETRY_COUNT] == 1
    assert told[semconv.RETRY_REASON] == ("429",)
    assert told[semconv.ATTEMPT_NUMBER] == 2


def _gate() -> Callable[[], None]:
    """Keep the background thread busy until the result is called."""
    entered, release = threading.Event(), threading.Event()

    def wait() -> None:
        entered.set()
        assert release.wait(60)

    assert draining.FINISHER.submit(wait)
    assert entered.wait(120)
    return release.set


def test_a_very_large_prompt_is_not_copied_on_the_users_thread(spans: Spans) -> None:
    """50 MB: the call with us takes no more memory than without us; counting comes afterwards."""
    prompt = "w\u00f6rd " * 10_000_000
    body = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}'
    events = httpx2.ByteStream(body + b"\n\ndata: [DONE]\n\n")
    headers = {"content-type": "text/event-stream"}
    answer = httpx2.MockTransport(lambda _: httpx2.Response(200, stream=events, headers=headers))
    client = openai.OpenAI(api_key="x", http_client=httpx2.Client(transport=answer))

    def peak_bytes() -> int:
        gc.collect()
        tracemalloc.start()
        list(
            client.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": prompt}], stream=True
            )
        )
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    open_gate = _gate()
    with_us = peak_bytes()
    registry.uninstrument()
    without_us = peak_bytes()
    open_gate()
    assert with_us - without_us < 1_000_000
    [span] = spans()
    given = (span.attributes or {})[semconv.USAGE_INPUT_TOKENS]
    assert isinstance(given, int)
    assert given > 10_000_000


def test_counting_a_very_large_prompt_copies_no_more_than_a_piece() -> None:
    """Also in the background: a text is cut piece by piece, and the pieces are not kept."""
    texts = ["w\u00f6rd " * 2_000_000]
    _tokens.count(MODEL, ["loads the ranks"])
    tracemalloc.start()
    _tokens.count(MODEL, texts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000 < len(texts[0])


async def test_nothing_is_counted_on_the_event_loop(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading a vocabulary takes 0.3 s: the loop's thread never does it."""
    threads: set[int] = set()
    count = _tokens.count

    def observed(*args: Any, **kwargs: Any) -> TokenEstimate:
        threads.add(threading.get_ident())
        return count(*args, **kwargs)

    monkeypatch.setattr(_tokens, "count", observed)
    stream = await desk.make(cases_openai.CASES, "async").chat.completions.create(**STREAM)
    async for _ in stream:
        pass
    assert len(desk.spans()) == 1
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_a_full_queue_is_no_reason_to_tell_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller takes the length of the texts: quick, and with a wider interval."""
    monkeypatch.setattr(draining.FINISHER, "_capacity", 0)
    list(desk.make(cases_openai.CASES, "sync").chat.completions.create(**STREAM))
    [span] = desk.spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert told[semconv.USAGE_METHOD] == "characters"
    low, made, high = (
        told[semconv.USAGE_OUTPUT_TOKENS_LOW],
        told[semconv.USAGE_OUTPUT_TOKENS],
        told[semconv.USAGE_OUTPUT_TOKENS_HIGH],
    )
    assert isinstance(low, int)
    assert isinstance(made, int)
    assert isinstance(high, int)
    assert 0 < low < made < high


@pytest.mark.parametrize("read_some", [True, False])
def test_streams_pending_when_the_loop_closes_are_told(
    read_some: bool, provider: Provider, spans: Spans
) -> None:
    """The loop ends with a stream half read, or not read at all: one partial span."""

    async def main() -> None:
        client = cases_openai.make("async", provider)
        stream = await client.chat.completions.create(**STREAM)
        if read_some:
            await anext(aiter(stream))
        await client.close()

    asyncio.run(main())
    [span] = spans()
    assert (span.attributes or {})[semconv.USAGE_PARTIAL] is True


async def test_a_call_closed_in_another_context_changes_nothing_there(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """A coroutine that the garbage collector closes leaves the context it is closed in alone."""
    desk.provider.enqueue(Answer(hang=True))
    client = desk.make(cases_openai.CASES, "async")
    coroutine: Coroutine[Any, Any, Any] = client.chat.completions.create(
        model=MODEL, messages=MESSAGES
    )
    elsewhere = copy_context()
    elsewhere.run(coroutine.send, None)
    before = context.get_current()
    with caplog.at_level(logging.WARNING):
        coroutine.close()
    assert context.get_current() is before
    assert not caplog.records
    [span] = desk.spans()
    assert (span.attributes or {})[semconv.ERROR_TYPE] == "GeneratorExit"


def test_captures_wait_for_streams_without_usage(provider: Provider) -> None:
    """Their spans end in the background, after their tokens were counted: no test has to sleep."""
    with capture_spans() as captured:
        registry.instrument(["openai"])
        try:
            with cases_openai.make("sync", provider) as client:
                list(client.chat.completions.create(**STREAM))
        finally:
            registry.uninstrument()
        told = captured.attributes(f"chat {MODEL}")
    assert told[semconv.USAGE_SOURCE] == "estimated"


def test_a_full_background_costs_no_usage(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has no room for is read on the spot: a billed call is never told without its bill."""
    monkeypatch.setattr(draining.FINISHER, "_capacity", 0)
    client = desk.make(cases_openai.CASES, "sync")
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES)
    assert raw.parse().usage is not None
    [span] = desk.spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_TOKENS] == raw.parse().usage.prompt_tokens


def _read_all(response: httpx2.Response) -> None:
    response.read()


def test_a_hook_that_reads_the_body_before_the_stream_helper(spans: Spans) -> None:
    """As caches and loggers do: the answer's own counts are told, at once."""
    message = {"id": "m", "type": "message", "role": "assistant", "model": "claude-opus-5"}
    start = {**message, "content": [], "usage": {"input_tokens": 30, "output_tokens": 1}}
    events = (
        {"type": "message_start", "message": start},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 12},
        },
        {"type": "message_stop"},
    )
    content = "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events)
    kind = {"content-type": "text/event-stream"}
    http = httpx2.Client(
        event_hooks={"response": [_read_all]},
        transport=httpx2.MockTransport(lambda _: httpx2.Response(200, text=content, headers=kind)),
    )
    client = anthropic.Anthropic(api_key="x", base_url="http://x.test", http_client=http)
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": "q"}], "max_tokens": 20}
    with client.messages.stream(model="claude-opus-5", **asked) as stream:
        assert stream.get_final_message().usage.output_tokens == 12
    [span] = spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert (told[semconv.USAGE_INPUT_TOKENS], told[semconv.USAGE_OUTPUT_TOKENS]) == (30, 12)
    assert semconv.USAGE_PARTIAL not in told


class _SlowStart(SpanProcessor):
    """A machine that has something else to do while a span begins."""

    SECONDS = 0.05

    def on_start(self, span: Span, parent_context: context.Context | None = None) -> None:
        del span, parent_context
        time.sleep(self.SECONDS)


def test_a_call_ends_when_it_ends(desk: Desk, tracer_provider: TracerProvider) -> None:
    """However long its span took to begin: it holds what other tellers say happened inside."""
    tracer_provider.add_span_processor(_SlowStart())
    client = desk.make(cases_openai.CASES, "sync")
    client.chat.completions.create(model=MODEL, messages=MESSAGES)
    over_ns = time.time_ns()
    [span] = desk.spans()
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time - span.start_time >= _SlowStart.SECONDS * 1e9
    assert span.end_time <= over_ns + 10**6


def _later(first: Sequence[dict[str, Any]], rest: Sequence[dict[str, Any]]) -> httpx2.Client:
    """A transport whose stream says nothing generated until a moment has passed."""

    class Body(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for wait, events in ((0.0, first), (_SlowStart.SECONDS, rest)):
                time.sleep(wait)
                for one in events:
                    yield f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode()

    kind = {"content-type": "text/event-stream"}
    return httpx2.Client(
        transport=httpx2.MockTransport(lambda _: httpx2.Response(200, stream=Body(), headers=kind))
    )


def test_the_first_token_is_not_the_first_event(spans: Spans) -> None:
    """Streams of responses and of messages say that they begin before anything is generated."""
    response: dict[str, Any] = {"id": "r", "object": "response", "created_at": 1, "model": "gpt-5"}
    response |= {"output": [], "tools": [], "parallel_tool_calls": True, "tool_choice": "auto"}
    place = {"item_id": "m", "output_index": 0, "content_index": 0, "logprobs": []}
    used = {"input_tokens": 9, "output_tokens": 1, "total_tokens": 10}
    http = _later(
        [{"type": "response.created", "sequence_number": 0, "response": response}],
        [
            {"type": "response.output_text.delta", "sequence_number": 1, "delta": "x", **place},
            {
                "type": "response.completed",
                "sequence_number": 2,
                "response": {**response, "status": "completed", "usage": used},
            },
        ],
    )
    client = openai.OpenAI(api_key="x", base_url="http://x.test/v1", http_client=http)
    list(client.responses.create(model="gpt-5", input="q", stream=True))
    message = {"id": "m", "type": "message", "role": "assistant", "model": "claude-opus-5"}
    start = {**message, "content": [], "usage": {"input_tokens": 30, "output_tokens": 1}}
    delta = {"type": "text_delta", "text": "x"}
    ended = {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 12}}
    http = _later(
        [{"type": "message_start", "message": start}],
        [
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "message_delta", **ended},
            {"type": "message_stop"},
        ],
    )
    other = anthropic.Anthropic(api_key="x", base_url="http://x.test", http_client=http)
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": "q"}], "max_tokens": 20}
    list(other.messages.create(model="claude-opus-5", stream=True, **asked))
    for span in spans():
        told: dict[str, Any] = dict(span.attributes or {})
        chunk = told[semconv.RESPONSE_TIME_TO_FIRST_CHUNK]
        assert told[semconv.RESPONSE_FIRST_GENERATED] >= chunk + _SlowStart.SECONDS
        assert told[semconv.USAGE_SOURCE] == "provider"
