"""Calls of ``litellm`` in the words of Anthropic and of Google, whoever is asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from tests.sdk.instrumentors.cases_litellm import MESSAGES, MODEL, library
from tests.sdk.instrumentors.conftest import Desk
from tests.support.wires import google_wire

from spanledger import semconv
from spanledger._formats.litellm_surfaces import read_content_events, read_message_events
from spanledger_collector.demo import anthropic_wire
from spanledger_collector.demo.provider import Answer, Request

CLAUDE = "claude-sonnet-4-5"


@pytest.fixture(name="closing")
async def _closing() -> AsyncGenerator[None]:
    """Closes the HTTP clients that LiteLLM makes and keeps by itself."""
    yield
    litellm = library()
    await litellm.close_litellm_async_clients()
    litellm.in_memory_llm_clients_cache.flush_cache()


@pytest.mark.parametrize("way", ["acreate", "function", "router", "adapter"])
@pytest.mark.usefixtures("closing")
async def test_messages_in_anthropics_words_are_told_once(desk: Desk, way: str) -> None:
    """Whoever is asked, and by a router too; every bucket is the provider's."""
    litellm = library()
    place = {"api_base": desk.provider.anthropic_url, "api_key": "made-up"}
    asked: dict[str, Any] = {"model": f"anthropic/{CLAUDE}", "messages": MESSAGES, "max_tokens": 9}
    desk.provider.enqueue(
        Answer(text="x", input_tokens=1000, output_tokens=70, cache_read_tokens=400)
    )
    if way == "acreate":
        await litellm.anthropic.messages.acreate(**asked, **place)
    elif way == "function":
        await litellm.anthropic_messages(**asked, **place)
    elif way == "router":
        routed = {"model_name": "alias", "litellm_params": {"model": asked["model"], **place}}
        router = litellm.Router(model_list=[routed])
        await router.aanthropic_messages(**{**asked, "model": "alias"})
    else:
        place["api_base"] = desk.provider.openai_url
        await litellm.anthropic.messages.acreate(**{**asked, "model": MODEL}, **place)
    assert len(desk.provider.requests) == 1
    [told] = [dict(span.attributes or {}) for span in desk.spans()]
    assert told[semconv.OPERATION_NAME] == "chat"
    assert told[semconv.REQUEST_MODEL] == (MODEL if way == "adapter" else CLAUDE)
    assert told[semconv.PROVIDER_NAME] == ("openai" if way == "adapter" else "anthropic")
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_UNCACHED_TOKENS] == 600
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == 400
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 70
    assert told[semconv.REQUEST_MAX_TOKENS] == 9


@pytest.mark.usefixtures("closing")
async def test_contents_in_googles_words_are_told_once(desk: Desk) -> None:
    """Asked of somebody else they are a chat, which says more of its usage."""
    desk.provider.enqueue(
        Answer(text="x", input_tokens=1000, output_tokens=70, cache_read_tokens=400)
    )
    await library().agenerate_content(
        model=f"openai/{MODEL}",
        contents=[{"role": "user", "parts": [{"text": "hello"}]}],
        api_base=desk.provider.openai_url,
        api_key="made-up",
    )
    [told] = [dict(span.attributes or {}) for span in desk.spans()]
    assert told[semconv.OPERATION_NAME] == "chat"
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == 400


def _sse(wire: Any, request: Any, answer: Answer) -> list[bytes]:
    """The bytes of a stream of this wire format, cut where nothing ends."""
    data = b"".join(wire(request, answer))
    return [data[at : at + 7] for at in range(0, len(data), 7)]


def test_streams_in_other_words_are_read_from_their_bytes() -> None:
    """LiteLLM needs its proxy's packages to stream them, which are not installed here."""
    answer = Answer(text="one two", input_tokens=1000, output_tokens=70, cache_read_tokens=400)
    asked = {"model": CLAUDE, "messages": MESSAGES}
    request = Request(1, "/", {}, asked, {"model": CLAUDE})
    for read_events, wire in (
        (read_message_events, anthropic_wire.message_events),
        (read_content_events, google_wire.content_events),
    ):
        given = _sse(wire, request, answer)
        whole, left = read_events(given), read_events(given[: len(given) // 2])
        assert (whole.complete, left.complete) == (True, False), wire
        assert (whole.usage.input_tokens, whole.usage.output_tokens) == (1000, 70)
        assert whole.usage.cache_read_tokens == 400
        assert "".join(whole.texts) == "one two"
        assert whole.model
