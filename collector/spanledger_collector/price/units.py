"""What a provider charges beside tokens, laid over the prices of its models.

A search or a sandbox costs the same whatever the model and the tier, so it is stated once: for some
models, or for all that have another unit, as those have that can use tools. A later statement wins
over an earlier one and over what the price of a model says itself. A price that reaches over the
start or the end of a statement is split there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from .document import UnitStatement
from .row import OPEN_END, START_UNKNOWN, PriceRow, UnitRate
from .statements import unit_rates

_MILLION = 1_000_000


def add_units(rows: Iterable[PriceRow], statements: Iterable[UnitStatement]) -> list[PriceRow]:
    """The rows with what the statements, in their order, say of them."""
    result = list(rows)
    for statement in statements:
        result = [part for row in result for part in _with_units(row, statement)]
    return result


def _with_units(row: PriceRow, statement: UnitStatement) -> Iterator[PriceRow]:
    start = max(row.valid_from, statement.valid_from)
    end = min(row.valid_to, statement.valid_to or OPEN_END)
    if not _concerns(statement, row) or start >= end:
        yield row
        return
    undated = row.upstream.removesuffix(START_UNKNOWN)
    units = {**row.rates.units, **unit_rates(statement.units), **dict(_as_buckets(row, statement))}
    if row.valid_from < start:
        yield replace(row, valid_to=start)
    yield replace(
        row,
        valid_from=start,
        valid_to=end,
        known_from=max(row.known_from, start),
        rates=replace(row.rates, units=units),
        upstream=row.upstream if start == row.valid_from else undated,
    )
    if end < row.valid_to:
        yield replace(row, valid_from=end, known_from=max(row.known_from, end), upstream=undated)


def _as_buckets(row: PriceRow, statement: UnitStatement) -> Iterator[tuple[str, UnitRate]]:
    for part in statement.as_bucket:
        _, _, bucket = part.partition("_")
        rate: Decimal | None = getattr(row.rates, f"{bucket}_usd_per_token")
        if rate is not None:
            yield part, UnitRate(rate * _MILLION, _MILLION)


def _concerns(statement: UnitStatement, row: PriceRow) -> bool:
    named = row.model in statement.models or statement.models_with in row.rates.units
    return named and row.provider == statement.provider
