"""The ``pydantic-ai`` framework: agents and the tools they call.

Every way to run an agent goes through ``Agent.iter``, and every tool through the toolset that
holds all the others. The framework can make OpenTelemetry spans of its own
(``Agent.instrument_all()``); its spans of tools are told once then, and its usage, which repeats
that of the model calls below, is never counted by the collector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger._calls.answer import Answer, Usage, count, fields_of, text
from spanledger._frameworks.framework import AGENT, TOOL, Framework, Step, Work
from spanledger._frameworks.model_calls import ModelCall, Models, Question, given, limit_of
from spanledger._patches.patching import Kind, Target

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


def _asks(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Question:
    tools: Any = getattr(given(args, kwargs, "model_request_parameters", 2), "function_tools", None)
    sent = [
        [getattr(part, "content", None) or getattr(part, "args", None) for part in one.parts]
        for one in given(args, kwargs, "messages")
    ]
    schemas = [(one.name, one.description, one.parameters_json_schema) for one in tools or ()]
    limit = limit_of(given(args, kwargs, "model_settings", 1), getattr(model, "settings", None))
    return Question(text(model.system), text(model.model_name), [sent, schemas], limit)


def _call(model: Any, made: list[Any]) -> ModelCall | None:
    """A call whose answer is a response, or a stream that knows what came so far."""
    response: Any = made[-1] if made else None
    if hasattr(response, "get"):
        response = response.get()
    used: Any = getattr(response, "usage", None)
    provider = text(getattr(response, "provider_name", None)) or text(model.system)
    if used is None or provider in _MADE_UP:
        return None
    answer = Answer(
        response_id=text(getattr(response, "provider_response_id", None)),
        model=text(response.model_name),
        finish_reasons=tuple(filter(None, (text(getattr(response, "finish_reason", None)),))),
        usage=Usage(
            input_tokens=count(used.input_tokens),
            output_tokens=count(used.output_tokens),
            cache_read_tokens=count(used.cache_read_tokens),
            cache_write_5m_tokens=count(used.cache_write_tokens),
            reasoning_tokens=count(fields_of(used.details).get("reasoning_tokens")),
        ),
    )
    return ModelCall(provider, text(model.model_name), answer)


#: Models that answer by themselves, for tests, and make their counts up.
_MADE_UP: Final = frozenset({"test", "function"})

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
    models=(
        Models(
            module="pydantic_ai.models",
            name="Model",
            methods={"request": Kind.ASYNC, "request_stream": Kind.ASYNC_MANAGER},
            asks=_asks,
            read=_call,
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
