"""By how much a figure of money is less or more by the ends of what was estimated: in its unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from spanledger_collector.estimate import Interval

from .agent_sums import AgentSums
from .economics import INCLUSIVE
from .estimates import OF_ENDS as _HOW

#: Why an interval that the runs alone would decide does not.
COULD_TURN: Final = "estimates could turn it"
#: Figures that shares of assets are in, and those of variable cost alone.
_TOTAL: Final = frozenset({"total_cost_per_run", "cost_per_success", "margin_per_run"})
_VARIABLE: Final = frozenset({"cost_per_run", "contribution_per_run"})
_GAINS: Final = frozenset({"margin_per_run", "contribution_per_run"})
_PER_SUCCESS: Final = "cost_per_success"
#: The share of the work that was wasted.
WASTED: Final = "rework_share"


@dataclass(frozen=True, slots=True)
class Ends:
    """How far a figure is off, at worst, if all estimates are off the same way.

    Attributes:
        below: by so much it is less, in its unit.
        above: by so much it is more.
        cheaper_share: of what was spent: by such a share it was less.
        dearer_share: it was more.
        is_gain: it is what is left after costs, rather than a cost.
    """

    below: float = 0.0
    above: float = 0.0
    cheaper_share: float = 0.0
    dearer_share: float = 0.0
    is_gain: bool = False

    def around(self, interval: Interval) -> Interval:
        """The interval of one side by both ends: of a cost, each end is off in proportion."""
        if not self.below and not self.above:
            return interval
        if self.is_gain:
            return replace(widened(interval, self.below, self.above), reason=interval.reason)
        low, high = interval.low, interval.high
        low = None if low is None else low - abs(low) * self.cheaper_share
        high = None if high is None else high + abs(high) * self.dearer_share
        return replace(interval, low=low, high=high, method=f"{interval.method}{_HOW}")


def ends(name: str, sums: AgentSums) -> Ends:
    """Of a figure of a group of runs, by the names of :class:`AgentEconomics`.

    Usage is off for variable cost; shares of assets too, where the figure holds them. A value is
    what somebody told, and no share of an asset or a usage is in it.
    """
    figure = name.removeprefix(INCLUSIVE)
    if figure == WASTED:
        waste = sums.waste
        return Ends(waste.below, waste.above)
    if figure not in _TOTAL | _VARIABLE:
        return Ends()
    cheaper, dearer, spent = _by_estimates(name, figure, sums)
    shares = (float(cheaper / spent), float(dearer / spent)) if spent else (0.0, 0.0)
    of = sums.successful_runs if figure == _PER_SUCCESS else sums.runs
    less, more = (float(cheaper) / of, float(dearer) / of) if of else (0.0, 0.0)
    if figure in _GAINS:
        return Ends(more, less, *shares, is_gain=True)
    return Ends(less, more, *shares)


def _by_estimates(
    name: str, figure: str, sums: AgentSums
) -> tuple[Decimal, Decimal, Decimal | None]:
    """What all runs cost less, what they cost more, and what they cost."""
    usage = (sums.inclusive_usage_cheaper_usd, sums.inclusive_usage_dearer_usd)
    both = (sums.inclusive_cheaper_usd, sums.inclusive_dearer_usd)
    cost, total = sums.inclusive_cost_usd, sums.inclusive_total_cost_usd
    if not name.startswith(INCLUSIVE):
        # Shares of assets have ends with those of the runs below only: of its own, at most.
        shares = [whole - part for whole, part in zip(both, usage, strict=True)]
        usage = _own_usage(sums)
        both = (usage[0] + shares[0], usage[1] + shares[1])
        cost, total = sums.cost_usd, sums.total_cost_usd
    return (*both, total) if figure in _TOTAL else (*usage, cost)


def _own_usage(sums: AgentSums) -> tuple[Decimal, Decimal]:
    cost, low, high = sums.cost_usd, sums.cost_low_usd, sums.cost_high_usd
    nothing = Decimal(0)
    if cost is None:
        return nothing, nothing
    less = nothing if low is None else cost - low
    more = nothing if high is None else high - cost
    return max(less, nothing), max(more, nothing)


def widened(interval: Interval, below: float, above: float) -> Interval:
    """An interval by both ends; it says so where they alone take a sign from it."""
    if interval.low is None or interval.high is None or not (below or above):
        return interval
    low, high, how = interval.low - below, interval.high + above, f"{interval.method}{_HOW}"
    return turned(interval, replace(interval, low=low, high=high, method=how))


def turned(plain: Interval, by_ends: Interval) -> Interval:
    """The second; it says so where the first alone has a sign."""
    if not plain.excludes(0) or by_ends.excludes(0):
        return by_ends
    return replace(by_ends, reason="; ".join(filter(None, (by_ends.reason, COULD_TURN))))
