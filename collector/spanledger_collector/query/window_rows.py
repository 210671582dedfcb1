"""What agents, tenants and models did in a window: the rows that budgets and alerts read."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SpentByRow:
    """What an agent, tenant, model or everybody cost in a window (query ``spent_by``)."""

    per: str
    key: str
    attempts: int
    failed_attempts: int
    refused_calls: int
    unknown_attempts: int
    unknown_work_attempts: int
    unknown_rework_attempts: int
    cost_usd: Decimal | None
    rework_cost_usd: Decimal | None
    rework_cost_ratio: float | None


@dataclass(frozen=True, slots=True)
class EarnedByRow:
    """What the runs of an agent, tenant or everybody earned in a window (query ``earned_by``).

    Of an agent ``inclusive_*`` is with all runs below its own; of a tenant and everybody, whose
    runs those are already, it is the same as without the prefix, and successes and failures are
    those of agents that no agent called. With ``inclusive_uncosted_runs`` costs are
    lower bounds and the margin an upper one.
    """

    per: str
    key: str
    runs: int
    successful_runs: int
    failed_runs: int
    successes: int
    failures: int
    total_cost_usd: Decimal | None
    value_usd: Decimal | None
    margin_usd: Decimal | None
    inclusive_total_cost_usd: Decimal | None
    inclusive_value_usd: Decimal | None
    inclusive_margin_usd: Decimal | None
    inclusive_cost_per_success_usd: Decimal | None
    inclusive_uncosted_runs: int
