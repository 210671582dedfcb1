"""``spanledger assets``: what was paid once and serves many runs."""

from collections.abc import Sequence
from typing import Annotated

import typer

from spanledger_collector.query import AssetRow

from .break_even import break_even_table
from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Url, Workspace, connect
from .output import answer, plain_decimal, text, usd, usd_if_any

_COLUMNS = (
    "asset", "kind", "runs of", ">capital", ">charged", ">left", ">a unit", "unit", ">to come",
    "state",
)  # fmt: skip
_NO_ASSETS = (
    "No assets here. Book what is paid once with `spanledger.assets` of the SDK; an asset appears "
    "about two seconds later."
)


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
            answer(ledger.break_even(), break_even_table, as_json=as_json, nothing=_NO_ASSETS)
        else:
            answer(ledger.assets(), _table, as_json=as_json, nothing=_NO_ASSETS)


def _table(rows: Sequence[AssetRow]) -> Grid:
    """The rows as people read them."""
    return Grid(
        "Assets",
        _COLUMNS,
        (
            (
                text(row.asset_id), text(row.kind),
                text(" ".join(filter(None, (row.agent_name or "all", row.agent_version)))),
                usd(row.capital_usd), usd(row.charged_usd), usd(row.net_book_value_usd),
                usd_if_any(row.rate_usd), text(row.unit),
                text(plain_decimal(row.remaining_units)), text(row.state),
            )
            for row in rows
        ),
    )  # fmt: skip
