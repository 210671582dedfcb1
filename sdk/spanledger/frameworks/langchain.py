"""``langchain-core``: tools, and chains as workflows.

A chain is a workflow where nothing is told around it. Inside an agent or a workflow it is a step,
as ``prompt | model`` in a node of a graph: the calls belong to what is around.

Chat models have one usage, whoever they ask: ``usage_metadata`` of the messages they give.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger._frameworks.framework import (
    TOOL,
    TOOL_ERROR,
    WORKFLOW,
    Framework,
    Step,
    Work,
    inside_work,
)
from spanledger._frameworks.langchain_models import MODELS
from spanledger._patches.patching import Kind, Target

_BASE: Final = "langchain_core.runnables.base"
_TOOLS: Final = "langchain_core.tools.base"


def _tool(tool: Any, given: Mapping[str, Any]) -> Work:
    return Work(TOOL, tool.name, id=given.get("tool_call_id"))


def _failure(result: Any) -> str:
    """A tool that handles its own errors says so in the message it returns."""
    return TOOL_ERROR if getattr(result, "status", None) == "error" else ""


def _chain(chain: Any, given: Mapping[str, Any]) -> Work | None:
    if inside_work():
        return None
    config: Any = given.get("config")
    # A batch may have a configuration for each of its inputs.
    name: Any = None if not config or isinstance(config, list) else config.get("run_name")
    return Work(WORKFLOW, name or chain.name or type(chain).__name__)


def _sequence(name: str, kind: Kind) -> Step:
    return Step(Target(_BASE, f"RunnableSequence.{name}", kind), _chain, ("input", "config"))


FRAMEWORK: Final = Framework(
    name="langchain",
    distribution="langchain-core",
    minimum="0.3.33",
    steps=(
        Step(Target(_TOOLS, "BaseTool.run", Kind.SYNC), _tool, failure=_failure),
        Step(Target(_TOOLS, "BaseTool.arun", Kind.ASYNC), _tool, failure=_failure),
        _sequence("invoke", Kind.SYNC),
        _sequence("ainvoke", Kind.ASYNC),
        _sequence("batch", Kind.SYNC),
        _sequence("abatch", Kind.ASYNC),
        _sequence("stream", Kind.GENERATOR),
        _sequence("astream", Kind.ASYNC_GENERATOR),
    ),
    models=(MODELS,),
    control_flow=frozenset({"langgraph.errors.GraphBubbleUp"}),  # a tool that asks a human
    not_told={
        "langchain_classic.agents.AgentExecutor": (
            "agents of before langgraph; their calls and tools are told: decorate what runs them"
        ),
        "models without usage_metadata, over clients not measured": (
            "nobody says what they used: record_cost tells what they cost"
        ),
        "embeddings and text models (LLM), over clients not measured": (
            "nobody says what they used: record_cost tells what they cost"
        ),
        f"{_BASE}.RunnableParallel, RunnableLambda and other parts": (
            "steps; a chain of them, piped with |, is a workflow"
        ),
    },
)
