"""One measured piece of work: its span, the identity around it, and how it ends.

A :class:`Definition` holds everything that is known at decoration time; :meth:`Definition.open`
is the fast path that runs for each call. Where an error of ours is guarded away, the call runs
without a span. Inside the work, :func:`innermost` gives the definition it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import Token
from typing import TYPE_CHECKING, Final, Protocol

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Status, StatusCode, Tracer

from spanledger import semconv
from spanledger._budgets import in_force
from spanledger._calls.questions import RUNS
from spanledger._guard import guarded
from spanledger._work import scope

if TYPE_CHECKING:
    from spanledger.budgets import budget

_ERROR: Final = Status(StatusCode.ERROR)
_INNERMOST: Final = otel_context.create_key("spanledger-innermost")


class _Clock:
    """What time spans start and end; None leaves it to the OpenTelemetry SDK."""

    __slots__ = ("now_ns",)

    def __init__(self) -> None:
        self.now_ns: Callable[[], int | None] = _unknown


def _unknown() -> None:
    return None


_clock: Final = _Clock()


@contextmanager
def measured_by(now_ns: Callable[[], int] | None) -> Generator[None]:
    """Take the times of the decorators' spans from this clock inside the block (test tools)."""
    before = _clock.now_ns
    _clock.now_ns = now_ns or before
    try:
        yield
    finally:
        _clock.now_ns = before


class Opener(Protocol):
    """Starts one piece of measured work; a :class:`Definition` does, each time anew."""

    def open(self) -> Activation:
        """Start the span and make it current."""
        ...

    def prepare(self) -> Activation:
        """Start the span without making it current."""
        ...


class Definition:
    """What a decorator knows before the first call.

    Args:
        operation: Value of ``gen_ai.operation.name``.
        name: The agent's, workflow's, task's or tool's name.
        attributes: Attributes of this span alone.
        entries: Identity for this span and everything below it; None removes an entry.
        tracer: Gives the tracer that the span is made with; None for the SDK's own.
        span_kind: ``CLIENT`` where another process does the work.
        budget: what this and everything below may spend.
    """

    __slots__ = (
        "_attributes",
        "_budget",
        "_entries",
        "_kind",
        "_tracer",
        "name",
        "new_run",
        "span_name",
    )

    def __init__(
        self,
        operation: str,
        name: str,
        attributes: Mapping[str, str],
        entries: Mapping[str, str | None],
        tracer: Callable[[], Tracer] | None = None,
        *,
        span_kind: SpanKind = SpanKind.INTERNAL,
        budget: budget | None = None,
    ) -> None:
        self.name = scope.clean(name) or "unnamed"
        self.span_name = f"{operation} {self.name}"
        self.new_run = operation == semconv.OPERATION_INVOKE_AGENT
        self._attributes: dict[str, str] = {semconv.OPERATION_NAME: operation, **attributes}
        self._entries: dict[str, str | None] = dict(entries)
        self._tracer = tracer
        self._kind = span_kind
        self._budget = budget

    def open(self) -> Activation:
        """Start the span and make it current; on an error of ours, an activation of nothing."""
        activation = self.prepare()
        activation.resume()
        return activation

    def prepare(self) -> Activation:
        """Start the span without making it current (generators resume and pause it)."""
        return self._begin() or Activation(self, INVALID_SPAN, otel_context.get_current())

    def error_of(self, raised: BaseException) -> str:
        """What ``error.type`` says of work that raised this; empty where it is no error.

        A closed generator (GeneratorExit) and a clean ``sys.exit()`` are none.
        """
        return "" if is_clean_end(raised) else error_type(raised)

    def error_in(self, _result: object) -> str:
        """The same of work that returned; a decorated function that returns did not fail."""
        return ""

    @guarded(None)
    def _begin(self) -> Activation:
        context = otel_context.get_current()
        attributes = self._attributes
        entries = self._entries
        run_id, outermost = "", ""
        if self.new_run:
            parent = scope.current_run_id(context)
            if parent:
                attributes = {**attributes, semconv.RUN_PARENT_ID: scope.clean(parent)}
            run_id = scope.new_run_id()
            outermost = parent or run_id
            entries = {semconv.RUN_ID: run_id, **entries}
        context = scope.with_entries(context, entries)
        if self._budget is not None:
            context = in_force.entered(context, self._budget)
        if outermost:
            context = in_force.begun(context, outermost)
        span = (self._tracer or scope.tracer)().start_span(
            self.span_name,
            context,
            self._kind,
            attributes=attributes,
            start_time=_clock.now_ns(),
        )
        context = otel_context.set_value(_INNERMOST, self, context)
        return Activation(self, span, trace.set_span_in_context(span, context), run_id)


def innermost() -> Definition | None:
    """The definition of the measured work that the current code belongs to directly."""
    found = otel_context.get_value(_INNERMOST)
    return found if isinstance(found, Definition) else None


class Activation:
    """A started span and the context that belongs to it.

    ``resume`` and ``pause`` make it current and not; ``close`` and ``fail`` end it, once.
    ``run_id`` is that of the run which begins with it, if one does.
    """

    __slots__ = ("_context", "_definition", "_run_id", "_token", "span")

    def __init__(
        self, definition: Definition, span: Span, context: Context, run_id: str = ""
    ) -> None:
        self.span = span
        self._definition = definition
        self._context = context
        self._run_id = run_id
        self._token: Token[Context] | None = None

    def resume(self) -> None:
        """Make the span current."""
        self._token = otel_context.attach(self._context)

    def pause(self) -> bool:
        """Give the caller's context back, and keep what the body changed for the next time.

        Returns:
            False when it was not current in this thread or task.
        """
        inside = otel_context.get_current()
        if self._token is None or not scope.leave(self._token):
            return False
        self._context, self._token = inside, None
        return True

    @guarded(None)
    def close(self, result: object = None) -> None:
        """End with the work's result, which is looked at and not kept."""
        self.pause()
        try:
            self.tell(self._definition.error_in(result))
        finally:
            self._end()

    @guarded(None)
    def fail(self, error: BaseException) -> None:
        """End with the type of the error, never its message, which may hold prompt text."""
        self.pause()
        try:
            self.tell(self._definition.error_of(error))
        finally:
            self._end()

    def _end(self) -> None:
        self.span.end(_clock.now_ns())
        if self._run_id:
            RUNS.forget(self._run_id)

    def tell(self, error: str) -> None:
        """Note this as ``error.type``; nothing, where it is empty."""
        if error:
            self.span.set_attribute(semconv.ERROR_TYPE, error)
            self.span.set_status(_ERROR)


class Idle(Activation):
    """Work that is not told: the context stays as it is found."""

    __slots__ = ()

    def __init__(self, definition: Definition) -> None:
        super().__init__(definition, INVALID_SPAN, otel_context.get_current())

    def resume(self) -> None:
        """Leave the context alone."""

    def pause(self) -> bool:
        """Leave the context alone."""
        return True


def is_clean_end(error: BaseException) -> bool:
    """Whether this exception only says that the work ended."""
    return isinstance(error, GeneratorExit) or (
        isinstance(error, SystemExit) and error.code in {None, 0}
    )


def error_type(error: BaseException) -> str:
    """The qualified class name, as ``error.type`` wants it (``TimeoutError``, ``json.X``)."""
    kind = type(error)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"
