"""``openai-agents`` under the contract: on the real ``openai`` client, its tracing on and off."""

from __future__ import annotations

import dataclasses
from typing import Any

import agents
import openai
from agents import Agent, ModelSettings, OpenAIProvider, RunConfig, Runner, function_tool
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
from tests.support.contracts import OLDEST

from spanledger.frameworks.openai_agents import FRAMEWORK
from spanledger_collector.demo.provider import ToolCall

agents.set_trace_processors([])  # theirs sends to OpenAI


@dataclasses.dataclass(frozen=True)
class Built:
    """An agent and where its model is, which is told to each run."""

    agent: Any
    endpoint: Endpoint
    runs: list[Any] = dataclasses.field(default_factory=list[Any])

    def config(self, http: Any = None, **options: Any) -> RunConfig:
        """The settings of one run."""
        client = openai.AsyncOpenAI(
            base_url=self.endpoint.provider.openai_url,
            api_key="made-up",
            http_client=http or self.endpoint.async_http,
            max_retries=0,
        )
        provider = OpenAIProvider(openai_client=client, use_responses=False)
        told = ModelSettings(include_usage=True)  # by a stream; else it is estimated
        return RunConfig(model_provider=provider, model_settings=told, **options)


def agent(endpoint: Endpoint, name: str, probe: Probe) -> Built:
    """An agent with a function tool."""

    @function_tool
    def lookup(word: str) -> str:
        """Looks a word up."""
        return probe(word)

    return Built(Agent(name=name, model=MODEL, tools=[lookup]), endpoint)


def team(endpoint: Endpoint, probe: Probe) -> Built:
    """An agent that uses another as a tool."""
    helper = agent(endpoint, "helper", probe).agent
    tool = helper.as_tool(tool_name="ask_helper", tool_description="Helps.")
    return Built(Agent(name="boss", model=MODEL, tools=[tool]), endpoint)


async def _run(built: Built, prompt: str) -> Any:
    return await Runner.run(built.agent, prompt, run_config=built.config())


async def _run_untraced(built: Built, prompt: str) -> Any:
    return await Runner.run(built.agent, prompt, run_config=built.config(tracing_disabled=True))


def _run_sync(built: Built, prompt: str) -> Any:
    with own_loop() as http:
        return Runner.run_sync(built.agent, prompt, run_config=built.config(http))


def _stream(built: Built, prompt: str) -> Any:
    run = Runner.run_streamed(built.agent, prompt, run_config=built.config())
    if OLDEST:  # held, so that when it is collected does not decide how it ends
        built.runs.append(run)
    return run.stream_events()


_ASK = dataclasses.replace(FINAL, text="", tool_calls=(ToolCall("ask_helper", {"input": PROMPT}),))

CASES = FrameworkCases(
    framework=FRAMEWORK,
    agent=agent,
    ways=(
        Way("run", "async", _run),
        Way("run untraced", "async", _run_untraced),
        Way("run_sync", "sync", _run_sync),
        Way("run_streamed", "async stream", _stream, lazy=False),
    ),
    turns=(LOOKUP, FINAL),
    team=team,
    team_turns=(_ASK, LOOKUP, FINAL, FINAL),
    team_edges=frozenset(
        {
            ("invoke_agent boss", "invoke_workflow Agent workflow"),
            ("execute_tool ask_helper", "invoke_agent boss"),
            ("invoke_agent helper", "execute_tool ask_helper"),
            ("execute_tool lookup", "invoke_agent helper"),
        }
    ),
    tool_error="tool_error",
    also=("invoke_workflow Agent workflow",),
    lacks={"stream": "run_streamed has no synchronous twin"},
)
