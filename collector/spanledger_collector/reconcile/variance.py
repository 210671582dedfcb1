"""Why a bill and the ledger differ for one day and model: an exact split into causes.

A variance analysis as cost accounting does it: price first, then quantities, valued at the ledger's
rates (the bill's, where the ledger has none). Of the quantities, what only moved between service
tiers is taken out first, then what only moved between cache classes of the input; what is left is
volume. Fractions are exact, so the causes always sum to the difference.

``bill - ledger`` = price_version + unpriced + tier + cache_class + estimated + unmetered
+ not_instrumented + duplicate + unexplained
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Literal, TypeVar

from .bill import INPUT_CLASSES, WHOLE

Cause = Literal[
    "unmetered", "not_instrumented", "cache_class", "tier", "estimated", "duplicate",
    "price_version", "unpriced", "unexplained",
]  # fmt: skip
#: Every cause, in the order in which a report shows them, with what it means.
CAUSES: Final[Mapping[Cause, str]] = {
    "unmetered": "billed, where spans told calls without usage: of these, or of others beside them",
    "not_instrumented": "billed, and no span told of it",
    "cache_class": "the same input tokens in other cache classes",
    "tier": "the same tokens at another service tier",
    "estimated": "within the interval of tokens that were estimated",
    "duplicate": "in the ledger and not on the bill: counted twice, or another account's",
    "price_version": "the same tokens at another rate",
    "unpriced": "the ledger knew the tokens and no price",
    "unexplained": "the export does not tell enough, or rounding",
}

#: Service tier and unit.
Key = tuple[str, str]
K = TypeVar("K", bound=Hashable)
_ZERO: Final = Fraction(0)


@dataclass(slots=True)
class Side:
    """One side of one tier and unit; the interval is the ledger's, of estimated quantities."""

    quantity: Fraction = _ZERO
    cost: Fraction = _ZERO
    #: Part of the quantity that has a cost.
    priced: Fraction = _ZERO
    #: How much less, or more, the estimated part may have been.
    below: Fraction = _ZERO
    above: Fraction = _ZERO


@dataclass(slots=True)
class _Split:
    causes: dict[Cause, Fraction] = field(default_factory=dict[Cause, Fraction])

    def add(self, cause: Cause, amount: Fraction) -> None:
        if amount:
            self.causes[cause] = self.causes.get(cause, _ZERO) + amount


def split(
    bill: Mapping[Key, Side], ledger: Mapping[Key, Side], *, unmetered: bool = False
) -> Mapping[Cause, Fraction]:
    """The difference ``bill - ledger`` of one day and model, by cause, in USD.

    Args:
        bill: by service tier and unit, each with its quantity and what it cost (``valued``).
        ledger: the same of the ledger, where a part may have no price.
        unmetered: whether the ledger has calls of them whose usage nobody told.
    """
    result = _Split()
    whole = {key for key in bill if key[1] == WHOLE}
    if whole and whole == set(bill):
        return _split_costs(bill, ledger, unmetered=unmetered)
    for key in whole:  # charges beside the tokens, in a unit that the ledger does not know
        result.add("unexplained", bill[key].cost)
    keys = (bill.keys() | ledger.keys()) - whole
    sides = {key: (bill.get(key, Side()), ledger.get(key, Side())) for key in keys}
    rates: dict[Key, Fraction] = {}
    deltas: dict[Key, Fraction] = {}
    for key, (billed, told) in sides.items():
        rate = _rate(told) if told.priced else _rate(billed)
        if rate is None:  # neither side has a rate: only what was charged can be compared
            result.add("unexplained", billed.cost - told.cost)
            continue
        rates[key] = rate
        deltas[key] = billed.quantity - told.quantity
        if billed.priced:
            result.add("price_version", billed.cost - billed.priced * rate)
        result.add("unpriced", (told.quantity - told.priced) * rate)
    missing: Cause = "unmetered" if unmetered else "not_instrumented"
    _quantities(result, deltas, rates, ledger, missing)
    return result.causes


def valued(side: Side, told: Side) -> Side:
    """A side of the bill with what its export leaves out, taken from the ledger's side.

    A quantity without cost is valued at the ledger's rate, and a cost without quantity is that many
    units at this rate: then a difference of rates cannot be told, and shows as volume.
    """
    if side.priced or not (side.cost or side.quantity):
        return side
    rate = _rate(told)
    if side.quantity:
        if rate is None:
            return Side()  # nobody knows what it cost
        return Side(side.quantity, side.quantity * rate, side.quantity)
    quantity = side.cost / rate if rate else told.quantity or Fraction(1)
    return Side(quantity, side.cost, quantity)


def _split_costs(
    bill: Mapping[Key, Side], ledger: Mapping[Key, Side], *, unmetered: bool
) -> Mapping[Cause, Fraction]:
    """A bill without units: what the ledger has not priced, and the rest, which nobody can tell."""
    difference = sum((side.cost for side in bill.values()), _ZERO) - sum(
        (side.cost for side in ledger.values()), _ZERO
    )
    if not difference:
        return {}
    unpriced = any(side.quantity > side.priced for side in ledger.values())
    if difference > 0 and unpriced:
        return {"unpriced": difference}
    if difference > 0 and unmetered:
        return {"unmetered": difference}
    return {"unexplained" if ledger else "not_instrumented": difference}


def _rate(side: Side) -> Fraction | None:
    return side.cost / side.priced if side.priced else None


def _quantities(
    result: _Split,
    deltas: Mapping[Key, Fraction],
    rates: Mapping[Key, Fraction],
    ledger: Mapping[Key, Side],
    missing: Cause,
) -> None:
    left = dict(deltas)
    for unit in sorted({unit for _, unit in left}):
        result.add("tier", _shift(left, rates, [key for key in left if key[1] == unit]))
    result.add("cache_class", _shift(left, rates, [k for k in left if k[1] in INPUT_CLASSES]))
    for key, delta in left.items():
        side = ledger.get(key, Side())
        room = side.above if delta > 0 else side.below
        guessed = max(min(delta, room), -room)
        result.add("estimated", guessed * rates[key])
        rest = (delta - guessed) * rates[key]
        result.add(missing if delta > 0 else "duplicate", rest)


def _shift(left: dict[K, Fraction], rates: Mapping[K, Fraction], keys: Iterable[K]) -> Fraction:
    """Value of what moved between these keys; it is taken out of ``left``."""
    gains = {key: left[key] for key in keys if left[key] > 0}
    losses = {key: left[key] for key in keys if left[key] < 0}
    gained, lost = sum(gains.values(), _ZERO), -sum(losses.values(), _ZERO)
    moved = min(gained, lost)
    if not moved:
        return _ZERO
    value = _ZERO
    for side, total in ((gains, gained), (losses, lost)):
        for key, delta in side.items():
            part = delta * moved / total
            value += part * rates[key]
            left[key] = delta - part
    return value
