"""The ``pydantic-ai`` framework: agents and the tools they call.

Every way to run an agent goes through ``Agent.iter``, and every tool through the toolset that
holds all the others. The framework can make OpenTelemetry spans of its own
(``Agent.instrument_all()``); its spans of tools are told once then, and its usage, which repeats
that of the model calls below, is never counted by the collector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger._framework import AGENT, TOOL, Framework, Step, Work
from spanledger._patching import Kind, Target

#: What the framework calls an agent that nobody named.
_UNNAMED: Final = "agent"


def _agent(agent: Any, given: Mapping[str, Any]) -> Work:
    conversation = given.get("conversation_id")
    return Work(
        AGENT,
        agent.name or _UNNAMED,
        conversation=conversation if isinstance(conversation, str) else None,
    )


def _tool(_toolset: Any, given: Mapping[str, Any]) -> Work | None:
    if given["tool"].tool_def.kind == "output":
        return None  # how the model gives its answer: nothing is executed for it
    return Work(TOOL, given["name"], id=given["ctx"].tool_call_id, joins=True)


FRAMEWORK: Final = Framework(
    name="pydantic_ai",
    distribution="pydantic-ai-slim",
    minimum="2.0.0",
    steps=(
        Step(Target("pydantic_ai.agent", "Agent.iter", Kind.ASYNC_MANAGER), _agent),
        Step(
            Target("pydantic_ai.toolsets.combined", "CombinedToolset.call_tool", Kind.ASYNC),
            _tool,
            positional=("name", "tool_args", "ctx", "tool"),
        ),
    ),
    control_flow=frozenset(
        {"pydantic_ai.exceptions.CallDeferred", "pydantic_ai.exceptions.ApprovalRequired"}
    ),
    not_told={
        "pydantic_ai.direct": "one model call without an agent; the call is told",
        "pydantic_ai.Agent.realtime": "sessions without turns of their own; no model client",
        "tools that the provider runs": "part of the model call",
    },
    notes=("Inside `async with agent.run_stream()` or `agent.iter()` the block is the agent's.",),
)
