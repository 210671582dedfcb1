"""What a budget holds: money that is spent and money that is reserved, in whole atto-USD.

A call reserves its upper cost on all its accounts together, or on none; the end of the call puts
what it really cost in the place of the reservation. One lock guards all accounts: the work under it
is a few additions, and a second lock would have to be taken in order. It is reentrant, for a
finaliser that runs while it is held may make a model call.

A reservation belongs to the window it was made in: what a call of yesterday costs is no money of
today. After a fork the child starts with what was spent and with nothing reserved, for the calls
that run are its parent's.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, MutableMapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final, Literal, NamedTuple

Window = Literal["day", "month"]

#: Atto-USD in one USD.
ATTO: Final = 10**18
_NEVER: Final = float("inf")


class _Clock:
    """Seconds since 1970; the tests turn it."""

    __slots__ = ("now_seconds",)

    def __init__(self) -> None:
        self.now_seconds: Callable[[], float] = time.time


CLOCK: Final = _Clock()


class _Guard:
    """The lock and what it guards."""

    def __init__(self) -> None:
        self.accounts: weakref.WeakSet[Account] = weakref.WeakSet()
        self._start()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start)

    def _start(self) -> None:
        self.lock = threading.RLock()
        for account in list(self.accounts):
            account.forget_reservations()


class Account:
    """The money of one run, agent, tenant or block in one window.

    Args:
        key: whose it is; empty where nobody is named.
        limit: atto-USD.
        window: when it starts afresh; None = never.
    """

    __slots__ = (
        "__weakref__",
        "_elsewhere",
        "_ends_seconds",
        "_included",
        "_window",
        "asked_at_spent",
        "epoch",
        "home",
        "is_shared",
        "key",
        "limit",
        "refresh_seconds",
        "reserved",
        "spent_here",
        "starts",
        "told",
        "unknown_calls",
        "used_seconds",
    )

    def __init__(self, key: str, limit: int, window: Window | None) -> None:
        self.key = key
        self.limit = limit
        self._window: Window | None = window
        self._ends_seconds = _NEVER
        #: Where it is found by its key; None = nowhere, nobody else has it.
        self.home: MutableMapping[str, Account] | None = None
        #: It is everybody's for whom there is no room.
        self.is_shared = False
        #: Counts the windows, and a fork.
        self.epoch = 0
        self.used_seconds = 0.0
        self._empty()
        with GUARD.lock:
            GUARD.accounts.add(self)
        self._open_window()

    def _empty(self) -> None:
        self.spent_here = 0
        self.reserved = 0
        self.unknown_calls = 0
        #: Whether the log was told that this window's money is gone.
        self.told = False
        self._elsewhere = 0
        self._included = 0
        #: ``spent_here`` when it was last asked what was spent elsewhere.
        self.asked_at_spent = 0
        #: When it should be asked again what was spent elsewhere.
        self.refresh_seconds = 0.0

    def _open_window(self) -> None:
        self.starts: datetime | None = None
        if self._window is not None:
            now = datetime.fromtimestamp(CLOCK.now_seconds(), timezone.utc)
            self.starts, ends = bounds(self._window, now)
            self._ends_seconds = ends.timestamp()

    @property
    def spent(self) -> int:
        """What is known to be spent: here, or as the ledger says and here since."""
        return max(self.spent_here, self._elsewhere + self.spent_here - self._included)

    def roll(self) -> None:
        """Start the next window if this one is over. Under the lock."""
        self.used_seconds = CLOCK.now_seconds()
        if self._ends_seconds <= self.used_seconds:
            self.epoch += 1
            self._empty()
            self._open_window()

    def stay(self) -> None:
        """Be found by its key again, where it was taken out while in use. Under the lock."""
        if self.home is not None:
            self.home.setdefault(self.key, self)

    def can_go(self, idle_seconds: float) -> bool:
        """Whether nothing is lost with it: its window is over, or nothing was spent in it.

        Args:
            idle_seconds: it may also go when it was not used for so long.
        """
        now = CLOCK.now_seconds()
        if self.reserved:
            return False
        is_empty = not (self.spent or self.unknown_calls)
        return is_empty or self._ends_seconds <= now or now - self.used_seconds >= idle_seconds

    def forget_reservations(self) -> None:
        """In the child of a fork."""
        self.epoch += 1
        self.reserved = 0

    def heard(self, epoch: int, spent: int, included: int) -> None:
        """What everybody has spent in this window, as somebody else knows it.

        Args:
            epoch: the window that was asked about.
            spent: atto-USD.
            included: of what was spent here, so much is in it for sure: what was spent when it was
                asked before. The rest may be missing there, and is added.
        """
        with GUARD.lock:
            if epoch == self.epoch:
                self._elsewhere, self._included = spent, included


GUARD: Final = _Guard()


class Reservation:
    """Money set aside for one call; ended once, by :meth:`settle`."""

    __slots__ = ("_held", "amount")

    def __init__(self, accounts: Sequence[Account], amount: int) -> None:
        self.amount = amount
        self._held = [(account, account.epoch) for account in accounts]

    def free(self) -> None:
        """Set nothing aside any longer; what the call costs can still be settled."""
        with GUARD.lock:
            for account, epoch in self._held:
                if account.epoch == epoch:
                    account.reserved -= self.amount
            self.amount = 0

    def settle(self, cost: int, *, unknown: bool = False) -> None:
        """Put what the call cost in the place of what was set aside; nothing the second time.

        Args:
            cost: atto-USD.
            unknown: the call cost something that nobody can tell.
        """
        with GUARD.lock:
            held, self._held = self._held, []
            for account, epoch in held:
                if account.epoch == epoch:
                    account.reserved -= self.amount
                    account.spent_here += cost
                    account.unknown_calls += unknown


class Over(NamedTuple):
    """An account that an amount is too much for: its place, and what it had at that moment."""

    place: int
    spent: int
    reserved: int


def reserve(
    accounts: Sequence[Account], amount: int, binding: Sequence[bool], refused: Sequence[bool]
) -> tuple[Reservation | None, list[Over]]:
    """Set this amount aside on all accounts, or on none.

    Args:
        accounts: whose money it is.
        amount: atto-USD.
        binding: of each account, whether its limit refuses.
        refused: of each account, whether it refuses in any case.

    Returns:
        The reservation (None: refused), and the accounts it is too much for.
    """
    with GUARD.lock:
        over: list[Over] = []
        refusing = False
        for place, account in enumerate(accounts):
            account.roll()
            account.stay()
            spent, reserved = account.spent, account.reserved
            if spent + reserved + amount > account.limit or refused[place]:
                over.append(Over(place, spent, reserved))
                refusing = refusing or refused[place] or binding[place]
        if refusing:
            return None, over
        for account in accounts:
            account.reserved += amount
        return Reservation(accounts, amount), over


def bounds(window: Window, now: datetime) -> tuple[datetime, datetime]:
    """Start and end of the day or month (UTC) that an instant lies in."""
    day = now.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    if window == "day":
        return day, day + timedelta(days=1)
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)
