"""The verdict on an agent: do its runs earn what they cost, and do the data say so?"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Literal

from spanledger_collector.estimate import runs_to_tell

from .estimates import Estimate, Figure

#: Whether runs earn what they cost.
Sustainable = Literal["yes", "no", "too few data"]
_DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class Sustainability:
    """Whether the runs of an agent earn what they cost.

    Attributes:
        sustainable: ``yes`` where the whole 95 % interval of the margin a run is above 0, ``no``
            where it is below; else ``too few data``. The margin is inclusive: value less variable
            and amortized cost of a run with all that it hands on.
        reason: the interval and the runs that it stands on, or why there is none; and which runs
            are in no mean.
        runs_needed: runs in all that would tell (power 80 %), if the margin is as seen; None =
            enough are there, or nobody can say.
    """

    sustainable: Sustainable
    reason: str
    runs_needed: int | None


def sustainability(margin: Figure, runs: int) -> Sustainability:
    """The verdict.

    Args:
        margin: of a run, with all that it hands on.
        runs: all of them, those whose cost is not wholly known too.
    """
    answer, why = _answer(margin.estimate)
    needed = None
    if answer == "too few data" and margin.measured is not None:
        needed = runs_to_tell(margin.measured)
        needed = None if needed is None or needed <= margin.measured.n else needed
        if needed:
            why += f"; {needed:,} runs would tell, if it is as seen"
    left_out = runs - margin.estimate.n
    if left_out and margin.estimate.value is not None:
        why += f"; {left_out:,} of {runs:,} runs are left out: their cost is not wholly known"
    return Sustainability(answer, why, needed)


def _answer(margin: Estimate) -> tuple[Sustainable, str]:
    if margin.low is None or margin.high is None:
        return "too few data", margin.reason
    told = (
        f"margin a run {_usd(margin.low)} to {_usd(margin.high)} "
        f"({margin.level:.0%} interval, {margin.n:,} runs)"
    )
    if margin.low > 0:
        return "yes", f"{told} is above 0"
    if margin.high < 0:
        return "no", f"{told} is below 0"
    return "too few data", f"{told} holds 0"


def _usd(amount: Decimal) -> str:
    """Three significant digits: an end of an interval is no sum of the ledger."""
    places = min(amount.adjusted() - _DIGITS + 1, 0) if amount else 0
    shown = amount.quantize(Decimal(1).scaleb(places), ROUND_HALF_EVEN)
    return f"{'-' if shown < 0 else ''}${abs(shown):,f}"
