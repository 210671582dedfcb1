"""Sufficient statistics: what an interval needs to know of any number of observations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """Of one quantity: how often it was seen, its mean and its shape.

    Attributes:
        n: observations.
        mean: their mean.
        variance: with n - 1 below the line; 0 for fewer than two.
        skewness: third standardised moment; 0 where all are alike.
    """

    n: int
    mean: float
    variance: float
    skewness: float = 0.0

    @classmethod
    def of(cls, values: Sequence[float]) -> Sample:
        """Of the values themselves."""
        n = len(values)
        mean = math.fsum(values) / n if n else 0.0
        squares = math.fsum((value - mean) ** 2 for value in values)
        variance = squares / (n - 1) if n > 1 else 0.0
        if not variance:
            return cls(n, mean, 0.0)
        spread = math.sqrt(variance)
        skewness = math.fsum(((value - mean) / spread) ** 3 for value in values) / n
        return cls(n, mean, variance, skewness)


@dataclass(frozen=True, slots=True)
class Joint:
    """Of two quantities seen together, such as cost and success of the same runs.

    Attributes:
        n: observations.
        over_mean: mean of what is above the line of a ratio.
        under_mean: mean of what is below.
        over_variance: with n - 1.
        under_variance: with n - 1.
        covariance: with n - 1.
    """

    n: int
    over_mean: float
    under_mean: float
    over_variance: float
    under_variance: float
    covariance: float

    @classmethod
    def of(cls, over: Sequence[float], under: Sequence[float]) -> Joint:
        """Of the values themselves, pair by pair."""
        a, b = Sample.of(over), Sample.of(under)
        shared = math.fsum((x - a.mean) * (y - b.mean) for x, y in zip(over, under, strict=True))
        covariance = shared / (a.n - 1) if a.n > 1 else 0.0
        return cls(a.n, a.mean, b.mean, a.variance, b.variance, covariance)


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure of one group: its value, and what one run adds to its variance.

    Attributes:
        n: runs.
        value: the figure (a mean, a ratio of means, a share, a percentile).
        variance: n times the variance of the figure.
        runs_each: runs that one of n stands for: more than one where n are traces.
    """

    n: int
    value: float
    variance: float
    runs_each: float = 1.0


@dataclass(frozen=True, slots=True)
class Traces:
    """Where the runs of a group share traces: what a share of the runs is known by.

    The runs of one trace go well or ill, fast or slow together, so traces are what is drawn.

    Attributes:
        n: traces.
        effective: traces of equal size that would tell as much (Kish 1965): fewer, the less even.
        variance: of the share, what one trace adds to it: n times the variance of the share.
    """

    n: int
    effective: float
    variance: float
