"""The interval of a cost per success where few runs succeed, or none."""

from __future__ import annotations

from .interval import LEVEL, Interval
from .mean import mean_interval
from .share import share_interval
from .statistics import Sample

_METHOD = "mean over wilson"


def seldom_interval(costs: Sample, successes: int, *, level: float = LEVEL) -> Interval:
    """Where the cost of a success is that too few runs had for Fieller's interval.

    The mean cost of a run and the share of successes each have their interval at half the doubt, so
    that both hold at this level together (Bonferroni), and with them their quotient: the lowest
    cost over the highest share, to the highest cost over the lowest share. Wider than need be,
    never narrower. Without a success the share may be nothing: there is no upper end, and the lower
    one is what a success costs at least.

    Args:
        costs: of all runs, none below 0.
        successes: of them.
        level: of confidence.

    Raises:
        ValueError: there are more successes than runs.
    """
    halved = (1 + level) / 2
    cost = mean_interval(costs, level=halved, floor=0)
    share = share_interval(successes, costs.n, level=halved)
    if cost.low is None or cost.high is None or not share.high or share.low is None:
        reason = cost.reason or share.reason
        return Interval.none(reason, n=costs.n, method=_METHOD, level=level)
    low = cost.low / share.high
    if not successes:
        most = share_interval(0, costs.n, level=level).high or 0.0
        reason = f"no success in {costs.n:,} runs: at most {most:.1%} of such runs succeed"
        return Interval(low, None, level, costs.n, _METHOD, reason)
    return Interval(low, cost.high / share.low, level, costs.n, _METHOD)
