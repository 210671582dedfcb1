"""What only ``pydantic-ai`` has: spans of its own, streams inside a block, tools put together."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from pydantic_ai import Agent, DeferredToolRequests, RunContext
from pydantic_ai.exceptions import CallDeferred
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.toolsets import CombinedToolset, FunctionToolset
from tests.sdk.frameworks.cases_pydantic_ai import CASES, agent, model
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import FINAL, LOOKUP, Tree, attributes, check_all, prompt

import spanledger
from spanledger import semconv
from spanledger_collector.demo.provider import ToolCall


async def test_beside_its_own_spans_nothing_is_told_twice(desk: Desk) -> None:
    """Its agent span is inside ours and the same run; its tool span is the only one."""
    desk.script.turns = CASES.turns
    built = agent(desk.endpoint, "planner", desk.probe).agent
    built.instrument = InstrumentationSettings(
        tracer_provider=desk.tracer_provider, include_content=False
    )
    await built.run(prompt())
    spans = desk.spans()
    tree = Tree(spans)
    outer, inner = tree.named("invoke_agent planner")
    assert tree.parent(inner) is outer
    assert attributes(inner)[semconv.RUN_ID] == attributes(outer)[semconv.RUN_ID]
    [tool] = tree.named("execute_tool ")
    assert tree.parent(tool) is inner
    # What the collector needs to count a call once: both tellers give the same response id.
    calls = tree.named("chat ")
    assert len(calls) == 2 * len(CASES.turns)
    assert len({attributes(call)[semconv.RESPONSE_ID] for call in calls}) == len(CASES.turns)
    told = [name for name in attributes(inner) if name.startswith("gen_ai.usage.")]
    assert told == []


async def test_the_block_of_a_stream_belongs_to_the_agent(desk: Desk) -> None:
    """And what comes after does not."""
    desk.script.turns = CASES.turns
    built = agent(desk.endpoint, "planner", desk.probe).agent
    assert spanledger.current_run_id() is None
    async with built.run_stream(prompt()) as stream:
        run = spanledger.current_run_id()
        text = [piece async for piece in stream.stream_text(delta=True)]
    assert spanledger.current_run_id() is None
    assert "".join(text) == FINAL.text
    spans = desk.spans()
    [root] = Tree(spans).named("invoke_agent ")
    assert attributes(root)[semconv.RUN_ID] == run
    check_all(spans, desk.script)


async def test_an_exception_of_the_block_is_the_agents_error(desk: Desk) -> None:
    """It goes through unchanged."""
    desk.script.turns = CASES.turns
    built = agent(desk.endpoint, "planner", desk.probe).agent
    mine = LookupError()
    with pytest.raises(LookupError) as caught:
        async with built.iter(prompt()):
            raise mine
    assert caught.value is mine
    [root] = Tree(desk.spans()).named("invoke_agent ")
    assert attributes(root)[semconv.ERROR_TYPE] == "LookupError"


async def test_a_tool_that_is_put_together_twice_is_told_once(desk: Desk) -> None:
    """A toolset of toolsets, with a prefix before the name."""
    desk.script.turns = (
        dataclasses.replace(LOOKUP, tool_calls=(ToolCall("words_lookup", {"word": "x"}),)),
        FINAL,
    )
    words: FunctionToolset[Any] = FunctionToolset()

    @words.tool
    def lookup(_ctx: RunContext, word: str) -> str:
        """Looks a word up."""
        return desk.probe(word)

    tools: Any = CombinedToolset([words.prefixed("words")])
    await Agent(model(desk.endpoint), name="planner", toolsets=[tools]).run(prompt())
    [tool] = Tree(desk.spans()).named("execute_tool ")
    assert tool.name == "execute_tool words_lookup"
    assert len(desk.probe.run_ids) == 1


async def test_an_answer_in_a_form_is_no_tool(desk: Desk) -> None:
    """The model calls ``final_result``; nothing is executed."""
    desk.script.turns = (
        dataclasses.replace(FINAL, tool_calls=(ToolCall("final_result", {"response": 3}),)),
    )
    result = await Agent(model(desk.endpoint), name="planner", output_type=int).run(prompt())
    assert result.output == 3
    assert Tree(desk.spans()).named("execute_tool ") == []


async def test_a_tool_that_is_left_for_later_did_not_fail(desk: Desk) -> None:
    """``CallDeferred`` steers; it is no error."""
    desk.script.turns = CASES.turns
    built: Any = Agent(
        model(desk.endpoint), name="planner", output_type=[str, DeferredToolRequests]
    )

    @built.tool_plain
    def lookup(word: str) -> str:
        raise CallDeferred

    result = await built.run(prompt())
    assert type(result.output) is DeferredToolRequests
    [tool] = Tree(desk.spans()).named("execute_tool ")
    assert tool.status.status_code is StatusCode.UNSET


async def test_the_id_of_the_tool_call_and_the_conversation_are_told(desk: Desk) -> None:
    """As the model and the application gave them."""
    asked = ToolCall("lookup", {"word": "x"}, id="call_7")
    desk.script.turns = (dataclasses.replace(LOOKUP, tool_calls=(asked,)), FINAL)
    built: Any = agent(desk.endpoint, "planner", desk.probe).agent
    await built.run(prompt(), conversation_id="talk-7")
    spans = desk.spans()
    [tool] = Tree(spans).named("execute_tool ")
    assert attributes(tool)[semconv.TOOL_CALL_ID] == "call_7"
    assert {attributes(span)[semconv.CONVERSATION_ID] for span in spans} == {"talk-7"}
