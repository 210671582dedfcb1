"""What only ``litellm`` does: it routes, retries, falls back, caches and mocks."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Callable, Generator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from tests.sdk.instrumentors import cases_openai
from tests.sdk.instrumentors.cases_litellm import CASES, EMBED_MODEL, MESSAGES, MODEL, library
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import SECRET_ANSWER, Mode, read

import spanledger
from spanledger import semconv
from spanledger.instrumentors.litellm import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer

CLAUDE = "claude-sonnet-4-5"
CACHED = Answer(
    text=SECRET_ANSWER,
    input_tokens=1000,
    output_tokens=70,
    cache_read_tokens=400,
    cache_write_5m_tokens=100,
    cache_write_1h_tokens=50,
)
Told = dict[str, Any]


def _told(desk: Desk) -> list[Told]:
    spans = sorted(desk.spans(), key=lambda span: span.start_time or 0)
    return [dict(span.attributes or {}) for span in spans]


def _names(spans: list[ReadableSpan]) -> set[str]:
    return {str(span.instrumentation_scope and span.instrumentation_scope.name) for span in spans}


@pytest.fixture(name="claude")
def _claude(desk: Desk) -> Generator[dict[str, Any]]:
    """Parameters of a call that LiteLLM makes by its own HTTP client."""
    litellm = library()
    http = litellm.llms.custom_httpx.http_handler.HTTPHandler()
    yield {
        "model": f"anthropic/{CLAUDE}",
        "messages": MESSAGES,
        "api_base": desk.provider.anthropic_url,
        "api_key": "made-up",
        "client": http,
    }
    http.close()


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_a_provider_without_a_client_of_its_own(
    desk: Desk, claude: dict[str, Any], *, streamed: bool
) -> None:
    """LiteLLM asks it itself; every bucket is the provider's, also in a stream not asked for it."""
    desk.provider.enqueue(CACHED)
    result = library().completion(**claude, stream=streamed)
    if streamed:
        await read(result, "sync")
    [told] = _told(desk)
    assert told[semconv.PROVIDER_NAME] == "anthropic"
    assert told[semconv.REQUEST_MODEL] == told[semconv.RESPONSE_MODEL] == CLAUDE
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_UNCACHED_TOKENS] == 450
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == 400
    assert told[semconv.USAGE_CACHE_WRITE_5M_TOKENS] == 100
    assert told[semconv.USAGE_CACHE_WRITE_1H_TOKENS] == 50
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 70
    assert semconv.USAGE_PARTIAL not in told


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_the_librarys_own_estimate_is_not_the_providers_count(
    desk: Desk, *, streamed: bool
) -> None:
    """It writes zeros or a guess where the provider sent nothing; ours is marked as one."""
    desk.provider.enqueue(Answer(text=SECRET_ANSWER, usage=False))
    client = desk.make(CASES, "sync")
    result = client.completion(model=f"openai/{MODEL}", messages=MESSAGES, stream=streamed)
    if streamed:
        await read(result, "sync")
    [told] = _told(desk)
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert told[semconv.USAGE_INPUT_TOKENS] > 0
    assert told[semconv.USAGE_OUTPUT_TOKENS] >= told[semconv.USAGE_OUTPUT_TOKENS_LOW] > 0
    assert semconv.USAGE_PARTIAL not in told


async def test_its_own_retries_are_attempts_of_the_call(desk: Desk, claude: dict[str, Any]) -> None:
    """``num_retries``: one span, whoever makes the request again."""
    desk.provider.enqueue(Answer(status=429), Answer(status=503), CACHED)
    library().completion(**claude, num_retries=3)
    [told] = _told(desk)
    assert told[semconv.RETRY_REASON] == ("429", "503")
    assert told[semconv.ATTEMPT_NUMBER] == 3


