"""``llama-index`` under the contract: agents on the real ``openai`` client."""

# Not installed where pyright runs, but in an environment of its own (tests/environments).
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAI
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
from tests.support.contracts import Hole

from spanledger.frameworks.llama_index import FRAMEWORK


def model(endpoint: Endpoint) -> OpenAI:
    """A model of the simulated provider."""
    return OpenAI(
        model=MODEL,
        api_base=endpoint.provider.openai_url,
        api_key="made-up",
        http_client=endpoint.http,
        async_http_client=endpoint.async_http,
        max_retries=0,
        additional_kwargs={"stream_options": {"include_usage": True}},  # else it is estimated
    )


def lookup(probe: Probe) -> FunctionTool:
    """The tool; the function has no asynchronous sister."""

    def look(word: str) -> str:
        return probe(word)

    return FunctionTool.from_defaults(look, name="lookup", description="Looks a word up.")


def agent(endpoint: Endpoint, name: str, probe: Probe, **options: Any) -> FunctionAgent:
    """An agent that calls ``lookup``."""
    return FunctionAgent(
        name=name, description="Helps.", llm=model(endpoint), tools=[lookup(probe)], **options
    )


def team(endpoint: Endpoint, probe: Probe) -> FunctionAgent:
    """An agent that asks another by a tool."""
    helper = agent(endpoint, "helper", probe)

    async def ask_helper(task: str) -> str:
        """Asks."""
        return str(await helper.run(user_msg=task))

    return FunctionAgent(name="boss", llm=model(endpoint), tools=[ask_helper])


async def run(agent: Any, prompt: str) -> Any:
    """One run of an agent or a workflow to its end."""
    return await agent.run(user_msg=prompt)


async def run_whole(agent: FunctionAgent, prompt: str) -> Any:
    """The same; the model does not stream."""
    agent.streaming = False
    agent.llm = agent.llm.model_copy(update={"additional_kwargs": {}})
    return await run(agent, prompt)


async def events(agent: FunctionAgent, prompt: str) -> AsyncGenerator[Any]:
    """One run, event by event; closed early, it is stopped."""
    handler = agent.run(user_msg=prompt)
    try:
        async for event in handler.stream_events():
            yield event
        await handler
    finally:
        await handler.cancel_run()


CASES = FrameworkCases(
    framework=FRAMEWORK,
    agent=agent,
    ways=(
        Way("run", "async", run),
        Way("run, not streaming", "async", run_whole),
        Way("stream_events", "async stream", events, cancelled=""),  # it is stopped as asked
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
    lacks={
        "sync": "llama-index has no synchronous agents",
        "stream": "llama-index has no synchronous agents",
    },
    holes=(
        Hole(
            "cancellation_ends_every_span",
            "the framework lets a cancelled run's step and its call go on",
            modes=("async",),
        ),
    ),
)
