"""Azure's client, gateways that send odd answers, and addresses that are not where they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest
from tests.sdk.instrumentors import cases_openai
from tests.sdk.instrumentors.canned_openai import COMPLETION, canned_client
from tests.sdk.instrumentors.cases_openai import MESSAGES, MODEL
from tests.sdk.instrumentors.conftest import Desk, Spans
from tests.sdk.instrumentors.contract import Mode
from tests.support.routed import routed

from spanledger import semconv
from spanledger._calls.hosts import server_attributes
from spanledger.instrumentors.anthropic import MESSAGES as MESSAGES_API
from spanledger_collector.demo.provider import Answer, Provider

AZURE: dict[str, Any] = {"api_key": "made-up", "api_version": "2024-10-21"}


async def test_azures_client_is_told_by_its_own_address(desk: Desk, spans: Spans) -> None:
    """The subclass of the client makes other paths; calls, streams and retries are told alike."""
    desk.provider.enqueue(
        Answer(status=429, retry_after_seconds=0.001), Answer(input_tokens=12, output_tokens=3)
    )
    with openai.AzureOpenAI(azure_endpoint=desk.provider.azure_url, **AZURE) as client:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
        list(client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True))
        client.embeddings.create(model="text-embedding-3-small", input="one")
    async with openai.AsyncAzureOpenAI(azure_endpoint=desk.provider.azure_url, **AZURE) as other:
        await other.responses.create(model=MODEL, input="one")
    whole, stream, embedded, response = [
        dict(span.attributes or {})
        for span in sorted(spans(), key=lambda span: span.start_time or 0)
    ]
    assert whole[semconv.RETRY_REASON] == ("429",)
    assert whole[semconv.USAGE_INPUT_TOKENS] == 12
    assert stream[semconv.USAGE_SOURCE] == "estimated"
    assert embedded[semconv.USAGE_SOURCE] == response[semconv.USAGE_SOURCE] == "provider"
    for told in (whole, stream, embedded, response):
        assert told[semconv.SERVER_ADDRESS] == "127.0.0.1"
        assert told[semconv.PROVIDER_NAME] == "azure.ai.openai"


#: Addresses as their providers publish them -> who bills.
SERVERS = {
    "https://api.openai.com/v1": "openai",
    "https://acme.openai.azure.com/openai/v1": "azure.ai.openai",
    "https://api.groq.com/openai/v1": "groq",
    "https://api.together.xyz/v1": "together",
    "https://api.deepseek.com/v1": "deepseek",
    "https://openrouter.ai/api/v1": "openrouter",
    "https://api.x.ai/v1": "x_ai",
    "https://api.mistral.ai/v1": "mistral_ai",
    "https://api.fireworks.ai/inference/v1": "fireworks",
    "https://api.perplexity.ai": "perplexity",
    "https://api.cerebras.ai/v1": "cerebras",
    "https://generativelanguage.googleapis.com/v1beta/openai": "gcp.gemini",
    "http://127.0.0.1:11434/v1": "ollama",
    "http://vllm.corp.internal:8000/v1": "self_hosted",
    "https://gateway.example/v1": "openai",
}


@pytest.mark.parametrize("url", SERVERS)
async def test_who_bills_is_read_from_the_address(
    url: str, provider: Provider, spans: Spans
) -> None:
    """The real client at its real address; only the way of the bytes leads here."""
    with openai.OpenAI(api_key="x", base_url=url, http_client=_here("sync", provider)) as client:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    async with openai.AsyncOpenAI(
        api_key="x", base_url=url, http_client=_here("async", provider)
    ) as other:
        async for _ in await other.chat.completions.create(
            model=MODEL,
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": True},
        ):
            pass
    told = [dict(span.attributes or {}) for span in spans()]
    assert [one[semconv.PROVIDER_NAME] for one in told] == [SERVERS[url]] * 2
    assert [one[semconv.SERVER_ADDRESS] for one in told] == [httpx2.URL(url).host] * 2
    assert [one[semconv.USAGE_SOURCE] for one in told] == ["provider"] * 2


def _here(mode: Mode, provider: Provider) -> Any:
    """A client that asks the simulated provider, whatever path a server has its format at."""
    return routed(mode, provider.url, path="/v1/chat/completions")


@pytest.mark.parametrize(
    ("cost", "told_usd"),
    [
        (0.00125, 0.00125),
        (0, 0.0),
        ({"input_tokens_cost": 0.1, "total_cost": 0.25, "currency": "USD"}, 0.25),
        ("free", None),
        (None, None),
    ],
)
def test_a_cost_that_a_server_tells_is_kept(
    cost: object, told_usd: float | None, spans: Spans
) -> None:
    """As OpenRouter and Perplexity tell it; the ledger keeps it beside its own."""
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15, "cost": cost}
    canned_client({**COMPLETION, "usage": usage}).chat.completions.create(
        model=MODEL, messages=MESSAGES
    )
    [span] = spans()
    told = span.attributes or {}
    assert told.get(semconv.USAGE_COST_AMOUNT) == told_usd
    assert told.get(semconv.USAGE_COST_CURRENCY) == (None if told_usd is None else "USD")


VECTOR: dict[str, Any] = {"object": "embedding", "index": 0, "embedding": [0.5]}


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"total_tokens": 5},
        {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": "12", "completion_tokens": [3]},
        {"prompt_tokens": -1, "completion_tokens": 3},
        {"prompt_tokens": 1.5, "completion_tokens": 3},
    ],
    ids=str,
)
def test_counts_that_are_none_are_estimated(usage: dict[str, Any], spans: Spans) -> None:
    """The clients check nothing that a server sends: what is no count is a count not sent."""
    canned_client({**COMPLETION, "usage": usage}).chat.completions.create(
        model=MODEL, messages=MESSAGES
    )
    [span] = spans()
    told = span.attributes or {}
    assert told[semconv.RESPONSE_ID] == "odd-1"
    assert told[semconv.USAGE_SOURCE] == "estimated"
    for name in (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS):
        found = told[name]
        assert isinstance(found, int)
        assert found > 0


def test_thinking_that_a_server_shows_counts_as_output(spans: Spans) -> None:
    """Servers of open models send it in a field of their own."""
    message = {"role": "assistant", "content": "so", "reasoning_content": "word " * 200}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    canned_client({**COMPLETION, "choices": [choice]}).chat.completions.create(
        model=MODEL, messages=MESSAGES
    )
    [span] = spans()
    made = (span.attributes or {})[semconv.USAGE_OUTPUT_TOKENS]
    assert isinstance(made, int)
    assert made >= 200


def _embed_ids(client: openai.OpenAI) -> object:
    return client.embeddings.create(model="text-embedding-3-small", input=[[1, 2, 3]])


def _ask_by_generator(client: openai.OpenAI) -> object:
    return client.chat.completions.create(model=MODEL, messages=(one for one in MESSAGES))


def _ask_about_an_image(client: openai.OpenAI) -> object:
    image: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    return client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": [image]}]
    )


@pytest.mark.parametrize("ask", [_embed_ids, _ask_by_generator, _ask_about_an_image])
def test_a_prompt_that_cannot_be_read_is_not_called_empty(
    ask: Callable[[openai.OpenAI], object], spans: Spans
) -> None:
    """No usage and no text to count: the cost is unknown, not that of the answer alone."""
    ask(canned_client({**COMPLETION, "data": [VECTOR]}))
    [span] = spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_SOURCE] == "missing"
    assert semconv.USAGE_INPUT_TOKENS not in told


def test_embeddings_without_usage_have_no_chat_format(spans: Spans) -> None:
    """Many short texts: a token each, and nothing a message."""
    canned_client({**COMPLETION, "data": [VECTOR]}).embeddings.create(
        model="text-embedding-3-small", input=["word"] * 100
    )
    [span] = spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_SOURCE] == "estimated"
    given = told[semconv.USAGE_INPUT_TOKENS]
    assert isinstance(given, int)
    assert given < 110


def test_a_base_url_that_is_not_there_is_read_from_the_request(
    desk: Desk, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should a client keep its address elsewhere one day, the HTTP request still tells it."""
    completions = desk.make(cases_openai.CASES, "sync").chat.completions
    monkeypatch.setattr(completions, "_client", object())
    completions.create(model=MODEL, messages=MESSAGES)
    [span] = spans()
    told = span.attributes or {}
    assert told[semconv.PROVIDER_NAME] == "openai"
    assert told[semconv.SERVER_ADDRESS] == "localhost"
    assert f":{told[semconv.SERVER_PORT]}" in desk.provider.openai_url


