"""What only the ``google-genai`` client does: several requests a call, Vertex AI, aiohttp."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest
from google import genai
from google.genai import models
from opentelemetry.sdk.trace import TracerProvider
from tests.sdk.instrumentors.cases_google_genai import (
    ASKED,
    CASES,
    MODEL,
    OPERATIONS,
    options,
)
from tests.sdk.instrumentors.conftest import Desk, Spans
from tests.sdk.instrumentors.contract import Mode, Operation, perform, read
from tests.support.wires.google_wire import MAPPED, TOOL_USE_TOKENS

import spanledger
from spanledger import semconv
from spanledger._patches import registry
from spanledger._patches.drivers import Tracing, around_of
from spanledger._patches.patching import Patch, wrapping
from spanledger._work import scope
from spanledger._work.identity import IdentityProcessor
from spanledger.instrumentors.google_genai import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider, ToolCall

THINKING = Answer(text="so it is", input_tokens=90, output_tokens=50, reasoning_tokens=40)


def _told(spans: Spans) -> list[dict[str, Any]]:
    ordered = sorted(spans(), key=lambda span: span.start_time or 0)
    return [dict(span.attributes or {}) for span in ordered]


def look_up(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_each_request_behind_one_call_is_told(
    desk: Desk, mode: Mode, *, streamed: bool
) -> None:
    """The client calls the application's function by itself, and asks again with its result."""
    wants = Answer(
        tool_calls=(ToolCall("look_up", {"city": "Rome"}),), input_tokens=50, output_tokens=9
    )
    desk.provider.enqueue(wants, Answer(text="sunny", input_tokens=80, output_tokens=5))
    chat = desk.make(CASES, mode).chats.create(model=MODEL, config={"tools": [look_up]})
    send = chat.send_message_stream if streamed else chat.send_message
    result = send("what is the weather in Rome?")
    result = await result if mode == "async" else result
    if streamed:
        await read(result, mode)
    first, second = _told(desk.spans)
    assert [one[semconv.USAGE_INPUT_TOKENS] for one in (first, second)] == [50, 80]
    assert [one[semconv.USAGE_OUTPUT_TOKENS] for one in (first, second)] == [9, 5]
    assert {one[semconv.USAGE_SOURCE] for one in (first, second)} == {"provider"}


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_each_request_of_a_chat_read_elsewhere_belongs_to_its_maker(
    desk: Desk, mode: Mode, tracer_provider: TracerProvider
) -> None:
    """Also the second one and the application's function, which the reader sets off much later."""
    runs: list[str | None] = []

    def weather(city: str) -> str:
        """The weather of a city."""
        runs.append(scope.current_run_id())
        return f"sunny in {city}"

    tracer_provider.add_span_processor(IdentityProcessor())
    desk.provider.enqueue(Answer(tool_calls=(ToolCall("weather", {"city": "Rome"}),)), Answer())
    chat = desk.make(CASES, mode).chats.create(model=MODEL, config={"tools": [weather]})
    with spanledger.agent("maker"):
        made = chat.send_message_stream("what is the weather in Rome?")
        stream = await made if mode == "async" else made
        run_id = scope.current_run_id()
    assert not desk.provider.requests
    with spanledger.agent("reader"):
        await read(stream, mode)
        assert scope.current_run_id() not in (None, run_id)
    assert [one[semconv.RUN_ID] for one in _told(desk.spans)] == [run_id, run_id]
    assert runs == [run_id]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_vertex_is_told_by_the_client_and_its_tier_by_the_traffic(
    desk: Desk, *, streamed: bool
) -> None:
    """Its host may be the application's own gateway, as it is here."""
    desk.provider.enqueue(Answer(service_tier="ON_DEMAND_FLEX"), Answer(service_tier="ON_DEMAND"))
    client = desk.make(CASES, "sync", vertexai=True)
    for _ in range(2):
        if streamed:
            list(client.models.generate_content_stream(**ASKED))
        else:
            client.models.generate_content(**ASKED)
    flex, usual = _told(desk.spans)
    assert flex[semconv.PROVIDER_NAME] == usual[semconv.PROVIDER_NAME] == "gcp.vertex_ai"
    assert flex[semconv.OPENAI_RESPONSE_SERVICE_TIER] == "flex"
    assert semconv.OPENAI_RESPONSE_SERVICE_TIER not in usual


