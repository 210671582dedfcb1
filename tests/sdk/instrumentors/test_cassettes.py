"""What compatible servers send, as their providers document it, read by the real clients.

The simulated provider shares our assumptions; these files have the providers' own shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import groq
import httpx
import openai
import pytest
import together
from opentelemetry.trace import StatusCode
from tests.sdk.instrumentors.conftest import Spans
from tests.support.cassettes import Cassette, cassettes, playing
from tests.support.routed import routed

from spanledger import semconv

CASSETTES = cassettes()
by_name = pytest.mark.parametrize("cassette", CASSETTES, ids=lambda one: one.name)
read_whole = pytest.mark.parametrize(
    "cassette", [one for one in CASSETTES if "read" not in one.content], ids=lambda one: one.name
)


def _client(cassette: Cassette, mode: str, url: str) -> Any:
    """The real client at the address of the cassette; only the way of the bytes leads here."""
    plain = httpx.Client if mode == "sync" else httpx.AsyncClient
    named: dict[str, Any] = {"api_key": "made-up", "max_retries": 0}
    place = cassette.content["base_url"]
    match cassette.content["client"]:
        case "groq":
            kind: Any = groq.Groq if mode == "sync" else groq.AsyncGroq
            return kind(base_url=url, http_client=plain(verify=False), **named)
        case "together":
            kind = together.Together if mode == "sync" else together.AsyncTogether
            return kind(base_url=url, http_client=plain(verify=False), **named)
        case "azure":
            kind = openai.AzureOpenAI if mode == "sync" else openai.AsyncAzureOpenAI
            named |= {"azure_endpoint": place, "api_version": "2024-10-21"}
            return kind(http_client=routed(mode, url), **named)
        case _:
            kind = openai.OpenAI if mode == "sync" else openai.AsyncOpenAI
            return kind(base_url=place, http_client=routed(mode, url), **named)


def _asking(client: Any, cassette: Cassette) -> Any:
    """What has the methods that the cassette is asked by."""
    return client.completions if cassette.content["call"] == "text" else client.chat.completions


def _check(cassette: Cassette, spans: Spans) -> None:
    [span] = spans()
    told = dict(span.attributes or {})
    expected: Mapping[str, Any] = cassette.content["told"]
    found = {name: told.get(name) for name in expected}
    assert found == {
        name: tuple(value) if isinstance(value, list) else value for name, value in expected.items()
    }
    assert [name for name in cassette.content["not_told"] if name in told] == []
    assert (span.status.status_code is StatusCode.ERROR) is (semconv.ERROR_TYPE in expected)
    if told[semconv.USAGE_SOURCE] == "estimated":
        for name in (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS):
            count = told[name]
            assert isinstance(count, int)
            assert count > 0


@by_name
def test_an_answer_is_told(cassette: Cassette, spans: Spans) -> None:
    with playing(cassette) as url, _client(cassette, "sync", url) as client:
        result = _asking(client, cassette).create(**cassette.content["asked"])
        if cassette.streamed:
            _read(result, cassette.content.get("read"))
        _check(cassette, spans)


def _read(stream: Any, most: int | None) -> None:
    for number, _ in enumerate(stream, 1):
        if number == most:
            break
    stream.close()


@by_name
async def test_an_answer_is_told_without_waiting(cassette: Cassette, spans: Spans) -> None:
    with playing(cassette) as url:
        async with _client(cassette, "async", url) as client:
            result = await _asking(client, cassette).create(**cassette.content["asked"])
            if cassette.streamed:
                await _read_async(result, cassette.content.get("read"))
            _check(cassette, spans)


async def _read_async(stream: Any, most: int | None) -> None:
    number = 0
    async for _ in stream:
        number += 1
        if number == most:
            break
    await stream.close()


@read_whole
def test_a_raw_answer_is_told_alike(cassette: Cassette, spans: Spans) -> None:
    """Read from its bytes, without the client's models."""
    with playing(cassette) as url, _client(cassette, "sync", url) as client:
        raw = _asking(client, cassette).with_raw_response.create(**cassette.content["asked"])
        parsed = raw.parse()
        if cassette.streamed:
            _read(parsed, None)
        _check(cassette, spans)


@by_name
def test_the_buckets_of_a_total_sum_to_it(cassette: Cassette) -> None:
    """Of what a file says itself: a total has no token that is in no bucket, and none twice."""
    told = cassette.content["told"]
    assert cassette.content["source"].startswith("https://")
    names = (semconv.USAGE_INPUT_UNCACHED_TOKENS, semconv.USAGE_CACHE_READ_TOKENS)
    if any(name not in told for name in names) or cassette.streamed:
        return
    written = (semconv.USAGE_CACHE_WRITE_5M_TOKENS, semconv.USAGE_CACHE_WRITE_1H_TOKENS)
    given = sum(told.get(name, 0) for name in (*names, *written))
    total = cassette.content["answer"]["usage"]["total_tokens"]
    assert given + told[semconv.USAGE_OUTPUT_TOKENS] == total
