"""``@agent``, ``@workflow``, ``@task`` and ``@tool``, also as ``with`` statements.

All four take the same arguments and can be used in every way::

    @agent                                   @agent("planner", version="2", tenant="acme")
    def plan(question): ...                  async def plan(question): ...

    with tool("search", tags={"index": "eu"}) as span:
        ...

``agent`` starts a new run; everything below it, in this process and in the services it calls,
carries that run. No argument and no result of a function is ever recorded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, TypeVar, overload

from opentelemetry.trace import Span

from spanledger import semconv
from spanledger._work import scope
from spanledger._work.activation import Activation, Definition
from spanledger._work.kinds import AGENT, TASK, TOOL, WORKFLOW, WorkKind
from spanledger._work.wrapping import wrap
from spanledger.budgets import budget, put_on

F = TypeVar("F", bound="Callable[..., Any] | classmethod[Any, Any, Any] | staticmethod[Any, Any]")


class Scope:
    """A decorator and a context manager for one kind of work; made by ``agent`` and the others.

    As a context manager it gives the OpenTelemetry span. One object may be entered many times,
    also by several threads or tasks at once.
    """

    __slots__ = ("_define", "_definition", "_open")

    def __init__(self, define: Callable[[str], Definition]) -> None:
        self._define = define
        self._definition: Definition | None = None
        self._open: list[Activation] = []

    def __call__(self, target: F) -> F:
        """The measured twin of the function.

        Raises:
            UsageError: the target is not a function or method.
        """
        return wrap(target, self._define)

    def __enter__(self) -> Span:
        if self._definition is None:
            self._definition = self._define("block")
        activation = self._definition.open()
        self._open.append(activation)
        return activation.span

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        activation = self._entered_here()
        if error is None:
            activation.close()
        else:
            activation.fail(error)

    async def __aenter__(self) -> Span:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)

    def _entered_here(self) -> Activation:
        """The activation of the block that ends now: the last one entered by this thread or task.

        One that was entered elsewhere only when there is no other.
        """
        for activation in self._open[::-1]:
            if activation.pause():
                self._open.remove(activation)
                return activation
        return self._open.pop()


class Decorator:
    """One of ``agent``, ``workflow``, ``task``, ``tool``: bare, with arguments, or in ``with``."""

    def __init__(self, kind: WorkKind) -> None:
        self._kind = kind

    @overload
    def __call__(self, target: F, /) -> F: ...

    @overload
    def __call__(
        self,
        name: str | None = None,
        *,
        version: str | None = None,
        id: str | None = None,
        tenant: str | None = None,
        tags: Mapping[str, object] | None = None,
        budget: budget | None = None,
    ) -> Scope: ...

    def __call__(
        self,
        name: Any = None,
        *,
        version: str | None = None,
        id: str | None = None,  # noqa: A002 -- the word users know for it
        tenant: str | None = None,
        tags: Mapping[str, object] | None = None,
        budget: budget | None = None,
    ) -> Any:
        """Decorate a function, or make a decorator and context manager.

        Args:
            name: The function (bare use) or the name; default is the function's own name.
            version: Version of the agent, workflow, task or tool.
            id: Id of the agent, or of the tool call.
            tenant: On whose behalf this and everything below runs.
            tags: Names and values for cost allocation, also on everything below.
            budget: What the model calls of this and everything below may cost.

        Raises:
            UsageError: bare use on something that is not a function or method.
            ConfigurationError: ``budget`` is none.
        """
        entries = scope.tag_entries(tags)
        if tenant is not None:
            entries[semconv.TENANT_ID] = scope.clean(tenant)
        limit = put_on(budget)
        define = functools.partial(self._define, self._kind.own(version, id), entries, limit)
        if name is not None and not isinstance(name, str):
            return Scope(define)(name)
        return Scope(define if name is None else lambda _default: define(name))

    def _define(
        self,
        own: Mapping[str, str],
        entries: Mapping[str, str | None],
        limit: budget | None,
        name: str,
    ) -> Definition:
        return Definition(*self._kind.describe(own, entries, name), budget=limit)


#: One agent. Each call is a run: everything below carries its id, name, version and tenant.
agent: Final = Decorator(AGENT)
#: Several agents or steps that belong together; its name goes on everything below.
workflow: Final = Decorator(WORKFLOW)
#: A step of plain code inside an agent.
task: Final = Decorator(TASK)
#: A tool that an agent calls; ``id`` is the id of the tool call the model asked for.
tool: Final = Decorator(TOOL)
