"""What only ``google-adk`` has: transfers, agents that order others, graphs, spans of its own."""

# Not installed where pyright runs, but in an environment of its own (tests/environments).
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from google.adk.agents import LlmAgent, LoopAgent, ParallelAgent, SequentialAgent
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.models.apigee_llm import ApigeeLlm
from google.adk.telemetry import node_tracing, tracing
from google.genai import types
from tests.sdk.frameworks.cases_google_adk import CASES, agent, asked, model, run, streamed
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import (
    FINAL,
    LOOKUP,
    MODEL,
    Tree,
    asks,
    attributes,
    check_all,
    prompt,
)
from tests.sdk.frameworks.transport import CACHED, ask, check_budget, check_told, said

from spanledger import semconv

_HAND_OVER = asks("transfer_to_agent", agent_name="helper")


async def test_an_agent_that_is_transferred_to_is_a_run(desk: Desk) -> None:
    """With its own calls and tools; it tells the run that transferred."""
    desk.script.turns, desk.script.one_run = (_HAND_OVER, LOOKUP, FINAL), True
    helper = agent(desk.endpoint, "helper", desk.probe)
    await run(LlmAgent(name="boss", model=model(desk.endpoint), sub_agents=[helper]), prompt())
    spans = desk.spans()
    tree = Tree(spans)
    [boss] = tree.named("invoke_agent boss")
    [own] = tree.named("invoke_agent helper")
    assert [tree.agent_of(call) for call in tree.calls()] == [boss, own, own]
    assert desk.probe.run_ids == [attributes(own)[semconv.RUN_ID]]
    check_all(spans, desk.script)


@pytest.mark.parametrize("kind", [SequentialAgent, ParallelAgent, LoopAgent])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_an_agent_that_only_orders_others_is_a_workflow(desk: Desk, kind: Any) -> None:
    """And the agents inside are runs of it."""
    desk.script.turns = (FINAL,)
    options = {"max_iterations": 1} if kind is LoopAgent else {}
    agents = [agent(desk.endpoint, name, desk.probe) for name in ("first", "second")]
    await run(kind(name="both", sub_agents=agents, **options), prompt())
    spans = desk.spans()
    assert Tree(spans).edges() == {
        ("invoke_agent first", "invoke_workflow both"),
        ("invoke_agent second", "invoke_workflow both"),
    }
    assert len(Tree(spans).calls()) == 2
    check_all(spans, desk.script)


async def test_a_graph_of_nodes_is_a_workflow(desk: Desk) -> None:
    """Its agents are runs of it."""
    from google.adk.workflow import START, Workflow

    desk.script.turns = CASES.turns
    planner = agent(desk.endpoint, "planner", desk.probe)
    graph = Workflow(name="graph", edges=[(START, planner)])
    await run(graph, prompt())
    spans = desk.spans()
    assert Tree(spans).edges() == {
        ("invoke_agent planner", "invoke_workflow graph"),
        ("execute_tool lookup", "invoke_agent planner"),
    }
    check_all(spans, desk.script)


async def test_the_session_and_the_id_of_the_tool_call_are_told(desk: Desk) -> None:
    """The session is the conversation."""
    desk.script.turns = CASES.turns
    runner, said = asked(agent(desk.endpoint, "planner", desk.probe), prompt())
    events = [event async for event in runner.run_async(**said)]
    calls = [call.id for event in events for call in event.get_function_calls()]
    spans = desk.spans()
    [tool] = Tree(spans).named("execute_tool ")
    assert [attributes(tool)[semconv.TOOL_CALL_ID]] == calls
    assert {attributes(span)[semconv.CONVERSATION_ID] for span in spans} == {"talk-7"}


