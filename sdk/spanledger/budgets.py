"""Budgets: what may be spent on model calls, checked in the process before a request is sent.

A call reserves what it may cost at most (``upper_cost``) and, when it ends, pays what it did cost;
the rest is free again. So calls side by side cannot spend the same money twice: with an output
limit on every request, what is settled stays within the limit, however many call at once.
"""

from __future__ import annotations

import logging
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextvars import Token
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Final, Literal, cast

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from spanledger._budgets import arguments, in_force
from spanledger._budgets.accounts import ATTO, GUARD, Account, Window
from spanledger._budgets.refresh import Unread
from spanledger._work import scope
from spanledger._work.recording import Amount, exact
from spanledger.errors import BudgetExceededError, ConfigurationError

Per = Literal["run", "agent", "tenant"]
Mode = Literal["warn", "raise"] | Callable[[BudgetExceededError], object]

_log = logging.getLogger("spanledger")

#: Accounts of one budget that are remembered, some 50 MB. When there are so many, only one goes
#: with which nothing is lost; where there is none, all further keys share one account.
MAX_ACCOUNTS: Final = 100_000
#: How many are looked at for one that may go, each time in turn.
_LOOKED_AT: Final = 32
#: A run that made no call for so long, and that no code of this process is in, is over.
RUN_IDLE_SECONDS: Final = 600.0
#: The key of the shared account.
OTHERS: Final = "(others)"
_PERS: Final = (None, "run", "agent", "tenant")
_WINDOWS: Final = (None, "day", "month")


def usd(atto: int) -> Decimal:
    """An amount in USD, exactly, without zeros at its end."""
    whole, rest = divmod(abs(atto), ATTO)
    digits = f"{whole}.{rest:018d}".rstrip("0").rstrip(".")
    return Decimal(digits if atto >= 0 else f"-{digits}")


@dataclass(frozen=True, slots=True)
class BudgetState:
    """The money of one account, now.

    Attributes:
        key: the run, agent or tenant; empty for a budget of no kind, or where nobody is named.
        limit_usd: what may be spent.
        spent_usd: what ended calls cost.
        reserved_usd: what running calls may cost at most.
        left_usd: what the next call may cost at most; negative where the limit is passed.
        unknown_calls: calls that cost something nobody can tell: not in ``spent_usd``.
    """

    key: str
    limit_usd: Decimal
    spent_usd: Decimal
    reserved_usd: Decimal
    left_usd: Decimal
    unknown_calls: int


