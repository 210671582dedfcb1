"""Rows of the questions where the money goes and what came of it, by anything (``Breakdowns``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class EconomicsRow:
    """What runs cost, earned and took (query ``economics_by``, whose header says what each is).

    What has no prefix sums to the ledger; ``inclusive_*`` is with all runs below. Costs per success
    are over ``successes``, and the success ratio is of these and ``failures``: of an agent or
    version its runs', else those of agents that no agent called.
    """

    kind: str
    key: str
    agent_name: str
    agent_version: str
    runs: int
    successful_runs: int
    failed_runs: int
    success_ratio: float | None
    calls: int
    attempts: int
    retries: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    rework_cost_usd: Decimal | None
    work_cost_usd: Decimal | None
    rework_cost_ratio: float | None
    rework_multiplier: float | None
    estimated_cost_usd: Decimal | None
    amortized_cost_usd: Decimal | None
    total_cost_usd: Decimal | None
    value_usd: Decimal | None
    margin_usd: Decimal | None
    valued_runs: int
    successes: int
    failures: int
    total_cost_per_run_usd: Decimal | None
    total_cost_per_success_usd: Decimal | None
    unpriced_attempts: int
    unknown_rework_attempts: int
    known_cost_ratio: float
    inclusive_total_cost_usd: Decimal | None
    inclusive_value_usd: Decimal | None
    inclusive_margin_usd: Decimal | None
    inclusive_cost_per_run_usd: Decimal | None
    inclusive_cost_per_success_usd: Decimal | None
    inclusive_unpriced_attempts: int
    p50_duration_ns: int
    p95_duration_ns: int
    inclusive_unconverted_records: int
    unconverted_records: int


@dataclass(frozen=True, slots=True)
class AttemptsRow:
    """What counted attempts cost and used (query ``attempts_by``)."""

    provider: str
    key: str
    attempts: int
    failed_attempts: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    cost_ratio: float | None
    rework_cost_usd: Decimal | None
    estimated_cost_usd: Decimal | None
    unpriced_attempts: int
    unknown_rework_attempts: int
    known_cost_ratio: float
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class CostPathRow:
    """One path from the outermost agent to what was paid, with all below it (``cost_paths``).

    Attributes:
        depth: steps of the path; 0 = all.
        kinds: of each step: agent, tool, model, tool_price, person, expense or loading.
        names: of each step; empty = outside any agent, no model told, the tool's own price.
        before_attempts: in the period held against, as all that begins with ``before_``.
        change_usd: ``cost_usd`` less ``before_cost_usd``, as ``change_is`` says; None = one of the
            two is not known at all, or both not wholly.
        change_is: exact, at_least, at_most, or empty where it is not known.
    """

    depth: int
    kinds: tuple[str, ...]
    names: tuple[str, ...]
    attempts: int
    unpriced_attempts: int
    cost_usd: Decimal | None
    cost_ratio: float | None
    before_attempts: int
    before_unpriced_attempts: int
    before_cost_usd: Decimal | None
    change_usd: Decimal | None
    change_is: str


@dataclass(frozen=True, slots=True)
class PriceUsedRow:
    """A row of the price book that priced something (query ``prices_used``)."""

    price_id: str
    provider: str
    model: str
    service_tier: str
    region: str
    currency: str
    input_per_million: Decimal | None
    cache_read_per_million: Decimal | None
    output_per_million: Decimal | None
    valid_from: datetime
    known_from: datetime
    source_url: str
    upstream: str
    attempts: int
    cost_usd: Decimal | None
