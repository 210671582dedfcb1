"""Cost beside the latency it buys: which ways to serve an agent are worth a look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from spanledger_collector.estimate import (
    Interval,
    Joint,
    Measured,
    RankGrid,
    bounded_difference,
    difference,
    independent_ratio_interval,
    quotient,
)

from . import estimates
from .dollars import in_dollars
from .economics import INCLUSIVE, NO_VALUE, Ask
from .ends import COULD_TURN, Ends, turned, widened
from .estimates import Estimate, Figure
from .frontier_rows import Option, options
from .sustainability import gaps

_SECOND_NS = 1e9


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """One way to serve an agent: a model, and GPUs in parallel where spans tell them.

    Attributes:
        agent_name: the agent.
        model: that most of a run's own money goes to.
        gpu_count: GPUs in parallel; 0 = not told.
        runs: served so.
        left_out_runs: of them, runs whose inclusive cost is not wholly known: in no cost, so that
            costs may be too low where dear runs are among them.
        p50_latency: ns.
        p95_latency: ns.
        cost_per_success: total cost of the runs themselves, USD.
        cost_per_run_usd: likewise.
        value_per_run_usd: of the runs whose cost is known and whose value has rates; None = no run
            has a value.
        margin_per_run_usd: likewise.
        inclusive_cost_per_success: total cost with all runs below (sub-agents), USD; what the
            figures after the inclusive ones are reckoned by.
        inclusive_cost_low_usd: of a success by the low ends of what was estimated (usage, shares of
            assets), all at once: the worst case. With runs left out, what is known of all runs.
        inclusive_cost_high_usd: by the high ends; None = without bound, as runs are left out.
        inclusive_cost_per_run_usd: total cost with all runs below, USD.
        inclusive_value_per_run_usd: with what was recorded below; None = no run has a value.
        inclusive_margin_per_run: that less the inclusive cost.
        is_efficient: no other option of the agent is as fast (p50) and cheaper a success, or as
            cheap and faster; of two that are equal both are. Of the figures seen: their intervals
            may overlap. None = nobody can say: the ends of what is estimated leave open which is
            cheaper, or it, or an option as fast, has runs of unknown cost. What is known of these
            is the least they cost: such an option may be told to be beaten, never to beat another.
            What a success costs of one that never succeeded nobody knows either: any as fast that
            did beats it.
        why: why it is not told whether it is efficient; empty where it is.
        usd_per_second: what a second less costs a success, against the next slower efficient one;
            unknown where of that one it is not told. Its interval is by both ends of what was
            estimated, in the worst case, as that of ``dearer``.
        fewer_gpus: the next fewer GPUs that the same model was served by; 0 = none.
        speedup_over_fewer: median latency with those / with these.
        usd_over_fewer: what a success costs more than with those.
        speedup: the same as ``speedup_over_fewer``, with its interval.
        dearer: the same as ``usd_over_fewer``, with its interval.
    """

    agent_name: str
    model: str
    gpu_count: int
    runs: int
    left_out_runs: int
    p50_latency: Estimate
    p95_latency: Estimate
    cost_per_success: Estimate
    cost_per_run_usd: Decimal | None
    value_per_run_usd: Decimal | None
    margin_per_run_usd: Decimal | None
    inclusive_cost_per_success: Estimate
    inclusive_cost_low_usd: Decimal | None
    inclusive_cost_high_usd: Decimal | None
    inclusive_cost_per_run_usd: Decimal | None
    inclusive_value_per_run_usd: Decimal | None
    inclusive_margin_per_run: Estimate
    is_efficient: bool | None
    why: str
    usd_per_second: Estimate
    fewer_gpus: int
    speedup_over_fewer: float | None
    usd_over_fewer: Decimal | None
    speedup: Estimate
    dearer: Estimate


def frontier(ask: Ask, agent_name: str, period: Mapping[str, object]) -> Sequence[FrontierPoint]:
    """The options of an agent (of all, where it is empty), fastest first."""
    rows = options(ask, agent_name, period)
    return [
        _point(row, _slower(row, rows[place + 1 :]), _fewer(row, rows), _why(row, rows))
        for place, row in enumerate(rows)
    ]


def _fewer(row: Option, rows: Sequence[Option]) -> Option | None:
    """The next fewer GPUs of the same agent and model."""
    key = row.agent_name, row.model, row.fewer_gpus
    others = (one for one in rows if one.key == key)
    return next(others, None) if row.fewer_gpus else None


def _slower(row: Option, after: Sequence[Option]) -> Option | None:
    """The next slower option of the same agent that may be efficient, for an efficient one."""
    if not row.is_efficient:
        return None
    return next(
        (
            one for one in after
            if one.agent_name == row.agent_name and one.is_efficient is not False
            and one.p50_duration_ns > row.p50_duration_ns
        ),
        None,
    )  # fmt: skip


def _why(row: Option, rows: Sequence[Option]) -> str:
    """Why nobody can say whether it is efficient."""
    if row.is_efficient is not None:
        return ""
    if not row.successful_runs:
        only, none = "its one run did not succeed", f"none of {row.runs:,} runs succeeded"
        return f"{only if row.runs == 1 else none}: what a success costs is not known"
    if unknown := _unknown(row):
        return unknown
    cheaper = [one for one in rows if one.key != row.key and _may_beat(one, row)]
    gone = [one for one in cheaper if _unknown(one)]
    told = [f"{_named(one)} is as fast and may be cheaper: {_unknown(one)}" for one in gone]
    known = [
        f"{_named(one)} is as fast, for {_between(one)}" for one in cheaper if not _unknown(one)
    ]
    if known:
        told += [f"{COULD_TURN}: {_between(row)} a success", *known]
    return "; ".join(told)


def _may_beat(one: Option, row: Option) -> bool:
    """An option of the same agent that is as fast, and may be cheaper."""
    low, high = one.inclusive_cost_per_success_low_usd, row.inclusive_cost_per_success_high_usd
    is_rival = one.agent_name == row.agent_name and one.p50_duration_ns <= row.p50_duration_ns
    if not is_rival or low is None or high is None:
        return False
    return low < high or (low == high and one.p50_duration_ns < row.p50_duration_ns)


def _between(row: Option) -> str:
    """What a success costs, by both ends."""
    ends = (row.inclusive_cost_per_success_low_usd, row.inclusive_cost_per_success_high_usd)
    return " to ".join(dict.fromkeys(in_dollars(end) for end in ends if end is not None))


def _unknown(row: Option) -> str:
    return gaps(row.runs, row.runs - row.inclusive_costed_runs, 0)


def _named(row: Option) -> str:
    on = f" on {row.gpu_count} GPUs" if row.gpu_count else ""
    return f"{row.model or '(no model)'}{on}"


def _point(row: Option, slower: Option | None, fewer: Option | None, why: str) -> FrontierPoint:
    return FrontierPoint(
        row.agent_name, row.model, row.gpu_count, row.runs, row.runs - row.inclusive_costed_runs,
        _latency(row, 0.5).estimate, _latency(row, 0.95).estimate, _cost(row).estimate,
        row.cost_per_run_usd, row.value_per_run_usd, row.margin_per_run_usd,
        _inclusive_cost(row).estimate, row.inclusive_cost_per_success_low_usd,
        row.inclusive_cost_per_success_high_usd, row.inclusive_cost_per_run_usd,
        row.inclusive_value_per_run_usd, _margin(row), row.is_efficient, why,
        _second(row, slower, why), row.fewer_gpus, row.speedup_over_fewer, row.usd_over_fewer,
        _speedup(row, fewer), _dearer(row, fewer),
    )  # fmt: skip


def _cost(row: Option, of: str = "") -> Figure:
    """Of a success: what the runs themselves cost, or (``INCLUSIVE``) with all runs below."""

    def told(name: str, where: object = row) -> Any:
        return getattr(where, f"{of}{name}")

    runs = told("costed_runs")
    n = runs if row.shared is None else told("costed_traces", row.shared)
    shape = row.shape
    varied = told("success_variance", shape)
    joint = Joint(
        n,
        float(told("cost_per_run_usd") or 0),
        told("costed_successes") / runs if runs else 0.0,
        told("cost_variance", shape),
        varied,
        told("cost_success_covariance", shape),
    )
    return row.by_trace(
        estimates.per_success(
            told("cost_per_success_usd"), joint, told("costed_successes"),
            told("cost_skewness", shape),
            runs=runs, traces=row.shared and row.shared.share(varied, n),
        )
    )  # fmt: skip


def _inclusive_cost(row: Option) -> Figure:
    return _cost(row, INCLUSIVE)


def _margin(row: Option) -> Estimate:
    value = row.inclusive_margin_per_run_usd
    if value is None:
        return estimates.unknown(NO_VALUE, n=row.inclusive_costed_runs).estimate
    shape = row.shape
    n = row.inclusive_told_runs if row.shared is None else row.shared.inclusive_told_traces
    stake = estimates.stake(
        row.inclusive_told_runs, row.inclusive_earning_runs, row.inclusive_staked_runs,
        float(row.inclusive_value_per_run_usd or 0), row.inclusive_margin_earning_covariance,
        traces=row.shared and row.shared.share(0.0, n), most=row.success_gap_usd,
    )  # fmt: skip
    mean = estimates.mean(
        value, shape.inclusive_margin_variance, shape.inclusive_margin_skewness, n, stake=stake
    )
    return row.by_trace(mean).estimate


def _latency(row: Option, share: float) -> Figure:
    grid, half = RankGrid(row.runs, row.duration_grid_ns), share == 0.5  # noqa: PLR2004 - median
    value = row.p50_duration_ns if half else row.p95_duration_ns
    if row.shared is None:
        return estimates.percentile(value, grid, share)
    spread = row.shared.p50_share_variance if half else row.shared.p95_share_variance
    return row.by_trace(estimates.percentile(value, grid, share, row.shared.share(spread)))


def _second(row: Option, slower: Option | None, why: str) -> Estimate:
    """The price of a second, with cost and latency taken as measured apart."""
    if why:
        return estimates.unknown(why).estimate
    if slower is not None and slower.is_efficient is None:
        unknown = _unknown(slower) or f"{COULD_TURN.removesuffix(' it')} whether it is efficient"
        return estimates.unknown(f"{_named(slower)}: {unknown}").estimate
    if slower is None:
        return estimates.unknown("no slower option that is efficient").estimate
    costs = _inclusive_cost(row), _inclusive_cost(slower)
    times = _latency(row, 0.5), _latency(slower, 0.5)
    for figure in (*costs, *times):
        if figure.measured is None:
            why = figure.estimate.reason or "too few successes"
            none = Interval.none(why, n=figure.estimate.n, method="fieller")
            return Estimate.of(row.usd_per_second, none)
    dearer = _apart(costs[1].measured, costs[0].measured, 1.0)
    sooner = _apart(times[0].measured, times[1].measured, _SECOND_NS)
    plain = independent_ratio_interval(dearer, sooner)
    return Estimate.of(row.usd_per_second, _by_ends(plain, dearer, sooner, _off(row, slower)))


def _by_ends(
    plain: Interval, over: Measured, under: Measured, off: tuple[float, float]
) -> Interval:
    """The interval of a ratio, by what is above its line being so much less, and more."""
    if plain.low is None or not any(off):
        return plain
    less, more = (
        independent_ratio_interval(replace(over, value=over.value + by), under)
        for by in (-off[0], off[1])
    )
    how = f"{plain.method}, ends of estimates"
    return turned(plain, replace(plain, low=less.low, high=more.high, method=how))


def _ends(row: Option) -> Ends:
    """How far a success of it is off, by what was estimated."""
    cost = row.inclusive_cost_per_success_usd
    low, high = row.inclusive_cost_per_success_low_usd, row.inclusive_cost_per_success_high_usd
    if cost is None or low is None or high is None:
        return Ends()
    below, above = float(cost - low), float(high - cost)
    shares = (below / float(cost), above / float(cost)) if cost else (0.0, 0.0)
    return Ends(below, above, *shares)


def _off(row: Option, other: Option) -> tuple[float, float]:
    """By how much a success of the first less one of the other is less, and more, at worst."""
    one, two = _ends(row), _ends(other)
    return one.below + two.above, one.above + two.below


def _speedup(row: Option, fewer: Option | None) -> Estimate:
    """Median latency with fewer GPUs / with these."""
    if fewer is None:
        return estimates.unknown("no fewer GPUs of the same model").estimate
    now, then = _latency(row, 0.5), _latency(fewer, 0.5)
    value = estimates.decimal(row.speedup_over_fewer)
    if now.measured is None or then.measured is None:
        why = now.estimate.reason or then.estimate.reason
        return Estimate.of(value, Interval.none(why, n=row.runs, method="log delta"))
    return Estimate.of(value, quotient(now.measured, then.measured))


def _dearer(row: Option, fewer: Option | None) -> Estimate:
    """What a success costs more than with fewer GPUs."""
    if fewer is None:
        return estimates.unknown("no fewer GPUs of the same model").estimate
    for option in (row, fewer):
        if unknown := _unknown(option):
            return estimates.unknown(f"{_named(option)}: {unknown}").estimate
    now, then = _inclusive_cost(row), _inclusive_cost(fewer)
    if now.measured is None or then.measured is None:
        why = now.estimate.reason or then.estimate.reason or "too few successes"
        none = Interval.none(why, n=now.estimate.n, method="welch t")
        return Estimate.of(row.usd_over_fewer, none)
    if now.is_bounded or then.is_bounded:
        told = (then.estimate.interval, now.estimate.interval)
        sides = (_ends(fewer).around(told[0]), _ends(row).around(told[1]))
        between = turned(bounded_difference(*told), bounded_difference(*sides))
        return Estimate.of(row.usd_over_fewer, between)
    between = widened(difference(then.measured, now.measured), *_off(row, fewer))
    return Estimate.of(row.usd_over_fewer, between)


def _apart(less: Measured | None, more: Measured | None, unit: float) -> Measured:
    """``more - less`` in this unit."""
    assert less is not None  # noqa: S101 - its caller looked
    assert more is not None  # noqa: S101 - the same
    n = min(less.n, more.n)
    variance = n * (less.variance / less.n + more.variance / more.n) / unit**2
    return Measured(n, (more.value - less.value) / unit, variance)
