"""The ``openai-agents`` framework: agents, handoffs, function tools, and runs as workflows.

The framework's own spans are followed where they start and finish, not by one of its tracing
processors: those are replaced by ``set_trace_processors`` and see nothing where tracing is off,
which it often is. The spans are started and finished all the same then, as ``NoOpSpan``.

    trace: one Runner.run, or what is put around several    invoke_workflow
      task: one Runner.run                                  invoke_workflow, where no trace is
        agent; after a handoff the next one beside it       invoke_agent
          function tool                                     execute_tool
            an agent used as a tool                         invoke_agent
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry import baggage

from spanledger import semconv
from spanledger._calls.answer import Answer, text
from spanledger._formats import responses
from spanledger._frameworks.framework import (
    AGENT,
    TOOL,
    WORKFLOW,
    Framework,
    Step,
    Work,
    inside_work,
)
from spanledger._frameworks.model_calls import ModelCall, Models, Question, given, limit_of
from spanledger._patches.patching import Kind, Target

#: The name of a run that nobody named.
_UNNAMED: Final = "Agent workflow"


def _trace(trace: Any, given: Mapping[str, Any]) -> Work | None:
    return _workflow(trace.name, getattr(trace, "group_id", None)) if _current(given) else None


def _span(span: Any, given: Mapping[str, Any]) -> Work | None:
    """One of the framework's spans; those that stand for no agent, tool or run are not told."""
    data = span.span_data
    if not _current(given):
        return None
    if data.type == "agent":
        return Work(AGENT, data.name)
    if data.type == "function":
        return Work(TOOL, data.name)
    return _workflow(data.name) if data.type == "task" else None


def _current(given: Mapping[str, Any]) -> bool:
    """Whether what runs until the span ends belongs to it."""
    return bool(given.get("mark_as_current"))


def _workflow(name: str, conversation: str | None = None) -> Work | None:
    """A run; not where something around stands for it, the trace or the application's own work."""
    around = baggage.get_baggage(semconv.WORKFLOW_NAME)
    if around == name or (name == _UNNAMED and (around or inside_work())):
        return None
    return Work(WORKFLOW, name, conversation=conversation)


def _failure(span: Any) -> str:
    """Most errors of tools become an answer for the model, and are only noted on the span."""
    return "tool_error" if span.span_data.type == "function" else ""


def _asks(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Question:
    tools = given(args, kwargs, "tools", 3) or ()
    sent = [
        given(args, kwargs, "system_instructions", 0),
        given(args, kwargs, "input", 1),
        [(one.name, getattr(one, "params_json_schema", None)) for one in tools],
    ]
    limit = limit_of(given(args, kwargs, "model_settings", 2))
    return Question(*_asked(model), sent, limit, _address(model))


def _asked(model: Any) -> tuple[str, str]:
    return "openai" if _is_theirs(model) else "", text(getattr(model, "model", None))


def _is_theirs(model: Any) -> bool:
    return type(model).__module__.startswith("agents.models.openai_")


def _address(model: Any) -> object:
    client = getattr(model, "_client", None) if _is_theirs(model) else None
    return getattr(client, "base_url", None)


def _call(model: Any, made: list[Any]) -> ModelCall | None:
    """A call of a model that asks over a socket, or of one that the application wrote."""
    last: Any = made[-1] if made else None
    response = getattr(last, "response", None)  # of the event that ends a stream
    if response is not None:
        answer = responses.answer_of(response)
    elif getattr(last, "usage", None) is not None:
        usage = responses.usage_of(last.usage)
        answer = Answer(response_id=text(last.response_id), usage=usage)
    else:
        return None
    return ModelCall(*_asked(model), answer, _address(model))


def _is_end(event: Any) -> bool:
    return getattr(event, "type", "") in _ENDS


#: Events after which nothing comes.
_ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})


def _steps(module: str, kind: str, tell: Any) -> tuple[Step, ...]:
    module = f"agents.tracing.{module}"
    return (
        Step(Target(module, f"{kind}.start", Kind.BEGIN), tell, ("mark_as_current",)),
        Step(Target(module, f"{kind}.finish", Kind.END), tell),
    )


def _span_steps(kind: str) -> tuple[Step, ...]:
    failing = Target("agents.tracing.spans", f"{kind}.set_error", Kind.FAIL)
    return (*_steps("spans", kind, _span), Step(failing, _span, failure=_failure))


FRAMEWORK: Final = Framework(
    name="openai_agents",
    distribution="openai-agents",
    minimum="0.14.0",
    steps=(
        *_steps("traces", "TraceImpl", _trace),
        *_span_steps("SpanImpl"),
        *_span_steps("NoOpSpan"),
    ),
    models=(
        Models(
            module="agents.models.interface",
            name="Model",
            methods={"get_response": Kind.ASYNC, "stream_response": Kind.ASYNC_GENERATOR},
            asks=_asks,
            read=_call,
            keeps=_is_end,
        ),
    ),
    not_told={
        "agents.realtime, agents.voice": "sessions without turns of their own; no model client",
        "tools that OpenAI runs (web search, code interpreter)": "part of the model call",
    },
    notes=(
        "An agent that was handed to stands beside the one that handed over, in one workflow.",
        "Before 0.22 a run, and so its span, goes on when the reader of its stream is cancelled.",
    ),
)
