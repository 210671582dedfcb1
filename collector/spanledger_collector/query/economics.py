"""One agent, whole: what its runs cost and earned, in sums and per run, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal, get_args

from spanledger_collector.errors import NotFoundError, PermanentError
from spanledger_collector.estimate import Joint, RankGrid, Traces

from . import estimates
from .agent_sums import AgentSums
from .estimates import Estimate, Figure
from .mix import MixRow
from .moments import (
    INCLUSIVE,
    ByTrace,
    MomentsRow,
    MoneyMoments,
    MoneyTracesRow,
    TraceMoments,
    inclusive,
    trace_moments,
)
from .parsing import parse_rows
from .reader import Row
from .sustainability import Sustainability, Told, sustainability

#: What a group of an agent's runs is.
GroupBy = Literal["version", "tenant", "model"]
#: Why there is no mean value and no margin where nobody told a value.
NO_VALUE: Final = "no run has a value"
#: Kind and key of the group of all runs.
TOTAL: Final = "total"
#: What a group is -> the parameter that leaves one of them.
_NARROWED: Final[Mapping[str, str]] = {"version": "agent_version", "tenant": "tenant"}
#: Asks a named query; :meth:`Ledger.query` is one.
Ask = Callable[..., list[Row]]


@dataclass(frozen=True, slots=True)
class Statistics:
    """A group of runs as the engine sums it: sums, and moments of money and of the rest."""

    sums: AgentSums
    moments: MomentsRow
    own: MoneyMoments
    inclusive: MoneyMoments
    mix: MixRow


@dataclass(frozen=True, slots=True)
class AgentEconomics:
    """A group of an agent's runs: sums, and the figures that decisions hang on.

    A figure without a prefix is of the agent's own work; ``inclusive_*`` is the same figure with
    all that its runs handed on to sub-agents, at any depth: what calling the agent costs and
    brings.

    Attributes:
        key: the version, tenant or model; ``total`` = all runs.
        sums: over all its runs.
        cost_per_run: variable cost of the runs themselves, USD.
        total_cost_per_run: the same and the runs' shares of assets, USD.
        cost_per_success: total cost of all runs over their successes, USD.
        value_per_run: USD; runs without a value count 0 where any run has one.
        margin_per_run: value less total cost, USD.
        contribution_per_run: value less variable cost, USD.
        inclusive_cost_per_run: variable cost with sub-agents, USD.
        inclusive_total_cost_per_run: the same and all their shares of assets, USD.
        inclusive_cost_per_success: that of all runs over their successes, USD.
        inclusive_value_per_run: value of the runs and what was recorded of those below, USD.
        inclusive_margin_per_run: that less the inclusive total cost, USD.
        inclusive_contribution_per_run: that less the inclusive variable cost, USD.
        success_rate: share of runs that succeeded.
        rework_share: share of the cost of work that was wasted, of all runs, as far as it is known:
            what :meth:`Ledger.rework` says. Judging and guarding answers is no work. Its interval
            is by both ends of estimated usage, at worst; where costs are unknown, the end that
            holds for all that.
        rework_multiplier: paid for a dollar of work that was used.
        mean_latency: ns.
        p50_latency: ns.
        p95_latency: ns.
        verdict: whether its runs earn what they cost, with all that they hand on.
    """

    key: str
    sums: AgentSums
    cost_per_run: Estimate
    total_cost_per_run: Estimate
    cost_per_success: Estimate
    value_per_run: Estimate
    margin_per_run: Estimate
    contribution_per_run: Estimate
    inclusive_cost_per_run: Estimate
    inclusive_total_cost_per_run: Estimate
    inclusive_cost_per_success: Estimate
    inclusive_value_per_run: Estimate
    inclusive_margin_per_run: Estimate
    inclusive_contribution_per_run: Estimate
    success_rate: Estimate
    rework_share: Estimate
    rework_multiplier: Estimate
    mean_latency: Estimate
    p50_latency: Estimate
    p95_latency: Estimate
    verdict: Sustainability


@dataclass(frozen=True, slots=True)
class Group:
    """A group with its figures by name, as comparing needs them."""

    key: str
    sums: AgentSums
    figures: Mapping[str, Figure]
    mix: MixRow
    kind: str = ""

    def shown(self, name: str) -> Estimate:
        """A figure as it is shown: the share wasted by both ends of what is estimated, too."""
        told = self.figures[name].estimate
        return self.sums.waste.estimate(told) if name == "rework_share" else told

    def economics(self) -> AgentEconomics:
        """The group as it is shown."""
        shown = {name: self.shown(name) for name in self.figures}
        multiplier = estimates.multiplier(self.sums.rework_multiplier, shown["rework_share"])
        margin = self.figures[f"{INCLUSIVE}margin_per_run"]
        sums = self.sums
        told = Told(
            sums.runs, sums.inclusive_valued_runs, sums.inclusive_cheaper_usd,
            sums.inclusive_dearer_usd, sums.judged_runs, sums.assumed_valued_runs,
            sums.inclusive_uncosted_runs,
            sums.inclusive_unconverted_records, sums.inclusive_margin_usd, sums.inclusive_told_runs,
            sums.traces,
        )  # fmt: skip
        verdict = sustainability(margin, told)
        return AgentEconomics(
            self.key, self.sums, **shown, rework_multiplier=multiplier, verdict=verdict
        )


def groups(ask: Ask, agent_name: str, period: Mapping[str, object], by: str) -> Sequence[Group]:
    """The groups of an agent's runs with their figures, most runs first.

    Raises:
        NotFoundError: it has no run in the period.
    """
    return _groups(ask, agent_name, period, by)


def groups_and_total(
    ask: Ask, agent_name: str, period: Mapping[str, object], by: str
) -> tuple[Sequence[Group], Group]:
    """The same, and all runs as one group, of one pass over them.

    Raises:
        NotFoundError: it has no run in the period.
        PermanentError: there are no such groups.
    """
    if by not in get_args(GroupBy):
        raise PermanentError(f"by {by!r} is none of {', '.join(get_args(GroupBy))}")
    if period.get(_NARROWED.get(by, "")):  # the only group is all of them
        (one,) = groups(ask, agent_name, period, by)
        return [one], replace(one, key=TOTAL)
    found = _groups(ask, agent_name, period, f"{by}_and_total")
    (total,) = (one for one in found if one.kind == TOTAL)
    return [one for one in found if one.kind != TOTAL], total


def _groups(ask: Ask, agent_name: str, period: Mapping[str, object], by: str) -> Sequence[Group]:
    found = statistics(ask, agent_name, period, by)
    traces: ByTrace = {}
    if any(one.moments.traces < one.moments.runs for one in found):
        traces = trace_moments(ask, agent_name, period, by)
    return [_group(one, traces, agent_name) for one in found]


def _group(found: Statistics, by_trace: ByTrace, agent_name: str) -> Group:
    row = found.moments
    traces = by_trace.get((agent_name, row.kind, row.key)) if row.traces < row.runs else None
    return Group(row.key, found.sums, figures(found, traces), found.mix, row.kind)


def statistics(
    ask: Ask, agent_name: str, period: Mapping[str, object], by: str
) -> Sequence[Statistics]:
    """Sums and moments of the groups of an agent's runs, most runs first.

    Raises:
        NotFoundError: it has no run in the period.
    """
    found = ask("agent_statistics", agent_name=agent_name, by=by, **period)
    if not found:
        known = sorted({str(row["agent_name"]) for row in ask("agents", **period)} - {""})
        there = f"the agents are: {', '.join(known)}" if known else "there are no runs of any agent"
        raise NotFoundError(f"no runs of an agent {agent_name!r} in this period; {there}")
    parts = (
        parse_rows(AgentSums, found),
        parse_rows(MomentsRow, found),
        parse_rows(MoneyMoments, found),
        parse_rows(MoneyMoments, [inclusive(row) for row in found]),
        parse_rows(MixRow, found),
    )
    return [Statistics(*each) for each in zip(*parts, strict=True)]


def figures(found: Statistics, traces: TraceMoments | None = None) -> dict[str, Figure]:
    """The figures of a group, by the names of :class:`AgentEconomics`.

    Args:
        found: the group by its runs.
        traces: and by its traces, where they are fewer; None = each run has its own.
    """
    own, below = (_money(found.own, None), _money(found.inclusive, None))
    if traces is not None:
        own = _money(found.own, traces.own, traces)
        below = _money(found.inclusive, traces.inclusive, traces)
    told = {
        **own,
        **{f"{INCLUSIVE}{name}": figure for name, figure in below.items()},
        **_rates(found.moments, traces),
        **_latencies(found.moments, traces),
    }
    if traces is None:
        return told
    each = found.moments.runs / traces.row.traces
    return {name: estimates.by_trace(figure, each) for name, figure in told.items()}


#: Name of a figure, its mean, variance, skewness and covariance with earning something.
_Mean = tuple[str, Decimal | None, float, float, float]


def _money(
    row: MoneyMoments, shared: MoneyTracesRow | None, traces: TraceMoments | None = None
) -> dict[str, Figure]:
    costed, told = row.costed_runs, row.told_runs
    if shared is not None:
        row = replace(row, **shared.shape())
        costed, told = shared.costed_traces, shared.told_traces
    costs: Sequence[_Mean] = (
        ("cost_per_run", row.cost_mean_usd, row.cost_variance, row.cost_skewness, 0.0),
        ("total_cost_per_run", row.total_cost_mean_usd, row.total_cost_variance,
         row.total_cost_skewness, 0.0),
    )  # fmt: skip
    values: Sequence[_Mean] = (
        ("value_per_run", row.value_mean_usd, row.value_variance, row.value_skewness,
         row.value_earning_covariance),
        ("margin_per_run", row.margin_mean_usd, row.margin_variance, row.margin_skewness,
         row.margin_earning_covariance),
        ("contribution_per_run", row.contribution_mean_usd, row.contribution_variance,
         row.contribution_skewness, row.contribution_earning_covariance),
    )  # fmt: skip
    joint = Joint(
        costed,
        float(row.total_cost_mean_usd or 0),
        row.costed_successes / row.costed_runs if row.costed_runs else 0.0,
        row.total_cost_variance,
        row.success_variance,
        row.total_cost_success_covariance,
    )
    success = estimates.per_success(
        row.cost_per_success_usd, joint, row.costed_successes, row.total_cost_skewness,
        runs=row.costed_runs, traces=traces and traces.share(row.success_variance, costed),
        credited=row.credited_runs > 0,
    )  # fmt: skip
    staked = traces and traces.share(0.0, told)
    earned = _earned(values, row, told, staked) if row.valued_runs else _valueless(values)
    floor = None if row.credited_runs else 0
    means = {
        name: estimates.mean(value, variance, skewness, costed, floor=floor)
        for name, value, variance, skewness, _ in costs
    }
    return {**means, "cost_per_success": success, **earned}


def _earned(
    told: Sequence[_Mean], row: MoneyMoments, n: int, traces: Traces | None
) -> dict[str, Figure]:
    worth = estimates.worth(row.margin_mean_usd, row.total_cost_mean_usd)
    known = row.told_runs, row.earning_runs, row.staked_runs, worth
    return {
        name: estimates.mean(
            value, variance, skewness, n,
            stake=estimates.stake(*known, covariance, traces=traces, most=row.success_gap_usd),
        )
        for name, value, variance, skewness, covariance in told
    }  # fmt: skip


def _valueless(told: Sequence[_Mean]) -> dict[str, Figure]:
    return {name: estimates.unknown(NO_VALUE) for name, *_ in told}


def _rates(row: MomentsRow, traces: TraceMoments | None) -> dict[str, Figure]:
    """Of all runs: of rework as far as their cost is known, so that it is what `rework` says."""
    shape, runs = (row, row.runs) if traces is None else (traces.row, traces.row.traces)
    wasted = estimates.wasted(
        row.rework_cost_ratio, runs=runs, wasted_usd=row.rework_cost_usd,
        work_usd=row.work_cost_usd, wasted_variance=shape.rework_work_variance,
        work_variance=shape.work_variance, covariance=shape.rework_work_covariance,
    )  # fmt: skip
    known = None if traces is None else traces.share(traces.row.success_rate_variance)
    success = estimates.share(row.successful_runs, row.runs, known)
    return {"success_rate": success, "rework_share": wasted}


def _latencies(row: MomentsRow, traces: TraceMoments | None) -> dict[str, Figure]:
    grid = RankGrid(row.runs, row.duration_grid_ns)
    shape, n = (row, row.runs) if traces is None else (traces.row, traces.row.traces)
    value = estimates.decimal(row.duration_mean_ns)
    mean = estimates.mean(value, shape.duration_variance, shape.duration_skewness, n, floor=0)
    half = None if traces is None else traces.share(traces.row.p50_share_variance)
    most = None if traces is None else traces.share(traces.row.p95_share_variance)
    return {
        "mean_latency": estimates.whole(mean),
        "p50_latency": estimates.percentile(row.p50_duration_ns, grid, 0.5, half),
        "p95_latency": estimates.percentile(row.p95_duration_ns, grid, 0.95, most),
    }
