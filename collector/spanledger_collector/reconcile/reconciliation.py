"""A bill held against the ledger: differences by day and model, each split into causes.

A model of the bill is looked up in the price book like a model of a span; a name that is no model
id (cloud bills have such) means the one model of the ledger whose id has all its words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from spanledger_collector.query import ChargeRow

from .bill import WHOLE, BillLine, tier
from .variance import CAUSES, Cause, Key, Side, split, valued

#: Provider and model of the bill -> those of the price book, or None.
Resolve = Callable[[str, str], "tuple[str, str] | None"]
_DECIMALS: Final = Decimal(1).scaleb(-12)
_WORDS: Final = re.compile(r"[a-z]+|\d+")

#: Day, provider, model.
Cell = tuple[date, str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One day and model: both totals, and ``billed - ledger`` by cause; the causes sum to it."""

    day: date
    provider: str
    model: str
    billed_usd: Decimal
    ledger_usd: Decimal
    difference_usd: Decimal
    causes: Mapping[Cause, Decimal]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """All differences, and what could not be compared.

    Attributes:
        differences: by day, provider and model, where either side has something.
        unvalued: quantities on the bill whose cost neither side knows.
        bill_lines: lines read.
    """

    differences: Sequence[Difference]
    unvalued: Sequence[BillLine]
    bill_lines: int

    @property
    def billed_usd(self) -> Decimal:
        """Total of the bill."""
        return sum((row.billed_usd for row in self.differences), Decimal(0))

    @property
    def ledger_usd(self) -> Decimal:
        """Total of the ledger for the days and providers of the bill."""
        return sum((row.ledger_usd for row in self.differences), Decimal(0))

    @property
    def causes(self) -> Mapping[Cause, Decimal]:
        """The whole difference by cause, largest first; causes without amount are left out."""
        totals: defaultdict[Cause, Decimal] = defaultdict(Decimal)
        for row in self.differences:
            for cause, amount in row.causes.items():
                totals[cause] += amount
        return dict(sorted(totals.items(), key=lambda item: -abs(item[1])))


def reconcile(
    bill: Sequence[BillLine], ledger: Iterable[ChargeRow], resolve: Resolve
) -> Reconciliation:
    """Hold a bill against the ledger.

    Args:
        bill: lines of one or more exports; usage and costs of a provider complete each other.
        ledger: charges of at least the days of the bill; those of other days and other
            providers are left out, because the bill does not speak of them.
        resolve: what the price book calls a model of the bill.
    """
    days = {line.day for line in bill}
    charges = [charge for charge in ledger if charge.day in days]
    named = _Names(resolve, charges)
    billed: defaultdict[Cell, defaultdict[Key, _Entry]] = defaultdict(lambda: defaultdict(_Entry))
    for line in bill:
        provider, model = named.of(line)
        billed[line.day, provider, model][line.service_tier, line.unit].add(line)
    providers = {provider for _, provider, _ in billed}
    told: defaultdict[Cell, dict[Key, Side]] = defaultdict(dict)
    for charge in charges:
        if charge.provider in providers:
            cell = (charge.day, charge.provider, charge.model)
            _include(told[cell], charge)
    cells = sorted(billed.keys() | told.keys())
    unvalued: list[BillLine] = []
    differences = [
        _difference(cell, billed.get(cell, {}), told.get(cell, {}), unvalued) for cell in cells
    ]
    return Reconciliation(differences, unvalued, len(bill))


class _Entry:
    """The lines of one key of a bill: quantities of usage exports, costs of cost exports."""

    def __init__(self) -> None:
        self.lines: list[BillLine] = []

    def add(self, line: BillLine) -> None:
        self.lines.append(line)

    def side(self) -> Side:
        costs = [line.cost_usd for line in self.lines if line.cost_usd is not None]
        # Usage beside costs: both may have quantities of the same tokens; usage is the finer one.
        usage = [line.quantity for line in self.lines if line.cost_usd is None]
        quantities = usage or [line.quantity for line in self.lines]
        quantity = Fraction(sum(one for one in quantities if one is not None))
        cost = Fraction(sum(costs, Decimal(0)))
        return Side(quantity, cost, quantity if costs else Fraction(0))


def _include(sides: dict[Key, Side], charge: ChargeRow) -> None:
    side = sides.setdefault((tier(charge.service_tier), charge.unit), Side())
    side.quantity += Fraction(charge.quantity)
    side.priced += Fraction(charge.priced_quantity)
    side.cost += Fraction(charge.cost_usd or 0)
    side.below += Fraction(charge.below_quantity)
    side.above += Fraction(charge.above_quantity)


def _difference(
    cell: Cell,
    entries: Mapping[Key, _Entry],
    told: Mapping[Key, Side],
    unvalued: list[BillLine],
) -> Difference:
    bill: dict[Key, Side] = {}
    for key, entry in _without_totals(entries).items():
        side = entry.side() if key[1] == WHOLE else valued(entry.side(), told.get(key, Side()))
        if not side.cost and not side.quantity and entry.side().quantity:
            unvalued.extend(entry.lines)
        bill[key] = side
    billed_usd = _usd(sum((side.cost for side in bill.values()), Fraction(0)))
    ledger_usd = _usd(sum((side.cost for side in told.values()), Fraction(0)))
    causes = {cause: _usd(amount) for cause, amount in split(bill, told).items()}
    rounding = billed_usd - ledger_usd - sum(causes.values(), Decimal(0))
    if rounding:
        causes["unexplained"] = causes.get("unexplained", Decimal(0)) + rounding
    ordered: dict[Cause, Decimal] = {cause: causes[cause] for cause in CAUSES if causes.get(cause)}
    return Difference(*cell, billed_usd, ledger_usd, billed_usd - ledger_usd, ordered)


def _without_totals(entries: Mapping[Key, _Entry]) -> Mapping[Key, _Entry]:
    """Lines without unit are all there is, or charges beside those that have one.

    Beside usage without costs they are its total: then the units cannot be told apart by cost.
    """
    whole = {key: entry for key, entry in entries.items() if key[1] == WHOLE}
    priced = any(
        line.cost_usd is not None
        for key, entry in entries.items()
        if key[1] != WHOLE
        for line in entry.lines
    )
    return whole if whole and not priced else entries


def _usd(amount: Fraction) -> Decimal:
    """Rounded half even to 12 decimals, as the ledger stores money."""
    scaled = round(amount * 10**12)
    return (Decimal(scaled) * _DECIMALS).quantize(_DECIMALS)


class _Names:
    """What the models of a bill are called in the ledger."""

    def __init__(self, resolve: Resolve, charges: Sequence[ChargeRow]) -> None:
        self._resolve = resolve
        self._told = {(charge.provider, charge.model) for charge in charges}
        self._found: dict[tuple[str, str], tuple[str, str]] = {}

    def of(self, line: BillLine) -> tuple[str, str]:
        """Provider and model, as the ledger has them if it has them."""
        key = (line.provider, line.model)
        if key not in self._found:
            self._found[key] = self._find(*key)
        return self._found[key]

    def _find(self, provider: str, model: str) -> tuple[str, str]:
        if (provider, model) in self._told:
            return provider, model
        resolved = self._resolve(provider, model)
        if resolved is not None:
            return resolved
        words = set(_WORDS.findall(model.lower()))
        alike = [
            (home, name)
            for home, name in sorted(self._told)
            if home == provider and words and words <= set(_WORDS.findall(name.lower()))
        ]
        return alike[0] if len(alike) == 1 else (provider, model)
