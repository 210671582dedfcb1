"""What engines and devices of one's own did; :class:`Ledger` answers it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from .decisions import period
from .energy_rows import EnergyRow
from .engine_rows import EngineMinuteRow, EngineRow
from .parsing import parse_rows
from .pool_rows import PoolRow
from .reader import Row


class Hardware(ABC):
    """Reads of what runs on GPUs of one's own."""

    @abstractmethod
    def query(self, name: str, **parameters: object) -> list[Row]:
        """Rows of any named query; see :meth:`Ledger.query`."""

    def pools(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        by: Literal["total", "day"] = "total",
    ) -> Sequence[PoolRow]:
        """What GPUs of one's own were billed, and where it went, the dearest pool first.

        Args:
            since: from this day on; None = from the first.
            until: before this time, days whole; None = to the last.
            by: one row a pool, or one a pool and day, newest first.
        """
        return parse_rows(PoolRow, self.query("pools", **period(since, until), by=by))

    def engines(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[EngineRow]:
        """What each inference engine did over a period, as it told in its ``/metrics``.

        Args:
            since: from this minute on; None = from the first.
            until: before this one; None = to the last.
        """
        return parse_rows(EngineRow, self.query("engines", **period(since, until)))

    def engine_minutes(
        self, since: datetime | None = None, until: datetime | None = None, *, limit: int = 1000
    ) -> Sequence[EngineMinuteRow]:
        """The same minute by minute, newest first.

        Args:
            since: from this minute on; None = from the first.
            until: before this one; None = to the last.
            limit: rows at most.
        """
        asked = {**period(since, until), "limit": limit}
        return parse_rows(EngineMinuteRow, self.query("engine_minutes", **asked))

    def energy(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[EnergyRow]:
        """What the model calls of each agent drew (kWh) and emitted (kg CO2e), as far as known.

        Args:
            since: from this day on; None = from the first.
            until: before this time, days whole; None = to the last.
        """
        return parse_rows(EnergyRow, self.query("energy", **period(since, until)))
