"""Writes what the GPUs of a pool drew, window by window: ``gpu_energy``.

Apart from the bill: energy changes no cost, and its readings come later than calls do. A window is
written when readings after its end may be there, and again when its readings, its grid or its
cooling change.
"""

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, cast

from spanledger_collector import sql
from spanledger_collector.store import Connection

from .document import Meter, Pool
from .measured import GAP, Drawn, Kind, Reading, drawn
from .window import nanoseconds

_NANO = Decimal(10) ** 9
_COLUMNS = (
    "pool", "window_start", "window_end", "measured_joules", "measured_gpu_seconds", "pue_low",
    "pue_high", "grid_low_g_per_kwh", "grid_high_g_per_kwh", "grid_source", "grid_as_of",
    "fingerprint", "version",
)  # fmt: skip

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A window of a pool."""

    pool: Pool
    begin: datetime
    end: datetime


def write_energy(
    connection: Connection, windows: Iterable[Stretch], since: datetime, now: datetime
) -> int:
    """Write the energy of the windows that are new or changed; returns how many were.

    Args:
        connection: to the ledger.
        windows: that are over, of pools of which a meter, a grid or a cooling is known.
        since: the begin of the first.
        now: what is told until then is there.

    Raises:
        CollectorError: the ledger does not answer.
    """
    due = [one for one in windows if one.pool.tells_energy and one.end + GAP <= now]
    if not due:
        return 0
    held = {
        (str(row["pool"]), cast("datetime", row["window_start"])): row["fingerprint"]
        for row in connection.rows(sql.read("transforms/gpu_energy_held.sql"), {"since": since})
    }
    told = _Told(connection, since, now)
    lines: list[Sequence[Any]] = []
    for window in due:
        devices = told.devices(window)
        fingerprint = _fingerprint(window, devices)
        if held.get((window.pool.name, window.begin)) != fingerprint:
            measured = told.drawn(window, devices)
            lines.append(_line(window, measured, fingerprint, time.time_ns()))
    if lines:
        connection.insert_rows("gpu_energy", _COLUMNS, lines)
    return len(lines)


class _Told:
    """What devices told: how much of it by window, and the readings of one."""

    def __init__(self, connection: Connection, since: datetime, until: datetime) -> None:
        self._connection = connection
        self._since = since
        self._until = until
        self._by_window: dict[str, Sequence[Row]] = {}

    def devices(self, window: Stretch) -> list[Row]:
        """The devices of a pool that told something around a window."""
        meter = window.pool.meter
        if meter is None:
            return []
        begin, end = window.begin - GAP, window.end + GAP
        return [
            row
            for row in self._rows(meter.workspace)
            if begin < cast("datetime", row["last_at"])
            and cast("datetime", row["first_at"]) < end
            and _is_metered(meter, row)
        ]

    def drawn(self, window: Stretch, devices: Sequence[Row]) -> Drawn:
        """What these devices drew in a window."""
        meter = window.pool.meter
        if meter is None or not devices:
            return Drawn(0.0, 0)
        rows = self._connection.rows(
            sql.read("transforms/gpu_energy_readings.sql"),
            {
                "workspace": meter.workspace,
                "since": window.begin - GAP,
                "until": window.end + GAP,
                "devices": "\n".join(sorted({str(row["device_id"]) for row in devices})),
            },
        )
        readings = [_reading(row) for row in rows if _is_metered(meter, row)]
        return drawn(readings, nanoseconds(window.begin), nanoseconds(window.end))

    def _rows(self, workspace: str) -> Sequence[Row]:
        if workspace not in self._by_window:
            self._by_window[workspace] = self._connection.rows(
                sql.read("transforms/gpu_energy_told.sql"),
                {"workspace": workspace, "since": self._since - GAP, "until": self._until},
            )
        return self._by_window[workspace]


def _is_metered(meter: Meter, row: Row) -> bool:
    device, host = str(row["device_id"]), str(row["host"])
    return fnmatchcase(host, meter.host) and any(
        fnmatchcase(device, pattern) for pattern in meter.devices
    )


def _reading(row: Row) -> Reading:
    return Reading(
        f"{row['host']} {row['device_id']}",
        cast("Kind", row["kind"]),
        cast("int", row["began_at_ns"]),
        cast("int", row["at_ns"]),
        cast("float", row["value"]),
    )


def _fingerprint(window: Stretch, devices: Sequence[Row]) -> int:
    pool = window.pool
    told = [(row["host"], row["device_id"], row["readings"], row["fingerprint"]) for row in devices]
    facts = (window.end, sorted(told, key=repr), pool.engine.gpus, pool.grid, pool.pue)
    return int.from_bytes(hashlib.sha256(repr(facts).encode()).digest()[:8], "big")


def _line(window: Stretch, measured: Drawn, fingerprint: int, version: int) -> Sequence[Any]:
    pool, grid = window.pool, window.pool.grid
    billed_ns = pool.engine.gpus * (nanoseconds(window.end) - nanoseconds(window.begin))
    # More devices than the pool has GPUs: the mean of them stands for each.
    known_ns = min(measured.known_ns, billed_ns)
    joules = measured.joules * known_ns / measured.known_ns if measured.known_ns else 0.0
    return (
        pool.name, window.begin, window.end, joules, Decimal(known_ns) / _NANO,
        pool.pue.low if pool.pue else 0.0, pool.pue.high if pool.pue else 0.0,
        grid.low_g_per_kwh if grid else None, grid.high_g_per_kwh if grid else None,
        grid.source if grid else "", grid.as_of if grid else "", fingerprint, version,
    )  # fmt: skip
