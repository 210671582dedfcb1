"""From what runs cost to what they leave: one bar a step, each where the one before it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final

from spanledger_collector.query import AgentSums
from spanledger_collector.web import figures

_WIDTH = 1000.0
_ROW = 34.0
_LEFT = 190.0
_RIGHT = 130.0
#: What is at least so much, and at most, where the cost of some attempts is not known.
COSTS: Final = ("Variable cost", "Total cost")
MARGIN: Final = "Margin"
REWORK: Final = "of which rework"


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        title: what it is.
        amount: USD; None = unknown, or (``is_untold``) there is none: drawn as nothing.
        tone: ``part`` of a sum, ``sum``, ``gain``, ``loss``, ``within`` (part of the one above).
        x, y, width: of its bar.
        label_x: where its amount stands.
        bound: stands before it: it is at least so much, at most, or (empty) just that.
        is_untold: no such amount is to be known.
    """

    title: str
    amount: Decimal | None
    tone: str
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    label_x: float = 0.0
    bound: str = ""
    is_untold: bool = False

    @property
    def told(self) -> str:
        """The amount as people read it, as in the table."""
        return figures.NOTHING if self.is_untold else f"{self.bound}{figures.usd(self.amount)}"


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The whole drawing."""

    kind: ClassVar[str] = "waterfall"
    title: str
    about: str
    steps: Sequence[Step]
    zero_x: float
    width: float
    height: float


def waterfall(sums: AgentSums) -> Waterfall:
    """Of an agent: parts of the variable cost, amortized cost, total, value, margin."""
    told = sums.valued_runs or sums.inclusive_unconverted_records
    untold = sums.value_usd is None and not told
    bounds = _bounds(sums)
    return _placed(_steps(sums), bounds, is_untold=untold)


def has_none(title: str, amount: Decimal | None, *, is_untold: bool) -> bool:
    """No asset is carried, or nobody said what it is worth: no such amount is to be known."""
    of_value = is_untold and title in ("Value", MARGIN)
    return amount is None and (title == "Amortized cost" or of_value)


def _steps(sums: AgentSums) -> list[tuple[str, Decimal | None, str, Decimal]]:
    """Title, amount, tone, and where the bar begins."""
    parts = [
        ("Model calls", sums.model_cost_usd),
        ("Tools", sums.tool_cost_usd),
        ("People", sums.effort_cost_usd),
        ("Expenses", sums.expense_cost_usd),
    ]
    steps: list[tuple[str, Decimal | None, str, Decimal]] = []
    zero = begin = Decimal(0)
    for title, amount in parts:
        if amount is not None:
            steps.append((title, amount, "part", begin))
            begin += amount
    steps.append(("Variable cost", sums.cost_usd, "sum", zero))
    wasted = None if sums.cost_usd is None else sums.rework_cost_usd
    steps.append((REWORK, wasted, "within", zero))
    steps.append(("Amortized cost", sums.amortized_cost_usd, "part", sums.cost_usd or zero))
    steps.append(("Total cost", sums.total_cost_usd, "sum", zero))
    steps.append(("Value", sums.value_usd, "gain", zero))
    margin = sums.margin_usd
    tone = "loss" if margin is not None and margin < 0 else "gain"
    steps.append((MARGIN, margin, tone, zero))
    return steps


def _placed(
    steps: Sequence[tuple[str, Decimal | None, str, Decimal]],
    bounds: Mapping[str, str],
    *,
    is_untold: bool,
) -> Waterfall:
    ends = [float(begin + (amount or 0)) for _, amount, _, begin in steps]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    scale = (_WIDTH - _LEFT - _RIGHT) / ((high - low) or 1.0)
    placed: list[Step] = []
    for number, (title, amount, tone, begin) in enumerate(steps):
        left = float(begin + min(amount or Decimal(0), Decimal(0)))
        x = _LEFT + (left - low) * scale
        width = float(abs(amount or 0)) * scale
        placed.append(
            Step(
                title, amount, tone, round(x, 2), number * _ROW, round(max(width, 1.0), 2),
                round(x + max(width, 1.0) + 8, 2),
                bounds.get(title, "") if amount is not None else "",
                has_none(title, amount, is_untold=is_untold),
            )
        )  # fmt: skip
    return Waterfall(
        "Where the cost goes and what is left",
        "One bar a part: the parts of the variable cost, what is amortized, the total cost, value "
        "and margin. The table below has the same figures.",
        placed,
        round(_LEFT - low * scale, 2),
        _WIDTH,
        len(steps) * _ROW,
    )


def _bounds(sums: AgentSums) -> Mapping[str, str]:
    """By title: what is a lower or an upper bound, as some cost is not known."""
    found = dict.fromkeys(COSTS, figures.AT_LEAST) | {MARGIN: figures.AT_MOST}
    rework = {REWORK: figures.AT_LEAST} if sums.unknown_rework_attempts else {}
    return (found if sums.unpriced_attempts else {}) | rework
