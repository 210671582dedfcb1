"""``spanledger energy``: what the model calls of agents drew, and what that emitted."""

from collections.abc import Sequence
from typing import Final

from spanledger_collector.query import EnergyRow

from .amounts import between
from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, connect, utc
from .output import answer, count, coverage, text

_COLUMNS: Final = (
    "agent", "version", ">runs", ">calls", ">known", ">GPU time", ">energy", ">CO2e",
)  # fmt: skip


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
            between(row.energy_kwh_low, row.energy_kwh_high, ("Wh", "kWh")),
            between(row.co2e_kg_low, row.co2e_kg_high, ("g", "kg")),
        )
        for row in rows
    )  # fmt: skip
    return Grid("Energy", _COLUMNS, cells)