async def test_each_fallback_is_a_call_of_its_own(
    desk: Desk, tracer_provider: TracerProvider
) -> None:
    """The one that failed and the one that answered, with the model that was asked for each."""
    desk.provider.enqueue(Answer(status=400), Answer(input_tokens=12, output_tokens=3))
    client = desk.make(CASES, "async")

    @spanledger.agent
    async def ask() -> None:
        await client.completion(
            model=f"openai/{MODEL}", messages=MESSAGES, fallbacks=["openai/gpt-4o-mini"]
        )

    with tracer_provider.get_tracer("user").start_as_current_span("user"):
        await ask()
    first, second = [told for told in _told(desk) if semconv.PROVIDER_NAME in told]
    assert first[semconv.REQUEST_MODEL] == MODEL
    assert first[semconv.ERROR_TYPE] == "400"
    assert second[semconv.REQUEST_MODEL] == "gpt-4o-mini"
    assert second[semconv.USAGE_INPUT_TOKENS] == 12
    assert second[semconv.RETRY_CAUSE] == "400"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_a_router_is_told_by_the_calls_it_makes(desk: Desk, *, streamed: bool) -> None:
    """Its own name of a model is nobody's; the deployment's is told, and its retry."""
    litellm = library()
    place = {"api_base": desk.provider.openai_url, "api_key": "made-up", "max_retries": 0}
    deployment = {"model": f"openai/{MODEL}", **place}
    router = litellm.Router(
        model_list=[{"model_name": "best", "litellm_params": deployment}],
        num_retries=1,
        retry_after=0,
    )
    desk.provider.enqueue(Answer(status=503), Answer(input_tokens=12, output_tokens=3))
    result = await router.acompletion(
        model="best",
        messages=MESSAGES,
        **({"stream": True, "stream_options": {"include_usage": True}} if streamed else {}),
    )
    if streamed:
        await read(result, "async")
    failed, told = _told(desk)
    await litellm.close_litellm_async_clients()
    assert failed[semconv.ERROR_TYPE] == "503"
    assert told[semconv.REQUEST_MODEL] == MODEL
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_TOKENS] == 12


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_a_mock_costs_nothing(desk: Desk, *, streamed: bool) -> None:
    """The library makes up a usage; nobody was asked."""
    result = library().completion(
        model=MODEL, messages=MESSAGES, mock_response="a word", stream=streamed
    )
    if streamed:
        await read(result, "sync")
    [told] = _told(desk)
    assert not desk.provider.requests
    assert told[semconv.PROVIDER_NAME] == "openai"
    assert told[semconv.USAGE_INPUT_TOKENS] == told[semconv.USAGE_OUTPUT_TOKENS] == 0
    assert told[semconv.USAGE_SOURCE] == "none"


async def test_a_stream_made_without_await_can_be_read_with_async_for(desk: Desk) -> None:
    """The library's streams are of both kinds, with us too."""
    stream = desk.make(CASES, "sync").completion(
        model=f"openai/{MODEL}", messages=MESSAGES, stream=True
    )
    assert stream.__class__ is library().CustomStreamWrapper
    chunks = [chunk async for chunk in stream]
    [told] = _told(desk)
    assert len(chunks) > 2
    assert semconv.USAGE_PARTIAL not in told


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_responses_of_any_provider(
    desk: Desk, claude: dict[str, Any], *, streamed: bool
) -> None:
    """The library asks for a chat where a provider has no responses; it is told once."""
    desk.provider.enqueue(CACHED)
    given = {name: value for name, value in claude.items() if name not in ("messages", "client")}
    result = library().responses(**given, input="one", stream=streamed)
    if streamed:
        await read(result, "sync")
    assert _names(desk.spans()) == {"spanledger.litellm"}
    [told] = _told(desk)
    assert told[semconv.PROVIDER_NAME] == "anthropic"
    assert told[semconv.USAGE_INPUT_TOKENS] == 1000
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == 400
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 70


async def test_text_completions(desk: Desk, claude: dict[str, Any]) -> None:
    """By way of a chat, where a provider has nothing else."""
    desk.provider.enqueue(CACHED, CACHED)
    given = {name: value for name, value in claude.items() if name != "messages"}
    library().text_completion(**given, prompt="one")
    await read(library().text_completion(**given, prompt="one", stream=True), "sync")
    for told in _told(desk):
        assert told[semconv.OPERATION_NAME] == semconv.OPERATION_TEXT_COMPLETION
        assert told[semconv.USAGE_SOURCE] == "provider"
        assert told[semconv.USAGE_INPUT_TOKENS] == 1000


async def test_reranking_in_search_units(desk: Desk) -> None:
    """As the provider bills it."""
    documents = [f"document {number}" for number in range(150)]
    library().rerank(
        model="cohere/rerank-v3.5",
        query="which?",
        documents=documents,
        api_base=f"{desk.provider.url}/v2/rerank",
        api_key="made-up",
    )
    [told] = _told(desk)
    assert told[semconv.PROVIDER_NAME] == "cohere"
    assert told[semconv.USAGE_UNITS_PREFIX + semconv.UNIT_SEARCH_UNITS] == 2
    assert semconv.USAGE_INPUT_TOKENS not in told


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("registered", ["", "callbacks", "success_callback"])
def test_a_call_that_callbacks_hear_of_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, registered: str, *, streamed: bool
) -> None:
    """What they make of it may be a span in a trace of its own."""
    litellm = library()
    for name in ("callbacks", "success_callback"):
        monkeypatch.setattr(litellm, name, [])
    if registered:
        monkeypatch.setattr(litellm, registered, [print])
    client = desk.make(CASES, "sync")
    made = client.completion(model=MODEL, messages=MESSAGES, stream=streamed)
    if streamed:
        list(made)
    [told] = _told(desk)
    assert told.get(semconv.RESPONSE_TOLD_APART) is (True if registered else None)


