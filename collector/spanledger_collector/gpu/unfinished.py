"""Windows of GPU pools whose shares are written, and which are not closed yet.

The order is what makes a kill harmless: shares, then the traces that they change are settled, then
the rows of the windows. What has no row is closed again, and settles the same traces again: also
those that had a share once and lost it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from spanledger_collector import sql
from spanledger_collector.store import Connection

from .calls import Row, name_of
from .rows import SHARE_COLUMNS, WINDOW_COLUMNS, Closed, no_share_row, share_row, window_row

_BURIED_COLUMNS = ("pool", "window_start", "version", "is_deleted")

#: Settles these (workspace, trace id) pairs again; returns how many had spans. What it could not
#: settle for now is remembered when it returns; when it raises it is to be asked again.
SettleTraces = Callable[[Iterable[tuple[str, str]]], int]


class Unfinished:
    """Those of one pass.

    Args:
        connection: of the calling thread.
        settle_traces: the settler's.

    Attributes:
        traces: (workspace, trace id) of those that a share of theirs changed.
    """

    def __init__(self, connection: Connection, settle_traces: SettleTraces) -> None:
        self.connection = connection
        self._settle_traces = settle_traces
        self.traces: set[tuple[str, str]] = set()
        self._closed: list[Sequence[Any]] = []
        self._buried: list[Sequence[Any]] = []

    def close(self, closed: Closed, calls: Collection[Row], fingerprint: int) -> None:
        """Write the shares of a window.

        Args:
            closed: the window, its bill, and a version higher than that of any share before.
            calls: that its pool answered.
            fingerprint: of what it is closed for.
        """
        carrying = [row for row in calls if closed.is_carried_by(row)]
        shares = [share_row(closed, row) for row in carrying]
        kept = {name_of(row) for row in carrying}
        self._write(closed.pool.name, closed.begin, shares, kept, closed.version)
        served = sum(not row["loads"] for row in calls)
        self._closed.append(window_row(closed, served, fingerprint))

    def bury(self, pool: str, begin: datetime, version: int) -> None:
        """A window that is none any more: another begins where rates or times were changed."""
        self._write(pool, begin, [], set(), version)
        self._buried.append((pool, begin, version, 1))

    def finish(self) -> None:
        """Settle the traces, then write the rows of the windows.

        Raises:
            CollectorError: not all of it is done; what was not is closed again by another pass.
        """
        if self.traces:
            self._settle_traces(sorted(self.traces))
        if self._closed:
            self.connection.insert_rows("gpu_windows", WINDOW_COLUMNS, self._closed)
        if self._buried:
            self.connection.insert_rows("gpu_windows", _BURIED_COLUMNS, self._buried)
        self.traces, self._closed, self._buried = set(), [], []

    def _write(
        self,
        pool: str,
        begin: datetime,
        shares: list[Sequence[Any]],
        kept: set[str],
        version: int,
    ) -> None:
        rows = self.connection.rows(
            sql.read("transforms/gpu_shares_of_window.sql"), {"pool": pool, "window_start": begin}
        )
        gone = [
            no_share_row(pool, begin, _keys(row), version)
            for row in rows
            if name_of(row) not in kept
        ]
        if shares or gone:
            self.connection.insert_rows("gpu_shares", SHARE_COLUMNS, [*shares, *gone])
        self.traces |= {(str(row[0]), str(row[1])) for row in (*shares, *gone)}


def _keys(row: Row) -> tuple[str, str, str]:
    """Workspace, trace and span of a call."""
    return str(row["workspace"]), str(row["trace_id"]), str(row["span_id"])
