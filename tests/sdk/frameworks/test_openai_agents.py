"""What only ``openai-agents`` has: handoffs, traces around several runs, tools of MCP servers."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import agents
import pytest
from agents import Agent, Runner
from agents.mcp import MCPServerStdio
from agents.tracing import TracingProcessor
from tests.sdk.frameworks.cases_openai_agents import CASES, Built, agent
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import FINAL, LOOKUP, MODEL, Tree, attributes, check_all, prompt

import spanledger
from spanledger import semconv
from spanledger_collector.demo.provider import Answer, ToolCall

_HAND_OVER = dataclasses.replace(FINAL, text="", tool_calls=(ToolCall("transfer_to_helper"),))


async def _run(built: Built, case: int = 0, **options: Any) -> Any:
    return await Runner.run(built.agent, prompt(case), run_config=built.config(**options))


@pytest.mark.parametrize("tracing_disabled", [False, True])
async def test_an_agent_that_is_handed_to_is_a_run_beside(
    desk: Desk, tracing_disabled: bool
) -> None:
    """Two runs in one workflow, so in one trace; neither is inside the other."""
    desk.script.turns = (_HAND_OVER, LOOKUP, FINAL)
    helper = agent(desk.endpoint, "helper", desk.probe).agent
    boss = Built(Agent(name="boss", model=MODEL, handoffs=[helper]), desk.endpoint)
    result = await _run(boss, tracing_disabled=tracing_disabled)
    assert result.last_agent is helper
    spans = desk.spans()
    tree = Tree(spans)
    first, second = tree.named("invoke_agent ")
    assert (first.name, second.name) == ("invoke_agent boss", "invoke_agent helper")
    assert tree.edges() == {
        ("invoke_agent boss", "invoke_workflow Agent workflow"),
        ("invoke_agent helper", "invoke_workflow Agent workflow"),
        ("execute_tool lookup", "invoke_agent helper"),
    }
    assert attributes(first)[semconv.RUN_ID] != attributes(second)[semconv.RUN_ID]
    assert semconv.RUN_PARENT_ID not in attributes(second)
    assert [tree.agent_of(call) for call in tree.named("chat ")] == [first, second, second]
    check_all(spans, desk.script)


async def test_a_trace_around_several_runs_is_one_workflow(desk: Desk) -> None:
    """Its name goes on everything below; its group is the conversation."""
    desk.script.turns = (FINAL,)
    planner = agent(desk.endpoint, "planner", desk.probe)
    with agents.trace("tell a joke", group_id="thread-7"):
        await _run(planner, case=0)
        await _run(planner, case=1)
    spans = desk.spans()
    tree = Tree(spans)
    [workflow] = tree.named("invoke_workflow ")
    assert workflow.name == "invoke_workflow tell a joke"
    assert [tree.parent(run) for run in tree.named("invoke_agent ")] == [workflow, workflow]
    assert {attributes(span)[semconv.WORKFLOW_NAME] for span in spans} == {"tell a joke"}
    assert {attributes(span)[semconv.CONVERSATION_ID] for span in spans} == {"thread-7"}
    check_all(spans, desk.script)


async def test_a_run_without_a_name_belongs_to_the_workflow_around(desk: Desk) -> None:
    """The framework's default name says less than the application's."""
    desk.script.turns = (FINAL,)
    with spanledger.workflow("support"):
        await _run(agent(desk.endpoint, "planner", desk.probe))
    spans = desk.spans()
    assert Tree(spans).named("invoke_workflow ") == []
    assert {attributes(span)[semconv.WORKFLOW_NAME] for span in spans} == {"support"}


async def test_a_run_in_an_except_block_did_not_fail(desk: Desk) -> None:
    """The exception that the application handles there is not the run's."""
    desk.script.turns = (FINAL,)
    try:
        {}["missing"]
    except KeyError:
        await _run(agent(desk.endpoint, "planner", desk.probe))
    spans = desk.spans()
    assert len(spans) == 3
    assert [span.name for span in spans if semconv.ERROR_TYPE in attributes(span)] == []


class _Heard(TracingProcessor):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_trace_start(self, trace: Any) -> None:
        self.heard.append(f"+{trace.name}")

    def on_trace_end(self, trace: Any) -> None:
        self.heard.append(f"-{trace.name}")

    def on_span_start(self, span: Any) -> None:
        self.heard.append(f"+{span.span_data.type}")

    def on_span_end(self, span: Any) -> None:
        self.heard.append(f"-{span.span_data.type}")

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self) -> None:
        """Nothing is held."""


async def test_the_applications_own_processors_hear_what_they_heard(desk: Desk) -> None:
    """Same spans in the same order, with us and without."""
    desk.script.turns = CASES.turns
    heard: list[list[str]] = []
    for case in range(2):
        processor = _Heard()
        agents.set_trace_processors([processor])
        try:
            if case:
                await _run(agent(desk.endpoint, "planner", desk.probe), case)
            else:
                with desk.plain():
                    await _run(agent(desk.endpoint, "planner", desk.probe), case)
        finally:
            agents.set_trace_processors([])
        heard.append(processor.heard)
    assert heard[0] == heard[1]
    assert heard[0][0] == "+Agent workflow"


async def test_a_tool_of_an_mcp_server_is_told_once(desk: Desk) -> None:
    """By the framework, with what the MCP client knows beyond it."""
    add = Answer(text="", tool_calls=(ToolCall("add", {"a": 1, "b": 2}),))
    desk.script.turns = (add, FINAL)
    program: Any = {
        "command": sys.executable,
        "args": ["-m", "tests.support.mcp_tools"],
        "cwd": str(Path(__file__).parents[3]),
    }
    async with MCPServerStdio(program, client_session_timeout_seconds=60) as server:
        built = Agent(name="planner", model=MODEL, mcp_servers=[server])
        await _run(Built(built, desk.endpoint))
    spans = desk.spans()
    [tool] = Tree(spans).named("execute_tool ")
    assert tool.name == "execute_tool add"
    assert attributes(tool)[semconv.MCP_METHOD_NAME] == "tools/call"
    assert (
        attributes(tool)[semconv.RUN_ID]
        == attributes(Tree(spans).named("invoke_agent ")[0])[semconv.RUN_ID]
    )