async def test_vertex_counts_each_text_that_is_embedded(desk: Desk) -> None:
    """The counts of the texts make the count of the call."""
    desk.provider.enqueue(Answer(input_tokens=13))
    client = desk.make(CASES, "sync", vertexai=True)
    client.models.embed_content(
        model="text-embedding-005",
        contents=["one", "two"],
        config={"output_dimensionality": 64},
    )
    [told] = _told(desk.spans)
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_TOKENS] == 13
    assert told[semconv.EMBEDDINGS_DIMENSION_COUNT] == 64


async def test_the_tier_that_answered_is_told_by_a_header(desk: Desk) -> None:
    """It is not always the one that was asked for."""
    desk.provider.enqueue(Answer(service_tier="priority"))
    desk.make(CASES, "sync").models.generate_content(**ASKED)
    [told] = _told(desk.spans)
    assert told[semconv.OPENAI_RESPONSE_SERVICE_TIER] == "priority"


@pytest.mark.parametrize(("model", "billed"), [("gemini-2.5-pro", 1), ("gemini-3.8-flash", 3)])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_searches_are_billed_by_the_answer_or_by_the_query(
    desk: Desk, model: str, billed: int, *, streamed: bool
) -> None:
    """By the generation of the model; what the search found is input beside the prompt."""
    desk.provider.enqueue(Answer(web_search_requests=3, input_tokens=90, output_tokens=7))
    client = desk.make(CASES, "sync")
    if streamed:
        list(client.models.generate_content_stream(**{**ASKED, "model": model}))
    else:
        result = client.models.generate_content(**{**ASKED, "model": model})
        assert result.usage_metadata.prompt_token_count == 90 - TOOL_USE_TOKENS
    [told] = _told(desk.spans)
    assert told[semconv.USAGE_UNITS_PREFIX + semconv.UNIT_WEB_SEARCHES] == billed
    assert told[semconv.USAGE_INPUT_TOKENS] == 90


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_an_answer_with_places_of_the_map_is_billed_once(
    desk: Desk, *, streamed: bool
) -> None:
    """However many places stand behind it."""
    asked = {**ASKED, "model": f"gemini-2.5-flash{MAPPED}"}
    client = desk.make(CASES, "sync")
    if streamed:
        list(client.models.generate_content_stream(**asked))
    else:
        client.models.generate_content(**asked)
    [told] = _told(desk.spans)
    assert told[semconv.USAGE_UNITS_PREFIX + semconv.UNIT_MAPS_GROUNDINGS] == 1


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_an_answer_without_counts_is_estimated(desk: Desk, *, streamed: bool) -> None:
    """Its end came, so it is not partial."""
    desk.provider.enqueue(Answer(text="word " * 200, usage=False))
    client = desk.make(CASES, "sync")
    if streamed:
        list(client.models.generate_content_stream(**ASKED))
    else:
        client.models.generate_content(**ASKED)
    [told] = _told(desk.spans)
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert 150 <= told[semconv.USAGE_OUTPUT_TOKENS] <= 300
    assert semconv.USAGE_PARTIAL not in told


async def test_thoughts_of_a_stream_left_early_are_part_of_the_estimate(desk: Desk) -> None:
    """They were counted by the provider, and nobody can see them."""
    desk.provider.enqueue(THINKING)
    stream = desk.make(CASES, "sync").models.generate_content_stream(**ASKED)
    next(stream)
    stream.close()
    [told] = _told(desk.spans)
    assert told[semconv.USAGE_PARTIAL] is True
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert told[semconv.USAGE_INPUT_TOKENS] == 90
    assert told[semconv.USAGE_REASONING_OUTPUT_TOKENS] == 40
    assert 40 < told[semconv.USAGE_OUTPUT_TOKENS] < 50
    assert told[semconv.USAGE_OUTPUT_TOKENS_LOW] >= 40


async def test_a_generator_that_nobody_reads_makes_no_request_and_no_span(desk: Desk) -> None:
    """The call begins with the first read."""
    stream = desk.make(CASES, "sync").models.generate_content_stream(**ASKED)
    del stream
    assert not desk.provider.requests
    assert not desk.spans()


