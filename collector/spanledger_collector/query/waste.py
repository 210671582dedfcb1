"""The share of the work that was wasted, by both ends of estimates and by what is unknown."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import ClassVar, Literal, Protocol

from spanledger_collector.estimate import Interval

from .estimates import OF_ENDS, Estimate, decimal, form

#: What a share is where costs are unknown; empty = itself, or nobody can say.
Bound = Literal["", "at least", "at most"]

_NOTHING = Decimal(0)


class Wasted(Protocol):
    """Sums of the engine over runs or attempts (``arithmetic/waste_ends.sql``)."""

    @property
    def rework_cost_usd(self) -> Decimal | None:
        """What was wasted."""
        ...

    @property
    def rework_cheaper_usd(self) -> Decimal:
        """By so much that is less, at worst."""
        ...

    @property
    def rework_dearer_usd(self) -> Decimal:
        """By so much it is more."""
        ...

    @property
    def used_cheaper_usd(self) -> Decimal:
        """By so much the work that was used is less."""
        ...

    @property
    def used_dearer_usd(self) -> Decimal:
        """By so much it is more."""
        ...


@dataclass(frozen=True, slots=True)
class Waste:
    """How far a share wasted is off, at worst, if all estimates are off the same way.

    Attributes:
        share: of the work, as it is known; None = there is none.
        low: factor on the odds (wasted to used) by the ends that make them least.
        high: by those that make them most; infinite where nothing may have been used.
        unknown_used: attempts that were used, or may be, whose cost is not known.
        unknown_wasted: of what was wasted.
    """

    share: float | None
    low: float = 1.0
    high: float = 1.0
    unknown_used: int = 0
    unknown_wasted: int = 0

    @classmethod
    def of(
        cls, row: Wasted, work_usd: Decimal | None, unknown: int = 0, unknown_wasted: int = 0
    ) -> Waste:
        """Of sums.

        Args:
            row: of what was wasted, and its ends.
            work_usd: what all work cost.
            unknown: attempts of unknown cost.
            unknown_wasted: of them those that were wasted.
        """
        wasted = row.rework_cost_usd or _NOTHING
        used = (work_usd or _NOTHING) - wasted
        if wasted < 0 or used < 0 or not wasted + used:
            return cls(None, unknown_used=unknown - unknown_wasted, unknown_wasted=unknown_wasted)
        least = _over(wasted - row.rework_cheaper_usd, wasted)
        least *= _over(used, used + row.used_dearer_usd)
        most = _over(wasted + row.rework_dearer_usd, wasted)
        most *= _over(used, used - row.used_cheaper_usd)
        share = float(wasted / (wasted + used))
        return cls(share, least, most, unknown - unknown_wasted, unknown_wasted)

    @property
    def bound(self) -> Bound:
        """What the share is."""
        return bound(self.unknown_used + self.unknown_wasted, self.unknown_wasted)

    @property
    def below(self) -> float:
        """By so much the share is less."""
        return 0.0 if self.share is None else self.share - by_odds(self.share, self.low)

    @property
    def above(self) -> float:
        """By so much it is more."""
        return 0.0 if self.share is None else by_odds(self.share, self.high) - self.share

    def around(self, interval: Interval) -> Interval:
        """The interval of the share by both ends; where costs are unknown the end that holds.

        Unknown costs of what was used leave a share less than the known one, those of what was
        wasted more.
        """
        low, high, method = interval.low, interval.high, interval.method
        if (self.low, self.high) != (1.0, 1.0):
            low = None if low is None else by_odds(low, self.low)
            high = None if high is None else by_odds(high, self.high)
            method = form(method, OF_ENDS)
        if not self.unknown_used and not self.unknown_wasted:
            return replace(interval, low=low, high=high, method=method)
        return replace(
            interval, low=None if self.unknown_used else low,
            high=None if self.unknown_wasted else high, method=method, reason=self._gaps(),
        )  # fmt: skip

    def _gaps(self) -> str:
        both = (("used", self.unknown_used), ("wasted", self.unknown_wasted))
        told = " and ".join(f"{attempts:,} {kind}" for kind, attempts in both if attempts)
        return f"the cost of {told} attempts is not known"

    def estimate(self, share: Estimate) -> Estimate:
        """The same of a figure."""
        found = self.around(share.interval)
        if found == share.interval:
            return share
        return replace(
            share, low=decimal(found.low), high=decimal(found.high), method=found.method,
            reason=found.reason,
        )  # fmt: skip


class Bounded:
    """A row with a share of a cost: what the known one is of it, where costs are not known."""

    __slots__ = ()
    #: Columns that count the attempts of unknown cost, and of them those of the part.
    _unknown: ClassVar[str] = "unpriced_attempts"
    _unknown_part: ClassVar[str] = "unknown_rework_attempts"

    @property
    def share_bound(self) -> Bound:
        """What the share is, and what grows with it."""
        return bound(getattr(self, self._unknown), getattr(self, self._unknown_part))


def bound(unknown: int, unknown_wasted: int) -> Bound:
    """What the known share wasted is, where the cost of so many attempts is not known.

    Args:
        unknown: attempts of unknown cost.
        unknown_wasted: of them those that were wasted.
    """
    if unknown_wasted:
        return "at least" if unknown == unknown_wasted else ""
    return "at most" if unknown else ""


def by_odds(share: float, factor: float) -> float:
    """The share whose odds are so many times those of this one."""
    if math.isinf(factor):
        return 1.0
    return share if factor == 1 else share * factor / (1 - share + share * factor)


def _over(part: Decimal, whole: Decimal) -> float:
    if part == whole:
        return 1.0
    return float(part / whole) if whole > 0 else math.inf
