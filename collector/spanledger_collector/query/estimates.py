"""Figures that decisions hang on, each with its interval or with why it has none."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from decimal import Decimal

from spanledger_collector.estimate import (
    Interval,
    Joint,
    Measured,
    RankGrid,
    Sample,
    Stake,
    Traces,
    is_seldom,
    mean_interval,
    part_interval,
    percentile_interval,
    ratio_interval,
    ratio_variance,
    runs_worth,
    seldom_interval,
    share_interval,
    stake_interval,
    told_by,
)

#: Ends of intervals are estimates of estimates: kept to this many places.
_PLACES = Decimal("1e-12")
#: Spread over mean below which the engine's sums of cubes hold no skewness, only rounding.
_LEAST_SPREAD = 1e-3
#: What the form of an interval is called beside that it stands on traces.
_BY_TRACE = " by trace"
#: And that it is between both ends of what is estimated.
OF_ENDS = ", ends of estimates"
#: Standard errors to each side of an interval, for the spread that a rank interval implies.
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure with its doubt.

    Attributes:
        value: the figure itself, exact; None = it is not known at all.
        low: the lower end of its interval; None = there is none.
        high: the upper end; None beside a lower end = it may be without bound.
        level: share of such intervals that hold the true value.
        n: runs it stands on; traces, where the runs share them (``is_by_trace``).
        method: form of the interval, with `` by trace`` where it stands on traces.
        reason: why there is no interval, or no upper end; empty where there are both ends.
    """

    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    level: float
    n: int
    method: str
    reason: str

    @classmethod
    def of(cls, value: Decimal | None, interval: Interval) -> Estimate:
        """A figure and its interval."""
        return cls(
            value, decimal(interval.low), decimal(interval.high), interval.level, interval.n,
            interval.method, interval.reason,
        )  # fmt: skip

    @property
    def is_by_trace(self) -> bool:
        """Whether ``n`` counts traces, which runs share, in place of runs."""
        return self.method.endswith(_BY_TRACE)

    @property
    def interval(self) -> Interval:
        """The interval alone."""
        low, high = (None if end is None else float(end) for end in (self.low, self.high))
        return Interval(low, high, self.level, self.n, self.method, self.reason)


@dataclass(frozen=True, slots=True)
class Figure:
    """An estimate, and what comparing it with that of another group takes.

    Attributes:
        estimate: the figure with its interval.
        measured: its spread; None = there is none to reckon with.
        is_bounded: all that is known of the figure is that it lies in its interval: the spread is
            what that implies, and a difference is told by the ends (``bounded_difference``).
        bound: by what, in words, where that is how few runs of a kind were seen.
    """

    estimate: Estimate
    measured: Measured | None
    is_bounded: bool = False
    bound: str = ""


def decimal(number: float | None) -> Decimal | None:
    """A float as a Decimal of twelve places; what is no number is unknown."""
    if number is None or not math.isfinite(number):
        return None
    return Decimal(repr(float(number))).quantize(_PLACES)


def times(amount: Decimal | None, share: float) -> Decimal | None:
    """This part of an amount; the whole of it is the amount itself, with every digit."""
    return amount if amount is None or share == 1 else (amount * Decimal(str(share))).normalize()


def portion(estimate: Estimate, share: float) -> Estimate:
    """The estimate of this part of every value: its ends are the same part of the ends."""
    value, low, high = (times(end, share) for end in (estimate.value, estimate.low, estimate.high))
    return replace(estimate, value=value, low=low, high=high)


def whole(figure: Figure) -> Figure:
    """The figure in whole units, such as nanoseconds."""
    told = figure.estimate
    value, low, high = (
        None if end is None else end.quantize(Decimal(1))
        for end in (told.value, told.low, told.high)
    )
    return replace(figure, estimate=replace(told, value=value, low=low, high=high))


def unknown(reason: str, *, n: int = 0) -> Figure:
    """A figure that is not known at all."""
    return Figure(Estimate.of(None, Interval.none(reason, n=n, method="")), None)


