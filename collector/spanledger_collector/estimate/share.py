"""The interval of a share of runs, such as those that succeed."""

from __future__ import annotations

import math

from .distributions import normal_quantile
from .interval import LEVEL, Interval

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
    z = normal_quantile((1 + level) / 2)
    share = part / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low = 0.0 if part == 0 else max(middle - half, 0.0)
    high = 1.0 if part == n else min(middle + half, 1.0)
    return Interval(low, high, level, n, _METHOD)
