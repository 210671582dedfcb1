"""The thread that holds the ledger against the rules, and tells what changed.

It asks on an interval, when something was settled since or a rolling window went on; a look that
took long is followed by a rest of nine times its length, so that it takes a tenth of a core at
most. It only reads: a failure leaves the last figures standing, is told once, and is tried again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from spanledger_collector.errors import CollectorError

from .board import AlertRow, Board
from .evaluation import BudgetRow, Readings, budget_rows
from .rules import Rules
from .webhook import Webhook

_LOG = logging.getLogger(__name__)
_REST = 9.0
#: Also where nothing was settled: windows end, and rolling ones go on.
_LONGEST_SECONDS = 300.0


class _Asks(Protocol):
    """The part of a reader that is needed."""

    def rows(self, name: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
        """The answer to a named query."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """What was seen last."""

    as_of: datetime
    budgets: list[BudgetRow]
    alerts: list[AlertRow]

    def of(self, workspace: str) -> Picture:
        """What concerns one workspace."""
        return Picture(
            self.as_of,
            [one for one in self.budgets if one.workspace == workspace],
            [one for one in self.alerts if one.workspace == workspace],
        )


class Watcher:
    """Evaluates the rules of one collector.

    Args:
        rules: what is watched.
        reader: answers queries.
        settled: a number that grows when something was settled.
        interval_seconds: between two looks, at least.
        state_path: where it is kept which alerts fire; None = nowhere.
        webhook: told of each transition; None = nobody is.

    Attributes:
        picture: what was seen last; None before the first look.
        failures: looks that failed.
    """

    def __init__(
        self,
        rules: Rules,
        reader: _Asks,
        *,
        settled: Callable[[], int],
        interval_seconds: float = 30.0,
        state_path: Path | None = None,
        webhook: Webhook | None = None,
    ) -> None:
        self.picture: Picture | None = None
        self.failures = 0
        self._rules = rules
        self._conditions = list(rules.conditions())
        self._reader = reader
        self._settled = settled
        self._interval_seconds = interval_seconds
        self._board = Board(state_path)
        self._webhook = webhook
        self._stopping = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="spanledger-watch", daemon=True)

    @property
    def running(self) -> bool:
        """The thread lives; after :meth:`stop` that means a query that does not end."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Look in a thread of its own until :meth:`stop`."""
        if self._webhook is not None:
            self._webhook.start()
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """End; what was seen and not sent yet is sent, as far as the time allows."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)
        if self._webhook is not None:
            self._webhook.stop(timeout_seconds)

    def look(self, now: datetime) -> Picture:
        """Evaluate every rule, and tell what changed.

        Raises:
            CollectorError: the ledger does not answer.
        """
        readings = Readings(self._reader.rows, now)
        budgets = budget_rows(self._rules.budgets, readings)
        found = [
            reading
            for condition in self._conditions
            for reading in readings.of(condition, self._board.firing_keys(condition))
        ]
        alerts, changed = self._board.update(found, now)
        self.picture = Picture(now, budgets, alerts)
        for transition in changed:
            _LOG.warning(
                "alert %s of %r: %s (%s is %s, bound %s)",
                transition.reading.condition.rule,
                transition.reading.key,
                transition.status,
                transition.reading.condition.metric,
                transition.reading.value,
                transition.reading.condition.threshold,
            )
            if self._webhook is not None:
                self._webhook.tell(transition)
        return self.picture

    def _run(self) -> None:
        seen, looked = -1, 0.0
        while not self._stopping.is_set():
            settled, began = self._settled(), time.monotonic()
            due = settled != seen or began - looked >= _LONGEST_SECONDS
            if due and self._looked():
                seen, looked = settled, began
            took = time.monotonic() - began
            self._stopping.wait(max(self._interval_seconds, took * _REST))

    def _looked(self) -> bool:
        try:
            self.look(datetime.now(timezone.utc))
        except CollectorError as error:
            self.failures += 1
            if not self._failing:
                _LOG.warning("budgets and alerts cannot be evaluated now: %s", error)
            self._failing = True
            return False
        self._failing = False
        return True