async def test_embeddings_without_usage_are_estimated(desk: Desk) -> None:
    """The library writes a zero."""
    desk.provider.enqueue(Answer(input_tokens=0))
    desk.make(CASES, "sync").embedding(f"openai/{EMBED_MODEL}", ["word"] * 10)
    [told] = _told(desk)
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert told[semconv.USAGE_INPUT_TOKENS] >= 10


async def test_a_model_that_nobody_knows_raises_as_before(desk: Desk) -> None:
    """Nothing is asked; the call is told as the failure it is."""
    with pytest.raises(library().BadRequestError):
        library().completion(model="nobody's", messages=MESSAGES)
    [told] = _told(desk)
    assert told[semconv.ERROR_TYPE] == "400"
    assert told[semconv.USAGE_SOURCE] == "missing"


async def test_concurrent_calls_each_cover_their_own(desk: Desk) -> None:
    """What happens inside one call hides nothing of another."""
    client = desk.make(CASES, "async")
    await asyncio.gather(
        *(client.completion(model=f"openai/{MODEL}", messages=MESSAGES) for _ in range(4)),
        *(client._given["client"].chat.completions.create(model=MODEL, messages=MESSAGES),),
    )
    assert len(_told(desk)) == len(desk.provider.requests) == 5


def test_every_function_that_makes_requests_is_patched_or_listed() -> None:
    """A function that a new version adds fails here until somebody decides about it."""
    litellm = library()
    found = {
        name
        for name, function in inspect.getmembers(litellm, inspect.isfunction)
        if not name.startswith("_")
        and function.__module__.startswith("litellm")
        and (hasattr(function, "__wrapped__") or inspect.iscoroutinefunction(function))
    }
    told = {str(method.target) for method in INSTRUMENTOR.methods}
    listed = told | set(INSTRUMENTOR.helpers) | set(INSTRUMENTOR.not_metered)
    for name in found:
        assert {f"litellm.{name}", f"litellm.{name.removeprefix('a')}"} & listed, name
    for name in listed:
        module, _, function = name.rpartition(".")
        assert hasattr(importlib.import_module(module), function), name
    assert all(INSTRUMENTOR.not_metered.values())


_CALLBACKS = (
    *("callbacks", "input_callback", "success_callback", "failure_callback"),
    *("_async_success_callback", "_async_failure_callback", "_async_input_callback"),
)
JUDGED: Any = [{"role": "user", "content": "is this safe?"}]


def _logger(**methods: Callable[..., Any]) -> Any:
    """A callback of LiteLLM's that does this."""
    base: Any = importlib.import_module("litellm.integrations.custom_logger").CustomLogger
    return type("Logger", (base,), methods)()


@pytest.mark.parametrize("judge", ["the client", "litellm itself"])
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_what_a_callback_asks_is_a_call_of_its_own(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, mode: Mode, judge: str
) -> None:
    """LiteLLM's own calls are part of its call; those of what it calls back are not."""
    litellm = library()
    judging = desk.make(cases_openai.CASES, "sync")
    judging_now: list[bool] = []

    def pre_call(*_args: Any, **_more: Any) -> None:
        if judging_now:
            return
        judging_now.append(True)
        if judge == "the client":
            judging.chat.completions.create(model="gpt-4o-mini", messages=JUDGED)
        else:
            litellm.completion(model="openai/gpt-4o-mini", messages=JUDGED, client=judging)

    for name in _CALLBACKS:
        monkeypatch.setattr(litellm, name, [])  # LiteLLM puts it into all of them
    litellm.callbacks.append(_logger(log_pre_api_call=pre_call))
    asked = {"model": f"openai/{MODEL}", "messages": MESSAGES}
    call = desk.make(CASES, mode).completion(**asked)
    assert (await call if mode == "async" else call).choices
    names = sorted(span.name for span in desk.spans())
    assert len(desk.provider.requests) == 2
    assert names == [f"chat {MODEL}", "chat gpt-4o-mini"]
