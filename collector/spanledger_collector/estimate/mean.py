"""The interval of a mean, and how many values it takes to tell it from 0."""

from __future__ import annotations

import math

from .distributions import normal_quantile, student_t_quantile
from .interval import FEWEST, LEVEL, Interval, too_few
from .statistics import Measured, Sample

_STUDENT, _HALL = "student t", "hall t"
#: Cochran's rule: a mean of n > 25 x skewness^2 values is near enough to normal.
_COCHRAN = 25
#: Chance of telling a mean from 0 that is not 0 (Cohen's convention).
POWER = 0.8


def mean_interval(sample: Sample, *, level: float = LEVEL, floor: float | None = None) -> Interval:
    """Where the mean is that these observations were drawn around.

    Costs and times are skewed to the right: there Student's interval lies too low. By Cochran's
    rule it is used where that does not matter, else Hall's transformation, which takes the skewness
    out of the t statistic.

    Args:
        sample: what was seen.
        level: of confidence.
        floor: what no observation can be below (0 for costs without credits among them); where the
            mean is below it, some are, and it is none.
    """
    skewed = sample.n <= _COCHRAN * sample.skewness**2
    method = _HALL if skewed else _STUDENT
    refusal = too_few(sample.n, method=method, level=level)
    if refusal:
        return refusal
    t = student_t_quantile((1 + level) / 2, sample.n - 1)
    upper, lower = (_plain(sample, x) if skewed else x for x in (t, -t))
    error = math.sqrt(sample.variance / sample.n)
    low, high = sample.mean - upper * error, sample.mean - lower * error
    if floor is not None and sample.mean >= floor:
        low = max(low, floor)
    return Interval(low, high, level, sample.n, method)


def runs_to_tell(mean: Measured, *, level: float = LEVEL, power: float = POWER) -> int | None:
    """Runs in all with which the mean seen, if true, would be told from 0.

    Returns:
        Runs; None where the mean is 0 itself.
    """
    if not mean.value:
        return None
    z = normal_quantile((1 + level) / 2) + normal_quantile(power)
    return max(math.ceil(mean.variance * (z / mean.value) ** 2), FEWEST)


def _plain(sample: Sample, transformed: float) -> float:
    """The t statistic of a value of Hall's transformed one.

    The transformation is T + g (T^2/3 + 1/6) + g^2 T^3 / 27 with g = skewness / sqrt(n): a cubic
    that grows everywhere, so it can be taken back.
    """
    g = sample.skewness / math.sqrt(sample.n)
    return 3 / g * (_cube_root(1 + g * (transformed - g / 6)) - 1)


def _cube_root(value: float) -> float:
    return math.copysign(abs(value) ** (1 / 3), value)