def mean(
    value: Decimal | None,
    variance: float,
    skewness: float,
    n: int,
    *,
    floor: float | None = None,
    stake: Stake | None = None,
) -> Figure:
    """Of a mean over runs.

    Args:
        value: the mean; None = nothing is known of it.
        variance: of a run.
        skewness: of a run.
        n: runs.
        floor: what no run can be below.
        stake: what of it hangs on whether runs earn something; None = nothing does.
    """
    if value is None:
        return unknown("nothing is known of it", n=n)
    at = float(value)
    told = variance > (_LEAST_SPREAD * at) ** 2
    sample = Sample(n, at, variance, skewness if told else 0.0)
    if stake is not None and stake.is_seldom:
        interval = stake_interval(sample, stake)
        measured = _implied(value, interval)
        return Figure(Estimate.of(value, interval), measured, True, told_by(stake))
    return Figure(Estimate.of(value, mean_interval(sample, floor=floor)), Measured(n, at, variance))


@dataclass(frozen=True, slots=True)
class Shape:
    """What a mean over runs is drawn with: n runs or, of these, n traces apart."""

    n: int
    variance: float
    skewness: float = 0.0


def mean_of_runs(
    value: Decimal | None, runs: Shape, traces: Shape, *, floor: float | None = None
) -> Figure:
    """Of a mean over runs, by the traces that they share, where these are fewer.

    Args:
        value: the mean; None = nothing is known of it.
        runs: each for itself.
        traces: that they are in (``trace_apart.sql``).
        floor: what no run can be below.
    """
    if traces.n == runs.n:
        return mean(value, runs.variance, runs.skewness, runs.n, floor=floor)
    by_traces = mean(value, traces.variance, traces.skewness, traces.n, floor=floor)
    return by_trace(by_traces, runs.n / traces.n)


def worth(margin_usd: Decimal | None, cost_usd: Decimal | None) -> float:
    """What a run earned, from what it left and what it cost."""
    return float((margin_usd or 0) + (cost_usd or 0))


def stake(
    n: int,
    earning: int,
    staked: int,
    worth: float,
    covariance: float,
    *,
    traces: Traces | None = None,
    most: Decimal | None = None,
) -> Stake | None:
    """What of a mean hangs on whether runs earn something.

    Args:
        n: runs.
        earning: of them that succeeded and earned something.
        staked: of them whose value may hang on how they go.
        worth: of a run; where none was seen that earned nothing, one that does is worth 0.
        covariance: of the quantity with being an earning run.
        traces: that the runs share; None = each has its own.
        most: by so much a run that earns may at most be worth more than these, where none was seen
            that earned something; None = nobody can say.
    """
    if not staked or not n:
        return None
    share = earning / n
    if earning == n:
        return Stake(n, earning, max(worth, 0.0), traces)
    gap = None if most is None else float(most)
    if earning:
        gap = covariance * (n - 1) / n / (share * (1 - share))
    return Stake(n, earning, gap, traces)


def per_success(
    value: Decimal | None,
    joint: Joint,
    successes: int,
    skewness: float = 0.0,
    *,
    runs: int | None = None,
    traces: Traces | None = None,
    credited: bool = False,
) -> Figure:
    """Of a cost per success: where few runs succeed, or few fail, by what bounds it.

    Args:
        value: the cost per success; None = no run succeeded.
        joint: cost over success of the runs.
        successes: of them.
        skewness: of their costs.
        runs: that the successes are of, where the joint is of their traces; None = those of it.
        traces: that the runs share, and the joint is of; None = each has its own.
        credited: runs among them cost less than nothing.
    """
    if not is_seldom(successes, joint.n if traces is None or runs is None else runs, traces):
        return ratio(value, joint, floor=None if credited else 0)
    if not joint.n:
        return unknown("no run has a cost that is known wholly")
    told = joint.over_variance > (_LEAST_SPREAD * joint.over_mean) ** 2
    costs = Sample(joint.n, joint.over_mean, joint.over_variance, skewness if told else 0.0)
    floor = None if credited or joint.over_mean < 0 else 0
    interval = seldom_interval(costs, successes, floor=floor, runs=runs, traces=traces)
    return Figure(Estimate.of(value, interval), _implied(value, interval), is_bounded=True)


def _implied(value: Decimal | None, interval: Interval) -> Measured | None:
    """The spread that both ends imply, by the one that is farther off."""
    if value is None or interval.low is None or interval.high is None:
        return None
    at = float(value)
    error = max(interval.high - at, at - interval.low) / _Z95
    return Measured(interval.n, at, interval.n * error**2)


