"""Moments of groups of runs: what intervals are computed from, by runs or by the traces they share.

The runs of one trace go dear or cheap, well or ill, fast or slow together and are no draws of their
own: where a group has fewer traces than runs, a figure keeps its value and has the doubt of so many
traces. A mean is drawn as the jackknife of traces has it (``trace_apart.sql``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal

from spanledger_collector.estimate import Traces

from .parsing import parse_rows
from .reader import Row

#: What figures are called that are with all that runs hand on to sub-agents.
INCLUSIVE = "inclusive_"


@dataclass(frozen=True, slots=True)
class MoneyShape:
    """Moments of money, of the runs themselves or inclusive; what one trace adds to a variance."""

    cost_variance: float
    cost_skewness: float
    total_cost_variance: float
    total_cost_skewness: float
    value_variance: float
    value_skewness: float
    margin_variance: float
    margin_skewness: float
    contribution_variance: float
    contribution_skewness: float
    success_variance: float
    total_cost_success_covariance: float


@dataclass(frozen=True, slots=True)
class MoneyMoments(MoneyShape):
    """Means and moments of money of a group of runs, own or inclusive (``run_moments.sql``)."""

    valued_runs: int
    costed_runs: int
    told_runs: int
    costed_successes: int
    cost_mean_usd: Decimal | None
    total_cost_mean_usd: Decimal | None
    value_mean_usd: Decimal | None
    margin_mean_usd: Decimal | None
    contribution_mean_usd: Decimal | None
    cost_per_success_usd: Decimal | None
    credited_runs: int
    earning_runs: int
    staked_runs: int
    success_gap_usd: Decimal | None
    value_earning_covariance: float
    margin_earning_covariance: float
    contribution_earning_covariance: float


@dataclass(frozen=True, slots=True)
class MomentsRow:
    """What else intervals of a group of runs are computed from (query ``agent_statistics``)."""

    kind: str
    key: str
    runs: int
    traces: int
    successful_runs: int
    costed_runs: int
    rework_cost_usd: Decimal | None
    work_cost_usd: Decimal | None
    rework_cost_ratio: float | None
    rework_work_variance: float
    work_variance: float
    rework_work_covariance: float
    rework_mean_usd: Decimal | None
    rework_variance: float
    rework_skewness: float
    p50_duration_ns: int
    p95_duration_ns: int
    duration_mean_ns: float
    duration_variance: float
    duration_skewness: float
    duration_grid_ns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MoneyTracesRow(MoneyShape):
    """The same with how many traces they are of (query ``agent_traces``)."""

    costed_traces: int
    told_traces: int

    def shape(self) -> Mapping[str, float]:
        """The moments alone, by the names that they have by runs."""
        return {name: value for name, value in asdict(self).items() if not name.endswith("_traces")}


@dataclass(frozen=True, slots=True)
class AgentTracesRow:
    """The traces of a group of runs (query ``agent_traces``, whose header says what each is)."""

    agent_name: str
    kind: str
    key: str
    traces: int
    effective_traces: float
    rework_work_variance: float
    work_variance: float
    rework_work_covariance: float
    duration_variance: float
    duration_skewness: float
    success_rate_variance: float
    p50_share_variance: float
    p95_share_variance: float


def known_by(traces: int, effective_traces: float, variance: float) -> Traces:
    """What a share is known by: never by more traces than there are of it."""
    return Traces(traces, min(effective_traces, traces), variance)


@dataclass(frozen=True, slots=True)
class TraceMoments:
    """Of one group."""

    row: AgentTracesRow
    own: MoneyTracesRow
    inclusive: MoneyTracesRow

    def share(self, variance: float, traces: int | None = None) -> Traces:
        """What a share of the runs is known by."""
        n = self.row.traces if traces is None else traces
        return known_by(n, self.row.effective_traces, variance)


#: Agent, kind and key of a group -> its moments by traces.
ByTrace = Mapping[tuple[str, str, str], TraceMoments]


def trace_moments(
    ask: Callable[..., list[Row]], agent_name: str, period: Mapping[str, object], by: str
) -> ByTrace:
    """The groups of the runs of an agent, or by ``agent`` of all of them, by their traces."""
    found = ask("agent_traces", **{**period, "agent_name": agent_name, "by": by})
    parts = (
        parse_rows(AgentTracesRow, found),
        parse_rows(MoneyTracesRow, found),
        parse_rows(MoneyTracesRow, [inclusive(row) for row in found]),
    )
    rows = (TraceMoments(*each) for each in zip(*parts, strict=True))
    return {(one.row.agent_name, one.row.kind, one.row.key): one for one in rows}


def inclusive(row: Row) -> Row:
    """The row with its inclusive columns by the names of the own ones."""
    told = ((name, value) for name, value in row.items() if name.startswith(INCLUSIVE))
    return {**row, **{name.removeprefix(INCLUSIVE): value for name, value in told}}
