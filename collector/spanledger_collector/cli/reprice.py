"""``spanledger reprice``: what a period costs at other prices, or made otherwise."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.price import PriceBook
from spanledger_collector.query import By, RepricedRow, Scenario

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, check_by, connect, utc
from .output import answer, cost, count, coverage, share, text, usd

_COLUMNS = (
    "{by}", ">attempts", ">billed", ">known", ">repriced", ">known", ">estimated", ">difference",
    "without a rate",
)  # fmt: skip
_BATCH = "batch"


def reprice(
    url: Url = DEFAULT_ADDRESS,
    by: Annotated[
        str, typer.Option("--by", help=f"A row is: {', '.join(get_args(By))}.")
    ] = "total",
    known_at: Annotated[
        datetime | None, typer.Option("--known-at", help="Prices known then; default now.")
    ] = None,
    prices_at: Annotated[
        datetime | None,
        typer.Option("--prices-at", help="Prices valid then; default when each call was made."),
    ] = None,
    of_model: Annotated[
        str, typer.Option("--of-model", help="Change only calls of this model.")
    ] = "",
    model: Annotated[str, typer.Option("--model", help="As if made with this model.")] = "",
    provider: Annotated[str, typer.Option("--provider", help="Of this provider.")] = "",
    tier: Annotated[
        str, typer.Option("--tier", help="As if served in this tier: standard, batch, flex, ...")
    ] = "",
    batch: Annotated[bool, typer.Option("--batch", help="The same as --tier batch.")] = False,
    region: Annotated[
        str,
        typer.Option(
            "--region",
            help="As if run in this region; one that no price names costs what anywhere does.",
        ),
    ] = "",
    cache_share: Annotated[
        float | None,
        typer.Option(
            "--cache-share", min=0, max=1, help="As if this part of the input was cached."
        ),
    ] = None,
    prices_file: Annotated[
        Path | None,
        typer.Option("--prices-file", help="Your prices and aliases, to find --model."),
    ] = None,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """What was billed, beside what it costs at the prices known now, or made otherwise.

    Nothing is changed in the ledger, and token counts stay as they were.

    Example: spanledger reprice --by model --model claude-haiku-4-5 --provider anthropic --batch
    """
    check_by(by, get_args(By))
    if batch and tier not in ("", _BATCH):
        raise ConfigurationError(f"--batch is --tier batch; --tier {tier} says another tier")
    owner, name = book_names(provider, model, prices_file)
    scenario = Scenario(of_model, owner, name, _BATCH if batch else tier, region, cache_share)
    with connect(url, workspace) as ledger:
        rows = ledger.reprice(
            utc(since), utc(until), by=cast("By", by), scenario=scenario,
            as_known_at=utc(known_at), as_valid_at=utc(prices_at),
        )  # fmt: skip
    columns = tuple(column.format(by=by) for column in _COLUMNS)
    answer(rows, lambda rows: Grid("Repriced", columns, _cells(rows)), as_json=as_json)


def book_names(provider: str, model: str, prices_file: Path | None) -> tuple[str, str]:
    """The book's names; what this book does not know may still be the ledger's own."""
    match = PriceBook.shipped(prices_file).resolve(provider, model) if model else None
    return (match.provider, match.model) if match and match.model else (provider, model)


def _cells(rows: Sequence[RepricedRow]) -> Iterator[Sequence[str]]:
    for row in rows:
        billed_open = row.billed_unknown_attempts + row.billed_partial_attempts
        repriced_open = row.repriced_unknown_attempts + row.repriced_partial_attempts
        yield (
            text(row.key),
            count(row.attempts),
            cost(
                row.billed_usd, attempts=row.attempts, unpriced=billed_open,
                stand_in=row.billed_stand_in_attempts,
            ),
            coverage(row.attempts - billed_open, row.attempts),
            cost(
                row.repriced_usd, attempts=row.attempts, unpriced=repriced_open,
                stand_in=row.repriced_stand_in_attempts,
            ),
            coverage(row.attempts - repriced_open, row.attempts),
            share(row.estimated_usd, row.repriced_usd),
            _difference(row.difference_usd),
            text(", ".join(row.missing)),
        )  # fmt: skip


def _difference(amount: Decimal | None) -> str:
    if amount is None:
        return usd(None)
    return f"{'-' if amount < 0 else '+' if amount else ''}{usd(abs(amount))}"
