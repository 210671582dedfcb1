"""Rates of a service tier for the time before upstream first checked them.

Upstream dates a tier from the day somebody read the provider's page, not from the day the tier was
sold (batch: 2026-10-14, sold since 2024). The overlay says since when it was (``tier_history``);
here the rates of that time are derived: the standard rate of each day, times the ratio of the
tier's first known rate to the standard rate of that same day. Exact, or not at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from .document import TierHistory
from .history import standing
from .row import RATE_NAMES, PriceRow, Rates, UnitRate

DERIVED_UPSTREAM = "overlay; derived from the standard rate"
_DECIMALS = 24


def older_tier_rows(
    rows: Iterable[PriceRow], provider: str, history: TierHistory
) -> list[PriceRow]:
    """Derived rows of one provider's tier, from ``history.since`` to the tier's first known row.

    Args:
        rows: what the book says so far.
        provider: whose tier.
        history: the overlay's entry.
    """
    mine = [row for row in standing(rows) if row.provider == provider]
    base = [row for row in mine if not row.service_tier]
    found: list[PriceRow] = []
    for model in sorted({row.model for row in base}):
        first = _first_known(mine, model, history.tier)
        if first is not None:
            found += _derived([row for row in base if row.model == model], first, history)
    return found


def _first_known(rows: Sequence[PriceRow], model: str, tier: str) -> PriceRow | None:
    known = [
        row
        for row in rows
        if row.model == model and row.service_tier == tier and not row.context_over_tokens
    ]
    return min(known, key=lambda row: row.valid_from, default=None)


def _derived(base: Sequence[PriceRow], first: PriceRow, history: TierHistory) -> Iterable[PriceRow]:
    reference = _at(base, first.valid_from)
    if reference is None:
        return
    for row in base:
        start = max(row.valid_from, history.since)
        end = min(row.valid_to, first.valid_from)
        rates = _scaled(row.rates, first.rates, reference.rates)
        if start < end and rates is not None:
            yield replace(
                row,
                service_tier=history.tier,
                valid_from=start,
                valid_to=end,
                known_from=start,
                rates=rates,
                source_url=history.source_url,
                upstream=f"{DERIVED_UPSTREAM}; evidence {history.evidence}",
            )


def _at(base: Sequence[PriceRow], instant: datetime) -> PriceRow | None:
    for row in base:
        if not row.context_over_tokens and row.valid_from <= instant < row.valid_to:
            return row
    return None


def _scaled(rates: Rates, tier: Rates, standard: Rates) -> Rates | None:
    """``rates`` x ``tier`` / ``standard``, rate by rate; ``None`` when that is not exact."""
    mine, above, below = _amounts(rates), _amounts(tier), _amounts(standard)
    tokens: dict[str, Decimal] = {}
    units: dict[str, UnitRate] = {}
    for name in [name for name in mine if name in above and name in below]:
        exact = _ratio(mine[name].usd, above[name].usd, below[name].usd)
        if exact is None:
            return None
        if name in RATE_NAMES:
            tokens[name] = exact
        else:
            units[name] = UnitRate(exact, mine[name].per)
    return Rates(**tokens, units=units) if tokens or units else None


def _amounts(rates: Rates) -> dict[str, UnitRate]:
    """Every known rate by its name; those of units as they are published."""
    tokens = zip(RATE_NAMES, rates.values(), strict=True)
    return {**{name: UnitRate(usd, 1) for name, usd in tokens if usd is not None}, **rates.units}


def _ratio(rate: Decimal, above: Decimal, below: Decimal) -> Decimal | None:
    """``rate`` x ``above`` / ``below``; ``None`` when that is no decimal."""
    if not below:
        return above
    return _decimal(Fraction(rate) * Fraction(above) / Fraction(below))


def _decimal(value: Fraction) -> Decimal | None:
    """The fraction as a decimal of at most 24 places; ``None`` when it is none."""
    units = value * 10**_DECIMALS
    if units.denominator != 1:
        return None
    return Decimal(units.numerator).scaleb(-_DECIMALS).normalize()
