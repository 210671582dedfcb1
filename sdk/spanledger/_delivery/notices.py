"""What the user is told about delivery: one line a change, never a line an attempt."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final

from spanledger._delivery.backlog import Delivery
from spanledger._delivery.sender import Attempt, Outcome

_log = logging.getLogger("spanledger")

_BUSY_BEFORE_WARNING: Final = 3
_LOSS_INTERVAL_SECONDS: Final = 60.0


class Notices:
    """Warnings about one destination.

    Args:
        destination: Where spans go, as the user wrote it.
    """

    def __init__(self, destination: str) -> None:
        self._destination = destination
        self._busy = 0
        self._outage = False
        self._lost_told = 0
        self._loss_told_at = float("-inf")

    def attempt(self, attempt: Attempt, counts: Delivery) -> None:
        """Tell of an outage once when it begins and once when it ends."""
        if attempt.outcome is Outcome.DELIVERED:
            self._busy = 0
            if self._outage:
                self._outage = False
                # A warning as well: whoever saw the first line must see the second.
                _log.warning("delivery to %s works again", self._destination)
        elif attempt.outcome is Outcome.UNREACHABLE:
            self._begin("cannot be reached", attempt, counts)
        elif attempt.outcome in (Outcome.BUSY, Outcome.UNANSWERED):
            self._busy += 1
            if self._busy >= _BUSY_BEFORE_WARNING:
                self._begin("does not take spans", attempt, counts)

    def _begin(self, what: str, attempt: Attempt, counts: Delivery) -> None:
        if not self._outage:
            self._outage = True
            _log.warning(
                "the collector at %s %s (%s); %d spans are kept and sent when it answers",
                self._destination,
                what,
                attempt.reason,
                counts.pending,
            )

    def losses(self, counts: Delivery, *, final: bool = False) -> None:
        """Tell how many spans were lost since the last time, at most once a minute."""
        lost = counts.dropped + counts.failed + counts.rejected - counts.spooled
        now = time.monotonic()
        if lost == self._lost_told:
            return
        if not final and now - self._loss_told_at < _LOSS_INTERVAL_SECONDS:
            return
        _log.warning(
            "%d spans were lost on the way to %s (in all: %d dropped because the queue was full or "
            "the process ended, %d given up, %d rejected; last error: %s)",
            lost - self._lost_told,
            self._destination,
            counts.dropped,
            counts.failed,
            counts.rejected,
            counts.last_error or "none",
        )
        self._lost_told, self._loss_told_at = lost, now

    def kept(self, count: int, folder: Path) -> None:
        """Tell at the end what is not delivered and not lost."""
        if count:
            _log.warning(
                "%d records and runs were not delivered to %s; they are kept in %s, and sent by "
                "the next process that uses it as its spool",
                count,
                self._destination,
                folder,
            )
