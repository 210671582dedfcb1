"""``spanledger assets``: what was paid once and serves many runs."""

from collections.abc import Sequence
from typing import Annotated

import typer

from spanledger_collector.query import BreakEven

from .break_even import break_even_table
from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Url, Workspace, connect
from .output import NOTHING_FOUND, console, plain_decimal, print_json, text, usd, usd_if_any

_COLUMNS = (
    "asset", "kind", "runs of", ">capital", ">charged", ">left", ">a unit", "unit", ">to come",
    "state",
)  # fmt: skip


def assets(
    url: Url = DEFAULT_ADDRESS,
    break_even: Annotated[
        bool,
        typer.Option("--break-even", help="Instead: how many runs earn them back."),
    ] = False,
    workspace: Workspace = "default",
    as_json: Json = False,
) -> None:
    """Training, data, evaluation, hosting: capital, what runs carried of it, what is left.

    Booked by the SDK (spanledger.assets). Example: spanledger assets --json
    """
    with connect(url, workspace) as ledger:
        if break_even:
            _show_break_even(ledger.break_even(), as_json=as_json)
            return
        rows = ledger.assets()
    if as_json:
        print_json(rows)
        return
    if not rows:
        console().print(NOTHING_FOUND)
        return
    console().print(
        Grid(
            "Assets",
            _COLUMNS,
            (
                (
                    text(row.asset_id),
                    text(row.kind),
                    text(" ".join(filter(None, (row.agent_name or "all", row.agent_version)))),
                    usd(row.capital_usd),
                    usd(row.charged_usd),
                    usd(row.net_book_value_usd),
                    usd_if_any(row.rate_usd),
                    text(row.unit),
                    text(plain_decimal(row.remaining_units)),
                    text(row.state),
                )
                for row in rows
            ),
        )
    )


def _show_break_even(rows: Sequence[BreakEven], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    console().print(break_even_table(rows) if rows else NOTHING_FOUND)
