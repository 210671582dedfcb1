"""The ``crewai`` framework: crews and flows as workflows, their agents, and tools.

A task that an agent does is one run of that agent, from its beginning to its accepted answer: what
is asked again because a guardrail refused it, and turning the answer into a form, belong to it. An
agent can be run without a crew as well. The framework's event bus is not used: it calls its
handlers in threads of its own, where the context of the work is not at hand.

A model's answer is a text; what it used it hands to a method of its base class, on its way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from spanledger._calls.answer import Answer, Usage, count, fields_of, text
from spanledger._calls.hosts import endpoint
from spanledger._formats.usage_formats import total, usage_in
from spanledger._frameworks.framework import (
    AGENT,
    TOOL,
    TOOL_ERROR,
    WORKFLOW,
    Framework,
    FrameworkDefinition,
    Step,
    Work,
)
from spanledger._frameworks.model_calls import Heard, ModelCall, Models, Question, given, limit_of
from spanledger._patches.patching import Kind, Target
from spanledger._work.activation import innermost


def _crew(crew: Any, _given: Mapping[str, Any]) -> Work | None:
    """One run of a crew; one that streams is run by the same method once more, in a thread."""
    return None if crew.stream else Work(WORKFLOW, crew.name or type(crew).__name__)


def _flow(flow: Any, _given: Mapping[str, Any]) -> Work | None:
    """The same of a flow; those of the framework's own are how it drives an agent."""
    if flow.stream or type(flow).__module__.startswith("crewai."):
        return None
    return Work(WORKFLOW, flow.name or type(flow).__name__)


def _task(task: Any, given: Mapping[str, Any]) -> Work | None:
    agent = given.get("agent") or task.agent
    return None if agent is None else _named(agent)


def _agent(agent: Any, _given: Mapping[str, Any]) -> Work | None:
    """An agent's work by itself, or on a task that another agent hands it."""
    around = innermost()
    task = around.owner if isinstance(around, FrameworkDefinition) else None
    return None if getattr(task, "agent", None) is agent else _named(agent)


def _kickoff(agent: Any, _given: Mapping[str, Any]) -> Work | None:
    """In an event loop, only a coroutine of the asynchronous sister is made."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _named(agent)
    return None


def _named(agent: Any) -> Work:
    return Work(AGENT, agent.role.strip())


def _tool(tool: Any, _given: Mapping[str, Any]) -> Work:
    return Work(TOOL, tool.name, joins=True)


def _failure(result: Any) -> str:
    """A tool that was used too often gives no result but a failure."""
    return TOOL_ERROR if type(result).__name__ == "ToolFailure" else ""


def _asks(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Question:
    messages: Any = given(args, kwargs, "messages")
    texts = [messages] if isinstance(messages, str) else [one.get("content") for one in messages]
    sent = [texts, given(args, kwargs, "tools", 1)]
    return Question(_provider(model), model.model, sent, limit_of(model), _address(model))


def _provider(model: Any) -> str:
    provider = text(model.provider)
    is_theirs = type(model).__module__.startswith("crewai.")
    return "" if provider == _UNTOLD and not is_theirs else provider


def _address(model: Any) -> object:
    url = text(model.base_url)
    return endpoint(url) if url else None


def _call(model: Any, made: list[Any]) -> ModelCall | None:
    """A call whose model told usages on its way: one, or one a request."""
    usage = total(_usage(one.usage) for one in made if isinstance(one, Heard))
    if usage is None:
        return None
    return ModelCall(_provider(model), model.model, Answer(usage=usage), _address(model))


def _usage(told: Any) -> Usage:
    """In the provider's words, with what the framework's own clients say in theirs."""
    counts, usage = fields_of(told), usage_in(told)
    usage.cache_read_tokens = usage.cache_read_tokens or count(counts.get("cached_prompt_tokens"))
    usage.reasoning_tokens = usage.reasoning_tokens or count(counts.get("reasoning_tokens"))
    written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    usage.cache_write_5m_tokens += 0 if written else count(counts.get("cache_creation_tokens"))
    return usage


#: The provider of a model that names none.
_UNTOLD: Final = "openai"


def _step(
    where: str,
    tell: Callable[[Any, Mapping[str, Any]], Work | None],
    kind: Kind = Kind.SYNC,
    *,
    optional: bool = False,
) -> Step:
    """One method, as ``module: Class.method``."""
    module, _, name = where.partition(": ")
    return Step(Target(f"crewai.{module}", name, kind, optional), tell, positional=("agent",))


def _tool_step(where: str, kind: Kind = Kind.SYNC) -> Step:
    module, _, name = where.partition(": ")
    return Step(Target(f"crewai.tools.{module}", name, kind), _tool, failure=_failure)


FRAMEWORK: Final = Framework(
    name="crewai",
    distribution="crewai",
    minimum="1.15.0",
    steps=(
        _step("crew: Crew.kickoff", _crew),
        _step("crew: Crew.akickoff", _crew, Kind.ASYNC, optional=True),
        _step("flow.runtime: Flow.kickoff", _flow),
        _step("flow.runtime: Flow.kickoff_async", _flow, Kind.ASYNC),
        _step("task: Task.execute_sync", _task),
        _step("task: Task.aexecute_sync", _task, Kind.ASYNC),
        # What ``execute_async`` runs in a thread.
        _step("task: Task._execute_task_async", _task, optional=True),
        _step("agent.core: Agent.execute_task", _agent),
        _step("agent.core: Agent.aexecute_task", _agent, Kind.ASYNC),
        _step("agent.core: Agent.kickoff", _kickoff),
        _step("agent.core: Agent.kickoff_async", _agent, Kind.ASYNC),
        _tool_step("base_tool: BaseTool.run"),
        _tool_step("base_tool: BaseTool.arun", Kind.ASYNC),
        _tool_step("base_tool: Tool.run"),
        _tool_step("base_tool: Tool.arun", Kind.ASYNC),
        _tool_step("structured_tool: CrewStructuredTool.invoke"),
        _tool_step("structured_tool: CrewStructuredTool.ainvoke", Kind.ASYNC),
    ),
    models=(
        Models(
            module="crewai.llms.base_llm",
            name="BaseLLM",
            methods={"call": Kind.SYNC, "acall": Kind.ASYNC},
            asks=_asks,
            read=_call,
            tells="_track_token_usage_internal",
        ),
    ),
    not_told={
        "models that tell the framework no usage, over clients not measured": (
            "nobody says what they used: record_cost tells what they cost"
        ),
        "crewai.Crew.train, test": "many runs of kickoff, each told",
        "agents on other frameworks (agent adapters) and over A2A": "by their own framework",
    },
    notes=("A task is one run of its agent, with what guardrails made it do again.",),
)
