"""``pydantic-ai`` under the contract: on the real ``openai`` client."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator
from typing import Any, cast

import openai
from pydantic_ai import Agent, RunContext
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from tests.sdk.frameworks.contract import (
    FINAL,
    LOOKUP,
    MODEL,
    PROMPT,
    Endpoint,
    FrameworkCases,
    Probe,
    Way,
)
from tests.sdk.frameworks.loops import own_loop

from spanledger.frameworks.pydantic_ai import FRAMEWORK
from spanledger_collector.demo.provider import ToolCall


def model(endpoint: Endpoint, http: Any = None) -> OpenAIChatModel:
    """A model of the simulated provider."""
    client = openai.AsyncOpenAI(
        base_url=endpoint.provider.openai_url,
        api_key="made-up",
        http_client=http or endpoint.async_http,
        max_retries=0,
    )
    return OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=client))


@dataclasses.dataclass(frozen=True)
class Built:
    """An agent and where its model is."""

    agent: Agent
    endpoint: Endpoint


def agent(endpoint: Endpoint, name: str, probe: Probe) -> Built:
    """An agent with a tool."""
    built = Agent(model(endpoint), name=name)

    @built.tool_plain
    def lookup(word: str) -> str:
        """Looks a word up."""
        return probe(word)

    return Built(built, endpoint)


def team(endpoint: Endpoint, probe: Probe) -> Built:
    """An agent with a tool that asks another agent."""
    helper = agent(endpoint, "helper", probe).agent
    boss = Agent(model(endpoint), name="boss")

    @boss.tool
    async def ask_helper(ctx: RunContext, question: str) -> str:
        """Helps, on the same connections."""
        return (await helper.run(question, model=cast("Model", ctx.model))).output

    return Built(boss, endpoint)


async def _run(built: Built, prompt: str) -> Any:
    return await built.agent.run(prompt)


def _run_sync(built: Built, prompt: str) -> Any:
    with own_loop() as http:
        return built.agent.run_sync(prompt, model=model(built.endpoint, http))


async def _iter(built: Built, prompt: str) -> Any:
    async with built.agent.iter(prompt) as run:
        async for _ in run:
            pass
    return run.result


async def _stream(built: Built, prompt: str) -> AsyncGenerator[Any]:
    async with built.agent.run_stream_events(prompt) as events:
        async for event in events:
            yield event


_ASK = dataclasses.replace(
    FINAL, text="", tool_calls=(ToolCall("ask_helper", {"question": PROMPT}),)
)

CASES = FrameworkCases(
    framework=FRAMEWORK,
    agent=agent,
    ways=(
        Way("run", "async", _run),
        Way("iter", "async", _iter),
        Way("run_sync", "sync", _run_sync),
        # Left early, the run's task is cancelled.
        Way("run_stream_events", "async stream", _stream, left="CancelledError"),
    ),
    turns=(LOOKUP, FINAL),
    team=team,
    team_turns=(_ASK, LOOKUP, FINAL, FINAL),
    team_edges=frozenset(
        {
            ("execute_tool ask_helper", "invoke_agent boss"),
            ("invoke_agent helper", "execute_tool ask_helper"),
            ("execute_tool lookup", "invoke_agent helper"),
        }
    ),
    lacks={"stream": "run_stream_sync is a manager, read inside its block"},
)
