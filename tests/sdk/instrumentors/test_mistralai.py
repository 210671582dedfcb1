"""What only the ``mistralai`` client does: agents, counts that read as 0, and spans of its own."""

from __future__ import annotations

from typing import Any

import pytest
from mistralai.extra.observability import set_tracer_provider
from opentelemetry.sdk.trace import TracerProvider
from tests.sdk.instrumentors.cases_mistralai import ASKED, CASES
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import read

from spanledger import semconv
from spanledger_collector.demo.provider import Answer

AGENT: dict[str, Any] = {"agent_id": "ag_1", "messages": ASKED["messages"]}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_an_agents_completion_is_a_call_of_the_model_that_answered(
    desk: Desk, *, streamed: bool
) -> None:
    """No model is asked for; the answer names it."""
    desk.provider.enqueue(Answer(input_tokens=90, output_tokens=7))
    agents = desk.make(CASES, "sync").agents
    if streamed:
        await read(agents.stream(**AGENT), "sync")
    else:
        agents.complete(**AGENT)
    [span] = desk.spans()
    attributes: dict[str, Any] = dict(span.attributes or {})
    assert span.name == "chat"
    assert attributes[semconv.RESPONSE_MODEL] == "simulated-agent-model"
    assert attributes[semconv.USAGE_INPUT_TOKENS] == 90
    assert attributes[semconv.USAGE_OUTPUT_TOKENS] == 7


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_counts_that_were_not_sent_are_estimated(desk: Desk, *, streamed: bool) -> None:
    """The client reads a missing count as 0; that is nobody's bill."""
    desk.provider.enqueue(Answer(usage=False))
    chat = desk.make(CASES, "sync").chat
    if streamed:
        await read(chat.stream(**ASKED), "sync")
    else:
        chat.complete(**ASKED)
    [span] = desk.spans()
    attributes: dict[str, Any] = dict(span.attributes or {})
    assert attributes[semconv.USAGE_SOURCE] == "estimated"
    assert attributes[semconv.USAGE_INPUT_TOKENS] > 0
    assert attributes[semconv.USAGE_OUTPUT_TOKENS] > 0


async def test_the_tier_that_answered_is_told(desk: Desk) -> None:
    """Mistral tells it inside the usage."""
    desk.provider.enqueue(Answer(service_tier="priority"), Answer(service_tier="priority"))
    chat = desk.make(CASES, "sync").chat
    chat.complete(**ASKED, service_tier="auto")
    await read(chat.stream(**ASKED), "sync")
    tiers = [
        dict(span.attributes or {})[semconv.OPENAI_RESPONSE_SERVICE_TIER] for span in desk.spans()
    ]
    assert tiers == ["priority", "priority"]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_the_clients_own_span_lies_below_ours_with_the_same_id(
    desk: Desk, tracer_provider: TracerProvider, *, streamed: bool
) -> None:
    """Two tellers, one call: the collector counts one span of each response id."""
    client = desk.make(CASES, "sync")
    set_tracer_provider(client.mistral, tracer_provider)
    desk.provider.enqueue(Answer(input_tokens=90, output_tokens=7))
    if streamed:
        await read(client.chat.stream(**ASKED), "sync")
    else:
        client.chat.complete(**ASKED)
    told = {
        str(span.instrumentation_scope and span.instrumentation_scope.name): span
        for span in desk.spans()
    }
    ours, theirs = told["spanledger.mistralai"], told["mistralai_sdk_tracer"]
    assert ours.context
    assert theirs.parent
    assert theirs.parent.span_id == ours.context.span_id
    for name in (semconv.RESPONSE_ID, semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS):
        assert (ours.attributes or {})[name] == (theirs.attributes or {})[name]
    assert len(told) == 2
