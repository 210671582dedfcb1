"""The interval of a cost per success where few runs succeed, or few fail."""

from __future__ import annotations

from .interval import FEWEST_OF_A_KIND, LEVEL, Interval, too_few
from .mean import mean_interval
from .share import share_interval
from .statistics import Sample, Traces

_METHOD = "mean over wilson"


def is_seldom(part: int, n: int, traces: Traces | None = None) -> bool:
    """So few of one kind were seen among n that how much their share may vary is not known.

    A closed form takes the spread that was seen for the true one; where no run failed yet that is
    0, as if none could. More of a kind than there are draws (several successes in a trace) is no
    share. Runs that share traces are as many as these: so few traces' worth of a kind is seldom.
    """
    if traces is not None and n:
        return traces.effective * min(part, n - part) / n < FEWEST_OF_A_KIND
    return part < FEWEST_OF_A_KIND or 0 <= n - part < FEWEST_OF_A_KIND


def seldom_interval(
    costs: Sample,
    successes: int,
    *,
    level: float = LEVEL,
    floor: float | None = 0,
    runs: int | None = None,
    traces: Traces | None = None,
) -> Interval:
    """Where the cost of a success is that too few runs had, or too few had not, for Fieller's.

    The mean cost of a run and the share of successes each have their interval at half the doubt, so
    that both hold at this level together (Bonferroni), and with them their quotient: the lowest
    cost over the highest share, to the highest cost over the lowest share. Wider than need be,
    never narrower. A run that fails is taken to cost what runs cost. Without a success the share
    may be nothing: there is no upper end, and the lower one is what a success costs at least.

    Args:
        costs: of all runs.
        successes: of them.
        level: of confidence.
        floor: what no cost can be below; None where credits are among them.
        runs: that the successes are of; None = as many as costs.
        traces: that the runs share, of which the costs are then; None = each has its own.

    Raises:
        ValueError: there are more successes than runs.
    """
    refusal = too_few(costs.n, method=_METHOD, level=level)
    if refusal:
        return refusal
    halved = (1 + level) / 2
    cost = mean_interval(costs, level=halved, floor=floor)
    tried = costs.n if runs is None else runs
    share = share_interval(successes, tried, level=halved, traces=traces)
    if cost.low is None or cost.high is None or share.low is None or share.high is None:
        reason = cost.reason or share.reason
        return Interval.none(reason, n=costs.n, method=_METHOD, level=level)
    # What credits bring is most where few succeed.
    low = _over(cost.low, share.high if cost.low >= 0 else share.low)
    high = _over(cost.high, share.low if cost.high >= 0 else share.high)
    reason = "" if successes else _none_of(tried, share.high, traces)
    return Interval(low, high, level, costs.n, _METHOD, reason)


def _over(cost: float, share: float) -> float | None:
    return cost / share if share else None


def _none_of(n: int, most: float, traces: Traces | None) -> str:
    told = f"{n:,} runs" if traces is None else f"{n:,} runs of {traces.n:,} traces"
    return f"no success in {told}: at most {most:.1%} of such runs succeed"
