"""What is read of the ledger to explain an attempt: its facts and price row, and its lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ExplainedAttemptRow:
    """One attempt, the price row it was given and how its model was found."""

    trace_id: str
    span_id: str
    attempt_number: int
    agent_name: str
    operation: str
    provider: str
    request_model: str
    response_model: str
    priced_provider: str
    priced_model: str
    alias_method: str
    alias_valid_from: datetime
    alias_valid_to: datetime
    alias_known_from: datetime
    service_tier: str
    region: str
    started_at: datetime
    received_at: datetime
    outcome: str
    error_type: str
    counted: bool
    excluded_reason: str
    duplicate_of: str
    rework_reason: str
    usage_source: str
    usage_partial: bool
    usage_assumed: bool
    input_uncached_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    price_status: str
    unpriced_units: tuple[str, ...]
    price_id: str
    price_tier: str
    price_region: str
    hour_minutes: tuple[int, ...]
    context_over_tokens: int
    valid_from: datetime
    valid_to: datetime
    known_from: datetime
    source_url: str
    upstream: str
    currency: str
    usd_per_currency: Decimal | None
    fx_valid_from: datetime
    fx_known_from: datetime
    fx_source_url: str
    list_price_id: str
    adjusted_by: str
    list_source_url: str
    list_input_rate: Decimal | None
    list_cache_read_rate: Decimal | None
    list_cache_write_5m_rate: Decimal | None
    list_cache_write_1h_rate: Decimal | None
    list_output_rate: Decimal | None
    cost_usd: Decimal | None
    cost_low_usd: Decimal | None
    cost_high_usd: Decimal | None
    emitted_cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class ChargeLineRow:
    """One line of an attempt (view ``charges``)."""

    span_id: str
    attempt_number: int
    operation: str
    unit: str
    quantity: Decimal
    rate_usd: Decimal | None
    rate_per: int
    cost_usd: Decimal | None
