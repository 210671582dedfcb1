"""Written prices as rows: their windows, and how they are laid over what the book says."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from spanledger_collector.errors import ConfigurationError

from .document import Statement, TokenRates, UnitPrices
from .history import cut
from .row import OPEN_END, RATE_NAMES, Hours, PriceKey, PriceRow, Rates, UnitRate

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """One statement and the window it holds for."""

    statement: Statement
    start: datetime
    end: datetime


def windows(statements: Iterable[Statement]) -> list[Window]:
    """Statements with their ends; an open one ends where the next of its key starts.

    Raises:
        ConfigurationError: two statements of one key overlap.
    """
    by_key: dict[tuple[PriceKey, Hours], list[Statement]] = {}
    for statement in statements:
        by_key.setdefault((statement.key, statement.minutes), []).append(statement)
    found: list[Window] = []
    for (key, _), held in by_key.items():
        ordered = sorted(held, key=lambda statement: statement.valid_from)
        starts = [statement.valid_from for statement in ordered[1:]] + [OPEN_END]
        for statement, following in zip(ordered, starts, strict=True):
            end = statement.valid_to or following
            if end > following or statement.valid_from >= end:
                raise ConfigurationError(
                    f"prices of {'/'.join(key[:2])} from {statement.valid_from:%Y-%m-%d} overlap "
                    f"the next entry or end before they start; append, with an end that fits"
                )
            found.append(Window(statement, statement.valid_from, end))
    return found


def lay_over(rows: Iterable[PriceRow], laid: Iterable[Window], upstream: str) -> list[PriceRow]:
    """The rows with the windows of the statements replaced by what they say."""
    result = list(rows)
    for window in laid:
        hours = window.statement.minutes
        result = cut(result, window.statement.key, window.start, window.end, hours)
        result.extend(_rows(window, upstream))
    return result


def _rows(window: Window, upstream: str) -> Iterable[PriceRow]:
    statement = window.statement
    levels = {0: statement.usd_per_million_tokens, **statement.over}
    for threshold, rates in levels.items():
        yield PriceRow(
            provider=statement.provider,
            model=statement.model,
            service_tier=statement.tier,
            context_over_tokens=threshold,
            valid_from=window.start,
            valid_to=window.end,
            known_from=statement.known_from or window.start,
            rates=_rates(rates, statement.units),
            source_url=statement.source_url,
            upstream=f"{upstream}; evidence {statement.evidence}"
            if statement.evidence
            else upstream,
            currency=statement.currency,
            region=statement.region,
            hours=statement.minutes,
        )


def _rates(tokens: TokenRates, units: UnitPrices) -> Rates:
    columns = {f"{name}_usd_per_token": (name, rate) for name, rate in tokens.items()}
    buckets = {
        column: rate / _MILLION for column, (_, rate) in columns.items() if column in RATE_NAMES
    }
    parts = {
        name: UnitRate(rate, _MILLION)
        for column, (name, rate) in columns.items()
        if column not in RATE_NAMES
    }
    return Rates(**buckets, units=parts | unit_rates(units))


def unit_rates(units: UnitPrices) -> dict[str, UnitRate]:
    """Written prices of units as rates."""
    return {name: UnitRate(price.usd, price.per) for name, price in units.items()}