@pytest.mark.parametrize("url", [None, "http://a.test/v1", object(), 7])
def test_an_address_that_is_no_url_tells_the_provider_alone(url: object) -> None:
    """Less is told, nothing fails."""
    assert server_attributes(url, "openai") == {semconv.PROVIDER_NAME: "openai"}


def _messages(later: dict[str, Any]) -> dict[str, Any]:
    """Attributes of a streamed message whose last event says ``later`` about its usage."""
    from spanledger._calls.answer import Record
    from spanledger._calls.facts import Attributes, add_usage

    def record(value: Any) -> Any:
        if isinstance(value, dict):
            return Record({name: record(inner) for name, inner in value.items()})
        return value

    reading = MESSAGES_API.reading({})
    start = {
        "input_tokens": 100,
        "cache_creation_input_tokens": 50,
        "cache_creation": {"ephemeral_1h_input_tokens": 30, "ephemeral_5m_input_tokens": 20},
        "output_tokens": 1,
    }
    message = {"id": "m", "model": "claude-opus-5", "usage": start}
    reading.chunk(record({"type": "message_start", "message": message}))
    delta = {"stop_reason": "end_turn"}
    reading.chunk(record({"type": "message_delta", "delta": delta, "usage": later}))
    attributes: Attributes = {}
    add_usage(attributes, reading.answer().usage)
    return attributes


