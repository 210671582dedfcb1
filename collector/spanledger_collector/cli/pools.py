"""``spanledger pools``: the bill of GPUs of one's own, and who used what was paid for."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final

import typer

from spanledger_collector.query import PoolRow

from .amounts import between, percent_between
from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, connect, utc
from .output import answer, coverage, text, usd, usd_if_any

_COLUMNS: Final = (
    "GPU", ">GPUs", ">GPU-hours", ">billed", ">calls", ">loading", ">idle", ">used", ">factor",
    ">rate known", ">MFU", ">MBU", ">energy", ">CO2e",
)  # fmt: skip
_NOTHING = (
    "No window of a pool is closed here: say in SPANLEDGER_GPU_FILE which GPUs you pay for "
    "(docs/gpu.md)."
)
_HOUR_SECONDS = 3600


def pools(
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    days: Annotated[bool, typer.Option("--days", help="Day by day, newest first.")] = False,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """What your own GPUs were billed, and where it went: calls + loading + idle = billed.

    Whole days (UTC). `used` is the share of the paid time that calls had; `factor` is what the cost
    of a call is multiplied by if it is to carry loading and idle time too. `MFU` and `MBU` are the
    shares of the GPUs' dense peak and bandwidth that calls of known work came to in their time.

    Example: spanledger pools --since 2026-11-01 --days
    """
    with connect(url, workspace) as ledger:
        rows = ledger.pools(utc(since), utc(until), by="day" if days else "total")
    answer(rows, _by_day if days else _by_pool, as_json=as_json, nothing=_NOTHING)


def _by_pool(rows: Sequence[PoolRow]) -> Grid:
    return Grid("Pools", ("pool", *_COLUMNS), ((text(row.pool), *_cells(row)) for row in rows))


def _by_day(rows: Sequence[PoolRow]) -> Grid:
    cells = ((row.day, text(row.pool), *_cells(row)) for row in rows)
    return Grid("Pools", ("day", "pool", *_COLUMNS), cells)


def _cells(row: PoolRow) -> tuple[str, ...]:
    known = row.billed_gpu_seconds - row.unpriced_gpu_seconds
    partly = "≥" if row.billed_usd is not None and row.unpriced_gpu_seconds else ""
    factor = row.fully_loaded_factor
    return (
        text(row.gpu_model), str(row.gpus), _hours(row.billed_gpu_seconds),
        f"{partly}{usd(row.billed_usd)}", usd_if_any(row.attributed_usd),
        usd_if_any(row.load_usd), usd_if_any(row.idle_usd), f"{row.utilisation:.1%}",
        "-" if factor is None else f"{factor:.3g}",
        coverage(int(known), int(row.billed_gpu_seconds)),
        percent_between(row.mfu_low, row.mfu_high), percent_between(row.mbu_low, row.mbu_high),
        between(row.energy_kwh_low, row.energy_kwh_high, ("Wh", "kWh")),
        between(row.co2e_kg_low, row.co2e_kg_high, ("g", "kg")),
    )  # fmt: skip


def _hours(gpu_seconds: Decimal) -> str:
    return f"{gpu_seconds / _HOUR_SECONDS:,.2f}"
