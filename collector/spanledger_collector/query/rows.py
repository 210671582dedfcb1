"""Answers of the named queries as typed rows.

A field has the name of its column; what the column means stands in the query's or view's header
and in ``spanledger schema``. Money is Decimal or None (unknown), times are aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TraceRow:
    """What one trace cost (view ``trace_cost``)."""

    trace_id: str
    name: str
    tenant: str
    status: str
    started_at: datetime
    duration_ns: int
    runs: int
    agents: int
    span_count: int
    calls: int
    attempts: int
    failed_attempts: int
    retries: int
    tool_calls: int
    input_uncached_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_usd: Decimal | None
    rework_cost_usd: Decimal | None
    estimated_cost_usd: Decimal | None
    cost_low_usd: Decimal | None
    cost_high_usd: Decimal | None
    unpriced_attempts: int
    unknown_rework_attempts: int
    flops_total: Decimal


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run (view ``run_economics``); ``inclusive_*`` is with all runs below it."""

    trace_id: str
    run_id: str
    parent_run_id: str
    kind: str
    tenant: str
    agent_name: str
    agent_version: str
    workflow_name: str
    status: str
    error_type: str
    started_at: datetime
    duration_ns: int
    ttft_ns: int
    calls: int
    attempts: int
    failed_attempts: int
    retries: int
    tool_calls: int
    input_uncached_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    rework_cost_usd: Decimal | None
    estimated_cost_usd: Decimal | None
    amortized_cost_usd: Decimal | None
    total_cost_usd: Decimal | None
    value_usd: Decimal | None
    margin_usd: Decimal | None
    inclusive_cost_usd: Decimal | None
    inclusive_rework_cost_usd: Decimal | None
    inclusive_estimated_cost_usd: Decimal | None
    inclusive_amortized_cost_usd: Decimal | None
    inclusive_total_cost_usd: Decimal | None
    inclusive_value_usd: Decimal | None
    inclusive_margin_usd: Decimal | None
    inclusive_unpriced_attempts: int
    inclusive_unknown_rework_attempts: int
    outcome: str
    revenue_usd: Decimal | None
    outcome_value_usd: Decimal | None
    rule_value_usd: Decimal | None
    value_source: str
    records: int
    unconverted_records: int
    caller_missing: bool
    succeeded: bool
    unpriced_attempts: int
    unknown_rework_attempts: int
    flops_total: Decimal


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt of one model call (table ``attempts``)."""

    trace_id: str
    span_id: str
    attempt_number: int
    run_id: str
    agent_name: str
    tool_name: str
    operation: str
    provider: str
    request_model: str
    response_model: str
    priced_provider: str
    priced_model: str
    service_tier: str
    response_id: str
    streaming: bool
    started_at: datetime
    duration_ns: int
    ttft_ns: int
    outcome: str
    error_type: str
    wait_seconds: float
    counted: bool
    excluded_reason: str
    duplicate_of: str
    rework_reason: str
    retry_of: str
    rework_of: str
    usage_source: str
    usage_partial: bool
    usage_assumed: bool
    input_uncached_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    units: Mapping[str, Decimal]
    price_status: str
    unpriced_units: tuple[str, ...]
    price_id: str
    input_cost_usd: Decimal | None
    cache_read_cost_usd: Decimal | None
    cache_write_cost_usd: Decimal | None
    output_cost_usd: Decimal | None
    units_cost_usd: Decimal | None
    cost_usd: Decimal | None
    cost_low_usd: Decimal | None
    cost_high_usd: Decimal | None
    emitted_cost_usd: Decimal | None
    flops_total: int
    flops_low: int
    flops_high: int
    flops_method: str
    vram_weights_bytes: int
    vram_kv_bytes: int
    gpu_seconds: float
    mfu: float | None
    mbu: float | None


@dataclass(frozen=True, slots=True)
class SpanRow:
    """One span of a trace with its own cost (query ``trace_spans``)."""

    span_id: str
    parent_span_id: str
    name: str
    role: str
    operation: str
    provider: str
    model: str
    started_at: datetime
    duration_ns: int
    status: str
    error_type: str
    run_id: str
    agent_name: str
    attempts: int
    counted: bool
    excluded_reason: str
    cost_usd: Decimal | None
    price_status: str
    input_tokens: int
    output_tokens: int
    retries: int
    rework_cost_usd: Decimal | None
    rework_reason: str
    offset_ns: int
    trace_ns: int


@dataclass(frozen=True, slots=True)
class AgentRow:
    """Unit economics of one agent and version over a period (query ``agents``).

    What has no prefix is of the agent's own runs and sums to the ledger; ``inclusive_*`` is with
    the runs of its sub-agents, and not to be summed over agents.
    """

    agent_name: str
    agent_version: str
    runs: int
    successful_runs: int
    failed_runs: int
    judged_runs: int
    calls: int
    attempts: int
    retries: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    cost_per_run_usd: Decimal | None
    cost_per_success_usd: Decimal | None
    rework_cost_usd: Decimal | None
    estimated_cost_usd: Decimal | None
    amortized_cost_usd: Decimal | None
    total_cost_usd: Decimal | None
    value_usd: Decimal | None
    margin_usd: Decimal | None
    valued_runs: int
    unpriced_attempts: int
    unknown_rework_attempts: int
    known_cost_ratio: float
    inclusive_cost_usd: Decimal | None
    inclusive_rework_cost_usd: Decimal | None
    inclusive_amortized_cost_usd: Decimal | None
    inclusive_total_cost_usd: Decimal | None
    inclusive_value_usd: Decimal | None
    inclusive_margin_usd: Decimal | None
    inclusive_cost_per_run_usd: Decimal | None
    inclusive_cost_per_success_usd: Decimal | None
    inclusive_unpriced_attempts: int
    p50_duration_ns: int
    p95_duration_ns: int
    inclusive_unconverted_records: int


@dataclass(frozen=True, slots=True)
class ValueRuleRow:
    """What a run, a success or a unit of an outcome is worth (query ``value_rules``)."""

    agent_name: str
    agent_version: str
    tenant: str
    per: str
    amount: Decimal
    currency: str
    valid_from: datetime
    valid_to: datetime
    grace_seconds: float
    half_life_seconds: float
    zero_after_seconds: float
    why: str
    known_from: datetime


@dataclass(frozen=True, slots=True)
class ModelRow:
    """Cost and tokens of one model over a period (query ``models``)."""

    provider: str
    model: str
    calls: int
    attempts: int
    failed_attempts: int
    input_uncached_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    rework_cost_usd: Decimal | None
    estimated_cost_usd: Decimal | None
    unpriced_attempts: int
    stand_in_attempts: int
    known_cost_ratio: float


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """Share of usage by price status (query ``coverage``)."""

    price_status: str
    usage_source: str
    attempts: int
    attempts_ratio: float
    tokens: int
    tokens_ratio: float
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """What the ledger counts of one day, provider, model, tier and unit (``charges_by_day``)."""

    day: date
    provider_seen: str
    provider: str
    model: str
    service_tier: str
    unit: str
    quantity: Decimal
    priced_quantity: Decimal
    cost_usd: Decimal | None
    below_quantity: float
    above_quantity: float
    unmetered_attempts: int


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One telling of a record about a run (query ``records``)."""

    kind: str
    record_id: str
    telling: int
    tellings: int
    counts: bool
    run_id: str
    run_trace_id: str
    subject_kind: str
    subject: str
    subject_span_id: str
    occurred_at: datetime
    received_at: datetime
    name: str
    verdict: str
    amount: Decimal | None
    currency: str
    amount_usd: Decimal | None
    quantity: Decimal | None
    score: float | None
    label: str
    reason: str
    service_name: str
    span_id: str


@dataclass(frozen=True, slots=True)
class TraceReport:
    """One trace, whole: its total, its runs, its attempts, its spans."""

    summary: TraceRow
    runs: Sequence[RunRow]
    attempts: Sequence[AttemptRow]
    spans: Sequence[SpanRow]
