"""What an interval is, and when there is none."""

from __future__ import annotations

from dataclasses import dataclass

#: Runs below which no interval of a mean is given: the spread itself is not known yet.
FEWEST = 10
#: Successes (and failures) below which how often such runs come is not told by the spread that was
#: seen: none seen yet is none, as if there could be none.
FEWEST_OF_A_KIND = 5
#: The level of every interval, unless asked otherwise.
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval around an estimate, or why there is none.

    Attributes:
        low: the lower end; None where there is no interval, or none to this side.
        high: the upper end, likewise: what may be without bound has a lower end alone.
        level: share of such intervals that hold the true value.
        n: observations it stands on.
        method: name of the form.
        reason: why there is none, or no end to a side; empty where there are both.
    """

    low: float | None
    high: float | None
    level: float
    n: int
    method: str
    reason: str = ""

    @classmethod
    def none(cls, reason: str, *, n: int, method: str, level: float = LEVEL) -> Interval:
        """No interval, and why."""
        return cls(None, None, level, n, method, reason)

    def excludes(self, value: float) -> bool:
        """The value is outside; never where there is no interval."""
        below = self.low is not None and value < self.low
        return below or (self.high is not None and value > self.high)

    def within(self, low: float, high: float) -> bool:
        """It lies in this range entirely; never where there is no interval."""
        if self.low is None or self.high is None:
            return False
        return low <= self.low and self.high <= high


def too_few(n: int, *, method: str, level: float) -> Interval | None:
    """The refusal, where there are fewer observations than a spread can be told from."""
    if n >= FEWEST:
        return None
    reason = f"{n} of at least {FEWEST} runs: too few to tell a spread"
    return Interval.none(reason, n=n, method=method, level=level)
