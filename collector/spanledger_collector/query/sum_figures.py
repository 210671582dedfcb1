"""All agents together, by day or tenant: each sum with its doubt, and the verdict on it.

What is drawn anew is a trace (something asked for, with all that it set off), so intervals are by
traces: the runs of one trace go well or ill, dear or cheap, together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from spanledger_collector.estimate import Joint

from . import estimates
from .breakdown_rows import EconomicsRow
from .economics import NO_VALUE, Ask
from .estimates import Estimate, Figure
from .parsing import parse_rows
from .sustainability import Sustainability, Told, sustainability
from .waste import Bounded, Waste


@dataclass(frozen=True, slots=True)
class TraceMomentsRow:
    """What intervals of sums over all agents are computed from (query ``traces_by``)."""

    key: str
    traces: int
    valued_traces: int
    costed_traces: int
    told_traces: int
    costed_successes: int
    total_cost_mean_usd: Decimal | None
    total_cost_variance: float
    total_cost_skewness: float
    cost_per_success_usd: Decimal | None
    success_mean: float
    success_variance: float
    total_cost_success_covariance: float
    margin_mean_usd: Decimal | None
    margin_variance: float
    margin_skewness: float
    credited_traces: int
    earning_traces: int
    staked_traces: int
    margin_earning_covariance: float
    success_gap_usd: Decimal | None
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
    cheaper_usd: Decimal
    dearer_usd: Decimal
    uncosted_traces: int
    unconverted_records: int


@dataclass(frozen=True, slots=True)
class SumFigures(EconomicsRow, Bounded):
    """Runs of all agents, summed, with intervals by trace.

    Attributes:
        traces: what was asked for, each with all that it set off.
        cost_per_success: total cost over the successes of agents that no agent called, USD: of the
            traces whose cost is known wholly.
        margin_per_trace: value less total cost of a trace, USD: likewise.
        rework_share: share of the known cost of work that was wasted.
        multiplier: paid for a dollar of work that was used.
        verdict: whether they earn what they cost.
    """

    traces: int
    cost_per_success: Estimate
    margin_per_trace: Estimate
    rework_share: Estimate
    multiplier: Estimate
    verdict: Sustainability


def sum_figures(ask: Ask, by: str, part: Mapping[str, object]) -> Sequence[SumFigures]:
    """The rows of ``economics_by`` by ``total``, ``day`` or ``tenant``, in its order."""
    told = {row.key: row for row in parse_rows(TraceMomentsRow, ask("traces_by", by=by, **part))}
    rows = parse_rows(EconomicsRow, ask("economics_by", by=by, **part))
    # A key may be new since the first question was answered.
    return [_figures(row, told[row.key]) for row in rows if row.key in told]


def _figures(row: EconomicsRow, moments: TraceMomentsRow) -> SumFigures:
    columns = {field.name: getattr(row, field.name) for field in dataclasses.fields(EconomicsRow)}
    waste = Waste.of(
        moments, moments.work_cost_usd, row.unpriced_attempts, row.unknown_rework_attempts
    )
    margin, wasted = _margin(moments), waste.estimate(_rework(moments))
    told = Told(
        moments.traces, moments.valued_traces, moments.cheaper_usd, moments.dearer_usd,
        uncosted_runs=moments.uncosted_traces, unconverted_records=moments.unconverted_records,
        margin_usd=row.margin_usd,
    )  # fmt: skip
    verdict = sustainability(margin, told)
    return SumFigures(
        **columns,
        traces=moments.traces,
        cost_per_success=estimates.of_traces(_per_success(moments)),
        margin_per_trace=estimates.of_traces(margin.estimate),
        rework_share=estimates.of_traces(wasted),
        multiplier=estimates.of_traces(estimates.multiplier(moments.rework_multiplier, wasted)),
        verdict=replace(
            verdict,
            reason=estimates.in_traces(verdict.reason),
            why=estimates.in_traces(verdict.why),
        ),
    )


def _per_success(row: TraceMomentsRow) -> Estimate:
    joint = Joint(
        row.costed_traces, float(row.total_cost_mean_usd or 0), row.success_mean,
        row.total_cost_variance, row.success_variance, row.total_cost_success_covariance,
    )  # fmt: skip
    return estimates.per_success(
        row.cost_per_success_usd,
        joint,
        row.costed_successes,
        row.total_cost_skewness,
        credited=row.credited_traces > 0,
    ).estimate


def _margin(row: TraceMomentsRow) -> Figure:
    if not row.valued_traces:
        return estimates.unknown(NO_VALUE)
    worth = estimates.worth(row.margin_mean_usd, row.total_cost_mean_usd)
    stake = estimates.stake(
        row.told_traces, row.earning_traces, row.staked_traces, worth,
        row.margin_earning_covariance, most=row.success_gap_usd,
    )  # fmt: skip
    return estimates.mean(
        row.margin_mean_usd, row.margin_variance, row.margin_skewness, row.told_traces, stake=stake
    )


def _rework(row: TraceMomentsRow) -> Estimate:
    return estimates.wasted(
        row.rework_cost_ratio, runs=row.traces, wasted_usd=row.rework_cost_usd,
        work_usd=row.work_cost_usd, wasted_variance=row.rework_work_variance,
        work_variance=row.work_variance, covariance=row.rework_work_covariance,
    ).estimate  # fmt: skip
