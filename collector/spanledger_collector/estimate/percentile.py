"""The interval of a percentile, by the ranks between which it lies: no shape is assumed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .distributions import binomial_cdf
from .interval import LEVEL, Interval
from .share import runs_worth
from .statistics import Traces

_METHOD = "order statistics"


@dataclass(frozen=True, slots=True)
class RankGrid:
    """Some of n sorted values: the first, the last, and others equally far apart in rank.

    Attributes:
        n: how many values there were.
        values: those kept, ascending; all n, or fewer.
    """

    n: int
    values: Sequence[float]

    @property
    def ranks(self) -> Sequence[int]:
        """The rank (from 1) of each value kept; the engine takes the same ones."""
        kept = len(self.values)
        if kept <= 1:
            return range(1, kept + 1)
        return [1 + place * (self.n - 1) // (kept - 1) for place in range(kept)]

    def at_most(self, rank: int) -> float:
        """The nearest value kept of this rank or a lower one."""
        return self.values[max(bisect_right(self.ranks, rank) - 1, 0)]

    def at_least(self, rank: int) -> float:
        """The nearest value kept of this rank or a higher one."""
        return self.values[min(bisect_left(self.ranks, rank), len(self.values) - 1)]


def percentile_interval(
    grid: RankGrid, share: float, *, level: float = LEVEL, traces: Traces | None = None
) -> Interval:
    """Where the value is below which this share of all such values lies.

    The ranks are the binomial's; where the grid keeps no value of a rank, the next one outward is
    taken: the interval is never too narrow. None where one end lies beyond the values seen.

    Where runs share traces, the ranks are those of as many runs in traces of their own as tell as
    much of the share below the percentile (Woodruff 1952, JASA 47), spread evenly over all values.
    """
    if traces is not None:
        return _by_traces(grid, share, traces, level)
    n = grid.n
    low, high = _ranks(n, share, level)
    if low < 1 or high > n:
        return _beyond(n, share, level)
    return Interval(grid.at_most(low), grid.at_least(high), level, n, _METHOD)


def _by_traces(grid: RankGrid, share: float, traces: Traces, level: float) -> Interval:
    worth = int(runs_worth(share, grid.n, traces, level=level)) if traces.n > 1 else 0
    low, high = _ranks(worth, share, level)
    if low < 1 or high > worth:
        return _beyond(traces.n, share, level)
    # Each of so few stands for as many values: the first of them below, the last of them above.
    first, last = (low - 1) * grid.n // worth + 1, -(-high * grid.n // worth)
    return Interval(grid.at_most(first), grid.at_least(last), level, traces.n, _METHOD)


def _beyond(n: int, share: float, level: float) -> Interval:
    runs = "1 run" if n == 1 else f"{n} runs"
    reason = f"{runs}: too few for an interval around percentile {share * 100:g}"
    return Interval.none(reason, n=n, method=_METHOD, level=level)


def _ranks(n: int, share: float, level: float) -> tuple[int, int]:
    """Between which the percentile lies, 0 and n + 1 for below and above all."""
    tail = (1 - level) / 2
    low = _first(lambda rank: binomial_cdf(rank, n, share) > tail, n)
    return low, _first(lambda rank: binomial_cdf(rank - 1, n, share) >= 1 - tail, n)


def _first(holds: Callable[[int], bool], n: int) -> int:
    """The first of 0..n+1 for which it holds, of a condition that stays once it holds."""
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
