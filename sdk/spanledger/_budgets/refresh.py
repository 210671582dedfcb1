"""What was spent elsewhere: asked in the background, so that no call ever waits for it."""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

from spanledger._budgets.accounts import ATTO, CLOCK, GUARD, Account
from spanledger._guard import guarded
from spanledger._work.recording import exact
from spanledger.errors import ConfigurationError

if TYPE_CHECKING:
    from spanledger.budgets import budget


class _Question(NamedTuple):
    """About an account in one of its windows."""

    budget: budget
    account: Account
    epoch: int
    spent_before: int
    key: str


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
        _ASKER.put(_Question(one, account, account.epoch, before, account.key))


def _run(questions: queue.SimpleQueue[_Question]) -> None:
    while True:
        _ask(questions.get())


@guarded(None)
def _ask(question: _Question) -> None:
    ask, account = question.budget.spent_usd, question.account
    if ask is None:
        return
    told = ask(question.key, account.starts)
    spent = exact(told)
    if spent is None or spent < 0:
        raise ConfigurationError(
            f"spent_usd of budget {question.budget.name!r} gave {told!r} for {question.key!r}: "
            "it has to give an amount of USD from 0 on"
        )
    account.heard(question.epoch, int(spent * ATTO), question.spent_before)