class budget:  # noqa: N801 -- reads as a statement: ``with spanledger.budget(0.50):``
    """What may be spent: for ``init(budgets=[...])``, ``with``, and ``@agent(budget=...)``.

    One object holds one sum of money for everything it is put on; with ``per`` one for each run,
    agent or tenant that it is put on. It may be put on any number of things, entered many times,
    and by several threads or tasks at once.

    Args:
        limit_usd: the limit.
        per: ``run`` (with the runs it calls), ``agent`` (by name, without the agents it calls) or
            ``tenant``; None = one sum for all.
        window: ``day`` or ``month`` (UTC) after which it starts afresh; None = never.
        name: how it is called in errors, logs and spans.
        mode: what happens to a call that is too much: ``warn`` logs once and lets it through;
            ``raise`` raises :class:`BudgetExceededError` before anything is sent; a function is
            called with that error: where it returns the call goes on, what it raises is raised. It
            is not called for what it asks of a model itself; that is counted.
        on_unknown: what happens to a call whose cost cannot be told beforehand (no rates, not
            billed by the token, or with a file whose size nobody tells): ``warn`` or ``raise``.
        assumed_output_tokens: reserved for a request that sets no limit to its output.
        spent_usd: asked in the background with the key and the start of the window (None without
            one): what everybody has spent, such as the ledger knows it. A plain function; below 0
            counts as 0.
        refresh_seconds: how often it is asked at most.

    Attributes:
        overflowed: how often a run, agent or tenant was given the account that all share for which
            there is no room (``MAX_ACCOUNTS``).

    Raises:
        ConfigurationError: an argument that cannot be used.
    """

    __slots__ = (
        "_accounts",
        "_gone",
        "_limit",
        "_others",
        "_tokens",
        "assumed_output_tokens",
        "mode",
        "name",
        "on_unknown",
        "overflowed",
        "per",
        "refresh_seconds",
        "spent_usd",
        "unread",
        "window",
    )

    def __init__(
        self,
        limit_usd: Amount,
        *,
        per: Per | None = None,
        window: Window | None = None,
        name: str = "",
        mode: Mode = "warn",
        on_unknown: Literal["warn", "raise"] = "warn",
        assumed_output_tokens: int = 4096,
        spent_usd: Callable[[str, datetime | None], Amount] | None = None,
        refresh_seconds: float = 60.0,
    ) -> None:
        limit = exact(limit_usd)
        if limit is None or limit < 0:
            raise ConfigurationError(
                f"limit_usd={limit_usd!r}: a budget's limit is an amount of USD from 0 on, with at "
                "most 12 decimals"
            )
        arguments.choice("per", per, _PERS)
        arguments.choice("window", window, _WINDOWS)
        arguments.choice("on_unknown", on_unknown, ("warn", "raise"))
        if callable(mode):
            arguments.answering("mode", mode)
        else:
            arguments.choice("mode", mode, ("warn", "raise", "or a function"))
        if spent_usd is not None:
            arguments.answering("spent_usd", spent_usd)
        arguments.count("assumed_output_tokens", assumed_output_tokens)
        arguments.seconds("refresh_seconds", refresh_seconds)
        self._limit = int(limit * ATTO)
        self.per: Per | None = per
        self.window: Window | None = window
        self.name = scope.clean(name) or "/".join(part for part in (per, window) if part)
        self.name = self.name or "budget"
        self.mode: Mode = mode
        self.on_unknown = on_unknown
        self.assumed_output_tokens = assumed_output_tokens
        self.spent_usd = spent_usd
        self.refresh_seconds = refresh_seconds
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        #: Taken out, but still in somebody's hands.
        self._gone: weakref.WeakValueDictionary[str, Account] = weakref.WeakValueDictionary()
        self._others: Account | None = None
        #: How often a run, agent or tenant was given the account that is shared by all for which
        #: there was no room.
        self.overflowed = 0
        #: Answers of ``spent_usd`` that nobody can read.
        self.unread = Unread()
        self._tokens: list[Token[Context]] = []
        self._ready()

    @staticmethod
    def _ready() -> None:
        """Read the rates here and not in a call, and import what a call needs."""
        from spanledger._budgets import budgeting

        budgeting.ready()

    def account(self, key: str) -> Account:
        """The account of a run, agent or tenant; without ``per`` there is one."""
        key = key if self.per is not None else ""
        if self.per == "run" and not key:  # a call that is a trace by itself
            return Account(key, self._limit, self.window)
        found = self._accounts.get(key)
        return self._open(key) if found is None else found

    def _open(self, key: str) -> Account:
        with GUARD.lock:
            account = self._accounts.get(key) or self._gone.pop(key, None)
            if account is None:
                if not self._has_room():
                    return self._share()
                account = Account(key, self._limit, self.window)
            account.home = self._accounts
            return self._accounts.setdefault(key, account)

    def _has_room(self) -> bool:
        """Whether one more account can be kept; takes one out for it. Under the lock."""
        if len(self._accounts) < MAX_ACCOUNTS:
            return True
        idle_seconds = RUN_IDLE_SECONDS if self.per == "run" else float("inf")
        for _ in range(min(_LOOKED_AT, len(self._accounts))):
            key, account = self._accounts.popitem(last=False)
            if account.can_go(idle_seconds):
                self._gone[key] = account
                return True
            self._accounts[key] = account
        return False

    def _share(self) -> Account:
        """The one account of all for which there is no room: together they have one limit."""
        if self._others is None:
            _log.warning(
                "budget %r has %d accounts with money spent: further ones share one account and "
                "one limit, so that none forgets what it spent. Give it a window, or fewer keys",
                self.name,
                MAX_ACCOUNTS,
            )
            self._others = Account(OTHERS, self._limit, self.window)
            self._others.is_shared = True
        self.overflowed += 1
        return self._others

    def state(self, key: str | None = None) -> BudgetState:
        """The money of an account.

        Args:
            key: the run's id, the agent's name or the tenant; None = of the current context.
        """
        if key is None:
            here = otel_context.get_current()
            held = (one.account for one in in_force.holdings(here) if one.budget is self)
            account = next(held, None) or self.account(in_force.key_of(self, here))
        else:
            account = self.account(key)
        with GUARD.lock:
            account.roll()
            spent, reserved = account.spent, account.reserved
            return BudgetState(
                account.key,
                usd(account.limit),
                usd(spent),
                usd(reserved),
                usd(account.limit - spent - reserved),
                account.unknown_calls,
            )

    def __enter__(self) -> budget:  # noqa: PYI034 -- never subclassed, and Self is not in 3.10
        changed = in_force.entered(otel_context.get_current(), self)
        self._tokens.append(otel_context.attach(changed))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for token in self._tokens[::-1]:
            if scope.leave(token):
                self._tokens.remove(token)
                return
        self._tokens.pop()


def put_on(given: object) -> budget | None:
    """What a decorator was given as its budget.

    Raises:
        ConfigurationError: it is none. In a call it would fail, and take with it what holds there.
    """
    if given is None or isinstance(given, budget):
        return given
    raise ConfigurationError(
        f"budget={given!r}: give one spanledger.budget(...); further ones go on a "
        "block (`with`), on other work around, or into init(budgets=[...])"
    )


def of_process(given: object) -> tuple[budget, ...]:
    """What ``init`` was given as budgets; what is none is left out with a warning."""
    if given is None or isinstance(given, budget):
        return () if given is None else (given,)
    found: list[budget] = []
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes)
    for one in cast("Iterable[object]", given if several else (given,)):
        if isinstance(one, budget):
            found.append(one)
        else:
            _log.warning(
                "init(budgets=...): %r is left out: give a list of spanledger.budget(...)", one
            )
    return tuple(found)
