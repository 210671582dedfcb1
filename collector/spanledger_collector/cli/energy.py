"""``spanledger energy``: what the model calls of agents drew, and what that emitted."""

from collections.abc import Sequence
from typing import Final

from spanledger_collector.query import EnergyRow

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, connect, utc
from .output import answer, count, coverage, text

_COLUMNS: Final = (
    "agent", "version", ">runs", ">calls", ">known", ">GPU time", ">energy", ">CO2e",
)  # fmt: skip
_GRAMS, _WATT_HOURS = 1000, 1000


def energy(
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """Energy and CO2e of each agent's calls to models on your own GPUs, as intervals.

    Whole days (UTC). Nobody tells what a call to a hosted model draws: `known` is the share of
    the calls that the sums are of, and nothing known is a dash, never 0.

    Example: spanledger energy --since 2026-11-01
    """
    with connect(url, workspace) as ledger:
        rows = ledger.energy(utc(since), utc(until))
    answer(rows, _table, as_json=as_json)


def _table(rows: Sequence[EnergyRow]) -> Grid:
    cells = (
        (
            text(row.agent_name), text(row.agent_version), count(row.runs), count(row.calls),
            coverage(row.calls - row.unknown_energy_calls, row.calls),
            f"{row.gpu_seconds:,.1f} s" if row.gpu_seconds else "-",
            _between(row.energy_kwh_low, row.energy_kwh_high, ("Wh", "kWh"), _WATT_HOURS),
            _between(row.co2e_kg_low, row.co2e_kg_high, ("g", "kg"), _GRAMS),
        )
        for row in rows
    )  # fmt: skip
    return Grid("Energy", _COLUMNS, cells)


def _between(low: float | None, high: float | None, units: tuple[str, str], parts: int) -> str:
    """Both ends in one unit: the small one while they are below one of the large."""
    if low is None or high is None:
        return "-"
    factor, unit = (parts, units[0]) if high < 1 else (1, units[1])
    ends = [f"{end * factor:.3g}" for end in (low, high)]
    return f"{ends[0]} {unit}" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]} {unit}"
