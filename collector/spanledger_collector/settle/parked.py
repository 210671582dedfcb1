"""Traces that are not settled for now, or cannot be: kept in the ledger with the reason.

The cursor goes on past them, and a collector that is killed finds them again. What is kept here is
in memory too, for there are few; beyond :data:`MOST_TRACES` a trace holds the cursor instead.
"""

import time
from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from typing import Final, Literal, cast

from spanledger_collector import sql
from spanledger_collector.store import Connection

from .settlement import TraceKey

State = Literal["waits", "refused"]
#: Most that are kept.
MOST_TRACES: Final = 10_000
_COLUMNS = (
    "journal_id", "workspace", "trace_id", "state", "reason", "parked_at", "version", "is_deleted",
)  # fmt: skip


class ParkedTraces:
    """Those of one journal.

    Args:
        journal_id: whose they are.
    """

    def __init__(self, journal_id: str) -> None:
        self._journal_id = journal_id
        self._version = 0
        self._reasons: dict[State, dict[TraceKey, str]] = {"waits": {}, "refused": {}}

    def find(self, connection: Connection) -> Mapping[State, list[TraceKey]]:
        """Read what the ledger has; returns it by state, the latest last."""
        rows = connection.rows(
            sql.read("transforms/parked_traces.sql"), {"journal_id": self._journal_id}
        )
        for row in rows:
            key = TraceKey(str(row["workspace"]), str(row["trace_id"]))
            self._reasons[cast("State", row["state"])][key] = str(row["reason"])
            self._version = max(self._version, cast("int", row["version"]))
        return {state: list(reasons) for state, reasons in self._reasons.items()}

    def keep(self, connection: Connection, state: State, reasons: Mapping[TraceKey, str]) -> None:
        """Keep these, with the reason of each.

        Raises:
            CollectorError: they could not be stored, and are not kept.
        """
        room = MOST_TRACES - len(self)
        new = {
            key: reason
            for key, reason in reasons.items()
            if self._reasons[state].get(key) != reason
        }
        kept = dict(list(new.items())[: max(room, 0)])
        self._store(connection, state, kept, is_deleted=False)
        for other in self._reasons.values():
            for key in kept:
                other.pop(key, None)
        self._reasons[state].update(kept)

    def settled(self, connection: Connection, keys: Collection[TraceKey]) -> None:
        """Forget those of these that are kept."""
        for state, reasons in self._reasons.items():
            gone = {key: reasons[key] for key in keys if key in reasons}
            self._store(connection, state, gone, is_deleted=True)
            for key in gone:
                del reasons[key]

    def waits(self, key: TraceKey) -> bool:
        """Whether it is kept to be settled."""
        return key in self._reasons["waits"]

    def has(self, key: TraceKey) -> bool:
        """Whether it is kept, for whatever reason."""
        return any(key in reasons for reasons in self._reasons.values())

    def count(self, state: State) -> int:
        """How many are in that state. From any thread."""
        return len(self._reasons[state])

    def __len__(self) -> int:
        return sum(len(reasons) for reasons in self._reasons.values())

    def _store(
        self,
        connection: Connection,
        state: State,
        reasons: Mapping[TraceKey, str],
        *,
        is_deleted: bool,
    ) -> None:
        if not reasons:
            return
        self._version = max(time.time_ns(), self._version + 1)
        now = datetime.now(timezone.utc)
        rows = [
            (self._journal_id, *key, state, reason, now, self._version, int(is_deleted))
            for key, reason in reasons.items()
        ]
        connection.insert_rows("parked_traces", _COLUMNS, rows)
