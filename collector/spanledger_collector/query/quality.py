"""Cost of quality: what preventing, judging and repeating bad work took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from spanledger_collector.errors import PermanentError

from .economics import Ask
from .parsing import parse_rows

#: What a row of the answer is.
QualityBy = Literal["total", "agent", "version", "tenant"]


@dataclass(frozen=True, slots=True)
class QualityCostRow:
    """Cost of quality of one key over a period (query ``quality_costs``), after Feigenbaum's parts.

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
    """

    key: str
    cost_usd: Decimal | None
    prevention_cost_usd: Decimal | None
    appraisal_cost_usd: Decimal | None
    failure_cost_usd: Decimal | None
    good_cost_usd: Decimal | None
    amortized_appraisal_usd: Decimal
    quality_cost_usd: Decimal | None
    quality_cost_ratio: float | None


def quality(
    ask: Ask, period: Mapping[str, object], by: str, agent_name: str
) -> Sequence[QualityCostRow]:
    """Read the cost of quality, dearest first.

    Raises:
        PermanentError: there are no such keys.
    """
    if by not in get_args(QualityBy):
        raise PermanentError(f"by {by!r} is none of {', '.join(get_args(QualityBy))}")
    rows = ask("quality_costs", **period, by=by, agent_name=agent_name)
    return parse_rows(QualityCostRow, rows)
