"""A plain CSV: whatever another provider's console gives, renamed to these columns.

``day,provider,model,service_tier,unit,quantity,cost_usd``; ``day``, ``provider`` and ``model`` are
needed, and a quantity or a cost. Other columns are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from .bill import BillLine, day_of, number, tier, word

COLUMNS: Final = ("day", "provider", "model", "service_tier", "unit", "quantity", "cost_usd")
_NEEDED: Final = frozenset({"day", "provider", "model"})


def is_plain(header: Sequence[str]) -> bool:
    """Whether the needed columns are there."""
    return set(header) >= _NEEDED and bool({"quantity", "cost_usd"} & set(header))


def lines(rows: Iterator[Mapping[str, str]]) -> Iterator[BillLine]:
    """One bill line a row.

    Raises:
        ValueError: a figure or a day cannot be read.
    """
    for row in rows:
        yield BillLine(
            day=day_of(row["day"]),
            provider=word(row, "provider"),
            model=word(row, "model"),
            service_tier=tier(word(row, "service_tier")),
            unit=word(row, "unit"),
            quantity=number(row, "quantity"),
            cost_usd=number(row, "cost_usd"),
        )
