"""``spanledger reconcile FILE...``: a provider's bill held against the ledger."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.price import PriceBook
from spanledger_collector.reconcile import (
    CAUSES,
    FORMATS,
    BillLine,
    Book,
    Cause,
    Difference,
    Reconciliation,
    Remark,
    read_export,
    refuse_overlaps,
)
from spanledger_collector.reconcile import reconcile as compare

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Url, Workspace, connect
from .output import console, counted, plain_decimal, print_json, text, usd

_CAUSE_COLUMNS = ("cause", ">amount", ">share", "meaning")
_REMARK_COLUMNS = ("where", "what", "why", ">amount left out")
_UNVALUED_COLUMNS = ("day", "model", "unit", ">quantity")
_ROW_COLUMNS = ("day", "provider", "model", ">billed", ">ledger", ">difference", "causes")


@dataclass(frozen=True, slots=True)
class _Report:
    """What ``--json`` prints."""

    billed_usd: Decimal
    ledger_usd: Decimal
    difference_usd: Decimal
    causes: Mapping[Cause, Decimal]
    differences: Sequence[Difference]
    unvalued: Sequence[BillLine]
    remarks: Sequence[Remark]


def reconcile(
    files: Annotated[
        list[Path], typer.Argument(help=f"Exports of a provider: {'; '.join(FORMATS)}.")
    ],
    prices_file: Annotated[
        Path | None,
        typer.Option(
            "--prices-file",
            envvar="SPANLEDGER_PRICES_FILE",
            help="Your own prices and aliases, as the collector has them (YAML).",
        ),
    ] = None,
    url: Url = DEFAULT_ADDRESS,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """How a provider's bill differs from the ledger, by day and model, and why.

    Usage and cost exports of the same provider complete each other: give both.

    Example: spanledger reconcile usage.json costs.json
    """
    prices = PriceBook.shipped(prices_file)
    bill, remarks = _read(files, {unit for row in prices.rows() for unit in row.rates.units})
    book = _names(prices)
    with connect(url, workspace) as ledger:
        found = compare(bill, ledger.charges(*_period(bill)), book)
    if as_json:
        print_json(
            _Report(
                found.billed_usd,
                found.ledger_usd,
                found.billed_usd - found.ledger_usd,
                found.causes,
                found.differences,
                found.unvalued,
                remarks,
            )
        )
        return
    for part in _view(found, remarks):
        console().print(part)


def _read(
    files: Sequence[Path], units: Collection[str]
) -> tuple[Sequence[BillLine], Sequence[Remark]]:
    for file in files:
        if sum(file.samefile(other) for other in files if file.exists() and other.exists()) > 1:
            raise ConfigurationError(f"{file} is given twice; give every file once")
    exports = [read_export(file, units) for file in files]
    refuse_overlaps({str(file): one.parts for file, one in zip(files, exports, strict=True)})
    bill = [line for export in exports for line in export.lines]
    remarks = [remark for export in exports for remark in export.remarks]
    if bill:
        return bill, remarks
    told = "".join(f"; {one.place}: {one.said}: {one.reason}" for one in remarks[:3])
    raise ConfigurationError(
        f"nothing about models in {', '.join(map(str, files))}{told}; export a day with usage, "
        "grouped by model"
    )


def _names(prices: PriceBook) -> Book:
    def resolve(provider: str, model: str) -> tuple[str, str] | None:
        match = prices.resolve(provider, model)
        return (match.provider, match.model) if match.model else None

    return Book(prices.provider_name, resolve)


def _period(bill: Sequence[BillLine]) -> tuple[datetime, datetime]:
    """From the first day to the end of the last one, which is exclusive."""
    days = [line.day for line in bill]
    start = datetime.combine(min(days), time.min, timezone.utc)
    return start, datetime.combine(max(days), time.min, timezone.utc) + timedelta(days=1)


def _view(found: Reconciliation, remarks: Sequence[Remark]) -> Iterator[object]:
    difference = found.billed_usd - found.ledger_usd
    yield (
        f"billed [bold]{usd(found.billed_usd)}[/]  ledger [bold]{usd(found.ledger_usd)}[/]  "
        f"difference [bold]{_signed(difference)}[/]{_share(difference, found.billed_usd)}"
    )
    if found.causes:
        yield Grid(
            "Why",
            _CAUSE_COLUMNS,
            (_why(cause, amount, found.billed_usd) for cause, amount in found.causes.items()),
        )
    yield Grid("By day and model", _ROW_COLUMNS, (_cells(row) for row in found.differences))
    if found.unvalued:
        yield (
            f"[yellow]{counted(len(found.unvalued), 'line')} of the bill left out, without a cost "
            "and without a rate in the ledger: give the costs export of these days too, or a price "
            "of the unit (see docs/prices.md, Your own prices)[/]"
        )
        yield Grid("Left out", _UNVALUED_COLUMNS, map(_left_out, found.unvalued))
    if remarks:
        yield Grid("Not compared", _REMARK_COLUMNS, map(_told, remarks))


def _told(remark: Remark) -> Sequence[str]:
    amount = "-" if remark.cost_usd is None else usd(remark.cost_usd)
    return text(remark.place), text(remark.said), text(remark.reason), amount


def _left_out(line: BillLine) -> Sequence[str]:
    model = text(line.model or "-")
    quantity = "-" if line.quantity is None else plain_decimal(line.quantity)
    return line.day.isoformat(), model, text(line.unit or "-"), quantity


def _why(cause: Cause, amount: Decimal, billed_usd: Decimal) -> Sequence[str]:
    return cause, _signed(amount), _share(amount, billed_usd).strip(" ()"), CAUSES[cause]


def _cells(row: Difference) -> Sequence[str]:
    causes = ", ".join(
        f"{cause} {_signed(amount)}" + _calls(row, cause) for cause, amount in row.causes.items()
    )
    return (
        row.day.isoformat(), text(row.provider), text(row.model), usd(row.billed_usd),
        usd(row.ledger_usd), _signed(row.difference_usd), causes or "-",
    )  # fmt: skip


def _calls(row: Difference, cause: Cause) -> str:
    return f" ({counted(row.unmetered_attempts, 'call')})" if cause == "unmetered" else ""


def _signed(amount: Decimal) -> str:
    sign = "-" if amount < 0 else "+" if amount > 0 else ""
    return f"{sign}${plain_decimal(abs(amount))}"


def _share(amount: Decimal, whole: Decimal) -> str:
    return f"  ({100 * amount / whole:+.2f} %)" if whole else ""
