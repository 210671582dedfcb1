"""All agents side by side: each row's figures with their doubt, and the verdict on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from spanledger_collector.estimate import Joint

from . import estimates
from .economics import NO_VALUE, Ask
from .estimates import Estimate, Figure
from .moments import ByTrace, TraceMoments, trace_moments
from .parsing import parse_rows
from .rows import AgentRow
from .sustainability import Sustainability, Told, sustainability
from .waste import Bounded, Waste


@dataclass(frozen=True, slots=True)
class AgentMomentsRow:
    """What intervals of an agent's figures are computed from (query ``agents``)."""

    runs: int
    traces: int
    judged_runs: int
    assumed_valued_runs: int
    rework_cost_usd: Decimal | None
    work_cost_usd: Decimal | None
    rework_cost_ratio: float | None
    rework_multiplier: float | None
    rework_cheaper_usd: Decimal
    rework_dearer_usd: Decimal
    used_cheaper_usd: Decimal
    used_dearer_usd: Decimal
    rework_work_variance: float
    work_variance: float
    rework_work_covariance: float
    inclusive_valued_runs: int
    inclusive_costed_runs: int
    inclusive_told_runs: int
    inclusive_costed_successes: int
    inclusive_total_cost_mean_usd: Decimal | None
    inclusive_total_cost_variance: float
    inclusive_total_cost_skewness: float
    inclusive_costed_cost_per_success_usd: Decimal | None
    inclusive_success_variance: float
    inclusive_total_cost_success_covariance: float
    inclusive_margin_mean_usd: Decimal | None
    inclusive_margin_variance: float
    inclusive_margin_skewness: float
    inclusive_credited_runs: int
    inclusive_earning_runs: int
    inclusive_staked_runs: int
    inclusive_margin_earning_covariance: float
    inclusive_cheaper_usd: Decimal
    inclusive_dearer_usd: Decimal
    inclusive_uncosted_runs: int
    inclusive_unconverted_records: int
    inclusive_margin_usd: Decimal | None
    success_gap_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class AgentFigures(AgentRow, Bounded):
    """Unit economics of one agent and version, with intervals.

    Attributes:
        inclusive_cost_per_success: total cost of the runs with all below, over the successes, USD:
            of the runs whose cost is known wholly.
        inclusive_margin_per_run: value less total cost of a run with all below, USD: likewise.
        rework_share: share of the known cost of work that was wasted.
        rework_multiplier: paid for a dollar of work that was used.
        verdict: whether its runs earn what they cost.
    """

    inclusive_cost_per_success: Estimate
    inclusive_margin_per_run: Estimate
    rework_share: Estimate
    rework_multiplier: Estimate
    verdict: Sustainability


def agent_figures(ask: Ask, period: Mapping[str, object]) -> Sequence[AgentFigures]:
    """Each agent and version of the period, most expensive first."""
    found = ask("agents", **period)
    rows, moments = parse_rows(AgentRow, found), parse_rows(AgentMomentsRow, found)
    traces: ByTrace = {}
    if any(row.traces < row.runs for row in moments):
        traces = trace_moments(ask, str(period.get("agent_name", "")), period, "agent")
    keys = [("agent", row.agent_version) for row in rows]
    return [
        _figures(row, shape, traces.get((row.agent_name, *key)) if _shares(shape) else None)
        for row, shape, key in zip(rows, moments, keys, strict=True)
    ]


def _shares(row: AgentMomentsRow) -> bool:
    return row.traces < row.runs


def _figures(row: AgentRow, moments: AgentMomentsRow, traces: TraceMoments | None) -> AgentFigures:
    columns = {field.name: getattr(row, field.name) for field in dataclasses.fields(AgentRow)}
    each = moments.runs / traces.row.traces if traces else 1.0
    margin, success, wasted = (
        figure if traces is None else estimates.by_trace(figure, each)
        for figure in (
            _margin(moments, traces), _per_success(moments, traces), _rework(moments, traces),
        )
    )  # fmt: skip
    waste = Waste.of(
        moments, moments.work_cost_usd, row.unpriced_attempts, row.unknown_rework_attempts
    )
    share = waste.estimate(wasted.estimate)
    return AgentFigures(
        **columns,
        inclusive_cost_per_success=success.estimate,
        inclusive_margin_per_run=margin.estimate,
        rework_share=share,
        rework_multiplier=estimates.multiplier(moments.rework_multiplier, share),
        verdict=sustainability(margin, _told(moments)),
    )


def _told(row: AgentMomentsRow) -> Told:
    return Told(
        row.runs, row.inclusive_valued_runs, row.inclusive_cheaper_usd, row.inclusive_dearer_usd,
        row.judged_runs, row.assumed_valued_runs,
        row.inclusive_uncosted_runs, row.inclusive_unconverted_records, row.inclusive_margin_usd,
        row.inclusive_told_runs, row.traces,
    )  # fmt: skip


def _per_success(row: AgentMomentsRow, traces: TraceMoments | None) -> Figure:
    n, runs, known = row.inclusive_costed_runs, row.inclusive_costed_runs, None
    cost, skewness, success, covariance = (
        row.inclusive_total_cost_variance, row.inclusive_total_cost_skewness,
        row.inclusive_success_variance, row.inclusive_total_cost_success_covariance,
    )  # fmt: skip
    if traces is not None:
        below = traces.inclusive
        n, known = below.costed_traces, traces.share(below.success_variance, below.costed_traces)
        cost, skewness = below.total_cost_variance, below.total_cost_skewness
        success, covariance = below.success_variance, below.total_cost_success_covariance
    share = row.inclusive_costed_successes / runs if runs else 0.0
    mean = float(row.inclusive_total_cost_mean_usd or 0)
    return estimates.per_success(
        row.inclusive_costed_cost_per_success_usd,
        Joint(n, mean, share, cost, success, covariance),
        row.inclusive_costed_successes, skewness, runs=runs, traces=known,
        credited=row.inclusive_credited_runs > 0,
    )  # fmt: skip


def _margin(row: AgentMomentsRow, traces: TraceMoments | None) -> Figure:
    if not row.inclusive_valued_runs:
        return estimates.unknown(NO_VALUE)
    n, shape = (
        row.inclusive_told_runs, (row.inclusive_margin_variance, row.inclusive_margin_skewness),
    )  # fmt: skip
    known = None
    if traces is not None:
        below = traces.inclusive
        n, shape = below.told_traces, (below.margin_variance, below.margin_skewness)
        known = traces.share(0.0, n)
    stake = estimates.stake(
        row.inclusive_told_runs, row.inclusive_earning_runs, row.inclusive_staked_runs,
        estimates.worth(row.inclusive_margin_mean_usd, row.inclusive_total_cost_mean_usd),
        row.inclusive_margin_earning_covariance, traces=known, most=row.success_gap_usd,
    )  # fmt: skip
    return estimates.mean(row.inclusive_margin_mean_usd, *shape, n, stake=stake)


def _rework(row: AgentMomentsRow, traces: TraceMoments | None) -> Figure:
    shape, n = (row, row.runs) if traces is None else (traces.row, traces.row.traces)
    return estimates.wasted(
        row.rework_cost_ratio, runs=n, wasted_usd=row.rework_cost_usd,
        work_usd=row.work_cost_usd, wasted_variance=shape.rework_work_variance,
        work_variance=shape.work_variance, covariance=shape.rework_work_covariance,
    )  # fmt: skip
