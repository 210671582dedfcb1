"""Cost beside the latency it buys: which ways to serve an agent are worth a look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from spanledger_collector.estimate import (
    Interval,
    Joint,
    Measured,
    RankGrid,
    Traces,
    bounded_difference,
    difference,
    independent_ratio_interval,
    quotient,
)

from . import estimates
from .economics import INCLUSIVE, NO_VALUE, Ask
from .estimates import Estimate, Figure
from .moments import known_by
from .parsing import parse_rows
from .sustainability import gaps

_SECOND_NS = 1e9


@dataclass(frozen=True, slots=True)
class OptionShape:
    """Moments that intervals of an option are computed from: of its runs, or of their traces."""

    cost_variance: float
    cost_skewness: float
    success_variance: float
    cost_success_covariance: float
    inclusive_cost_variance: float
    inclusive_cost_skewness: float
    inclusive_success_variance: float
    inclusive_cost_success_covariance: float
    inclusive_margin_variance: float
    inclusive_margin_skewness: float


@dataclass(frozen=True, slots=True)
class FrontierRow(OptionShape):
    """One way to serve an agent (query ``frontier``, whose header says what each column is)."""

    agent_name: str
    model: str
    gpu_count: int
    runs: int
    traces: int
    successful_runs: int
    costed_runs: int
    costed_successes: int
    p50_duration_ns: int
    p95_duration_ns: int
    cost_per_run_usd: Decimal | None
    cost_per_success_usd: Decimal | None
    value_per_run_usd: Decimal | None
    margin_per_run_usd: Decimal | None
    inclusive_costed_runs: int
    inclusive_told_runs: int
    inclusive_costed_successes: int
    inclusive_cost_per_run_usd: Decimal | None
    inclusive_cost_per_success_usd: Decimal | None
    inclusive_value_per_run_usd: Decimal | None
    inclusive_margin_per_run_usd: Decimal | None
    is_efficient: bool | None
    usd_per_second: Decimal | None
    fewer_gpus: int
    speedup_over_fewer: float | None
    usd_over_fewer: Decimal | None
    inclusive_earning_runs: int
    inclusive_staked_runs: int
    inclusive_margin_earning_covariance: float
    duration_grid_ns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FrontierTracesRow(OptionShape):
    """Moments of an option by the traces that its runs share (query ``frontier_traces``)."""

    agent_name: str
    model: str
    gpu_count: int
    traces: int
    effective_traces: float
    costed_traces: int
    inclusive_costed_traces: int
    inclusive_told_traces: int
    p50_share_variance: float
    p95_share_variance: float

    def share(self, variance: float, traces: int | None = None) -> Traces:
        """What a share of the runs is known by."""
        return known_by(self.traces if traces is None else traces, self.effective_traces, variance)


@dataclass(frozen=True, slots=True)
class Option(FrontierRow):
    """A row with its moments by traces, where it has fewer of them than runs."""

    shared: FrontierTracesRow | None

    @property
    def key(self) -> tuple[str, str, int]:
        """Which of all options it is."""
        return self.agent_name, self.model, self.gpu_count

    @property
    def shape(self) -> OptionShape:
        """Its moments: by traces, where its runs share them."""
        return self if self.shared is None else self.shared

    def by_trace(self, figure: Figure) -> Figure:
        """The figure, said to stand on traces where it does."""
        if self.shared is None:
            return figure
        return estimates.by_trace(figure, self.runs / self.shared.traces)


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
        inclusive_cost_per_run_usd: likewise.
        inclusive_value_per_run_usd: with what was recorded below; None = no run has a value.
        inclusive_margin_per_run: that less the inclusive cost.
        is_efficient: no other option of the agent is as fast (p50) and cheaper a success, or as
            cheap and faster. Of the figures seen: their intervals may overlap. None = nobody can
            say: it, or an option as fast, has runs of unknown cost. What is known of these is the
            least they cost: such an option may be told to be beaten, never to beat another.
        why: why it is not told whether it is efficient; empty where it is.
        usd_per_second: what a second less costs a success, against the next slower efficient one;
            unknown where of that one it is not told.
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
    rows = _options(ask, agent_name, period)
    return [
        _point(row, _slower(row, rows[place + 1 :]), _fewer(row, rows), _why(row, rows))
        for place, row in enumerate(rows)
    ]


def _options(ask: Ask, agent_name: str, period: Mapping[str, object]) -> Sequence[Option]:
    asked = {**period, "agent_name": agent_name}
    rows = parse_rows(FrontierRow, ask("frontier", **asked))
    traces: dict[tuple[str, str, int], FrontierTracesRow] = {}
    if any(row.traces < row.runs for row in rows):
        found = parse_rows(FrontierTracesRow, ask("frontier_traces", **asked))
        traces = {(row.agent_name, row.model, row.gpu_count): row for row in found}
    names = [one.name for one in fields(FrontierRow)]
    return [
        Option(
            **{name: getattr(row, name) for name in names},
            shared=traces.get((row.agent_name, row.model, row.gpu_count))
            if row.traces < row.runs
            else None,
        )
        for row in rows
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
    others = (
        one for one in after if one.agent_name == row.agent_name and one.is_efficient is not False
    )
    return next(others, None)


def _why(row: Option, rows: Sequence[Option]) -> str:
    """Why nobody can say whether it is efficient."""
    if row.is_efficient is not None:
        return ""
    if unknown := _unknown(row):
        return unknown
    others = (
        one
        for one in rows
        if one.agent_name == row.agent_name
        and one.p50_duration_ns <= row.p50_duration_ns
        and _unknown(one)
    )
    told = (f"{_named(one)} is as fast and may be cheaper: {_unknown(one)}" for one in others)
    return "; ".join(told)


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
        _inclusive_cost(row).estimate, row.inclusive_cost_per_run_usd,
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
        traces=row.shared and row.shared.share(0.0, n),
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
        unknown = _unknown(slower) or "an option as fast may be cheaper"
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
    return Estimate.of(row.usd_per_second, independent_ratio_interval(dearer, sooner))


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
        ends = bounded_difference(then.estimate.interval, now.estimate.interval)
        return Estimate.of(row.usd_over_fewer, ends)
    return Estimate.of(row.usd_over_fewer, difference(then.measured, now.measured))


def _apart(less: Measured | None, more: Measured | None, unit: float) -> Measured:
    """``more - less`` in this unit."""
    assert less is not None  # noqa: S101 - its caller looked
    assert more is not None  # noqa: S101 - the same
    n = min(less.n, more.n)
    variance = n * (less.variance / less.n + more.variance / more.n) / unit**2
    return Measured(n, (more.value - less.value) / unit, variance)
