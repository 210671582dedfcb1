"""Graphs that are no agents, handoffs between agents, and interrupts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import InjectedToolCallId, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command, interrupt
from opentelemetry.trace import StatusCode
from tests.sdk.frameworks.cases_langgraph import agent, asked, lookup, model
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

import spanledger
from spanledger import semconv

CHAT = f"chat {MODEL}"


def _all_well(desk: Desk) -> Tree:
    spans = desk.spans()
    assert all(span.status.status_code is StatusCode.UNSET for span in spans)
    check_all(spans, desk.script)
    return Tree(spans)


def _graph(desk: Desk, **nodes: Any) -> Any:
    """A graph that runs these nodes one after the other."""
    graph: Any = StateGraph(MessagesState)
    before = START
    for name, node in nodes.items():
        graph.add_node(name, node)
        graph.add_edge(before, name)
        before = name
    graph.add_edge(before, END)
    return graph


def _asking(desk: Desk) -> Callable[[MessagesState], Any]:
    """A node of plain code that asks the model."""
    chat = model(desk.endpoint)

    def node(state: MessagesState) -> Any:
        return {"messages": [chat.invoke(state["messages"])]}

    return node


def test_a_graph_is_a_workflow_and_its_agents_are_runs(desk: Desk) -> None:
    """Two agents as nodes: two runs under one workflow, whose name is on everything below."""
    desk.script.turns, desk.script.one_run = (LOOKUP, FINAL, FINAL), True
    graph = _graph(
        desk,
        first=agent(desk.endpoint, "searcher", desk.probe),
        second=agent(desk.endpoint, "writer", desk.probe),
    ).compile(name="team")
    graph.invoke(asked(prompt()))
    tree = _all_well(desk)
    assert tree.edges() == {
        ("invoke_agent searcher", "invoke_workflow team"),
        ("invoke_agent writer", "invoke_workflow team"),
        ("execute_tool lookup", "invoke_agent searcher"),
    }
    assert {attributes(span)[semconv.WORKFLOW_NAME] for span in tree.spans} == {"team"}
    assert len({attributes(span)[semconv.RUN_ID] for span in tree.named("chat ")}) == 2


async def test_a_graph_without_a_name_is_a_step_inside_another(desk: Desk) -> None:
    """Alone it is a workflow; inside a named one, or a decorated agent, its calls are theirs."""
    desk.script.turns = (FINAL,)
    graph = _graph(desk, ask=_asking(desk)).compile()
    await graph.ainvoke(asked(prompt(0)))
    await graph.ainvoke(asked(prompt(1)), {"run_name": "nightly"})
    with spanledger.agent("planner"):
        await graph.ainvoke(asked(prompt(2)))
    tree = _all_well(desk)
    found = [(call.name, tree.parent(call)) for call in tree.named("chat ")]
    assert [parent and parent.name for _, parent in found] == [
        "invoke_workflow LangGraph",
        "invoke_workflow nightly",
        None,  # the decorator's spans go to the application's provider
    ]


def test_a_graph_with_a_node_for_tools_is_an_agent(desk: Desk) -> None:
    """The loop that people write by hand: model, tools, model."""
    desk.script.turns = (LOOKUP, FINAL)
    tools = [lookup(desk.probe)]
    chat = model(desk.endpoint).bind_tools(tools)

    def ask(state: MessagesState) -> Any:
        return {"messages": [chat.invoke(state["messages"])]}

    graph: Any = StateGraph(MessagesState)
    graph.add_node("model", ask)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition)
    graph.add_edge("tools", "model")
    graph.compile(name="by hand").invoke(asked(prompt()))
    tree = _all_well(desk)
    [root] = tree.named("invoke_")
    assert root.name == "invoke_agent by hand"
    [tool] = tree.named("execute_tool ")
    assert attributes(tool)[semconv.TOOL_CALL_ID].startswith("call_")


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_handoff_is_no_error(desk: Desk, way: str) -> None:
    """An agent's tool sends the graph around on to another agent."""

    def transfer(call_id: Annotated[str, InjectedToolCallId]) -> Command[str]:
        told = ToolMessage("moved", tool_call_id=call_id)
        return Command(goto="writer", graph=Command.PARENT, update={"messages": [told]})

    handoff = StructuredTool.from_function(transfer, name="to_writer", description="Hands over.")
    first = agent(desk.endpoint, "searcher", desk.probe, handoff)
    second = agent(desk.endpoint, "writer", desk.probe)
    graph: Any = StateGraph(MessagesState)
    graph.add_node("searcher", first, destinations=("writer",))
    graph.add_node("writer", second)
    graph.add_edge(START, "searcher")
    desk.script.turns, desk.script.one_run = (asks("to_writer"), LOOKUP, FINAL), True
    compiled = graph.compile(name="team")
    if way == "sync":
        await asyncio.to_thread(compiled.invoke, asked(prompt()))
    else:
        await compiled.ainvoke(asked(prompt()))
    assert _all_well(desk).edges() == {
        ("invoke_agent searcher", "invoke_workflow team"),
        ("execute_tool to_writer", "invoke_agent searcher"),
        ("invoke_agent writer", "invoke_workflow team"),
        ("execute_tool lookup", "invoke_agent writer"),
    }


def test_an_interrupt_is_no_error_and_the_thread_is_the_conversation(desk: Desk) -> None:
    """A tool asks a human; the resumed execution is another run of the same conversation."""

    def approve(word: str) -> str:
        return f"{interrupt(word)} {desk.probe(word)}"

    tool = StructuredTool.from_function(approve, name="lookup", description="Asks a human.")
    desk.script.turns = (LOOKUP, FINAL)
    asking = agent(desk.endpoint, "planner", desk.probe, tool, checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": 17}}
    stopped = asking.invoke(asked(prompt()), config)
    assert "__interrupt__" in stopped
    asking.invoke(Command(resume="yes"), config)
    tree = _all_well(desk)
    assert len(tree.named("invoke_agent planner")) == 2
    assert {attributes(span)[semconv.CONVERSATION_ID] for span in tree.spans} == {"17"}


def test_a_conversation_that_the_application_named_stays(desk: Desk) -> None:
    desk.script.turns = (FINAL,)
    with spanledger.context(conversation="mine"):
        agent(desk.endpoint, "planner", desk.probe).invoke(
            asked(prompt()), {"configurable": {"thread_id": "theirs"}}
        )
    assert {attributes(s)[semconv.CONVERSATION_ID] for s in desk.spans()} == {"mine"}
