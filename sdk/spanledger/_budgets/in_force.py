"""Which budgets hold for the current code: those of the process, and those of the blocks around.

They travel in the OpenTelemetry Context, so they follow contextvars inside the process and go no
further. Of a budget per run the account is fixed where the outermost run begins, so that the agents
that a run calls spend its money too.
"""

from __future__ import annotations

import functools
import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from opentelemetry import baggage
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import get_current_span

from spanledger import semconv
from spanledger._work import scope

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from spanledger._budgets.accounts import Account
    from spanledger.budgets import budget

_log = logging.getLogger("spanledger")

_KEY: Final = otel_context.create_key("spanledger-budgets")
_DECIDING: Final = otel_context.create_key("spanledger-budgets-deciding")


class Holding(NamedTuple):
    """A budget in force; ``account`` is None where the call tells whose money it is."""

    budget: budget
    account: Account | None


class _Process:
    """What ``init`` was given."""

    __slots__ = ("budgets", "tenant")

    def __init__(self) -> None:
        self.budgets: tuple[budget, ...] = ()
        self.tenant = ""


PROCESS: Final = _Process()


def holdings(context: Context) -> tuple[Holding, ...]:
    """The budgets that hold in this context; empty nearly always."""
    kept = context.get(_KEY)
    if kept is None and not PROCESS.budgets:
        return ()
    around = cast("tuple[Holding, ...]", kept or ())
    known = [holding.budget for holding in around]
    return (*around, *(Holding(one, None) for one in PROCESS.budgets if one not in known))


def entered(context: Context, one: budget) -> Context:
    """The context with this budget in force; the one around goes on where it is the same."""
    registry: Any = sys.modules.get("spanledger._patches.registry")
    if registry is None or not registry.active():
        _tell_idle()
    around = holdings(context)
    if any(holding.budget is one for holding in around if holding.account or one.per != "run"):
        return context
    run_id = scope.current_run_id(context) if one.per == "run" else None
    fixed = Holding(one, one.account(run_id) if run_id else None)
    return otel_context.set_value(_KEY, _replaced(around, {one: fixed}.values()), context)


def deciding(context: Context) -> tuple[budget, ...]:
    """The budgets whose functions are deciding here."""
    return cast("tuple[budget, ...]", context.get(_DECIDING, ()))


@contextmanager
def decided_by(one: budget) -> Generator[None]:
    """While a budget's function runs: what it asks of a model is not for it to decide again."""
    here = otel_context.get_current()
    token = otel_context.attach(otel_context.set_value(_DECIDING, (*deciding(here), one), here))
    try:
        yield
    finally:
        scope.leave(token)


@functools.cache
def _tell_idle() -> None:
    """A limit that nobody holds has to be known of; said once."""
    _log.warning(
        "a budget was entered, but no client library is measured, so it counts no call: call "
        "spanledger.init() first (and mind OTEL_SDK_DISABLED)"
    )


def begun(context: Context, run_id: str) -> Context:
    """The context of a run that begins: every budget per run has the account of the outermost one.

    Args:
        context: the run's, with its id.
        run_id: the run that called it, or its own where there is none.
    """
    around = holdings(context)
    fixed = [
        Holding(holding.budget, holding.budget.account(run_id))
        for holding in around
        if holding.account is None and holding.budget.per == "run"
    ]
    return otel_context.set_value(_KEY, _replaced(around, fixed), context) if fixed else context


def _replaced(around: tuple[Holding, ...], fixed: Iterable[Holding]) -> tuple[Holding, ...]:
    new = tuple(fixed)
    budgets = [holding.budget for holding in new]
    return (*(holding for holding in around if holding.budget not in budgets), *new)


def key_of(one: budget, context: Context) -> str:
    """Whose money a call in this context spends: a run, an agent, a tenant; empty = nobody named.

    A call outside any run belongs to its trace, as in the ledger.
    """
    if one.per == "run":
        trace_id = get_current_span(context).get_span_context().trace_id
        return scope.current_run_id(context) or (f"{trace_id:032x}" if trace_id else "")
    if one.per == "agent":
        return str(baggage.get_baggage(semconv.AGENT_NAME, context) or "")
    if one.per == "tenant":
        return str(baggage.get_baggage(semconv.TENANT_ID, context) or PROCESS.tenant)
    return ""
