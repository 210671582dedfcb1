"""``spanledger prices``: what the price book says about a model, and (developers) building it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from spanledger_collector.errors import ConfigurationError, NotFoundError
from spanledger_collector.price import OPEN_END, PriceBook, PriceRow, UnitRate
from spanledger_collector.price.book import SHIPPED
from spanledger_collector.price.bookfile import decode, encode, pack, unpack
from spanledger_collector.price.row import Hours
from spanledger_collector.price.wheel import read_first

from .grid import Grid
from .options import Json, utc
from .output import console, counted, plain_decimal, print_json, text

_MILLION = Decimal(1_000_000)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_COLUMNS = (
    "tier", "region", ">over tokens", "hours (UTC)", ">input", ">cache read", ">write 5m",
    ">write 1h", ">output", "USD for units", "=since", "=until", "from",
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
    dated = [
        row for row in book.standing() if (row.provider, row.model) == (match.provider, match.model)
    ]
    rows = [row for row in dated if row.valid_from <= moment < row.valid_to]
    if not rows:
        raise NotFoundError(_not_then(f"{match.provider}/{match.model}", dated, moment))
    rows.sort(key=lambda row: (row.service_tier, row.context_over_tokens))
    if as_json:
        print_json(Shown(match.provider, match.model, match.method, book.book_id, rows))
        return
    console().print(_table(f"{match.provider}/{match.model} ({match.method})", rows))


def _not_then(name: str, dated: Sequence[PriceRow], moment: datetime) -> str:
    ended = max((row.valid_to for row in dated if row.valid_to <= moment), default=None)
    begins = min((row.valid_from for row in dated if row.valid_from > moment), default=None)
    known = [
        *([] if ended is None else [f"the last price before ended on {ended:%Y-%m-%d %H:%M}"]),
        *([] if begins is None else [f"the next begins on {begins:%Y-%m-%d %H:%M}"]),
    ]
    return (
        f"the price book has no price of {name} at {moment:%Y-%m-%d %H:%M} UTC: calls of then are "
        f"unpriced ({' and '.join(known) or 'it has none of any day'}); ask for another day with "
        "--at, or price it yourself in a --prices-file"
    )


@prices.command("list")
def list_models(
    provider: Annotated[str, typer.Option("--provider", help="Only of this provider.")] = "",
    like: Annotated[str, typer.Option("--like", help="Only models with this in the name.")] = "",
    at: Annotated[
        datetime | None, typer.Option("--at", help="Prices of that time (UTC); default now.")
    ] = None,
    prices_file: Annotated[
        Path | None, typer.Option("--prices-file", help="Your own prices and aliases (YAML).")
    ] = None,
    as_json: Json = False,
) -> None:
    """The models of the price book and their standard rates, per million tokens.

    Example: spanledger prices list --provider anthropic --like haiku
    """
    moment = utc(at) or datetime.now(timezone.utc)
    rows = [
        row
        for row in PriceBook.shipped(prices_file).standing()
        if row.valid_from <= moment < row.valid_to
        and provider in ("", row.provider)
        and like.lower() in row.model.lower()
        and not (row.service_tier or row.region or row.context_over_tokens)
    ]
    if not rows:
        raise NotFoundError(
            f"the price book has no model like {like!r} of provider {provider or 'any'!r} then; "
            "`spanledger prices list` without options lists all"
        )
    rows.sort(key=lambda row: row.row_key)
    if as_json:
        print_json(rows)
        return
    cells = ((text(row.provider), text(row.model), *_cells(row)[3:]) for row in rows)
    title = "Standard prices, USD per million tokens"
    console().print(Grid(title, ("provider", "model", *_COLUMNS[3:]), cells))


@prices.command("check")
def check_file(
    prices_file: Annotated[Path, typer.Argument(help="Your own prices and aliases (YAML).")],
    as_json: Json = False,
) -> None:
    """Whether your own prices can be used, and what they add to the book.

    Example: spanledger prices check prices.yaml
    """
    book, own = PriceBook.shipped(), PriceBook.shipped(prices_file)
    if doubts := own.doubts():
        raise ConfigurationError(f"{prices_file}: {'; '.join(doubts)}")
    ids = {row.price_id for row in book.rows()}
    added = [row for row in own.rows() if row.price_id not in ids]
    if as_json:
        print_json({"rows_added": added, "aliases": len(own.aliases()), "fx": own.fx()})
        return
    rates = counted(len(own.fx()), "rate of another currency", "rates of other currencies")
    console().print(
        f"{text(str(prices_file))} can be used: {counted(len(added), 'row')} of prices added, "
        f"{counted(len(own.aliases()), 'alias', 'aliases')}, {rates}"
    )


@prices.command("update")
def update(
    wheel: Annotated[
        Path | None, typer.Argument(help="Wheel of genai-prices; default: the installed one.")
    ] = None,
    book_file: Annotated[
        Path, typer.Option("--book", help="Book to make or append to (SPANLEDGER_PRICE_BOOK).")
    ] = Path("price-book.json.xz"),
    as_json: Json = False,
) -> None:
    """Append a newer release of genai-prices to the price book, known from now on. Offline.

    Example: spanledger prices update --book price-book.json.xz
    """
    version = "" if wheel is None else read_first(wheel)
    builder = _builder(version)
    before = decode(unpack(book_file if book_file.exists() else SHIPPED))
    now = datetime.now(timezone.utc).replace(microsecond=0)
    after = builder.update(before, now)
    if after is not before or not book_file.exists():
        book_file.write_bytes(pack(encode(after)))
    added = len(after.rows) - len(before.rows)
    if as_json:
        print_json({"book": str(book_file), "rows_added": added, "upstreams": after.upstreams})
        return
    console().print(
        f"{text(str(book_file))}: {counted(added, 'row')} appended; use it with "
        f"SPANLEDGER_PRICE_BOOK={text(str(book_file))}"
    )


@prices.command("build")
def build(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail when the book is stale.")
    ] = False,
) -> None:
    """Rebuild the shipped book from its sources (for developers; needs genai-prices).

    Example: spanledger prices build --check
    """
    _builder().main(["--check"] if check else [])


def _builder(version: str = "") -> ModuleType:
    """What needs genai-prices; ``version`` is that of a wheel, if one was given."""
    try:
        from spanledger_collector.price import build as builder
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"making a price book needs {error.name}: pip install genai-prices"
        ) from error
    except Exception as error:
        if not version:
            raise
        # Its data are Python: a newer form of them may raise anything.
        raise ConfigurationError(
            f"genai-prices {version} cannot be read by this release of spanledger ({error}); "
            "a newer one may, and has a newer book"
        ) from error
    return builder


def _table(title: str, rows: list[PriceRow]) -> Grid:
    return Grid(f"{title}, USD per million tokens", _COLUMNS, (_cells(row) for row in rows))


def _cells(row: PriceRow) -> list[str]:
    rates = [None if rate is None else rate * _MILLION for rate in row.rates.values()]
    return [
        text(row.service_tier or "standard"),
        text(row.region),
        str(row.context_over_tokens or "-"),
        _hours(row.hours),
        *("-" if rate is None else plain_decimal(rate) for rate in rates),
        ", ".join(_unit(name, rate) for name, rate in row.rates.units.items()) or "-",
        f"{row.valid_from:%Y-%m-%d}",
        "-" if row.valid_to == OPEN_END else f"{row.valid_to:%Y-%m-%d}",
        text(row.upstream),
    ]


def _hours(hours: Hours) -> str:
    """``mon 01:00-04:00, ...``: in UTC, whatever the provider says them in."""
    return ", ".join(f"{_clock(start)}-{_clock(end)[4:]}" for start, end in hours) or "-"


def _clock(minute: int) -> str:
    day, rest = divmod(minute, 1440)
    return f"{_DAYS[day % 7]} {rest // 60:02}:{rest % 60:02}"


def _unit(name: str, rate: UnitRate) -> str:
    """``10 for 1,000 web_searches``; tokens by the million as in the other columns."""
    usd = plain_decimal(rate.usd)
    return f"{usd} {name}" if rate.per == _MILLION else f"{usd} for {rate.per:,} {name}"
