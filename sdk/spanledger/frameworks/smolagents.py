"""The ``smolagents`` framework: agents, agents managed by agents, and tools.

``run`` makes a generator when it is asked to stream; a managed agent is called like a tool and
runs as an agent of its own. An agent without a name goes by the name of its class. The code that a
code agent writes is run in a thread of its own, where its tools are called: the context follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from spanledger._calls.answer import Answer, Usage, fields_of, text
from spanledger._frameworks.framework import AGENT, TOOL, Bridge, Framework, Step, Work
from spanledger._frameworks.model_calls import ModelCall, Models, Question, given, limit_of
from spanledger._patches.patching import Kind, Target
from spanledger._work.scope import propagate_context


def _agent(agent: Any, _given: Mapping[str, Any]) -> Work:
    return Work(AGENT, getattr(agent, "name", None) or type(agent).__name__)


def _tool(tool: Any, _given: Mapping[str, Any]) -> Work:
    return Work(TOOL, tool.name)


def _streams(given: Mapping[str, Any]) -> bool:
    return bool(given.get("stream"))


def _timeout(
    wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """``timeout(seconds)`` makes a decorator that runs a function in a thread."""
    decorate = wrapped(*args, **kwargs)

    def carry(function: Callable[..., Any]) -> Any:
        return decorate(propagate_context(function))

    return carry


_EXECUTOR: Final = "smolagents.local_python_executor"


def _asks(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Question:
    messages = [fields_of(one).get("content") for one in given(args, kwargs, "messages")]
    tools = given(args, kwargs, "tools_to_call_from", 3) or ()
    schemas = [(one.name, one.description, one.inputs) for one in tools]
    limit = limit_of(kwargs, getattr(model, "kwargs", None))
    return Question("", text(model.model_id), [messages, schemas], limit)


def _call(model: Any, made: list[Any]) -> ModelCall | None:
    """A call whose answer, or the pieces of it together, tell the tokens."""
    told = [one.token_usage for one in made if _has_usage(one)]
    if not told or not _LOCAL.isdisjoint(kind.__name__ for kind in type(model).__mro__):
        return None
    usage = Usage(
        input_tokens=sum(one.input_tokens for one in told),
        output_tokens=sum(one.output_tokens for one in told),
    )
    return ModelCall("", text(model.model_id), Answer(usage=usage))


def _has_usage(piece: Any) -> bool:
    return getattr(piece, "token_usage", None) is not None


#: Models in this process: an engine of ours tells them, or there is nobody to bill them.
_LOCAL: Final = frozenset({"TransformersModel", "VLLMModel", "MLXModel"})

FRAMEWORK: Final = Framework(
    name="smolagents",
    distribution="smolagents",
    minimum="1.20.0",
    steps=(
        Step(
            Target("smolagents.agents", "MultiStepAgent.run", Kind.SYNC),
            _agent,
            positional=("task", "stream"),
            streams=_streams,
        ),
        Step(Target("smolagents.tools", "Tool.__call__", Kind.SYNC), _tool),
        Step(Target("smolagents.tools", "PipelineTool.__call__", Kind.SYNC, optional=True), _tool),
    ),
    bridges=(
        Bridge(
            Target("smolagents.local_python_executor", "timeout", Kind.SYNC, optional=True),
            _timeout,
        ),
    ),
    models=(
        Models(
            module="smolagents.models",
            name="Model",
            methods={"generate": Kind.SYNC, "generate_stream": Kind.GENERATOR},
            asks=_asks,
            read=_call,
            keeps=_has_usage,
        ),
    ),
    not_told={
        "smolagents.models.VLLMModel, MLXModel": "models in this process, which nobody bills",
        "smolagents.agents.MultiStepAgent.step": "one step by hand, outside a run",
        "tools of remote executors": "run in a sandbox, another process without spanledger",
    },
)
