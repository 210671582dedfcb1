"""A bill held against the ledger: differences by day and model, each split into causes.

Both sides meet by day, by who bills and by model (``names``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from spanledger_collector.query import ChargeRow

from .bill import WHOLE, BillLine, tier
from .names import Book, Names
from .variance import CAUSES, Cause, Key, Side, split, valued

_DECIMALS: Final = Decimal(1).scaleb(-12)

#: Day, who bills, model.
Cell = tuple[date, str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One day, biller and model: both totals, ``billed - ledger`` by cause; they sum to it.

    ``unmetered_attempts`` is how many calls of it the ledger has whose usage nobody told.
    """

    day: date
    provider: str
    model: str
    billed_usd: Decimal
    ledger_usd: Decimal
    difference_usd: Decimal
    causes: Mapping[Cause, Decimal]
    unmetered_attempts: int


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


def reconcile(bill: Sequence[BillLine], ledger: Iterable[ChargeRow], book: Book) -> Reconciliation:
    """Hold a bill against the ledger.

    Args:
        bill: lines of one or more exports; usage and costs of a provider complete each other.
        ledger: charges of at least the days of the bill; those of other days and other
            billers are left out, because the bill does not speak of them.
        book: what the price book calls the providers and models of the bill.
    """
    days = {line.day for line in bill}
    charges = [charge for charge in ledger if charge.day in days]
    named = Names(book, charges)
    billed: defaultdict[Cell, defaultdict[Key, _Entry]] = defaultdict(lambda: defaultdict(_Entry))
    for line in bill:
        biller, model = named.of(line)
        billed[line.day, biller, model][line.service_tier, line.unit].add(line)
    billers = {biller for _, biller, _ in billed}
    told: defaultdict[Cell, dict[Key, Side]] = defaultdict(dict)
    unmetered: defaultdict[Cell, int] = defaultdict(int)
    for charge in charges:
        biller = named.biller(charge)
        cell = (charge.day, biller, charge.model)
        unmetered[cell] += charge.unmetered_attempts
        if biller in billers and charge.unit:
            _include(told[cell], charge)
    cells = sorted(billed.keys() | told.keys())
    unvalued: list[BillLine] = []
    differences = [
        _difference(cell, billed.get(cell, {}), told.get(cell, {}), unmetered[cell], unvalued)
        for cell in cells
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
    unmetered: int,
    unvalued: list[BillLine],
) -> Difference:
    bill: dict[Key, Side] = {}
    told = _as_billed(told, entries)
    for key, entry in _without_totals(entries).items():
        side = entry.side() if key[1] == WHOLE else valued(entry.side(), told.get(key, Side()))
        if not side.cost and not side.quantity and entry.side().quantity:
            unvalued.extend(entry.lines)
        bill[key] = side
    billed_usd = _usd(sum((side.cost for side in bill.values()), Fraction(0)))
    ledger_usd = _usd(sum((side.cost for side in told.values()), Fraction(0)))
    amounts = split(bill, told, unmetered=bool(unmetered))
    causes = {cause: _usd(amount) for cause, amount in amounts.items()}
    rounding = billed_usd - ledger_usd - sum(causes.values(), Decimal(0))
    if rounding:
        causes["unexplained"] = causes.get("unexplained", Decimal(0)) + rounding
    ordered: dict[Cause, Decimal] = {cause: causes[cause] for cause in CAUSES if causes.get(cause)}
    difference_usd = billed_usd - ledger_usd
    return Difference(*cell, billed_usd, ledger_usd, difference_usd, ordered, unmetered)


def _as_billed(told: Mapping[Key, Side], entries: Mapping[Key, _Entry]) -> Mapping[Key, Side]:
    """The ledger's kinds of a unit as one, where the bill names the unit and not the kind.

    OpenAI's usage counts ``images``; the ledger knows ``images.hd.1024x1024``.
    """
    found: dict[Key, Side] = {}
    for (service_tier, unit), side in told.items():
        plain = (service_tier, unit.partition(".")[0])
        as_told = (service_tier, unit)
        whole = found.setdefault(
            plain if plain in entries and as_told not in entries else as_told, Side()
        )
        whole.quantity += side.quantity
        whole.cost += side.cost
        whole.priced += side.priced
        whole.below += side.below
        whole.above += side.above
    return found


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
