"""The interval of a ratio of two sums over the same runs, such as cost per success."""

from __future__ import annotations

import math

from .distributions import normal_quantile, student_t_quantile
from .interval import LEVEL, Interval, too_few
from .statistics import Joint, Measured

_METHOD = "fieller"


def ratio_variance(joint: Joint) -> float:
    """The part of one run in the variance of the ratio (delta method): divided by n it is that.

    Raises:
        ZeroDivisionError: the mean below the line is 0.
    """
    ratio = joint.over_mean / joint.under_mean
    spread = joint.over_variance - 2 * ratio * joint.covariance + ratio**2 * joint.under_variance
    return max(spread, 0.0) / joint.under_mean**2


def ratio_interval(joint: Joint, *, level: float = LEVEL, floor: float | None = None) -> Interval:
    """Where the ratio of the means is, by Fieller's theorem.

    Fieller's interval needs no large sample below the line, and tells by itself when what is below
    the line might be nothing: then no interval holds the ratio, and none is given. A floor that the
    ratio itself is below is none.
    """
    refusal = too_few(joint.n, method=_METHOD, level=level)
    if refusal:
        return refusal
    if not joint.under_mean:
        return _unbounded("nothing stands below the line", joint, level)
    n, under = joint.n, joint.under_mean
    ratio = joint.over_mean / under
    t = student_t_quantile((1 + level) / 2, n - 1)
    doubt = t**2 / (n * under**2)
    g = doubt * joint.under_variance
    if g >= 1:
        return _unbounded("what stands below the line may as well be nothing", joint, level)
    spread = (
        joint.over_variance
        - 2 * ratio * joint.covariance
        + ratio**2 * joint.under_variance
        - doubt * (joint.over_variance * joint.under_variance - joint.covariance**2)
    )
    half = t / abs(under) * math.sqrt(max(spread, 0.0) / n)
    middle = ratio - doubt * joint.covariance
    low, high = (middle - half) / (1 - g), (middle + half) / (1 - g)
    if floor is not None and ratio >= floor:
        low = max(low, floor)
    return Interval(low, high, level, n, _METHOD)


def independent_ratio_interval(
    over: Measured, under: Measured, *, level: float = LEVEL
) -> Interval:
    """The same for two figures that were measured apart, by Fieller with the normal quantile."""
    n = min(over.n, under.n)
    refusal = too_few(n, method=_METHOD, level=level)
    if refusal:
        return refusal
    a, b = over.variance / over.n, under.variance / under.n
    z = normal_quantile((1 + level) / 2)
    g = z**2 * b / under.value**2 if under.value else 1.0
    if g >= 1:
        reason = "what stands below the line may as well be nothing"
        return Interval.none(reason, n=n, method=_METHOD, level=level)
    ratio = over.value / under.value
    half = z / abs(under.value) * math.sqrt(a * (1 - g) + ratio**2 * b)
    return Interval((ratio - half) / (1 - g), (ratio + half) / (1 - g), level, n, _METHOD)


def _unbounded(reason: str, joint: Joint, level: float) -> Interval:
    return Interval.none(reason, n=joint.n, method=_METHOD, level=level)