async def test_beside_its_own_spans_nothing_is_counted_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its spans are in our run, but for those around it; each call has one response id."""
    theirs_tracer = desk.tracer_provider.get_tracer("gcp.vertex.agent")
    for module in (tracing, node_tracing):
        monkeypatch.setattr(module, "tracer", theirs_tracer)
    desk.script.turns = CASES.turns
    await run(agent(desk.endpoint, "planner", desk.probe), prompt())
    spans = desk.spans()
    tree = Tree(spans)
    around = [span for span in spans if tree.agent_of(span) is None]  # of the runner
    told = {name for span in around for name in attributes(span)}
    assert told.isdisjoint({semconv.RUN_ID, semconv.USAGE_INPUT_TOKENS})
    inside = [span for span in spans if span not in around]
    assert len({attributes(span)[semconv.RUN_ID] for span in inside}) == 1
    outer, inner = tree.named("invoke_agent planner")
    assert tree.parent(inner) is outer
    assert len(tree.named("execute_tool ")) == 1
    # What the collector needs to count a call once: theirs is around ours and tells the same.
    theirs = [span for span in tree.calls() if semconv.RESPONSE_ID not in attributes(span)]
    ours = [span for span in tree.calls() if span not in theirs]
    assert len(ours) == len(CASES.turns)
    assert [tree.parent(span) for span in ours] == theirs
    for name in (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS, semconv.REQUEST_MODEL):
        assert [attributes(one)[name] for one in ours] == [attributes(one)[name] for one in theirs]


class Own(BaseLlm):
    """A model with a transport of its own; its counts are put into Google's fields."""

    url: str

    async def generate_content_async(
        self, llm_request: Any, stream: bool = False
    ) -> AsyncGenerator[LlmResponse]:
        """Ask, and answer in two pieces where it streams."""
        text = llm_request.contents[-1].parts[0].text
        told = await asyncio.to_thread(ask, self.url, said(text))
        used = told["usage"]
        content = types.Content(role="model", parts=[types.Part(text=CACHED.text)])
        if stream:
            yield LlmResponse(content=content, partial=True)
        yield LlmResponse(
            content=content,
            partial=False,
            model_version=told["model"],
            finish_reason=types.FinishReason.STOP,
            usage_metadata=types.GenerateContentResponseUsageMetadata(
                prompt_token_count=used["prompt_tokens"],
                cached_content_token_count=used["prompt_tokens_details"]["cached_tokens"],
                candidates_token_count=used["completion_tokens"] - 20,
                thoughts_token_count=20,
                total_token_count=used["total_tokens"],
            ),
        )


@pytest.mark.parametrize("streams", [False, True])
async def test_a_model_past_our_clients_is_told_by_the_framework(
    desk: Desk, *, streams: bool
) -> None:
    """One of the application's own, whole and streamed: thoughts beside the candidates."""
    desk.script.turns = (CACHED,)
    planner = LlmAgent(name="planner", model=Own(model=MODEL, url=desk.provider.url))
    if streams:
        assert len([event async for event in streamed(planner, prompt())]) == 2
    else:
        await run(planner, prompt())
    spans = desk.spans()
    tree = Tree(spans)
    [call] = tree.calls()
    told = check_told(call)
    assert tree.agent_of(call) is tree.named("invoke_agent planner")[0]
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == CACHED.cache_read_tokens
    assert told[semconv.USAGE_REASONING_OUTPUT_TOKENS] == 20
    assert told[semconv.RESPONSE_FINISH_REASONS] == ("stop",)
    assert (semconv.RESPONSE_TIME_TO_FIRST_CHUNK in told) == streams
    check_all(spans, desk.script)


async def test_a_gateway_is_told_by_the_framework(desk: Desk) -> None:
    """Apigee's chat completions go over HTTP, with no client."""
    desk.script.turns = (CACHED,)
    gateway = ApigeeLlm(
        model=f"apigee/openai/v1/{MODEL}",
        proxy_url=f"{desk.provider.url}/v1",
        api_type="chat_completions",
    )
    content = types.Content(role="user", parts=[types.Part(text=prompt())])
    asking = LlmRequest(model=gateway.model, contents=[content])
    assert [one async for one in gateway.generate_content_async(asking)]
    spans = desk.spans()
    [call] = Tree(spans).calls()
    assert check_told(call)[semconv.PROVIDER_NAME] == "openai"
    check_all(spans, desk.script)


async def test_a_budget_holds_for_a_model_past_our_clients(desk: Desk) -> None:
    """The error comes out of the agent's run."""
    planner = LlmAgent(name="planner", model=Own(model=MODEL, url=desk.provider.url))
    await check_budget(desk, lambda: run(planner, prompt()))
