"""``langgraph`` under the contract: agents of ``langchain`` on the real ``openai`` client."""

from __future__ import annotations

import importlib
from typing import Any, Final

from langchain_core.tools import BaseTool, StructuredTool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr
from tests.sdk.frameworks.contract import (
    FINAL,
    LOOKUP,
    MODEL,
    PROMPT,
    Endpoint,
    FrameworkCases,
    Probe,
    Way,
    asks,
)

from spanledger.frameworks.langgraph import FRAMEWORK


def _maker_of_agents() -> Any:
    """Of langchain; before its 1.0, of langgraph."""
    try:
        return importlib.import_module("langchain.agents").create_agent
    except (ImportError, AttributeError):
        return _create_react_agent


def _create_react_agent(*parts: Any, name: str, **options: Any) -> Any:
    """In its oldest form, which takes no name."""
    graph = importlib.import_module("langgraph.prebuilt").create_react_agent(*parts, **options)
    graph.name = name
    return graph


create_agent: Final = _maker_of_agents()


def model(endpoint: Endpoint) -> ChatOpenAI:
    """A model of the simulated provider."""
    return ChatOpenAI(
        model=MODEL,
        base_url=endpoint.provider.openai_url,
        api_key=SecretStr("made-up"),
        http_client=endpoint.http,
        http_async_client=endpoint.async_http,
        stream_usage=True,
        max_retries=0,
    )


def lookup(probe: Probe) -> BaseTool:
    """The tool; the function has no asynchronous sister."""

    def look(word: str) -> str:
        return probe(word)

    return StructuredTool.from_function(look, name="lookup", description="Looks a word up.")


def agent(
    endpoint: Endpoint, name: str, probe: Probe, tool: BaseTool | None = None, **options: Any
) -> Any:
    """An agent that calls ``lookup``, or another tool."""
    return create_agent(model(endpoint), [tool or lookup(probe)], name=name, **options)


def asked(prompt: str) -> dict[str, Any]:
    """The state that a run begins with."""
    return {"messages": [("user", prompt)]}


def team(endpoint: Endpoint, probe: Probe) -> Any:
    """An agent that asks another by a tool."""
    helper = agent(endpoint, "helper", probe)

    def ask(task: str) -> str:
        return str(helper.invoke(asked(task))["messages"][-1].content)

    async def ask_async(task: str) -> str:
        return str((await helper.ainvoke(asked(task)))["messages"][-1].content)

    tool = StructuredTool.from_function(ask, ask_async, name="ask_helper", description="Asks.")
    return create_agent(model(endpoint), [tool], name="boss")


CASES = FrameworkCases(
    framework=FRAMEWORK,
    agent=agent,
    ways=(
        Way("invoke", "sync", lambda agent, prompt: agent.invoke(asked(prompt))),
        Way("batch", "sync", lambda agent, prompt: agent.batch([asked(prompt)])),
        Way("ainvoke", "async", lambda agent, prompt: agent.ainvoke(asked(prompt))),
        Way("stream", "stream", lambda agent, prompt: agent.stream(asked(prompt))),
        Way(
            "stream, messages",
            "stream",
            lambda agent, prompt: agent.stream(asked(prompt), stream_mode="messages"),
        ),
        Way("astream", "async stream", lambda agent, prompt: agent.astream(asked(prompt))),
        Way(
            "astream, messages",
            "async stream",
            lambda agent, prompt: agent.astream(asked(prompt), stream_mode="messages"),
        ),
        Way(
            "astream_events",
            "async stream",
            lambda agent, prompt: agent.astream_events(asked(prompt), version="v2"),
            left="CancelledError",  # the graph runs in a task, which is cancelled
        ),
    ),
    turns=(LOOKUP, FINAL),
    team=team,
    team_turns=(asks("ask_helper", task=PROMPT), LOOKUP, FINAL, FINAL),
    team_edges=frozenset(
        {
            ("execute_tool ask_helper", "invoke_agent boss"),
            ("invoke_agent helper", "execute_tool ask_helper"),
            ("execute_tool lookup", "invoke_agent helper"),
        }
    ),
)
