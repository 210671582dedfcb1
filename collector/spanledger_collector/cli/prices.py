"""``spanledger prices``: what the price book says about a model, and (developers) building it."""

from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from spanledger_collector.errors import ConfigurationError, NotFoundError
from spanledger_collector.price import OPEN_END, PriceBook, PriceRow, UnitRate

from .grid import Grid
from .options import Json, utc
from .output import console, plain_decimal, print_json, text

_MILLION = Decimal(1_000_000)
_COLUMNS = (
    "tier", ">over tokens", ">input", ">cache read", ">write 5m", ">write 1h", ">output",
    "USD for units", "=since", "=until", "from",
)  # fmt: skip

prices = typer.Typer(
    help="The price book: dated rates of models, and which ids mean which model.",
    no_args_is_help=True,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What ``prices show`` prints as JSON."""

    provider: str
    model: str
    method: str
    book_id: str
    rows: list[PriceRow]


@prices.command("show")
def show(
    model: Annotated[str, typer.Argument(help="Model id, as a span has it.")],
    provider: Annotated[
        str, typer.Option("--provider", help="Who bills, as a span has it; empty = guess.")
    ] = "",
    at: Annotated[
        datetime | None, typer.Option("--at", help="Price of that time (UTC); default now.")
    ] = None,
    prices_file: Annotated[
        Path | None, typer.Option("--prices-file", help="Your own prices and aliases (YAML).")
    ] = None,
    as_json: Json = False,
) -> None:
    """What a model costs, per million tokens, by this release's price book.

    Example: spanledger prices show claude-sonnet-4-5 --provider anthropic --at 2026-02-01
    """
    book = PriceBook.shipped(prices_file)
    match = book.resolve(provider, model)
    if not match.model:
        raise NotFoundError(
            f"the price book has no model {model!r} of provider {provider!r}: its calls are "
            f"unpriced. Name the provider (--provider), or price it yourself in a --prices-file"
        )
    moment = utc(at) or datetime.now(timezone.utc)
    rows = [
        row
        for row in book.standing()
        if (row.provider, row.model) == (match.provider, match.model)
        and row.valid_from <= moment < row.valid_to
    ]
    rows.sort(key=lambda row: (row.service_tier, row.context_over_tokens))
    if as_json:
        print_json(Shown(match.provider, match.model, match.method, book.book_id, rows))
        return
    console().print(_table(f"{match.provider}/{match.model} ({match.method})", rows))


@prices.command("build")
def build(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail when the book is stale.")
    ] = False,
) -> None:
    """Rebuild the shipped book from its sources (for developers; needs genai-prices).

    Example: spanledger prices build --check
    """
    try:
        from spanledger_collector.price import build as builder
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"building the price book needs {error.name}: pip install --group dev"
        ) from error
    builder.main(["--check"] if check else [])


def _table(title: str, rows: list[PriceRow]) -> Grid:
    return Grid(f"{title}, USD per million tokens", _COLUMNS, (_cells(row) for row in rows))


def _cells(row: PriceRow) -> list[str]:
    rates = [None if rate is None else rate * _MILLION for rate in row.rates.values()]
    return [
        text(row.service_tier or "standard"),
        str(row.context_over_tokens or "-"),
        *("-" if rate is None else plain_decimal(rate) for rate in rates),
        ", ".join(_unit(name, rate) for name, rate in row.rates.units.items()) or "-",
        f"{row.valid_from:%Y-%m-%d}",
        "-" if row.valid_to == OPEN_END else f"{row.valid_to:%Y-%m-%d}",
        text(row.upstream),
    ]


def _unit(name: str, rate: UnitRate) -> str:
    """``10 for 1,000 web_searches``; tokens by the million as in the other columns."""
    usd = plain_decimal(rate.usd)
    return f"{usd} {name}" if rate.per == _MILLION else f"{usd} for {rate.per:,} {name}"
