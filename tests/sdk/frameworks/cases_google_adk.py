"""``google-adk`` under the contract: on the real ``google-genai`` client."""

# Not installed where pyright runs, but in an environment of its own (tests/environments).
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any

import httpx
from google.adk.agents import BaseAgent, LlmAgent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.models import Gemini
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools.agent_tool import AgentTool
from google.genai import Client, types
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
from tests.support.wires import google_wire

from spanledger.frameworks.google_adk import FRAMEWORK

#: No connection outlives its answer, so event loops may come and go.
_NO_POOL = httpx.Limits(max_keepalive_connections=0)


def model(endpoint: Endpoint) -> Gemini:
    """A model of the simulated provider."""
    options: Any = {
        "base_url": endpoint.provider.url,
        "api_version": google_wire.API_VERSION,
        "httpx_client": endpoint.http,
        "httpx_async_client": httpx.AsyncClient(verify=False, limits=_NO_POOL),  # noqa: S501 - plain HTTP
    }
    return Gemini(model=MODEL, client=Client(api_key="made-up", http_options=options))


def agent(endpoint: Endpoint, name: str, probe: Probe, **options: Any) -> LlmAgent:
    """An agent with a function tool."""

    def lookup(word: str) -> str:
        """Looks a word up."""
        return probe(word)

    return LlmAgent(name=name, model=model(endpoint), tools=[lookup], **options)


def team(endpoint: Endpoint, probe: Probe) -> LlmAgent:
    """An agent that uses another as a tool."""
    helper = AgentTool(agent(endpoint, "helper", probe), include_plugins=False)
    return LlmAgent(name="boss", model=model(endpoint), tools=[helper])


def asked(agent: BaseAgent, prompt: str, **options: Any) -> tuple[Runner, dict[str, Any]]:
    """What runs the agent, and what the user says."""
    runner = Runner(
        app_name="app",
        agent=agent,
        session_service=InMemorySessionService(),
        auto_create_session=True,
    )
    said = types.Content(role="user", parts=[types.Part(text=prompt)])
    return runner, {"user_id": "user", "session_id": "talk-7", "new_message": said, **options}


def events(agent: LlmAgent, prompt: str, **options: Any) -> AsyncGenerator[Any]:
    """One run, event by event."""
    runner, said = asked(agent, prompt, **options)
    return runner.run_async(**said)


def streamed(agent: LlmAgent, prompt: str) -> AsyncGenerator[Any]:
    """The same, with the model's answers piece by piece."""
    return events(agent, prompt, run_config=RunConfig(streaming_mode=StreamingMode.SSE))


async def run(agent: LlmAgent, prompt: str) -> Any:
    """One run to its end."""
    return [event async for event in events(agent, prompt)][-1]


def blocking(agent: LlmAgent, prompt: str) -> Generator[Any]:
    """One run in a thread of the framework."""
    runner, said = asked(agent, prompt)
    return runner.run(**said)


#: The run is a task of its own, which is cancelled where it is.
_CUT = ("", "CancelledError")

CASES = FrameworkCases(
    framework=FRAMEWORK,
    agent=agent,
    ways=(
        Way("run_async", "async", run),
        Way("run_async, events", "async stream", events),
        Way("run_async, streaming", "async stream", streamed, left=_CUT),
        Way("run", "stream", blocking, left=_CUT),
    ),
    turns=(LOOKUP, FINAL),
    team=team,
    team_turns=(asks("helper", request=PROMPT), LOOKUP, FINAL, FINAL),
    team_edges=frozenset(
        {
            ("execute_tool helper", "invoke_agent boss"),
            ("invoke_agent helper", "execute_tool helper"),
            ("execute_tool lookup", "invoke_agent helper"),
        }
    ),
    lacks={"sync": "google-adk has no runs that return their result"},
)
