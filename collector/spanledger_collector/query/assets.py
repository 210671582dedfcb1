"""What was paid once and serves many runs: the questions of :class:`Ledger` about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from .asset_rows import AssetChargeRow, AssetEntryRow, AssetRow, AssetShareRow
from .parsing import parse_rows
from .reader import Row
from .remaining_life import HALF_LIFE_DAYS, RemainingLife, remaining_life


class Assets(ABC):
    """Books of assets; :class:`Ledger` answers it."""

    @abstractmethod
    def query(self, name: str, **parameters: object) -> list[Row]:
        """Rows of any named query; see :meth:`Ledger.query`."""

    def assets(self) -> Sequence[AssetRow]:
        """What was paid once and serves many runs, and how much of it was charged."""
        return parse_rows(AssetRow, self.query("assets"))

    def asset_entries(self, asset_id: str = "") -> Sequence[AssetEntryRow]:
        """What was booked, asked and granted, entry by entry; of one asset sums to its capital."""
        return parse_rows(AssetEntryRow, self.query("asset_entries", asset_id=asset_id))

    def asset_charges(
        self, asset_id: str = "", *, trace_id: str = "", run_id: str = "", limit: int = 100,
        offset: int = 0,
    ) -> Sequence[AssetChargeRow]:  # fmt: skip
        """What runs were charged, newest first; of one asset sums to what was charged of it.

        Args:
            asset_id: of this asset; empty = of any.
            trace_id: to runs of this trace only.
            run_id: to this run only.
            limit: at most so many.
            offset: so many of the newest are left out.
        """
        asked = {"asset_id": asset_id, "in_trace": trace_id, "run_id": run_id}
        found = self.query("asset_charges", **asked, limit=limit, offset=offset)
        return parse_rows(AssetChargeRow, found)

    def asset_shares(self, asset_id: str = "", agent_name: str = "") -> Sequence[AssetShareRow]:
        """What agents carry of assets, in all and a run, with the interval of the plans.

        Args:
            asset_id: of this asset; empty = of any.
            agent_name: carried by this agent; empty = by any.
        """
        asked = {"asset_id": asset_id, "agent_name": agent_name}
        return parse_rows(AssetShareRow, self.query("asset_shares", **asked))

    def remaining_life(
        self,
        asset_id: str,
        *,
        until: datetime | None = None,
        half_life_days: float = HALF_LIFE_DAYS,
    ) -> RemainingLife:
        """How many units of an asset are still to come, by its use so far: a better plan.

        Nothing is booked: :meth:`RemainingLife.record` is the entry that would be.

        Args:
            asset_id: the asset.
            until: planned end of its use; None = the end of its plan's days.
            half_life_days: age of a day that counts half as much as the newest one.

        Raises:
            NotFoundError: there is no such asset.
            PermanentError: its life cannot be told; the message says why.
        """
        return remaining_life(self.query, asset_id, until=until, half_life_days=half_life_days)
