"""What was paid twice: how much of the work, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal, get_args

from spanledger_collector.errors import PermanentError

from . import estimates
from .economics import Ask
from .estimates import Estimate
from .parsing import parse_rows
from .waste import Bounded, Waste

#: What a row of the answer is.
ReworkBy = Literal["total", "agent", "version", "model", "prompt", "tenant"]


@dataclass(frozen=True, slots=True)
class ReworkReasonRow:
    """Wasted attempts of one key and reason (query ``rework_reasons``)."""

    key: str
    rework_reason: str
    attempts: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    unknown_cost_attempts: int
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class ReworkRateRow:
    """Work of one key and what of it was wasted (query ``rework_rates``)."""

    key: str
    attempts: int
    rework_attempts: int
    cost_usd: Decimal | None
    rework_cost_usd: Decimal | None
    rework_cost_ratio: float | None
    rework_multiplier: float | None
    rework_cheaper_usd: Decimal
    rework_dearer_usd: Decimal
    used_cheaper_usd: Decimal
    used_dearer_usd: Decimal
    unknown_cost_attempts: int
    unknown_rework_attempts: int
    traces: int
    rework_work_variance: float
    work_variance: float
    rework_work_covariance: float


@dataclass(frozen=True, slots=True)
class ReworkRate(Bounded):
    """How much of the work of one key was wasted.

    Attributes:
        key: an agent, version, model, prompt or tenant.
        attempts: of work; what judges or guards is none.
        rework_attempts: of them wasted.
        rework_rate: the share; its interval takes attempts as independent of each other.
        cost_usd: of all of them; None = nothing of it is known.
        rework_cost_usd: of the wasted ones.
        rework_cost_ratio: share of the cost.
        rework_multiplier: paid for a dollar of work that was used; None = all was wasted.
        unknown_cost_attempts: those whose cost is not known; where there are any, costs are lower
            bounds, and the share and the multiplier are of what is known.
        unknown_rework_attempts: those of them that were wasted.
        rework_share: the share of the cost with its interval, reckoned by traces (``n``): what is
            asked for with all that it sets off goes well or ill together; by both ends of estimated
            usage, at worst; where costs are unknown, the end that holds for all that.
        multiplier: ``rework_multiplier`` with its interval, likewise.
    """

    _unknown: ClassVar[str] = "unknown_cost_attempts"

    key: str
    attempts: int
    rework_attempts: int
    rework_rate: Estimate
    cost_usd: Decimal | None
    rework_cost_usd: Decimal | None
    rework_cost_ratio: float | None
    rework_multiplier: float | None
    unknown_cost_attempts: int
    unknown_rework_attempts: int
    rework_share: Estimate
    multiplier: Estimate


@dataclass(frozen=True, slots=True)
class ReworkReport:
    """Rates by key, most wasted first, and reasons by key, dearest first."""

    by: str
    rates: Sequence[ReworkRate]
    reasons: Sequence[ReworkReasonRow]


def rework(ask: Ask, period: Mapping[str, object], by: str, agent_name: str) -> ReworkReport:
    """Read what was wasted.

    Raises:
        PermanentError: there are no such keys.
    """
    if by not in get_args(ReworkBy):
        raise PermanentError(f"by {by!r} is none of {', '.join(get_args(ReworkBy))}")
    asked = {**period, "by": by, "agent_name": agent_name}
    rates = parse_rows(ReworkRateRow, ask("rework_rates", **asked))
    reasons = parse_rows(ReworkReasonRow, ask("rework_reasons", **asked))
    return ReworkReport(by, [_rate(row) for row in rates], reasons)


def _rate(row: ReworkRateRow) -> ReworkRate:
    rate = estimates.share(row.rework_attempts, row.attempts).estimate
    share = _share(row)
    return ReworkRate(
        row.key, row.attempts, row.rework_attempts, rate, row.cost_usd, row.rework_cost_usd,
        row.rework_cost_ratio, row.rework_multiplier, row.unknown_cost_attempts,
        row.unknown_rework_attempts, share, estimates.multiplier(row.rework_multiplier, share),
    )  # fmt: skip


def _share(row: ReworkRateRow) -> Estimate:
    wasted = estimates.wasted(
        row.rework_cost_ratio, runs=row.traces, wasted_usd=row.rework_cost_usd,
        work_usd=row.cost_usd, wasted_variance=row.rework_work_variance,
        work_variance=row.work_variance, covariance=row.rework_work_covariance,
    )  # fmt: skip
    unknown = row.unknown_cost_attempts, row.unknown_rework_attempts
    return Waste.of(row, row.cost_usd, *unknown).estimate(estimates.of_traces(wasted.estimate))
