"""What only interactions of Google's client do: searches, agents, parameters in an object."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sdk.instrumentors.cases_google_genai import ASKED_STEPS, FLAVOURS, MODEL
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import Mode
from tests.support.wires.google_wire import TOOL_USE_TOKENS

from spanledger import semconv
from spanledger_collector.demo.provider import Answer

[CASES] = FLAVOURS
SEARCHED = Answer(input_tokens=1000, output_tokens=70, reasoning_tokens=20, web_search_requests=2)


async def _told(desk: Desk, mode: Mode, **asked: Any) -> tuple[str, dict[str, Any]]:
    call = desk.make(CASES, mode).interactions.create(**asked)
    if mode == "async":
        await call
    [span] = desk.spans()
    return span.name, dict(span.attributes or {})


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_searches_and_what_they_found_are_told(mode: Mode, desk: Desk) -> None:
    """What tools read is input."""
    desk.provider.enqueue(SEARCHED)
    _, told = await _told(desk, mode, **ASKED_STEPS, tools=[{"type": "google_search"}])
    assert told[semconv.USAGE_UNITS_PREFIX + semconv.UNIT_WEB_SEARCHES] == 2
    assert told[semconv.USAGE_INPUT_TOKENS] == 1000 > TOOL_USE_TOKENS
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 70


async def test_parameters_in_one_object_are_read(desk: Desk) -> None:
    """And so is an agent, which stands for a model."""
    name, _ = await _told(desk, "sync", request={"body": {**ASKED_STEPS}})
    assert name == f"generate_content {MODEL}"


async def test_an_agent_is_named(desk: Desk) -> None:
    """Where no model is asked for."""
    name, _ = await _told(desk, "sync", agent="deep-research", input="why?")
    assert name == "generate_content deep-research"
