"""What only ``google-adk`` has: transfers, agents that order others, graphs, spans of its own."""

# Not installed where pyright runs, but in an environment of its own (tests/environments).
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from typing import Any

import pytest
from google.adk.agents import LlmAgent, LoopAgent, ParallelAgent, SequentialAgent
from google.adk.telemetry import tracing
from tests.sdk.frameworks.cases_google_adk import CASES, agent, asked, model, run
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import FINAL, LOOKUP, Tree, asks, attributes, check_all, prompt

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
    """All of its spans are in our run; each call has one response id, whoever tells it."""
    monkeypatch.setattr(tracing, "tracer", desk.tracer_provider.get_tracer("gcp.vertex.agent"))
    desk.script.turns = CASES.turns
    await run(agent(desk.endpoint, "planner", desk.probe), prompt())
    spans = desk.spans()
    tree = Tree(spans)
    assert len({attributes(span)[semconv.RUN_ID] for span in spans}) == 1
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