def ratio(value: Decimal | None, joint: Joint, *, floor: float | None = 0) -> Figure:
    """Of a ratio of sums over the same runs."""
    if value is None or not joint.under_mean:
        return unknown("nothing stands below the line", n=joint.n)
    interval = ratio_interval(joint, floor=floor)
    measured = Measured(joint.n, float(value), ratio_variance(joint))
    return Figure(Estimate.of(value, interval), measured)


def share(part: int, n: int, traces: Traces | None = None) -> Figure:
    """Of a share of runs, by the traces that they share, if any."""
    value = part / n if n else None
    interval = share_interval(part, n, traces=traces)
    if value is None or interval.low is None:
        return Figure(Estimate.of(decimal(value), interval), None)
    variance = value * (1 - value)
    if traces is not None:
        variance *= traces.n / runs_worth(value, n, traces)
    return Figure(Estimate.of(decimal(value), interval), Measured(interval.n, value, variance))


def part(value: float | None, joint: Joint) -> Figure:
    """Of a share of money, such as what of the work was wasted."""
    if not joint.under_mean:
        return unknown("nothing stands below the line", n=joint.n)
    if value is None:
        return unknown("credits leave less than this part of it: no share", n=joint.n)
    measured = Measured(joint.n, value, ratio_variance(joint))
    return Figure(Estimate.of(decimal(value), part_interval(joint)), measured)


def wasted(
    value: float | None,
    *,
    runs: int,
    wasted_usd: Decimal | None,
    work_usd: Decimal | None,
    wasted_variance: float,
    work_variance: float,
    covariance: float,
) -> Figure:
    """The share of the work that was wasted: sums over all runs, moments by run."""
    if not runs:
        return unknown("nothing is known of it")
    means = float(wasted_usd or 0) / runs, float(work_usd or 0) / runs
    return part(value, Joint(runs, *means, wasted_variance, work_variance, covariance))


def multiplier(value: float | None, wasted: Estimate) -> Estimate:
    """What is paid for a dollar of work that is used: 1 / (1 - the share that is wasted).

    It grows with the share alone, so the ends of its interval are those of the share, turned.
    """
    low, high = (
        None if end is None or end >= 1 else decimal(1 / (1 - float(end)))
        for end in (wasted.low, wasted.high)
    )
    reason = wasted.reason
    if wasted.high is not None and high is None:
        reason = "all of the work may have been wasted"
    return replace(wasted, value=decimal(value), low=low, high=high, reason=reason)


def percentile(value: int, grid: RankGrid, at: float, traces: Traces | None = None) -> Figure:
    """Of a percentile; its spread for comparisons is what the ranks imply (Price & Bonett 2002)."""
    interval = percentile_interval(grid, at, traces=traces)
    measured = None
    if interval.low is not None and interval.high is not None:
        error = (interval.high - interval.low) / (2 * _Z95)
        measured = Measured(interval.n, float(value), interval.n * error**2)
    return Figure(Estimate.of(Decimal(value), interval), measured)


def form(method: str, added: str) -> str:
    """The form of an interval, with what is added to it; that it stands on traces is said last."""
    plain = method.removesuffix(_BY_TRACE)
    return f"{plain}{added}{method[len(plain) :]}"


def by_trace(figure: Figure, runs_each: float) -> Figure:
    """A figure over runs that share traces, said to stand on these.

    Args:
        figure: computed from moments by traces.
        runs_each: that a trace has.
    """
    told, measured = of_traces(figure.estimate), figure.measured
    if told.method:
        told = replace(told, method=f"{told.method}{_BY_TRACE}")
    each = measured and replace(measured, runs_each=runs_each)
    return replace(figure, estimate=told, measured=each)


def of_traces(estimate: Estimate) -> Estimate:
    """An estimate that stands on traces: what it says of runs is of these."""
    return replace(estimate, reason=in_traces(estimate.reason))


def in_traces(reason: str) -> str:
    """What is said of runs, of the traces that stand in their place, unless it speaks of these."""
    if "trace" in reason:
        return reason
    return re.sub(r"\brun(s?)\b", r"trace\1", reason)
