"""How far the arrivals of a journal are settled, and the versions of settlements.

Both stand in ``settlements``: a collector that starts goes on from there, and one whose clock is
behind gives out higher versions than those it reads.
"""

import time
from collections.abc import Iterator
from typing import cast

from spanledger_collector import sql
from spanledger_collector.store import Connection

from .due import Arrival, DueTraces
from .settlement import TraceKey

_READ_ARRIVALS = 50_000
_COLUMNS = ("journal_id", "next_sequence", "version")


class Cursor:
    """That of one journal.

    Args:
        journal_id: whose arrivals are followed.
    """

    def __init__(self, journal_id: str) -> None:
        self._journal_id = journal_id
        self._saved_sequence = -1
        # As it stands in the ledger.
        self._stored_sequence = 0
        #: The highest version given out or seen.
        self.version = 0

    def versions(self) -> Iterator[int]:
        """Growing numbers, also when the clock goes back; nanoseconds, to be told apart by eye."""
        while True:
            self.version = max(time.time_ns(), self.version + 1)
            yield self.version

    def catch_up(self, connection: Connection) -> int:
        """Follow the versions of collectors whose clocks are ahead; returns our sequence."""
        (row,) = connection.rows(
            sql.read("transforms/last_settlement.sql"), {"journal_id": self._journal_id}
        )
        self.version = max(self.version, cast("int", row["version"]))
        self._stored_sequence = cast("int", row["next_sequence"])
        return self._stored_sequence

    def observe(self, connection: Connection, due: DueTraces, now: float) -> None:
        """Note what arrived since the last look."""
        sequence = due.read_from(now)
        while True:
            arrivals = self._arrivals(connection, sequence)
            due.observe(now, arrivals)
            if len(arrivals) < _READ_ARRIVALS:
                return
            sequence = arrivals[-1].sequence + 1

    def save(self, connection: Connection, next_sequence: int) -> None:
        """Every trace touched by a record below this is settled, or parked."""
        if next_sequence == self._saved_sequence:
            return
        self._store(connection, next_sequence)
        self._saved_sequence = self._stored_sequence = next_sequence

    def tell_version(self, connection: Connection) -> None:
        """For collectors whose clocks are behind: they give out higher ones from then."""
        self._store(connection, self._stored_sequence)

    def try_telling(self, connection: Connection) -> None:
        """Tell no version.

        Raises:
            CollectorError: none could be told.
        """
        connection.try_insert("settlements", _COLUMNS)

    def _store(self, connection: Connection, next_sequence: int) -> None:
        connection.insert_rows(
            "settlements",
            _COLUMNS,
            [(self._journal_id, next_sequence, self.version)],
        )

    def _arrivals(self, connection: Connection, from_sequence: int) -> list[Arrival]:
        rows = connection.rows(
            sql.read("transforms/arrived_traces.sql"),
            {
                "journal_id": self._journal_id,
                "from_sequence": from_sequence,
                "limit": _READ_ARRIVALS,
            },
        )
        return [
            Arrival(
                cast("int", row["sequence"]),
                TraceKey(str(row["workspace"]), str(row["trace_id"])),
                cast("int", row["span_count"]),
            )
            for row in rows
        ]
