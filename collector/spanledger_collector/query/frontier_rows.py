"""The ways to serve an agent as the ledger sums them, by their runs and by their traces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

from spanledger_collector.estimate import Traces

from . import estimates
from .economics import Ask
from .estimates import Figure
from .moments import known_by
from .parsing import parse_rows


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
    inclusive_cost_per_success_low_usd: Decimal | None
    inclusive_cost_per_success_high_usd: Decimal | None
    is_efficient: bool | None
    usd_per_second: Decimal | None
    fewer_gpus: int
    speedup_over_fewer: float | None
    usd_over_fewer: Decimal | None
    inclusive_earning_runs: int
    inclusive_staked_runs: int
    inclusive_margin_earning_covariance: float
    success_gap_usd: Decimal | None
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


def options(ask: Ask, agent_name: str, period: Mapping[str, object]) -> list[Option]:
    """The options of an agent (of all, where it is empty), fastest first."""
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
