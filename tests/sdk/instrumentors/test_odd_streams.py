"""Streams that break off inside, say nothing of their end, or end one choice at a time."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest
from opentelemetry.trace import StatusCode
from tests.sdk.instrumentors.conftest import Spans

from spanledger import semconv

MODEL = "gpt-4o"
ASKED: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Why?"}]}
USED = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
ERROR = {"code": 502, "message": "Provider disconnected unexpectedly"}


def _client(*events: dict[str, Any]) -> openai.OpenAI:
    """The real client on a transport that always answers with these events."""
    lines = [f"data: {json.dumps(event)}\n\n" for event in (*events,)]
    content = "".join([*lines, "data: [DONE]\n\n"]).encode()
    kind = {"content-type": "text/event-stream"}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=content, headers=kind))
    http = httpx2.Client(transport=transport)
    return openai.OpenAI(api_key="x", base_url="http://gateway.test/v1", http_client=http)


def _chunk(text: str, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    head = {"id": "gen-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    return {**head, "choices": [choice], **more}


def _text(index: int, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": index, "text": "so ", "logprobs": None, "finish_reason": finish}
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": MODEL}
    return {**head, "choices": [choice]}


BROKEN = (_chunk("Because"), _chunk("", "error", error=ERROR))


def test_an_error_inside_a_stream_is_the_calls(spans: Spans) -> None:
    """As OpenRouter sends it; the client raises it."""
    with _client(*BROKEN) as client, pytest.raises(openai.APIError):
        list(client.chat.completions.create(**ASKED, stream=True))
    (span,) = spans()
    told = span.attributes or {}
    assert span.status.status_code is StatusCode.ERROR
    assert told[semconv.ERROR_TYPE] == "APIError"
    assert told[semconv.USAGE_PARTIAL] is True


def test_an_error_inside_a_stream_of_bytes_is_the_calls_too(spans: Spans) -> None:
    """Where the application reads the lines, nobody raises anything."""
    with (
        _client(*BROKEN) as client,
        client.chat.completions.with_streaming_response.create(**ASKED, stream=True) as response,
    ):
        assert len(list(response.iter_lines())) > 2
    (span,) = spans()
    told = span.attributes or {}
    assert span.status.status_code is StatusCode.ERROR
    assert told[semconv.ERROR_TYPE] == "502"
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert told[semconv.USAGE_PARTIAL] is True


@pytest.mark.parametrize("left", [False, True])
def test_a_stream_that_says_nothing_of_its_end(spans: Spans, left: bool) -> None:
    """No finish reason, and usage beside text: whole where it was read to its end."""
    running = (_chunk("so", usage=USED), _chunk(" it", usage=USED), _chunk(" is", usage=USED))
    with _client(*running) as client:
        stream = client.chat.completions.create(**ASKED, stream=True)
        next(stream)
        if not left:
            assert len(list(stream)) == 2
        stream.close()
    (span,) = spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert (semconv.USAGE_PARTIAL in told) is left


@pytest.mark.parametrize("left", [False, True])
def test_a_text_is_whole_when_all_its_choices_ended(spans: Spans, left: bool) -> None:
    """The first choice may end long before the second."""
    events = (_text(0), _text(1), _text(0, "stop"), _text(1, "stop"))
    with _client(*events) as client:
        stream = client.completions.create(model=MODEL, prompt="Why?", n=2, stream=True)
        for _ in range(3 if left else 4):
            next(stream)
        stream.close()
    (span,) = spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert (semconv.USAGE_PARTIAL in told) is left
