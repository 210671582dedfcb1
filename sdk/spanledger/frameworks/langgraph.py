"""The ``langgraph`` framework: compiled graphs, and the agents of ``langchain`` made of them.

A graph that ``create_agent`` (``langchain``) or ``create_react_agent`` made, or that has a node for
tools, is an agent; any other is a workflow. ``invoke`` reads ``stream``, and ``stream_events`` and
``batch`` use one of the two: a graph's execution is told once. The thread of a checkpointer is the
conversation. Tools are told by ``langchain``'s file, and a node by nothing: its calls belong to the
graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger._frameworks.framework import AGENT, WORKFLOW, Framework, Step, Work, inside_work
from spanledger._patches.patching import Kind, Target

#: The name of a graph that was given none.
_UNNAMED: Final = "LangGraph"
_CREATED: Final = "langchain_create_agent"
_PARAMETERS: Final = ("input", "config")


def _at(value: Any, *path: str) -> Any:
    """What stands there in nested dictionaries, each of which may be missing."""
    found: Any = value
    for key in path:
        found = found.get(key) if found else None
    return found


def _graph(graph: Any, given: Mapping[str, Any]) -> Work | None:
    name = graph.name
    if name == _UNNAMED:
        name = _at(given, "config", "run_name") or name
    thread = _at(given, "config", "configurable", "thread_id")
    conversation = None if thread is None else str(thread)
    if _is_agent(graph):
        return Work(AGENT, name, conversation=conversation)
    if name == _UNNAMED and inside_work():
        return None  # a step of what is told around it
    return Work(WORKFLOW, name, conversation=conversation)


def _is_agent(graph: Any) -> bool:
    if _at(getattr(graph, "config", None), "metadata", "ls_integration") == _CREATED:
        return True
    nodes: Mapping[str, Any] = graph.nodes
    bound = (getattr(node, "bound", None) for node in nodes.values())
    return any(type(one).__name__ == "ToolNode" for one in bound)


def _pregel(name: str, kind: Kind) -> Step:
    return Step(Target("langgraph.pregel", f"Pregel.{name}", kind), _graph, _PARAMETERS)


FRAMEWORK: Final = Framework(
    name="langgraph",
    distribution="langgraph",
    minimum="0.2.60",
    steps=(
        _pregel("invoke", Kind.SYNC),
        _pregel("ainvoke", Kind.ASYNC),
        _pregel("stream", Kind.GENERATOR),
        _pregel("astream", Kind.ASYNC_GENERATOR),
    ),
    # An interrupt for a human, and a command for the graph around: no errors.
    control_flow=frozenset({"langgraph.errors.GraphBubbleUp"}),
    not_told={
        "langgraph.pregel.remote.RemoteGraph": "runs on a server, which tells it",
        "nodes of a graph": "their calls and tools are told; decorate a node to see it by itself",
    },
    notes=("A graph without tools that create_agent did not make is a workflow, no agent.",),
)
