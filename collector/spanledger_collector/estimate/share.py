"""The interval of a share: of runs (those that succeed), or of money (what of it was wasted)."""

from __future__ import annotations

import math

from .distributions import normal_quantile, student_t_quantile
from .interval import LEVEL, Interval, too_few
from .ratio import ratio_variance
from .statistics import Joint

_METHOD = "wilson"


def share_interval(part: int, n: int, *, level: float = LEVEL) -> Interval:
    """Where the share is, by Wilson's score: sound for few runs, and for none or all of them.

    Raises:
        ValueError: the part is not one of the whole.
    """
    if not 0 <= part <= n:
        raise ValueError(f"{part} of {n} is no share")
    if not n:
        return Interval.none("no runs", n=0, method=_METHOD, level=level)
    low, high = _wilson(part / n, n, level)
    return Interval(low, high, level, n, _METHOD)


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
