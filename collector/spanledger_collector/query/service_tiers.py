"""Service tiers that a question names: two rules, each with its reason.

- ``reprice`` says what calls *cost* in a tier. Without any price in it there is no such cost, and
  every attempt would stand there without one: the tier has to have a price in the ledger.
- ``what-if`` tries what may be *bought*, the batch tier by itself. That this ledger has no price in
  it yet is an answer (what it saves is unknown); only a word that nobody sells is a mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from spanledger_collector.errors import NotFoundError, PermanentError

from .economics import Ask

#: The service tier without a name: every price that names none is in it.
_STANDARD: Final = "standard"
#: What providers sell.
_SOLD: Final = frozenset({_STANDARD, "batch", "flex", "priority"})


def check_has_price(ask: Ask, tier: str) -> None:
    """The ledger has a price in this tier; the standard one needs no name.

    Raises:
        NotFoundError: it has none.
    """
    if tier in ("", _STANDARD):
        return
    known = _priced(ask)
    if tier not in known:
        raise NotFoundError(
            f"the ledger has no price in a service tier {tier!r}; "
            f"there are: {', '.join(known) or 'none'}"
        )


def check_are_sold(ask: Ask, tiers: Sequence[str]) -> None:
    """Providers sell these tiers, or the ledger has a price in them.

    Raises:
        PermanentError: one is no service tier.
    """
    strange = set(tiers) - _SOLD
    if not strange:
        return
    known = _priced(ask)
    if unknown := sorted(strange - set(known)):
        there = ", ".join(sorted({*known, *_SOLD}))
        raise PermanentError(f"{unknown[0]!r} is no service tier; there are: {there}")


def _priced(ask: Ask) -> list[str]:
    return [str(row["tier"]) for row in ask("price_tiers")]
