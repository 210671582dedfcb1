"""What every agent framework has in common: its agents, tools and workflows as measured work.

A framework's file is data: a :class:`Framework` with the public methods that run an agent, a tool
or a workflow, each with a function that reads the names from the object. The model call itself is
told by the client library underneath, so nothing here carries tokens: a call is counted once.

    Agent.run ──> tell(agent) -> Work(AGENT, "planner") ──> invoke_agent planner, a new run
      Tool.call ──> Work(TOOL, "search")                       ├─ execute_tool search
      client.chat (its instrumentor)                           └─ chat gpt-4o

A method that calls another patched method of the same object is told once. An agent that the
application decorated by the same name, and that runs directly inside, is told once too: by the
decorator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final, Protocol

from opentelemetry import baggage, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Tracer

from spanledger import semconv
from spanledger._frameworks.model_calls import Models
from spanledger._guard import guarded
from spanledger._patches.patching import Target, Wrapper
from spanledger._work import scope
from spanledger._work.activation import Activation, Definition, Idle, innermost
from spanledger._work.kinds import AGENT, TASK, TOOL, WORKFLOW, WorkKind

__all__ = [
    "AGENT",
    "TASK",
    "TOOL",
    "TOOL_ERROR",
    "WORKFLOW",
    "Bridge",
    "Framework",
    "Opening",
    "Registration",
    "Step",
    "Work",
    "inside_work",
]

#: ``error.type`` of a tool that returned an error instead of raising one.
TOOL_ERROR: Final = "tool_error"


@dataclass(frozen=True, slots=True)
class Work:
    """What one call of a framework's method does.

    Attributes:
        kind: ``AGENT``, ``WORKFLOW``, ``TASK`` or ``TOOL``.
        name: of the agent, workflow, task or tool.
        id: of the agent, or of the tool call that the model asked for.
        version: of the agent, workflow, task or tool.
        conversation: id of the conversation, for this and everything below that has none.
        attributes: what else is told on this span.
        span_kind: ``CLIENT`` where another process does the work.
        joins: a tool that the agent above may have told already under the same name, because it
            hands the call on; then the attributes go on that span and there is no second one.
    """

    kind: WorkKind
    name: str
    id: str | None = None
    version: str | None = None
    conversation: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    span_kind: SpanKind = SpanKind.INTERNAL
    joins: bool = False


def _never(_given: Mapping[str, Any]) -> bool:
    return False


def _no_failure(_result: Any) -> str:
    return ""


def _no_name(_raised: BaseException) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Step:
    """One patched method of a framework.

    Attributes:
        target: where it is.
        tell: given the object and the call's parameters by name, what the call does; None to tell
            nothing. May read anything public of the object and must change nothing. Not asked of
            a method that says how work that another began goes on or ends.
        positional: parameters that may be given without their name, in order.
        streams: true of parameters with which the method returns a generator.
        failure: ``error.type`` of a result that says the work failed; empty for any other. Of a
            method that says so itself, and of work that another method ends, the object is given.
        error: ``error.type`` of an exception that has a better one than its class; else empty.
        passing: given the call's keyword parameters, inside the work, those that it is made with:
            adds what another process needs to know of the context. None where nothing is added.
        within: given the context inside the work, the one that a coroutine method runs in: for
            work that leaves the process. None where it is the same.
    """

    target: Target
    tell: Callable[[Any, Mapping[str, Any]], Work | None]
    positional: tuple[str, ...] = ()
    streams: Callable[[Mapping[str, Any]], bool] = _never
    failure: Callable[[Any], str] = _no_failure
    error: Callable[[BaseException], str] = _no_name
    passing: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    within: Callable[[Context], Context] | None = None


@dataclass(frozen=True, slots=True)
class Bridge:
    """A public function through which a framework moves work to a thread without its context.

    Attributes:
        target: where it is.
        wrapper: calls it such that the context follows (``scope.propagate_context``).
    """

    target: Target
    wrapper: Wrapper


class Attach(Protocol):
    """Joins a framework's public mechanism."""

    def __call__(self, module: ModuleType, /, tracer: Callable[[], Tracer]) -> Callable[[], None]:
        """Join; gives what undoes it."""
        ...


@dataclass(frozen=True, slots=True)
class Registration:
    """The framework's own public mechanism (callbacks, tracing processors, event handlers).

    Attributes:
        module: what has to be imported before.
        attach: given that module and what gives the tracer, joins in; returns what undoes it. Work
            is told by an :class:`Opening` a piece of work.
    """

    module: str
    attach: Attach


