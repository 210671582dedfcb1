"""Prices that follow from others: a discount on a contract, a surcharge of a region, a deployment.

An adjustment multiplies rates exactly. Without a region it replaces the prices it concerns; with
one it adds prices for that region beside those that hold anywhere. A price that reaches over the
start or the end of an adjustment is split there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal, localcontext
from fnmatch import fnmatchcase
from typing import get_args

from spanledger_collector.errors import ConfigurationError

from .document import Adjustment, Alias, PartRate
from .row import OPEN_END, RATE_NAMES, START_UNKNOWN, PriceRow, Rates, UnitRate
from .sellers import Sellers

_TOKEN_PARTS = frozenset(get_args(PartRate))
#: What the columns of `prices` hold.
_DECIMALS = 24
_PRECISION = 60


def adjust(rows: Iterable[PriceRow], adjustment: Adjustment) -> list[PriceRow]:
    """The rows with what an adjustment makes of them.

    Raises:
        ConfigurationError: a rate would need more than 24 decimals.
    """
    return [part for row in rows for part in _adjusted(row, adjustment)]


def idle(adjustment: Adjustment) -> str:
    """What is wrong with an adjustment that concerns no price."""
    return (
        f"the adjustment of {adjustment.provider} {', '.join(adjustment.models)} from "
        f"{adjustment.valid_from:%Y-%m-%d} concerns no price of the book in its time; "
        f"`spanledger prices list --provider {adjustment.provider}` shows the names there are"
    )


def deploy(rows: Iterable[PriceRow], alias: Alias, told: Sellers) -> list[PriceRow]:
    """The rows of a deployment that is billed at a multiple of its model's prices.

    These are the prices of whoever is called, where it has some of its own, with their history.

    Raises:
        ConfigurationError: the book has no price of the model, or has one of the deployment.
    """
    held = list(rows)
    named = alias.to_provider or told.biller(alias.provider)
    provider = told.billed(alias.provider, named, alias.model)
    model = [row for row in held if (row.provider, row.model) == (provider, alias.model)]
    if not model:
        raise ConfigurationError(
            f"the alias {alias.id!r} multiplies the price of {provider}/{alias.model}, which the "
            f"book does not have; `spanledger prices show` finds the name of a model"
        )
    factor = alias.factor or Decimal(1)
    owner = f"{alias.provider}/{alias.id}"
    if any((row.provider, row.model) == (alias.provider, alias.id) for row in held):
        raise ConfigurationError(
            f"the alias {alias.id!r} has a factor, and {owner} has a price already; write an "
            f"adjustment of provider {alias.provider}, models [{alias.id}] instead"
        )
    return [
        replace(
            row,
            provider=alias.provider,
            model=alias.id,
            upstream=_made_of(row, factor),
            rates=scaled(row.rates, factor, everything=False, owner=owner),
        )
        for row in model
    ]


def scaled(rates: Rates, factor: Decimal, *, everything: bool, owner: str) -> Rates:
    """Rates times a factor, exactly: those of tokens, or all.

    Raises:
        ConfigurationError: a rate would need more than 24 decimals.
    """
    tokens = {
        name: None if rate is None else _times(rate, factor, owner)
        for name, rate in zip(RATE_NAMES, rates.values(), strict=True)
    }
    units = {
        name: UnitRate(_times(rate.usd, factor, owner), rate.per)
        if everything or name in _TOKEN_PARTS
        else rate
        for name, rate in rates.units.items()
    }
    return Rates(**tokens, units=units)


def _adjusted(row: PriceRow, adjustment: Adjustment) -> Iterator[PriceRow]:
    start = max(row.valid_from, adjustment.valid_from)
    end = min(row.valid_to, adjustment.valid_to or OPEN_END)
    if not _concerns(adjustment, row) or start >= end:
        yield row
        return
    undated = row.upstream.removesuffix(START_UNKNOWN)
    owner = f"{row.provider}/{row.model}"
    everything = adjustment.covers == "everything"
    changed = replace(
        row,
        valid_from=start,
        valid_to=end,
        region=adjustment.region or row.region,
        rates=scaled(row.rates, adjustment.multiplier, everything=everything, owner=owner),
        source_url=adjustment.source_url or row.source_url,
        upstream=f"{undated}; {adjustment.why}",
    )
    yield changed
    if adjustment.region:
        yield row
        return
    if row.valid_from < start:
        yield replace(row, valid_to=start)
    if end < row.valid_to:
        yield replace(row, valid_from=end, upstream=undated)


def _concerns(adjustment: Adjustment, row: PriceRow) -> bool:
    return (
        row.provider == adjustment.provider
        and (row.region == "" or not adjustment.region)
        and any(fnmatchcase(row.model, pattern) for pattern in adjustment.models)
        and (adjustment.tiers is None or row.service_tier in adjustment.tiers)
    )


def _made_of(row: PriceRow, factor: Decimal) -> str:
    """What a deployment's row says of its source: the list price's, and the factor."""
    said = row.upstream.removesuffix(START_UNKNOWN)
    return f"{said}; {factor:f} x {row.provider}/{row.model}{row.upstream[len(said) :]}"


def _times(rate: Decimal, factor: Decimal, owner: str) -> Decimal:
    with localcontext() as exact:
        exact.prec = _PRECISION
        product = (rate * factor).normalize(exact)
    exponent = product.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _DECIMALS:
        raise ConfigurationError(
            f"a rate of {owner} times {factor} needs more than {_DECIMALS} decimals; "
            f"give the factor with fewer digits"
        )
    return product
