"""Cost of quality: what preventing, judging and repeating bad work took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import ClassVar, Literal, get_args

from spanledger_collector.errors import PermanentError

from . import estimates
from .economics import Ask
from .estimates import Estimate
from .parsing import parse_rows
from .waste import Bounded, Waste

#: What a row of the answer is.
QualityBy = Literal["total", "agent", "version", "tenant"]


@dataclass(frozen=True, slots=True)
class QualitySums(Bounded):
    """What the cost of quality of one key comes to over a period, after Feigenbaum's parts.

    Attributes:
        key: an agent, version or tenant.
        cost_usd: all that was spent, as far as it is known; the four parts add up to it.
        prevention_cost_usd: guarding against bad answers.
        appraisal_cost_usd: judging answers.
        failure_cost_usd: work that was wasted.
        good_cost_usd: work that was used.
        amortized_appraisal_usd: shares of evaluation assets, beside ``cost_usd``.
        quality_cost_usd: prevention, appraisal, failure and those shares.
        quality_cost_ratio: of all that was paid; None = nothing was.
        unknown_cost_attempts: those whose cost is not known; where there are any, costs are lower
            bounds, and the ratio is of what is known.
        unknown_quality_attempts: of them those of prevention, appraisal and failure.
    """

    _unknown: ClassVar[str] = "unknown_cost_attempts"
    _unknown_part: ClassVar[str] = "unknown_quality_attempts"

    key: str
    cost_usd: Decimal | None
    prevention_cost_usd: Decimal | None
    appraisal_cost_usd: Decimal | None
    failure_cost_usd: Decimal | None
    good_cost_usd: Decimal | None
    amortized_appraisal_usd: Decimal
    quality_cost_usd: Decimal | None
    quality_cost_ratio: float | None
    unknown_cost_attempts: int
    unknown_quality_attempts: int


@dataclass(frozen=True, slots=True)
class QualityCostRow(QualitySums):
    """The same with what its interval is computed from (query ``quality_costs``)."""

    quality_cheaper_usd: Decimal
    quality_dearer_usd: Decimal
    used_cheaper_usd: Decimal
    used_dearer_usd: Decimal
    traces: int
    quality_variance: float
    paid_variance: float
    quality_paid_covariance: float

    @property
    def rework_cost_usd(self) -> Decimal | None:
        """What quality took is of all that was paid what rework is of the work."""
        return self.quality_cost_usd

    @property
    def rework_cheaper_usd(self) -> Decimal:
        """By so much that is less, at worst."""
        return self.quality_cheaper_usd

    @property
    def rework_dearer_usd(self) -> Decimal:
        """By so much it is more."""
        return self.quality_dearer_usd


@dataclass(frozen=True, slots=True)
class QualityCost(QualitySums):
    """Cost of quality of one key over a period.

    Attributes:
        quality_share: ``quality_cost_ratio`` with its interval, reckoned by traces; by both ends of
            what was estimated (usage, shares of evaluation assets), at worst; where costs are
            unknown, the end that holds for all that.
    """

    quality_share: Estimate


def quality(
    ask: Ask, period: Mapping[str, object], by: str, agent_name: str
) -> Sequence[QualityCost]:
    """Read the cost of quality, dearest first.

    Raises:
        PermanentError: there are no such keys.
    """
    if by not in get_args(QualityBy):
        raise PermanentError(f"by {by!r} is none of {', '.join(get_args(QualityBy))}")
    rows = ask("quality_costs", **period, by=by, agent_name=agent_name)
    return [_cost(row) for row in parse_rows(QualityCostRow, rows)]


def _cost(row: QualityCostRow) -> QualityCost:
    sums = {one.name: getattr(row, one.name) for one in fields(QualitySums)}
    return QualityCost(**sums, quality_share=_share(row))


def _share(row: QualityCostRow) -> Estimate:
    paid = (row.cost_usd or Decimal(0)) + row.amortized_appraisal_usd
    share = estimates.wasted(
        row.quality_cost_ratio, runs=row.traces, wasted_usd=row.quality_cost_usd, work_usd=paid,
        wasted_variance=row.quality_variance, work_variance=row.paid_variance,
        covariance=row.quality_paid_covariance,
    )  # fmt: skip
    told, unknown = estimates.of_traces(share.estimate), row.unknown_cost_attempts
    if told.value is None:
        return told
    found = Waste.of(row, paid, unknown, row.unknown_quality_attempts).estimate(told)
    if not unknown:
        return found
    attempts = "1 attempt" if unknown == 1 else f"{unknown:,} attempts"
    return replace(found, reason=f"the cost of {attempts} is not known")
