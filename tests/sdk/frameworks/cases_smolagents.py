"""``smolagents`` under the contract: tool-calling agents on the real ``openai`` client."""

from __future__ import annotations

import dataclasses
from typing import Any

from smolagents import OpenAIModel, Tool, ToolCallingAgent
from tests.sdk.frameworks.contract import (
    ANSWER,
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

from spanledger.frameworks.smolagents import FRAMEWORK
from spanledger_collector.demo.provider import ToolCall


class _Lookup(Tool):
    name = "lookup"
    description = "Looks a word up."
    inputs = {"word": {"type": "string", "description": "the word"}}  # noqa: RUF012 -- their form
    output_type = "string"

    def __init__(self, probe: Probe) -> None:
        super().__init__()
        self.probe = probe

    def forward(self, word: str) -> str:
        """What the model asked for."""
        return self.probe(word)


def model(endpoint: Endpoint) -> OpenAIModel:
    """A model of the simulated provider."""
    return OpenAIModel(
        MODEL,
        api_base=endpoint.provider.openai_url,
        api_key="made-up",
        client_kwargs={"http_client": endpoint.http},
    )


def agent(endpoint: Endpoint, name: str, probe: Probe) -> Any:
    """An agent that calls tools."""
    return ToolCallingAgent(
        tools=[_Lookup(probe)], model=model(endpoint), name=name, verbosity_level=0
    )


def team(endpoint: Endpoint, probe: Probe) -> Any:
    """An agent that manages another."""
    helper = agent(endpoint, "helper", probe)
    helper.description = "Helps."
    return ToolCallingAgent(
        tools=[], model=model(endpoint), name="boss", managed_agents=[helper], verbosity_level=0
    )


_HELP = dataclasses.replace(
    FINAL, text="", tool_calls=(ToolCall("helper", {"task": PROMPT, "additional_args": {}}),)
)
_FINAL = asks("final_answer", answer=ANSWER)

CASES = FrameworkCases(
    framework=FRAMEWORK,
    agent=agent,
    ways=(
        Way("run", "sync", lambda agent, prompt: agent.run(prompt)),
        # The generator yields once more when it is closed, which Python refuses.
        Way(
            "run(stream=True)",
            "stream",
            lambda agent, prompt: agent.run(prompt, stream=True),
            left="RuntimeError",
        ),
        Way(
            "run, stream positional",
            "stream",
            lambda agent, prompt: agent.run(prompt, True),
            left="RuntimeError",
        ),
    ),
    turns=(LOOKUP, _FINAL),
    team=team,
    team_turns=(
        _HELP,
        LOOKUP,
        _FINAL,
        _FINAL,
    ),
    team_edges=frozenset(
        {
            ("invoke_agent helper", "invoke_agent boss"),
            ("execute_tool lookup", "invoke_agent helper"),
            ("execute_tool final_answer", "invoke_agent helper"),
            ("execute_tool final_answer", "invoke_agent boss"),
        }
    ),
    also=("execute_tool final_answer",),
    lacks={
        "async": "smolagents has no asynchronous agents",
        "async stream": "smolagents has no asynchronous agents",
    },
)
