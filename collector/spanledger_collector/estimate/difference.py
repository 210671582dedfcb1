"""Two groups of runs: how far apart, in which direction, and how many runs it takes to tell."""

from __future__ import annotations

import math

from .distributions import normal_quantile, student_t_quantile
from .interval import FEWEST, LEVEL, Interval
from .mean import POWER
from .statistics import Measured

_WELCH, _DELTA, _NEWCOMBE, _MOVER = "welch t", "log delta", "newcombe", "mover"
_APART = "ends of both"
_NOT_ABOVE_0 = "a ratio needs two figures above 0"


def difference(old: Measured, new: Measured, *, level: float = LEVEL) -> Interval:
    """Where ``new - old`` is: Welch's t, each group with its own spread."""
    n = min(old.n, new.n)
    if n < FEWEST:
        return Interval.none(_few(n, old, new), n=n, method=_WELCH, level=level)
    error, t = _error(old.variance / old.n, new.variance / new.n, old.n, new.n, level)
    middle = new.value - old.value
    return Interval(middle - t * error, middle + t * error, level, old.n + new.n, _WELCH)


def quotient(old: Measured, new: Measured, *, level: float = LEVEL) -> Interval:
    """Where ``new / old`` is, by the delta method on logarithms; none unless both are above 0."""
    n = min(old.n, new.n)
    if n < FEWEST:
        return Interval.none(_few(n, old, new), n=n, method=_DELTA, level=level)
    if old.value <= 0 or new.value <= 0:
        return Interval.none(_NOT_ABOVE_0, n=n, method=_DELTA, level=level)
    a, b = (one.variance / one.n / one.value**2 for one in (old, new))
    error, t = _error(a, b, old.n, new.n, level)
    middle = math.log(new.value / old.value)
    low, high = math.exp(middle - t * error), math.exp(middle + t * error)
    return Interval(low, high, level, old.n + new.n, _DELTA)


def share_difference(
    old: tuple[float, Interval], new: tuple[float, Interval], *, level: float = LEVEL
) -> Interval:
    """Where the difference of two shares is: Newcombe's square-and-add of their own intervals.

    Args:
        old: the share of the first group, with its interval at this level.
        new: of the second.
        level: of confidence.
    """
    (p, a), (q, b) = old, new
    ends = _ends(a, b, _NEWCOMBE, level)
    if isinstance(ends, Interval):
        return ends
    a_low, a_high, b_low, b_high = ends
    low = q - p - math.hypot(q - b_low, a_high - p)
    high = q - p + math.hypot(b_high - q, p - a_low)
    return Interval(low, high, level, a.n + b.n, _NEWCOMBE)


def share_quotient(
    old: tuple[float, Interval], new: tuple[float, Interval], *, level: float = LEVEL
) -> Interval:
    """Where the ratio ``new / old`` of two shares is, from their own intervals (MOVER-R).

    Donner & Zou 2012, Stat. Methods Med. Res. 21: so groups of which all succeeded leave a doubt,
    as Wilson's ends do; the delta method sees none in a share of 1. Without upper end where the
    share below the line may be 0.

    Args:
        old: the share of the first group, with its interval at this level.
        new: of the second.
        level: of confidence.
    """
    (p, a), (q, b) = old, new
    ends = _ends(a, b, _MOVER, level)
    if isinstance(ends, Interval):
        return ends
    if p <= 0 or q <= 0:
        return Interval.none(_NOT_ABOVE_0, n=min(a.n, b.n), method=_MOVER, level=level)
    a_low, a_high, b_low, b_high = ends
    seen = (p * q) ** 2
    # Each end in the form that has no difference of like numbers above or below the line.
    least, most = b_low * (2 * q - b_low), a_low * (2 * p - a_low)
    low = least / (p * q + math.sqrt(max(seen - least * a_high * (2 * p - a_high), 0.0)))
    root = math.sqrt(max(seen - b_high * (2 * q - b_high) * most, 0.0))
    if not most:
        reason = "the share below the line may be 0"
        return Interval(low, None, level, a.n + b.n, _MOVER, reason)
    return Interval(low, (p * q + root) / most, level, a.n + b.n, _MOVER)


def _ends(
    old: Interval, new: Interval, method: str, level: float
) -> tuple[float, float, float, float] | Interval:
    """Both ends of both, or the interval that says why there are none."""
    n = min(old.n, new.n)
    if n < FEWEST:
        return Interval.none(_few(n), n=n, method=method, level=level)
    if old.low is None or old.high is None or new.low is None or new.high is None:
        return Interval.none(old.reason or new.reason, n=n, method=method, level=level)
    return old.low, old.high, new.low, new.high


def bounded_difference(old: Interval, new: Interval, *, level: float = LEVEL) -> Interval:
    """Where ``new - old`` is when all that is known of each is where it lies.

    Each is in its own interval at this level; ends of the difference are ends of these, so that it
    leaves 0 out only where the two do not meet. A side without an upper end leaves none here.
    """
    low = None if new.low is None or old.high is None else new.low - old.high
    high = None if new.high is None or old.low is None else new.high - old.low
    reason = "; ".join(filter(None, (old.reason, new.reason)))
    if low is None and high is None:
        return Interval.none(reason, n=min(old.n, new.n), method=_APART, level=level)
    return Interval(low, high, level, old.n + new.n, _APART, reason)


def bounded_quotient(old: Interval, new: Interval, *, level: float = LEVEL) -> Interval:
    """Where ``new / old`` is, likewise; none unless both have two ends above 0."""
    ends = (old.low, old.high, new.low, new.high)
    if not (old.low and old.high and new.low and new.high) or min(filter(None, ends)) < 0:
        reason = "; ".join(filter(None, (old.reason, new.reason)))
        reason = reason or _NOT_ABOVE_0
        return Interval.none(reason, n=min(old.n, new.n), method=_APART, level=level)
    return Interval(new.low / old.high, new.high / old.low, level, old.n + new.n, _APART)


def runs_needed(
    old: Measured, new: Measured, *, level: float = LEVEL, power: float = POWER
) -> int | None:
    """Runs of each group with which the difference seen, if true, would be shown.

    Returns:
        Runs a group; None where no difference was seen, or no spread.
    """
    apart = new.value - old.value
    variance = old.variance + new.variance
    if not apart or not variance:
        return None
    z = normal_quantile((1 + level) / 2) + normal_quantile(power)
    return max(math.ceil(variance * (z / apart) ** 2), FEWEST)


def _error(a: float, b: float, n: int, m: int, level: float) -> tuple[float, float]:
    """The standard error of a difference, and t with Welch's degrees of freedom."""
    total = a + b
    if not total:
        return 0.0, 0.0
    degrees = total**2 / (a**2 / (n - 1) + b**2 / (m - 1))
    return math.sqrt(total), student_t_quantile((1 + level) / 2, degrees)


def _few(n: int, *sides: Measured) -> str:
    unit = "traces" if any(side.runs_each > 1 for side in sides) else "runs"
    return f"{n} of at least {FEWEST} {unit}: too few to compare"
