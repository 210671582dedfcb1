"""Traces that are to be settled again: asked for here, worked off by the settler of a collector.

What settling writes (``runs``, ``attempts`` and the tables between) can be dropped and is written
again from what was received. A request names what to settle, not each trace of it, so that asking
for a ledger of millions is one row. The collector that works it off keeps in that row how far it
came, and holds it meanwhile: two that begin one piece at once do it twice, which changes nothing.

Where a version writes something else than the one before, a schema file asks for it, as
``0181_settle_all_again`` does.
"""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final, cast

from spanledger_collector import sql

from .connection import Connection

#: All days that the ledger can have.
FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2149, 6, 6)
#: How long a collector that does not come back keeps others from a request.
_HELD: Final = timedelta(minutes=2)
_TABLE: Final = "settle_requests"


@dataclass(frozen=True, slots=True)
class SettleRequest:
    """One that is not done yet; the table's columns.

    Attributes:
        is_free: no other collector is at it.
    """

    request_id: str
    workspace: str
    of_trace: str
    first_day: date
    last_day: date
    reason: str
    asked_at: datetime
    traces: int
    settled: int
    after_workspace: str
    after_trace: str
    holder: str
    version: int
    is_free: bool

    def parameters(self) -> Mapping[str, object]:
        """What names its next traces."""
        names = (
            "workspace", "of_trace", "first_day", "last_day", "after_workspace", "after_trace",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


def ask_settling(
    connection: Connection,
    *,
    reason: str,
    workspace: str = "",
    trace_id: str = "",
    first_day: date = FIRST_DAY,
    last_day: date = LAST_DAY,
) -> int:
    """Ask for traces to be settled again: by a running collector, or the next that is started.

    Args:
        connection: of the calling thread.
        reason: who asks, or why.
        workspace: whose; empty = of every workspace.
        trace_id: only this one; empty = all.
        first_day: of traces with spans on this day (UTC) or later.
        last_day: or earlier, the day itself included.

    Returns:
        How many traces they are.

    Raises:
        CollectorError: the ledger does not answer, or has another schema.
    """
    request_id = uuid.uuid4().hex
    asked = {
        "request_id": request_id, "workspace": workspace, "of_trace": trace_id, "reason": reason,
        "first_day": first_day, "last_day": last_day, "version": time.time_ns(),
    }  # fmt: skip
    connection.execute(sql.read("store/ask_settling.sql"), asked)
    rows = connection.rows(sql.read("store/settling_asked.sql"), {"request_id": request_id})
    return cast("int", rows[0]["traces"]) if rows else 0


def open_requests(connection: Connection, holder: str) -> list[SettleRequest]:
    """Those that are not done, the oldest first.

    Args:
        connection: of the calling thread.
        holder: journal of the collector that asks.
    """
    rows = connection.rows(sql.read("store/settle_requests.sql"), {"holder": holder})
    return [SettleRequest(**cast("dict[str, Any]", row)) for row in rows]


def keep_request(
    connection: Connection, request: SettleRequest, *, holder: str, is_done: bool = False
) -> None:
    """Keep how far a request came, and who is at it for the next two minutes."""
    row = {one.name: getattr(request, one.name) for one in fields(request)}
    del row["is_free"]
    row |= {
        "holder": holder,
        "held_until": datetime.now(timezone.utc) + _HELD,
        "is_done": is_done,
        "version": max(time.time_ns(), request.version + 1),
    }
    connection.insert_rows(_TABLE, list(row), [list(row.values())])