@pytest.mark.parametrize(
    ("later", "uncached", "five_minutes", "one_hour"),
    [
        ({"output_tokens": 9}, 100, 20, 30),
        # Only the uncached input is named: what was cached stays.
        ({"input_tokens": 120, "output_tokens": 9}, 120, 20, 30),
        # The total grows and nothing says which: the hour's share is known from the start.
        ({"input_tokens": 140, "cache_creation_input_tokens": 80, "output_tokens": 9}, 140, 50, 30),
        # It shrinks below the hour's share: the later word counts.
        ({"input_tokens": 140, "cache_creation_input_tokens": 10, "output_tokens": 9}, 140, 10, 0),
        # The later event tells both.
        (
            {
                "input_tokens": 140,
                "cache_creation_input_tokens": 90,
                "cache_creation": {"ephemeral_1h_input_tokens": 70},
                "output_tokens": 9,
            },
            140,
            20,
            70,
        ),
        (
            {
                "input_tokens": 140,
                "cache_creation_input_tokens": 90,
                "cache_creation": {"ephemeral_1h_input_tokens": 10},
                "output_tokens": 9,
            },
            140,
            80,
            10,
        ),
    ],
)
def test_cache_writes_that_a_later_event_changes(
    later: dict[str, Any], uncached: int, five_minutes: int, one_hour: int
) -> None:
    """Each bucket keeps its own price: a token is in one of them, and in one only."""
    told = _messages(later)
    assert told[semconv.USAGE_INPUT_UNCACHED_TOKENS] == uncached
    assert told.get(semconv.USAGE_CACHE_WRITE_5M_TOKENS, 0) == five_minutes
    assert told.get(semconv.USAGE_CACHE_WRITE_1H_TOKENS, 0) == one_hour
    assert told[semconv.USAGE_INPUT_TOKENS] == uncached + five_minutes + one_hour
