"""A plain CSV: whatever another provider's console gives, renamed to these columns.

``day,provider,model,service_tier,unit,quantity,cost_usd``; ``day``, ``provider`` and ``model`` are
needed, and a quantity or a cost. Other columns are ignored. A unit is one of the price book: under
another name it would be in the ledger and not on the bill, and the reverse.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, get_args

from spanledger import semconv
from spanledger_collector.price.document import BucketRate, PartRate

from .bill import WHOLE, BillLine, day_of, number, tier, word

COLUMNS: Final = ("day", "provider", "model", "service_tier", "unit", "quantity", "cost_usd")
_NEEDED: Final = frozenset({"day", "provider", "model"})
#: Units of the price book and of spans, in the order in which docs/prices.md has them.
UNITS: Final = (
    *get_args(BucketRate),
    *get_args(PartRate),
    *(str(unit) for name, unit in vars(semconv).items() if name.startswith("UNIT_")),
    "video_seconds",
    "gpu_seconds",
)


def is_plain(header: Sequence[str]) -> bool:
    """Whether the needed columns are there."""
    return set(header) >= _NEEDED and bool({"quantity", "cost_usd"} & set(header))


def lines(rows: Iterator[Mapping[str, str]], units: Collection[str]) -> Iterator[BillLine]:
    """One bill line a row.

    Args:
        rows: by column.
        units: those that an operator has prices for, beside :data:`UNITS`.

    Raises:
        ValueError: a figure or a day cannot be read, is negative, or the unit is not known.
    """
    for place, row in enumerate(rows, 2):
        try:
            yield _line(row, units)
        except ValueError as error:
            raise ValueError(f"line {place}: {error}") from error


def _line(row: Mapping[str, str], units: Collection[str]) -> BillLine:
    model, quantity, cost_usd = word(row, "model"), number(row, "quantity"), number(row, "cost_usd")
    if not model:
        raise ValueError("it names no model; a bill is compared by model")
    if quantity is None and cost_usd is None:
        raise ValueError("it has neither a quantity nor a cost_usd")
    if quantity is not None and quantity < 0:
        raise ValueError(f"quantity = {quantity} is negative; leave credits and corrections out")
    return BillLine(
        day=day_of(row["day"]),
        provider=word(row, "provider"),
        model=model,
        service_tier=tier(word(row, "service_tier")),
        unit=_unit(word(row, "unit"), units),
        quantity=quantity,
        cost_usd=cost_usd,
    )


def _unit(told: str, units: Collection[str]) -> str:
    """A unit by its name; kinds of it (``images.hd``) stand behind a dot."""
    unit = told.lower()
    base = unit.partition(".")[0]
    if unit != WHOLE and base not in UNITS and base not in {one.partition(".")[0] for one in units}:
        raise ValueError(f"there is no unit {told!r}; units are {', '.join(UNITS)}")
    return unit
