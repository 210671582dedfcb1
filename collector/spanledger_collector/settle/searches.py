"""Records that found no run: looked for once, when what arrived with them is settled.

What is told of them (:mod:`spanledger_collector.query.records`) is then read from a table of their
own, however many records found theirs. Each journal's records are gone through in parts; how far is
kept in ``record_searches``, so that a collector that is killed goes on from there, and one of a new
version goes once through what an older one left, also in journals that nobody continues.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from spanledger_collector import sql
from spanledger_collector.store import Connection

from .due import DueTraces
from .strays import RECEIVED, search_sought

#: Records that one statement looks for; a journal record that holds more is not divided.
_RECORDS: Final = 100_000
# What is spent on it between two passes of the settler.
_SECONDS: Final = 2.0
_COLUMNS = ("journal_id", "next_sequence")


@dataclass(slots=True)
class _Search:
    """One journal's records.

    Attributes:
        journal_id: the journal.
        next_sequence: how far they were looked for.
        until_sequence: how far they may be.
        settled_before: up to there their traces were settled by somebody else.
        kept_sequence: what is kept of it.
    """

    journal_id: str
    next_sequence: int = 0
    until_sequence: int = 0
    settled_before: int = 0
    kept_sequence: int = 0

    def part(self, connection: Connection, version: int) -> int:
        """Look for the next records; returns how many there were."""
        part: dict[str, object] = {
            "journal_id": self.journal_id,
            "from_sequence": self.next_sequence,
            "until_sequence": self.until_sequence,
        }
        (row,) = connection.rows(
            sql.read("transforms/records_to_search.sql"), part | {"limit": _RECORDS}
        )
        records = cast("int", row["records"])
        if records >= _RECORDS:
            part["until_sequence"] = row["until_sequence"]
        if records:
            named = part | {"version": version} | {name: row[name] for name in RECEIVED}
            exact = {"final": int(self.next_sequence < self.settled_before)}
            connection.execute(sql.read("transforms/seek_arrived.sql"), named, exact)
            search_sought(connection, version)
        self.next_sequence = cast("int", part["until_sequence"])
        return records


class Searches:
    """Looks for the runs of records.

    Args:
        journal_id: whose arrivals the settler follows.
    """

    def __init__(self, journal_id: str) -> None:
        self._own = _Search(journal_id)
        # Journals of others, as far as theirs is left to do.
        self._others: list[_Search] | None = None

    def search(
        self, connection: Connection, versions: Iterator[int], due: DueTraces, *, anew: bool
    ) -> None:
        """Look for the runs of what is settled since; what takes longer goes on at the next call.

        Args:
            connection: of the calling thread.
            versions: gives growing numbers.
            due: up to where all is settled, or parked, and from where on more may be seen.
            anew: something was settled since, so that from there on is looked again.

        Raises:
            CollectorError: the ledger did not answer; nothing is lost, call again.
        """
        if self._others is None:
            self._others = self._resume(connection)
        self._own.until_sequence = due.next_sequence()
        if anew:
            self._own.next_sequence = min(self._own.next_sequence, due.floor)
        deadline = time.monotonic() + _SECONDS
        for search in (self._own, *self._others):
            limit = due.floor if search is self._own else search.until_sequence
            while search.next_sequence < search.until_sequence:
                records = search.part(connection, next(versions))
                keep = min(search.next_sequence, limit)
                if records and keep > search.kept_sequence:
                    connection.insert_rows("record_searches", _COLUMNS, [(search.journal_id, keep)])
                    search.kept_sequence = keep
                if time.monotonic() >= deadline:
                    return
        self._others = []

    def _resume(self, connection: Connection) -> list[_Search]:
        others: list[_Search] = []
        for row in connection.rows(sql.read("transforms/journals_searched.sql")):
            start, settled = (cast("int", row[f"{end}_sequence"]) for end in ("from", "until"))
            search = _Search(str(row["journal_id"]), start, settled, settled, start)
            if search.journal_id == self._own.journal_id:
                self._own = search
            elif start < settled:
                others.append(search)
        return others
