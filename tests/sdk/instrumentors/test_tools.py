"""Answers that ask for tools, as streams: their usage, and their tokens where there is none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from tests.sdk.instrumentors import cases_anthropic, cases_openai
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import ClientCases, Mode, read

from spanledger import semconv
from spanledger_collector.demo.provider import Answer, ToolCall

CHAT: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "which ones?"}],
    "stream": True,
}
WORDS = 300
TOOL = ToolCall("look_up", {"names": " ".join(["name"] * WORDS)})


def _chat(client: Any) -> Any:
    return client.chat.completions.create(**CHAT, stream_options={"include_usage": True})


def _responses(client: Any) -> Any:
    return client.responses.create(model="gpt-4o", input="which ones?", stream=True)


def _messages(client: Any) -> Any:
    return client.messages.create(**cases_anthropic.ASKED, stream=True)


#: The call, and the events until all of the arguments are sent, but not yet how it ended.
CALLS = [
    pytest.param(cases_openai.CASES, _chat, 4, id="chat"),
    pytest.param(cases_openai.CASES, _responses, 4, id="responses"),
    pytest.param(cases_anthropic.CASES, _messages, 6, id="messages"),
]
MODES: tuple[Mode, ...] = ("sync", "async")


async def _stream(
    desk: Desk, cases: ClientCases, call: Callable[[Any], Any], mode: Mode, *, breaks: bool
) -> dict[str, Any]:
    """Make the call, read it to its end or to where it breaks, and give the span's attributes."""
    stream = call(desk.make(cases, mode))
    stream = await stream if mode == "async" else stream
    ending = pytest.raises(Exception, match=r"(?i)connection") if breaks else nullcontext()
    with ending:
        await read(stream, mode)
    [span] = desk.spans()
    return dict(span.attributes or {})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("cases", "call", "_events"), CALLS)
async def test_a_stream_of_tool_calls_is_counted_by_the_provider(
    cases: ClientCases, call: Callable[[Any], Any], _events: int, mode: Mode, desk: Desk
) -> None:
    """Usage and the reason of the end are the provider's."""
    desk.provider.enqueue(Answer(tool_calls=(TOOL, TOOL), input_tokens=90, output_tokens=700))
    told = await _stream(desk, cases, call, mode, breaks=False)
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_TOKENS] == 90
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 700
    assert told[semconv.RESPONSE_FINISH_REASONS][0] in ("tool_calls", "tool_use", "completed")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("cases", "call", "events"), CALLS)
async def test_a_broken_stream_of_tool_calls_is_counted_here(
    cases: ClientCases, call: Callable[[Any], Any], events: int, mode: Mode, desk: Desk
) -> None:
    """Names and arguments are output tokens: about one a word."""
    desk.provider.enqueue(Answer(tool_calls=(TOOL,), break_after_events=events))
    told = await _stream(desk, cases, call, mode, breaks=True)
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert told[semconv.USAGE_PARTIAL] is True
    assert WORDS <= told[semconv.USAGE_OUTPUT_TOKENS] <= 2 * WORDS
    assert told[semconv.USAGE_OUTPUT_TOKENS_LOW] <= told[semconv.USAGE_OUTPUT_TOKENS]


@pytest.mark.parametrize("stream", [True, False])
async def test_tool_calls_of_a_whole_answer_without_usage(stream: bool, desk: Desk) -> None:
    """The end came, the counts did not: estimated, and not partial."""
    desk.provider.enqueue(Answer(tool_calls=(TOOL,), usage=False))
    result = desk.make(cases_openai.CASES, "sync").chat.completions.create(
        **{**CHAT, "stream": stream}
    )
    if stream:
        await read(result, "sync")
    [span] = desk.spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert semconv.USAGE_PARTIAL not in told
    made = told[semconv.USAGE_OUTPUT_TOKENS]
    assert isinstance(made, int)
    assert WORDS <= made <= 2 * WORDS
