"""The interval of a mean that hangs on how often something comes about that was hardly seen yet."""

from __future__ import annotations

from dataclasses import dataclass

from .interval import FEWEST_OF_A_KIND, LEVEL, Interval
from .mean import mean_interval
from .seldom import is_seldom
from .share import share_interval
from .statistics import Sample, Traces

_METHOD = "mean and wilson"


@dataclass(frozen=True, slots=True)
class Stake:
    """What a mean has at stake: runs of one kind (that earned something) and all the others.

    Attributes:
        n: runs.
        part: of them of that kind.
        gap: by so much their mean is above that of the others; where no other was seen, by how much
            it is taken to be, 0 where nothing is at stake; None = nobody can say.
        traces: that the runs share, of which the mean is then; None = each has its own.
    """

    n: int
    part: int
    gap: float | None
    traces: Traces | None = None

    @property
    def is_seldom(self) -> bool:
        """One of the two kinds was hardly seen, and the mean hangs on it."""
        return self.gap != 0 and is_seldom(self.part, self.n, self.traces)


def stake_interval(sample: Sample, stake: Stake, *, level: float = LEVEL) -> Interval:
    """Where the mean is, if one of two kinds was seen fewer times than tells how often it comes.

    The spread that was seen holds next to nothing of what is rare: where every run earned something
    it says that none can earn nothing. So what does not hang on the kind (the spread within both)
    and the share of the kind (Wilson) have their intervals at half the doubt each (Bonferroni), and
    the ends of the share move the mean by the gap between the kinds. Wider than need be.

    Args:
        sample: all draws.
        stake: what hangs on their kind.
        level: of confidence.
    """
    halved = (1 + level) / 2
    within = mean_interval(_within(sample, stake), level=halved)
    share = share_interval(stake.part, stake.n, level=halved, traces=stake.traces)
    if within.low is None or within.high is None or share.low is None or share.high is None:
        reason = within.reason or share.reason
        return Interval.none(reason, n=sample.n, method=_METHOD, level=level)
    if stake.gap is None:
        reason = f"{told_by(stake, level=level)}, and how much is not known"
        return Interval(within.low, None, level, sample.n, _METHOD, reason)
    seen = stake.part / stake.n
    moved = sorted((end - seen) * stake.gap for end in (share.low, share.high))
    low, high = within.low + moved[0], within.high + moved[1]
    if stake.part < FEWEST_OF_A_KIND:  # what so few earned may be far from what such runs earn
        high = max(high, mean_interval(sample, level=level).high or high)
    return Interval(low, high, level, sample.n, _METHOD)


def told_by(stake: Stake, *, level: float = LEVEL) -> str:
    """How often each kind was seen, and may come, in words: by the ends that move the mean."""
    share = share_interval(stake.part, stake.n, level=(1 + level) / 2, traces=stake.traces)
    low, high = share.low or 0.0, share.high or 0.0
    if stake.part < stake.n - stake.part:
        return f"{stake.part:,} of {stake.n:,} runs earned something: up to {high:.1%} may"
    return f"{stake.part:,} of {stake.n:,} runs earned something: as few as {low:.1%} may"


def _within(sample: Sample, stake: Stake) -> Sample:
    """The same around the same mean, less what the two kinds differ by: what both spread alike."""
    share, gap = stake.part / stake.n, stake.gap or 0.0
    if stake.traces is not None or not 0 < share < 1 or sample.n < FEWEST_OF_A_KIND:
        return sample
    between = gap**2 * share * (1 - share)
    whole = sample.variance * (sample.n - 1) / sample.n
    left = whole - between
    if left <= 1e-9 * whole:
        return Sample(sample.n, sample.mean, 0.0)
    third = sample.skewness * sample.variance**1.5
    third -= gap * between * (1 - 2 * share)
    variance = left * sample.n / (sample.n - 1)
    return Sample(sample.n, sample.mean, variance, third / variance**1.5)
