"""The ``google-adk`` framework: agents, agents they transfer to or use as tools, and tools.

Every way to run an agent goes through ``BaseAgent.run_async``. Agents that only order others
(sequential, parallel, loop) are workflows, as graphs of nodes are. The framework makes
OpenTelemetry spans of its own for the same agents, tools and model calls, where the application
has a provider; they lie inside ours and in the same run, and the usage on them, which repeats that
of the model calls below, is counted once by the collector.

A model of ``BaseLlm`` that asks no client of ours (a gateway over HTTP, one of your own) says what
it used in Google's words, whoever it asked; of a stream the last response has the whole of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from spanledger._calls.answer import Answer, text
from spanledger._formats.google_usage import usage_of
from spanledger._frameworks.framework import AGENT, TOOL, WORKFLOW, Framework, Step, Work
from spanledger._frameworks.model_calls import ModelCall, Models, Question, given, limit_of
from spanledger._patches.patching import Kind, Target

#: Classes of agents without a model of their own.
_ORDERING: Final = frozenset({"SequentialAgent", "ParallelAgent", "LoopAgent"})
#: The class of a graph of nodes.
_GRAPH: Final = "Workflow"


def _classes(instance: Any) -> set[str]:
    return {kind.__name__ for kind in type(instance).__mro__}


def _agent(agent: Any, given: Mapping[str, Any]) -> Work:
    kind = WORKFLOW if _ORDERING & _classes(agent) else AGENT
    return Work(kind, agent.name, conversation=given["parent_context"].session.id)


def _graph(runner: Any, given: Mapping[str, Any]) -> Work | None:
    """One run of a graph of nodes; an agent that is run tells itself.

    Told where it is started: the framework hands the context on to the nodes by itself.
    """
    root = runner.agent
    if _GRAPH not in _classes(root):
        return None
    return Work(WORKFLOW, root.name, conversation=given.get("session_id"))


def _tool(tool: Any, given: Mapping[str, Any]) -> Work:
    return Work(TOOL, tool.name, id=given["tool_context"].function_call_id, joins=True)


def _run_async(module: str, owner: str, *, optional: bool = False) -> Step:
    target = Target(f"google.adk.tools.{module}", f"{owner}.run_async", Kind.ASYNC, optional)
    return Step(target, _tool)


def _asks(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Question:
    request: Any = given(args, kwargs, "llm_request")
    config = request.config
    sent = [request.contents, config.system_instruction, config.tools]
    return Question(*_asked(model.model), sent, limit_of(config))


def _call(model: Any, made: list[Any]) -> ModelCall | None:
    last: Any = made[-1] if made else None
    if last is None or last.usage_metadata is None:
        return None
    provider, asked = _asked(model.model)
    reason = text(getattr(last.finish_reason, "value", last.finish_reason))
    answer = Answer(
        response_id=text(last.interaction_id),
        model=text(last.model_version),
        finish_reasons=(reason.lower(),) if reason else (),
        usage=usage_of(last.usage_metadata),
    )
    return ModelCall(provider, asked, answer)


def _asked(name: str) -> tuple[str, str]:
    """Provider and model. Apigee's names: ``apigee/[<provider>/][<version>/]<model>``."""
    before, found, rest = name.partition(_APIGEE)
    if before or not found:
        return "", name
    *where, model = rest.split("/")
    named = [word for word in where if not _VERSION.fullmatch(word)]
    return (named[0] if named else ""), model


def _has_usage(response: Any) -> bool:
    return response.usage_metadata is not None


def _streams(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    return bool(given(args, kwargs, "stream", 1))


_APIGEE: Final = "apigee/"
_VERSION: Final = re.compile(r"v\d\w*")

FRAMEWORK: Final = Framework(
    name="google_adk",
    distribution="google-adk",
    minimum="2.10.0",
    steps=(
        Step(
            Target("google.adk.agents.base_agent", "BaseAgent.run_async", Kind.ASYNC_GENERATOR),
            _agent,
            positional=("parent_context",),
        ),
        Step(Target("google.adk.runners", "Runner.run_async", Kind.ASYNC_GENERATOR), _graph),
        _run_async("function_tool", "FunctionTool"),
        _run_async("agent_tool", "AgentTool"),
        _run_async("base_authenticated_tool", "BaseAuthenticatedTool", optional=True),
    ),
    models=(
        Models(
            module="google.adk.models.base_llm",
            name="BaseLlm",
            methods={"generate_content_async": Kind.ASYNC_GENERATOR},
            asks=_asks,
            read=_call,
            keeps=_has_usage,
            streams=_streams,
        ),
    ),
    not_told={
        "models without usage_metadata, over clients not measured": (
            "nobody says what they used: record_cost tells what they cost"
        ),
        "google.adk.agents.BaseAgent.run_live": "sessions without turns; no model client",
        "graphs of nodes inside others": "their agents belong to the outer one",
        "tools of classes of your own, on BaseTool": "decorate their run_async",
        "tools that the provider runs (google_search, code execution)": "part of the model call",
    },
    notes=(
        "SequentialAgent, ParallelAgent and LoopAgent are workflows; the agents inside are runs.",
        "A failure that a tool returns, as a dictionary with error, is told as a result.",
        "An agent that was transferred to is a run inside the one that transferred.",
    ),
)
