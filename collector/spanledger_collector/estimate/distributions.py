"""Student's t and the binomial, by the regularised incomplete beta function."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

_NORMAL = NormalDist()
_EPSILON = 1e-14
_TINY = 1e-300
_MOST_STEPS = 100_000


def normal_quantile(probability: float) -> float:
    """The value below which a standard normal falls with this probability."""
    return _NORMAL.inv_cdf(probability)


@lru_cache(maxsize=4096)
def student_t_quantile(probability: float, degrees: float) -> float:
    """The value below which Student's t falls with this probability.

    Args:
        probability: between 0 and 1, both exclusive.
        degrees: degrees of freedom, above 0, not necessarily whole (Welch's are not).

    Raises:
        ValueError: an argument is out of range.
    """
    if not 0 < probability < 1 or not degrees > 0:
        raise ValueError(f"no quantile {probability} of t with {degrees} degrees of freedom")
    tail = min(probability, 1 - probability)
    if tail == 0.5:  # noqa: PLR2004 - the middle
        return 0.0
    # P(|T| > t) = I_x(degrees/2, 1/2) with x = degrees / (degrees + t^2).
    x = _root(lambda at: incomplete_beta(degrees / 2, 0.5, at) - 2 * tail, 0.0, 1.0)
    found = math.sqrt(degrees * (1 - x) / x)
    return found if probability > 0.5 else -found  # noqa: PLR2004 - the middle


def binomial_cdf(successes: int, trials: int, probability: float) -> float:
    """Probability of at most so many successes."""
    if successes < 0:
        return 0.0
    if successes >= trials:
        return 1.0
    return incomplete_beta(trials - successes, successes + 1, 1 - probability)


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b).

    Lentz's continued fraction (DLMF 8.17.22), on the side where it converges fast.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, _MOST_STEPS):
        before = found
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _apart(1 + term * d)
            c = _apart(1 + term / c)
            found *= c * d
        if abs(found - before) <= _EPSILON * abs(found):
            return found
    raise ArithmeticError(f"the incomplete beta function of {a}, {b}, {x} does not converge")


def _apart(value: float) -> float:
    """The value, kept from zero, by which it would be divided."""
    return value if abs(value) > _TINY else _TINY


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a growing function crosses zero, to the last bit."""
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        if function(middle) < 0:
            low = middle
        else:
            high = middle