@pytest.mark.parametrize("operation", OPERATIONS[:4], ids=str)
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_public_methods_stand_in_for_private_ones_that_are_gone(
    desk: Desk,
    operation: Operation,
    mode: Mode,
    tracer_provider: TracerProvider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A renamed private method costs the requests that the client makes by itself, no more."""
    registry.uninstrument(["google-genai"])
    tracing = Tracing()
    tracing.use(tracer_provider)
    patches: list[Patch] = []
    for method in INSTRUMENTOR.methods:
        if method.target.stands_in_for:
            target = dataclasses.replace(method.target, stands_in_for="_no_such_method")
            moved = dataclasses.replace(method, target=target)
            patches.append(
                Patch(target, wrapping(around_of(moved.api, target.kind, INSTRUMENTOR, tracing)))
            )
    for patch in patches:
        patch.install()
    desk.provider.enqueue(operation.answer)
    try:
        await perform(operation, desk.make(CASES, mode), mode)
    finally:
        for patch in patches:
            patch.remove()
    [told] = _told(desk.spans)
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_TOKENS] == operation.answer.input_tokens
    assert "less is told" in caplog.text
    assert models.Models.generate_content.__class__.__name__ == "function"


@pytest.fixture(name="over_aiohttp")
async def _over_aiohttp(provider: Provider, spans: Spans) -> AsyncGenerator[Any]:
    """A client whose asynchronous face stands on aiohttp, as it does wherever that is installed.

    The session that the client would make by itself is of a class that aiohttp warns of.
    """
    async with aiohttp.ClientSession() as session:
        http: Any = {**options(provider), "aiohttp_client": session}
        with genai.Client(api_key="made-up", http_options=http) as client:
            yield client.aio.models
            await client.aio.aclose()


async def test_attempts_over_aiohttp_are_told(
    over_aiohttp: Any, provider: Provider, spans: Spans
) -> None:
    """Also the address, which only the HTTP request knows."""
    provider.enqueue(Answer(status=429), Answer(status=503), THINKING)
    await over_aiohttp.generate_content(**ASKED)
    [told] = _told(spans)
    assert told[semconv.RETRY_COUNT] == 2
    assert told[semconv.RETRY_REASON] == ("429", "503")
    assert told[semconv.SERVER_ADDRESS] == "127.0.0.1"
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 50


async def test_streams_over_aiohttp_are_told(
    over_aiohttp: Any, provider: Provider, spans: Spans
) -> None:
    """Read to the end, and broken."""
    provider.enqueue(THINKING, Answer(text="word " * 9, break_after_events=6))
    await read(await over_aiohttp.generate_content_stream(**ASKED), "async")
    with pytest.raises(Exception, match=r"(?i)payload"):
        await read(await over_aiohttp.generate_content_stream(**ASKED), "async")
    whole, broken = _told(spans)
    assert whole[semconv.USAGE_SOURCE] == "provider"
    assert whole[semconv.ATTEMPT_NUMBER] == broken[semconv.ATTEMPT_NUMBER] == 1
    assert broken[semconv.ERROR_TYPE] == "connection_error"
    assert broken[semconv.USAGE_PARTIAL] is True


async def test_a_cancelled_request_over_aiohttp_is_told(
    over_aiohttp: Any, provider: Provider, spans: Spans
) -> None:
    """The cancellation reaches the application as before."""
    provider.enqueue(Answer(hang=True))
    task = asyncio.ensure_future(over_aiohttp.generate_content(**ASKED))
    while not provider.requests:  # noqa: ASYNC110 - the server's thread has no event of this loop
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [told] = _told(spans)
    assert told[semconv.ERROR_TYPE] == "CancelledError"


async def test_other_traffic_of_aiohttp_is_left_alone(provider: Provider, spans: Spans) -> None:
    """Awaited or entered, outside of a call; what a request is stays what it was."""
    async with aiohttp.ClientSession() as session:
        pending = session.request("POST", f"{provider.url}/nothing", json={})
        async with pending as response:
            assert response.status == 404
        other = session.request("POST", f"{provider.url}/nothing", json={})
        assert type(other) is type(pending)
        (await other).release()
    assert not spans()


def test_an_answer_made_again_is_rework(desk: Desk, tracer_provider: TracerProvider) -> None:
    """The operation has a name of its own, and generates all the same."""
    client = desk.make(CASES, "sync")
    desk.provider.enqueue(Answer(text="one"), Answer(text="two"))
    user = tracer_provider.get_tracer("user").start_as_current_span("user")
    with user, spanledger.agent("a"):
        for _ in range(2):
            client.models.generate_content(model=MODEL, contents="the same question")
    first, second = [
        span for span in desk.spans() if (span.attributes or {}).get(semconv.REQUEST_MODEL)
    ]
    assert first.context is not None
    again = dict(second.attributes or {})
    assert again[semconv.REWORK_OF] == f"{first.context.span_id:016x}"
    assert again[semconv.REWORK_REASON] == "regenerated"