@dataclass(frozen=True, slots=True)
class Framework:
    """One agent framework.

    Attributes:
        name: as ``init(instrument=...)`` and ``spanledger doctor`` know it.
        distribution: what is installed.
        minimum: oldest version that was tried.
        steps: patched public methods.
        registrations: public mechanisms that are joined instead of patched.
        bridges: where the context has to be carried to another thread.
        models: its models, whose calls are told where no client of ours makes them.
        control_flow: qualified names of exception classes that are no errors (an interrupt, a
            handoff); their subclasses are none either.
        not_told: public ways to run an agent or a tool that leave no span, with the reason.
        notes: what a user of this framework should know.
    """

    name: str
    distribution: str
    minimum: str
    steps: tuple[Step, ...] = ()
    registrations: tuple[Registration, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    models: tuple[Models, ...] = ()
    control_flow: frozenset[str] = frozenset()
    not_told: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()


class FrameworkDefinition(Definition):
    """One piece of a framework's work; remembers whose it is, to tell it once."""

    __slots__ = ("_control_flow", "_error", "_failure", "owner")

    def __init__(
        self,
        work: Work,
        framework: Framework,
        tracer: Callable[[], Tracer],
        owner: object = None,
        failure: Callable[[Any], str] = _no_failure,
        *,
        error: Callable[[BaseException], str] = _no_name,
    ) -> None:
        entries: dict[str, str | None] = {}
        if work.conversation and not baggage.get_baggage(semconv.CONVERSATION_ID):
            entries[semconv.CONVERSATION_ID] = scope.clean(work.conversation)
        own = work.kind.own(work.version, work.id)
        operation, name, told, entries_below = work.kind.describe(own, entries, work.name)
        attributes = {**told, **work.attributes}
        super().__init__(
            operation, name, attributes, entries_below, tracer, span_kind=work.span_kind
        )
        self.owner = owner
        self._control_flow = framework.control_flow
        self._failure = failure
        self._error = error

    def error_of(self, raised: BaseException) -> str:
        """No error where the framework only steers by this exception."""
        if not self._control_flow.isdisjoint(_qualified(kind) for kind in type(raised).__mro__):
            return ""
        return self._error(raised) or super().error_of(raised)

    def error_in(self, result: object) -> str:
        """What the framework's file reads from the result."""
        return self._failure(result)


def _qualified(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def inside_work() -> bool:
    """Whether the current code belongs to some agent or workflow already."""
    return innermost() is not None


class Opening:
    """Starts a framework's work at the moment it really begins (for a coroutine: when awaited).

    Args:
        tell: gives the work; None for nothing to tell.
        framework: whose work it is.
        tracer: gives the tracer of its spans.
        owner: the object that does the work: what it calls on itself is told once.
        failure: see :class:`Step`.
        error: see :class:`Step`.
    """

    __slots__ = ("_error", "_failure", "_framework", "_owner", "_tell", "_tracer")

    def __init__(
        self,
        tell: Callable[[], Work | None],
        framework: Framework,
        tracer: Callable[[], Tracer],
        owner: object = None,
        failure: Callable[[Any], str] = _no_failure,
        *,
        error: Callable[[BaseException], str] = _no_name,
    ) -> None:
        self._tell = tell
        self._framework = framework
        self._tracer = tracer
        self._owner = owner
        self._failure = failure
        self._error = error

    def open(self) -> Activation:
        """Start the span and make it current."""
        activation = self.prepare()
        activation.resume()
        return activation

    def prepare(self) -> Activation:
        """Start the span without making it current."""
        definition = self._definition()
        return Idle(_NOTHING) if definition is None else definition.prepare()

    @guarded(None)
    def _definition(self) -> Definition | None:
        around = innermost()
        owner = self._owner
        if isinstance(around, FrameworkDefinition) and owner is not None and around.owner is owner:
            return None
        work = self._tell()
        if work is None or _decorated_already(around, work) or _joined(work):
            return None
        return FrameworkDefinition(
            work, self._framework, self._tracer, owner, self._failure, error=self._error
        )


_NOTHING: Final = Definition("", "", {}, {})


def _decorated_already(around: Definition | None, work: Work) -> bool:
    return (
        around is not None
        and not isinstance(around, FrameworkDefinition)
        and around.new_run
        and work.kind is AGENT
        and around.name == scope.clean(work.name)
    )


def _joined(work: Work) -> bool:
    """Whether this call is told by the span around, which takes what is known here beyond it."""
    span: Any = trace.get_current_span()
    if not work.joins or not span.is_recording() or not _same_call(span, work):
        return False
    span.set_attributes(work.attributes)
    return True


def _same_call(span: Any, work: Work) -> bool:
    """By the call's id, else by the name, which may have that of the tool's server before it."""
    told: Mapping[str, Any] = getattr(span, "attributes", None) or {}
    call = told.get(semconv.TOOL_CALL_ID)
    if call and work.id:
        return call == work.id
    operation, _, name = str(getattr(span, "name", "")).partition(" ")
    before, found, after = name.rpartition(scope.clean(work.name))
    is_tool = operation == semconv.OPERATION_EXECUTE_TOOL
    return is_tool and bool(found) and not after and not before[-1:].isalnum()
