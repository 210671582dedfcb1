"""The ``llama-index`` framework: agents, workflows, tools and query engines.

The framework's dispatcher is a public mechanism: it says when each method that it follows begins
and ends, in the task that does the work, so what is made current there holds for the work itself.

    Workflow.run                      invoke_workflow; invoke_agent where it is an agent
      AgentWorkflow's steps           the agent that has the word: invoke_agent, one after the other
        BaseTool.call, .acall         execute_tool
    BaseQueryEngine.query, .aquery    invoke_workflow, where nothing is told around it
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextvars import Token
from types import MappingProxyType, ModuleType
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Tracer

from spanledger._frameworks.framework import (
    AGENT,
    TOOL,
    TOOL_ERROR,
    WORKFLOW,
    Framework,
    Opening,
    Registration,
    Work,
    inside_work,
)
from spanledger._frameworks.llama_index_models import MODELS
from spanledger._guard import guarded
from spanledger._work import scope
from spanledger._work.activation import Activation

_UUID_CHARACTERS: Final = 36
_TURNS: Final = otel_context.create_key("spanledger-llama-index-turns")
#: The step of an ``AgentWorkflow`` that gives an agent the word, and those that go on for it.
_AGENT_STEP: Final = "run_agent_step"
_AGENT_STEPS: Final = frozenset({"parse_agent_output", "call_tool", "aggregate_tool_results"})


def _work(method: str, instance: Any) -> Work | None:
    """What this method does, if it stands for an agent, a workflow or a tool."""
    kinds = {kind.__name__ for kind in type(instance).__mro__}
    if method == "run" and "BaseWorkflowAgent" in kinds:
        return Work(AGENT, instance.name)
    if method == "run" and "Workflow" in kinds:
        return Work(WORKFLOW, _workflow_name(instance))
    if method in {"call", "acall"} and "BaseTool" in kinds:
        return Work(TOOL, instance.metadata.get_name(), joins=True)
    if method in {"query", "aquery"} and "BaseQueryEngine" in kinds and not inside_work():
        return Work(WORKFLOW, type(instance).__name__)
    return None


def _workflow_name(workflow: Any) -> str:
    """As it was given; the framework's own default has the module before the class."""
    name = str(getattr(workflow, "workflow_name", ""))
    default = f"{type(workflow).__module__}.{type(workflow).__qualname__}"
    return type(workflow).__name__ if name in {"", default} else name


def _failure(result: Any) -> str:
    return TOOL_ERROR if getattr(result, "is_error", False) else ""


class _Turns:
    """The agents of one run of an ``AgentWorkflow``: who has the word from step to step."""

    def __init__(self, tracer: Callable[[], Tracer]) -> None:
        self._tracer = tracer
        self._name = ""
        self._activation: Activation | None = None
        self.context: Context | None = None

    def take(self, name: str) -> None:
        """This agent has the word from here on; called in the workflow's own context."""
        if self._activation is not None and name == self._name:
            return
        self.end(None)
        opening = Opening(functools.partial(Work, AGENT, name), FRAMEWORK, self._tracer)
        self._name, self._activation = name, opening.open()
        self.context = otel_context.get_current()
        self._activation.pause()

    def end(self, error: BaseException | None) -> None:
        """Nobody has the word any more."""
        activation, self._activation, self.context = self._activation, None, None
        if activation is not None:
            _end(activation, error)


def _end(activation: Activation, error: BaseException | None, result: Any = None) -> None:
    if error is None:
        activation.close(result)
    else:
        activation.fail(error)


class _Teller:
    """A span handler: all that a dispatcher calls of one."""

    #: What the dispatcher would end at its shutdown: nothing, the work's own end is told.
    open_spans: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, tracer: Callable[[], Tracer]) -> None:
        self._tracer = tracer
        self._open: dict[str, tuple[Activation, _Turns | None]] = {}
        self._steps: dict[str, Token[Context]] = {}

    @guarded(None)
    def span_enter(self, id_: str, bound_args: Any, instance: Any = None, **_: Any) -> None:
        """A method begins; the id is its name, with a UUID behind."""
        method = id_[: -_UUID_CHARACTERS - 1].rpartition(".")[2]
        if method == _AGENT_STEP or method in _AGENT_STEPS:
            self._enter_step(id_, method, bound_args.arguments.get("ev"))
        elif instance is not None:
            self._enter(id_, method, instance)

    def _enter(self, id_: str, method: str, instance: Any) -> None:
        tell = functools.partial(_work, method, instance)
        activation = Opening(tell, FRAMEWORK, self._tracer, instance, _failure).open()
        turns: _Turns | None = None
        if method == "run":
            agents = isinstance(getattr(instance, "agents", None), dict)
            turns = _Turns(self._tracer) if agents else None
            otel_context.attach(otel_context.set_value(_TURNS, turns))
        self._open[id_] = (activation, turns)

    def _enter_step(self, id_: str, method: str, event: Any) -> None:
        turns = otel_context.get_value(_TURNS)
        if not isinstance(turns, _Turns):
            return  # of an agent that runs by itself
        if method == _AGENT_STEP:
            turns.take(event.current_agent_name)
        if turns.context is not None:
            self._steps[id_] = otel_context.attach(turns.context)

    @guarded(None)
    def span_exit(self, id_: str, bound_args: Any, result: Any = None, **_: Any) -> None:  # noqa: ARG002 -- the interface
        """It ends."""
        self._leave(id_, None, result)

    @guarded(None)
    def span_drop(
        self,
        id_: str,
        bound_args: Any,  # noqa: ARG002 -- the interface
        err: BaseException | None = None,
        **_: Any,
    ) -> None:
        """It raised."""
        self._leave(id_, err, None)

    def _leave(self, id_: str, error: BaseException | None, result: Any) -> None:
        token = self._steps.pop(id_, None)
        if token is not None:
            scope.leave(token)
        activation, turns = self._open.pop(id_, (None, None))
        if turns is not None:
            turns.end(error)
        if activation is not None:
            _end(activation, error, result)

    def capture_propagation_context(self) -> dict[str, Any]:
        """Nothing: the work's tasks inherit the context."""
        return {}

    def restore_propagation_context(self, context: Mapping[str, Any]) -> None:
        """Nothing was captured."""

    def close(self) -> None:
        """Nothing is held."""


def _attach(module: ModuleType, /, tracer: Callable[[], Tracer]) -> Callable[[], None]:
    root = module.get_dispatcher()
    teller = _Teller(tracer)
    root.add_span_handler(teller)

    def leave() -> None:
        root.span_handlers = [one for one in root.span_handlers if one is not teller]

    return leave


FRAMEWORK: Final = Framework(
    name="llama_index",
    distribution="llama-index-core",
    minimum="0.14.22",
    registrations=(Registration("llama_index_instrumentation", _attach),),
    models=(MODELS,),
    # A tool that waits for a human, or for another event.
    control_flow=frozenset({"workflows.runtime.types.results.WaitingForEvent"}),
    not_told={
        "llama_index.core.chat_engine": "their calls and tools are told; decorate what chats",
        "llama_index.core.indices (building an index)": "their calls are told",
        "models without a usage in their answers, over clients not measured": (
            "nobody says what they used: record_cost tells what they cost"
        ),
        "embeddings and rerankers over clients not measured": (
            "nobody says what they used: record_cost tells what they cost"
        ),
        "single steps of a workflow": "their calls belong to the workflow",
    },
    notes=(
        "An agent that was handed to stands beside the one that handed over, in one workflow.",
        "A workflow in another process (a server, a durable runtime) has a trace of its own.",
    ),
)
