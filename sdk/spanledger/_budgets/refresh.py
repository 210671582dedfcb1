"""What was spent elsewhere: asked in the background, so that no call ever waits for it."""

from __future__ import annotations

import inspect
import logging
import os
import queue
import threading
from decimal import ROUND_CEILING, Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, NamedTuple

from spanledger._budgets.accounts import CLOCK, GUARD, Account
from spanledger._guard import guarded

if TYPE_CHECKING:
    from spanledger.budgets import budget


_log = logging.getLogger("spanledger")

#: More is taken for this, so that it can be summed.
_MOST: Final = Decimal(10) ** 15
_SMALLEST: Final = Decimal("1E-12")
_EXACT: Final = Context(prec=60, rounding=ROUND_CEILING)


class _Question(NamedTuple):
    """About an account in one of its windows."""

    budget: budget
    account: Account
    epoch: int
    spent_before: int
    key: str
    asked_seconds: float


class Unread:
    """Tells of a budget's answers that nobody can read: one line a refresh for all accounts."""

    __slots__ = ("_further", "_next_seconds")

    def __init__(self) -> None:
        self._further = 0
        self._next_seconds = 0.0

    def tell(self, question: _Question, what: str) -> None:
        """Say what came in the place of an amount. Called by the one thread that asks."""
        if question.asked_seconds < self._next_seconds:
            self._further += 1
            return
        _log.warning(
            "budget %r: spent_usd %s for %r and not an amount of USD: what was told last stands%s",
            question.budget.name,
            what,
            question.key,
            f" (so do those of {self._further} further accounts)" if self._further else "",
        )
        self._further = 0
        self._next_seconds = question.asked_seconds + question.budget.refresh_seconds


class _Asker:
    """The thread that asks, started on first need; a fork starts afresh."""

    def __init__(self) -> None:
        self._start_afresh()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start_afresh)

    def _start_afresh(self) -> None:
        self._questions: queue.SimpleQueue[_Question] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, question: _Question) -> None:
        """Ask soon. Called under the accounts' lock, so that one thread is started."""
        self._questions.put(question)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=_run, args=(self._questions,), name="spanledger-budgets", daemon=True
            )
            self._thread.start()


_ASKER: Final = _Asker()


def ask_elsewhere(one: budget, account: Account) -> None:
    """Ask what everybody has spent, where the last answer is old enough."""
    now = CLOCK.now_seconds()
    if now < account.refresh_seconds:  # nearly always
        return
    with GUARD.lock:
        account.roll()
        if now < account.refresh_seconds:
            return
        account.refresh_seconds = now + one.refresh_seconds
        before, account.asked_at_spent = account.asked_at_spent, account.spent_here
        _ASKER.put(_Question(one, account, account.epoch, before, account.key, now))


def _run(questions: queue.SimpleQueue[_Question]) -> None:
    while True:
        _ask(questions.get())


@guarded(None)
def _ask(question: _Question) -> None:
    one, account = question.budget, question.account
    if one.spent_usd is None:
        return
    try:
        told: object = one.spent_usd(question.key, account.starts)
    except Exception as error:  # noqa: BLE001 -- of the user's function, and told each time
        one.unread.tell(question, f"raised {error!r}")
        return
    spent = _atto(told)
    if spent is not None:
        account.heard(question.epoch, spent, question.spent_before)
        return
    gave = repr(told)
    if inspect.isawaitable(told):
        gave = "something to await"
        if inspect.iscoroutine(told):
            told.close()
    one.unread.tell(question, f"gave {gave}")


def _atto(told: object) -> int | None:
    """An amount in atto-USD, rounded up to what the ledger can hold; None = it is none."""
    try:
        amount = Decimal(str(told).strip())
    except InvalidOperation:
        return None
    if amount.is_nan():
        return None
    bounded = min(max(amount, Decimal(0)), _MOST)
    return int(_EXACT.quantize(bounded, _SMALLEST).scaleb(18, _EXACT))
