"""How much a thing is used a day, and how much it will be over days to come.

The newest days count most: a day's weight is halved every so many days (an exponentially weighted
moving average). What is still to come is that mean times the days; its interval holds the doubt of
the mean and the spread of the days themselves, by Student's t with the effective number of days
(Kish's: the sum of weights squared over the sum of their squares). Days are taken as independent
and the future as like the newest days: growth, seasons and a decision to stop are not in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .distributions import student_t_quantile
from .interval import LEVEL, Interval

_METHOD = "ewma, student t"
#: Effective days below which the spread of days is not known.
FEWEST_DAYS = 5.0


@dataclass(frozen=True, slots=True)
class Use:
    """Use a day.

    Attributes:
        mean: units a day, the newest days counting most.
        deviation: spread of single days around it.
        days: days it stands on.
        effective_days: what they are worth as equally weighted ones.
    """

    mean: float
    deviation: float
    days: int
    effective_days: float


def weighted_use(
    daily: Sequence[float], *, half_life_days: float, ages: Sequence[float] = ()
) -> Use:
    """The exponentially weighted mean and spread of whole days, oldest first.

    Args:
        daily: units of each day, days without any among them.
        half_life_days: age of a day that counts half as much as the newest one.
        ages: of each day, where days are left out between them; empty = they follow each other.

    Raises:
        ValueError: there is no day, or no half-life.
    """
    if not daily or not half_life_days > 0:
        raise ValueError(f"need days and a half-life above 0, got {len(daily)}, {half_life_days}")
    newest = min(ages, default=0.0)
    told = [age - newest for age in ages] or [*reversed(range(len(daily)))]
    weights = [0.5 ** (age / half_life_days) for age in told]
    total, squares = sum(weights), sum(weight * weight for weight in weights)
    mean = sum(weight * units for weight, units in zip(weights, daily, strict=True)) / total
    spread = sum(w * (units - mean) ** 2 for w, units in zip(weights, daily, strict=True)) / total
    effective = total * total / squares
    unbiased = spread / (1 - 1 / effective) if len(daily) > 1 else 0.0
    return Use(mean, math.sqrt(unbiased), len(daily), effective)


def use_to_come(use: Use, days: float, *, level: float = LEVEL) -> Interval:
    """Between what the units of so many days to come will lie.

    Args:
        use: a day, so far.
        days: to come.
        level: of confidence.
    """
    if use.effective_days < FEWEST_DAYS:
        reason = f"{use.days} days of use: too few to tell how they differ"
        return Interval.none(reason, n=use.days, method=_METHOD, level=level)
    t = student_t_quantile((1 + level) / 2, use.effective_days - 1)
    doubt = t * use.deviation * math.sqrt(days * days / use.effective_days + days)
    total = use.mean * days
    return Interval(max(total - doubt, 0.0), total + doubt, level, use.days, _METHOD)
