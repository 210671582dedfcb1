"""Sums over a group of an agent's runs, as the ledger tells them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from .waste import Waste


@dataclass(frozen=True, slots=True)
class AgentSums:
    """Sums over a group of runs (query ``agent_statistics``, whose header says what each is).

    What has no prefix is of the runs themselves and sums to the ledger over all agents;
    ``inclusive_*`` is the same with all runs below them, which is in the books of each agent on the
    way: not to be summed over agents.
    """

    runs: int
    traces: int
    successful_runs: int
    failed_runs: int
    judged_runs: int
    assumed_successes: int
    assumed_valued_runs: int
    wrong_runs: int
    valued_runs: int
    costed_runs: int
    uncosted_runs: int
    calls: int
    attempts: int
    failed_attempts: int
    retries: int
    tool_calls: int
    input_tokens: int
    cache_read_tokens: int
    output_tokens: int
    flops_total: Decimal
    gpu_seconds: float
    model_cost_usd: Decimal | None
    tool_cost_usd: Decimal | None
    effort_cost_usd: Decimal | None
    expense_cost_usd: Decimal | None
    cost_usd: Decimal | None
    rework_cost_usd: Decimal | None
    appraisal_cost_usd: Decimal | None
    prevention_cost_usd: Decimal | None
    work_cost_usd: Decimal | None
    rework_cost_ratio: float | None
    rework_multiplier: float | None
    rework_cheaper_usd: Decimal
    rework_dearer_usd: Decimal
    used_cheaper_usd: Decimal
    used_dearer_usd: Decimal
    estimated_cost_usd: Decimal | None
    cost_low_usd: Decimal | None
    cost_high_usd: Decimal | None
    amortized_cost_usd: Decimal | None
    total_cost_usd: Decimal | None
    value_usd: Decimal | None
    margin_usd: Decimal | None
    inclusive_valued_runs: int
    inclusive_costed_runs: int
    inclusive_told_runs: int
    inclusive_cost_usd: Decimal | None
    inclusive_rework_cost_usd: Decimal | None
    inclusive_estimated_cost_usd: Decimal | None
    inclusive_amortized_cost_usd: Decimal | None
    inclusive_total_cost_usd: Decimal | None
    inclusive_value_usd: Decimal | None
    inclusive_margin_usd: Decimal | None
    inclusive_unpriced_attempts: int
    inclusive_unknown_rework_attempts: int
    inclusive_usage_cheaper_usd: Decimal
    inclusive_usage_dearer_usd: Decimal
    inclusive_cheaper_usd: Decimal
    inclusive_dearer_usd: Decimal
    inclusive_uncosted_runs: int
    inclusive_unconverted_records: int
    unpriced_attempts: int
    unknown_rework_attempts: int
    known_cost_ratio: float
    p50_duration_ns: int
    p95_duration_ns: int
    p50_ttft_ns: int
    first_started_at: datetime
    last_started_at: datetime

    @property
    def waste(self) -> Waste:
        """How far the share wasted is off by estimates, and of how many attempts it is unknown."""
        unknown = self.unpriced_attempts, self.unknown_rework_attempts
        return Waste.of(self, self.work_cost_usd, *unknown)
