"""``crewai`` under the contract: agents alone and in crews, on the real ``openai`` client."""

# Not installed where pyright runs, but in an environment of its own (tests/environments).
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from crewai import LLM, Agent, Crew, Task
from crewai.tools import BaseTool
from pydantic import PrivateAttr
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

from spanledger.frameworks.crewai import FRAMEWORK


class _Lookup(BaseTool):
    name: str = "lookup"
    description: str = "Looks a word up."
    _probe: Probe = PrivateAttr()

    def __init__(self, probe: Probe) -> None:
        super().__init__()
        self._probe = probe

    def _run(self, word: str) -> str:
        return self._probe(word)


class _Ask(BaseTool):
    name: str = "ask_helper"
    description: str = "Asks."
    _helper: Agent = PrivateAttr()

    def __init__(self, helper: Agent) -> None:
        super().__init__()
        self._helper = helper

    def _run(self, task: str) -> str:
        return str(self._helper.kickoff(task))

    async def _arun(self, task: str) -> str:
        return str(await self._helper.kickoff_async(task))


def model(endpoint: Endpoint) -> LLM:
    """A model of the simulated provider; no connection outlives its answer."""
    return LLM(
        f"openai/{MODEL}",
        base_url=endpoint.provider.openai_url,
        api_key="made-up",
        max_retries=0,
        default_headers={"Connection": "close"},
    )


def agent(endpoint: Endpoint, name: str, probe: Probe) -> Agent:
    """An agent that calls ``lookup``."""
    return built(endpoint, name, _Lookup(probe))


def built(endpoint: Endpoint, name: str, *tools: BaseTool, **options: Any) -> Agent:
    """An agent that tries once."""
    return Agent(
        role=name,
        goal="Help.",
        backstory="",
        llm=model(endpoint),
        tools=list(tools),
        max_retry_limit=0,
        **options,
    )


def team(endpoint: Endpoint, probe: Probe) -> Agent:
    """An agent that asks another by a tool."""
    return built(endpoint, "boss", _Ask(agent(endpoint, "helper", probe)))


def crew(agent: Agent, prompt: str, **options: Any) -> Crew:
    """A crew of one agent and one task."""
    task = Task(description=prompt, expected_output="An answer.", agent=agent)
    return Crew(name="crew", agents=[agent], tasks=[task], **options)


async def streamed(agent: Agent, prompt: str) -> AsyncGenerator[Any]:
    """One run of a crew, piece by piece."""
    pieces = await crew(agent, prompt, stream=True).akickoff()
    try:
        async for piece in pieces:
            yield piece
    finally:
        await pieces.aclose()


_IN_A_CREW = ("invoke_workflow crew",)
CASES = FrameworkCases(
    framework=FRAMEWORK,
    agent=agent,
    ways=(
        Way("Agent.kickoff", "sync", lambda agent, prompt: agent.kickoff(prompt)),
        Way(
            "Agent.kickoff_async",
            "async",
            lambda agent, prompt: agent.kickoff_async(prompt),
        ),
        Way(
            "Crew.kickoff",
            "sync",
            lambda agent, prompt: crew(agent, prompt).kickoff(),
            also=_IN_A_CREW,
        ),
        Way(
            "Crew.akickoff",
            "async",
            lambda agent, prompt: crew(agent, prompt).akickoff(),
            also=_IN_A_CREW,
        ),
        Way(
            "Crew(stream=True).kickoff",
            "stream",
            lambda agent, prompt: crew(agent, prompt, stream=True).kickoff(),
            also=_IN_A_CREW,
        ),
        Way(
            "Crew(stream=True).akickoff",
            "async stream",
            streamed,
            left="CancelledError",
            also=_IN_A_CREW,
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
    holes=(
        Hole(
            "cancellation_ends_every_span",
            "the framework calls the model in a thread, which goes on",
        ),
        Hole(
            "a_decorated_agent_of_the_same_name_is_the_same_run",
            "the crew's workflow stands between",
            modes=("stream", "async stream"),
        ),
    ),
)
