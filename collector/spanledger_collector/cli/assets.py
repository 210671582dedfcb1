"""``spanledger assets``: what was paid once and serves many runs."""

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Url, Workspace, connect
from .output import NOTHING_FOUND, console, plain_decimal, print_json, text, usd, usd_if_any

_COLUMNS = (
    "asset", "kind", "runs of", ">capital", ">charged", ">left", ">a unit", "unit", ">to come",
    "state",
)  # fmt: skip


def assets(
    url: Url = DEFAULT_ADDRESS, workspace: Workspace = "default", as_json: Json = False
) -> None:
    """Training, data, evaluation, hosting: capital, what runs carried of it, what is left.

    Booked by the SDK (spanledger.assets). Example: spanledger assets --json
    """
    with connect(url, workspace) as ledger:
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
