"""Looking for the runs of records: those that found none are noted in ``stray_records``."""

from typing import Final

from spanledger_collector import sql
from spanledger_collector.store import Connection

#: When the first and the last record of a part of a journal were received: parameters.
RECEIVED: Final = ("earliest_ns", "latest_ns")


def search_settled(connection: Connection, version: int) -> None:
    """Look for the runs of those records that a settlement may have given one, or taken it from.

    Args:
        connection: of the calling thread.
        version: the settlement; its runs are written.
    """
    connection.execute(sql.read("transforms/seek_settled.sql"), {"version": version})
    search_sought(connection, version)


def try_searching(connection: Connection, version: int) -> None:
    """Run all statements of a look for no record: what fails then is the fault of none."""
    nothing = dict.fromkeys(("from_sequence", "until_sequence", *RECEIVED), 0)
    named = {"version": version, "journal_id": "", **nothing}
    connection.execute(sql.read("transforms/seek_arrived.sql"), named)
    search_settled(connection, version)
    connection.execute(sql.read("transforms/search_records.sql"), {"version": version})


def search_sought(connection: Connection, version: int) -> None:
    """Look for the records that are sought, if any; again, for what came before it was written."""
    (row,) = connection.rows(sql.read("transforms/records_sought.sql"), {"version": version})
    if row["records"]:
        for _ in range(2):
            connection.execute(sql.read("transforms/search_records.sql"), {"version": version})
