"""The interval of a share: of runs (those that succeed), or of money (what of it was wasted)."""

from __future__ import annotations

import math

from .distributions import normal_quantile, student_t_quantile
from .interval import FEWEST_OF_A_KIND, LEVEL, Interval, too_few
from .ratio import ratio_variance
from .statistics import Joint, Traces

_METHOD = "wilson"


def share_interval(
    part: int, n: int, *, level: float = LEVEL, traces: Traces | None = None
) -> Interval:
    """Where the share is, by Wilson's score: sound for few runs, and for none or all of them.

    Args:
        part: runs that it is the share of.
        n: all runs.
        level: of confidence.
        traces: that they share; None = each has its own.

    Raises:
        ValueError: the part is not one of the whole.
    """
    if not 0 <= part <= n:
        raise ValueError(f"{part} of {n} is no share")
    if not n:
        return Interval.none("no runs", n=0, method=_METHOD, level=level)
    if traces is None:
        return Interval(*_wilson(part / n, n, level), level, n, _METHOD)
    if traces.n == 1:
        reason = "all runs are of one trace: no telling how traces differ"
        return Interval.none(reason, n=1, method=_METHOD, level=level)
    worth = runs_worth(part / n, n, traces, level=level)
    return Interval(*_wilson(part / n, worth, level), level, traces.n, _METHOD)


def runs_worth(share: float, n: int, traces: Traces, *, level: float = LEVEL) -> float:
    """Runs in traces of their own that would tell as much of a share as these do.

    As many as leave it as uncertain as the traces show, and fewer by (z / t)^2, for that is
    estimated too (Korn & Graubard 1998); never more than there are. Where what makes up the share,
    or the rest, is seen in so few traces that their spread is not known, no more than the traces.

    Raises:
        ValueError: there are not two traces.
    """
    if traces.n < 2:  # noqa: PLR2004 - a spread takes two
        raise ValueError(f"{traces.n} traces have no spread")
    rarer = min(share, 1 - share)
    seldom = traces.effective * rarer < FEWEST_OF_A_KIND
    shown = share * (1 - share) * traces.n / traces.variance if traces.variance else math.inf
    known = min(shown, traces.effective if seldom or math.isinf(shown) else n, n)
    t = student_t_quantile((1 + level) / 2, traces.n - 1)
    return known * (normal_quantile((1 + level) / 2) / t) ** 2


def part_interval(joint: Joint, *, level: float = LEVEL) -> Interval:
    """Where the share is that a part has of its whole, both summed over the same runs.

    Wilson's score with the effective number of runs (Korn & Graubard 1998, Survey Methodology 24):
    as many runs of equal weight as leave the share as uncertain as it is by the delta method, and
    fewer by (z / t)^2, for that spread is estimated too. So both ends are shares, and no waste seen
    is not certainty: where all or nothing was part there is no spread, and runs count by their
    weights (Kish 1965: n over 1 + the squared coefficient of variation of the wholes).

    Args:
        joint: the part of each run over its whole; no part is larger than its whole.
        level: of confidence.
    """
    refusal = too_few(joint.n, method=_METHOD, level=level)
    if refusal:
        return refusal
    if not joint.under_mean:
        reason = "nothing stands below the line"
        return Interval.none(reason, n=joint.n, method=_METHOD, level=level)
    share = min(max(joint.over_mean / joint.under_mean, 0.0), 1.0)
    effective = _effective_runs(joint, share)
    if math.isinf(effective):
        return Interval(share, share, level, joint.n, _METHOD)
    z = normal_quantile((1 + level) / 2)
    t = student_t_quantile((1 + level) / 2, joint.n - 1)
    low, high = _wilson(share, effective * (z / t) ** 2, level)
    return Interval(low, high, level, joint.n, _METHOD)


def _effective_runs(joint: Joint, share: float) -> float:
    """Runs of equal weight that would tell as much of the share; infinite where all are alike."""
    if share in (0.0, 1.0):
        spread = joint.under_variance * (joint.n - 1) / joint.n
        return joint.n / (1 + spread / joint.under_mean**2)
    spread = ratio_variance(joint)
    return joint.n * share * (1 - share) / spread if spread else math.inf


def _wilson(share: float, n: float, level: float) -> tuple[float, float]:
    z = normal_quantile((1 + level) / 2)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low = 0.0 if share == 0 else max(middle - half, 0.0)
    high = 1.0 if share == 1 else min(middle + half, 1.0)
    return low, high
