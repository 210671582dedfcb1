"""Conversations and responses of Mistral, compaction of OpenAI: state that the service keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest
from tests.sdk.instrumentors import cases_mistralai, cases_openai
from tests.sdk.instrumentors.cases_mistralai import MODEL
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import Mode, read

from spanledger import semconv
from spanledger_collector.demo.provider import Answer

BOTH = pytest.mark.parametrize("mode", ["sync", "async"])
SEARCHED = Answer(input_tokens=1000, output_tokens=70, web_search_requests=2)
Told = dict[str, Any]


def _one(desk: Desk) -> tuple[str, Told]:
    [span] = desk.spans()
    return span.name, dict(span.attributes or {})


async def _ask(desk: Desk, mode: Mode, call: Callable[[Any], Any], *, stream: bool = False) -> None:
    value = call(desk.make(cases_mistralai.CASES, mode))
    value = await value if mode == "async" else value
    if stream:
        await read(value, mode)


@BOTH
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_what_a_connector_read_is_input_and_its_uses_are_units(
    mode: Mode, desk: Desk, *, stream: bool
) -> None:
    """Beside the prompt, as it is billed."""
    desk.provider.enqueue(SEARCHED)
    name = "start_stream" if stream else "start"
    await _ask(
        desk,
        mode,
        lambda c: getattr(c.conversations, name)(agent_id="a", inputs="why?"),
        stream=stream,
    )
    span, told = _one(desk)
    assert span == "chat"
    assert told[semconv.RESPONSE_MODEL] == "simulated-agent-model"
    assert told[semconv.USAGE_INPUT_TOKENS] == 1000
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 70
    assert told[semconv.USAGE_UNITS_PREFIX + semconv.UNIT_WEB_SEARCHES] == 2


@BOTH
async def test_a_further_turn_is_a_call_of_its_own(mode: Mode, desk: Desk) -> None:
    """Which names no model; the answer does."""
    desk.provider.enqueue(Answer(input_tokens=9, output_tokens=7), Answer(usage=False))
    await _ask(
        desk, mode, lambda c: c.conversations.append(conversation_id="c", inputs="and then?")
    )
    await _ask(
        desk,
        mode,
        lambda c: c.conversations.restart(conversation_id="c", from_entry_id="e", inputs="no"),
    )
    counted, estimated = [dict(span.attributes or {}) for span in desk.spans()]
    assert counted[semconv.RESPONSE_ID] != estimated[semconv.RESPONSE_ID]
    assert counted[semconv.USAGE_SOURCE] == "provider"
    assert estimated[semconv.USAGE_SOURCE] == "estimated"


@BOTH
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_responses_of_mistral_are_told(mode: Mode, desk: Desk, *, stream: bool) -> None:
    """In OpenAI's format, each event in an envelope."""
    desk.provider.enqueue(Answer(input_tokens=1000, output_tokens=70, cache_read_tokens=400))
    await _ask(
        desk,
        mode,
        lambda c: c.responses.create(model=MODEL, input="why?", stream=stream),
        stream=stream,
    )
    span, told = _one(desk)
    assert span == f"chat {MODEL}"
    assert told[semconv.USAGE_INPUT_TOKENS] == 1000
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == 400
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 70
    assert semconv.USAGE_PARTIAL not in told


@BOTH
async def test_a_conversation_that_is_made_shorter_is_a_call(mode: Mode, desk: Desk) -> None:
    """OpenAI's compaction, priced by the model that was asked."""
    desk.provider.enqueue(Answer(input_tokens=1000, output_tokens=70, cache_read_tokens=400))
    responses = desk.make(cases_openai.CASES, mode).responses
    call = responses.compact(model="gpt-4o", input="a long story")
    result = await call if mode == "async" else call
    assert type(result).__name__ == "CompactedResponse"
    assert result.__class__.__module__.startswith(openai.__name__)
    span, told = _one(desk)
    assert span == "chat gpt-4o"
    assert told[semconv.RESPONSE_ID] == result.id
    assert told[semconv.USAGE_INPUT_TOKENS] == 1000
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == 400
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 70
