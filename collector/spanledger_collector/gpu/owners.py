"""Writes whose the bill of each pool is: ``gpu_pools``."""

import time
from collections.abc import Iterable

from spanledger_collector import sql
from spanledger_collector.store import Connection

from .document import Pool

_COLUMNS = ("pool", "workspace", "version")


def write_owners(connection: Connection, pools: Iterable[Pool]) -> int:
    """Write the owners that are new or changed; returns how many were.

    A pool that is no longer in the file keeps its owner, as it keeps its bill.

    Raises:
        CollectorError: the ledger does not answer.
    """
    held = {
        str(row["pool"]): str(row["workspace"])
        for row in connection.rows(sql.read("transforms/gpu_pool_owners.sql"))
    }
    wanted = {pool.name: pool.workspace for pool in pools}
    rows = [
        (name, workspace, time.time_ns())
        for name, workspace in sorted(wanted.items())
        if held.get(name) != workspace
    ]
    if rows:
        connection.insert_rows("gpu_pools", _COLUMNS, rows)
    return len(rows)
