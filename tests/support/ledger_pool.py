"""Migrated, empty ledgers for tests: what a test is done with is emptied for the next one.

Making a ledger takes the engine a second and a half of processor time, emptying one a hundredth.
A ledger whose tables are not those it was made with any more is dropped instead.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from spanledger_collector.errors import PermanentError
from spanledger_collector.store import Connection, Store, migrate

_TABLES = """
SELECT name, toString(uuid) AS id FROM system.tables WHERE database = currentDatabase()
UNION ALL SELECT name, sha256 FROM schema_migrations
"""
_FILLED = """
SELECT name FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND total_rows > 0
    AND name != 'schema_migrations'
"""
Tables = dict[str, object]


class LedgerPool:
    """The ledgers of one engine or server.

    Args:
        dsn: where they are, without a database.
        names: of databases that are nobody's yet.
    """

    def __init__(self, dsn: str, names: Iterator[str]) -> None:
        self._dsn = dsn
        self._names = names
        #: Database -> the tables that it was made with, of ledgers that nobody uses.
        self._idle: dict[str, Tables] = {}

    @contextmanager
    def ledger(self) -> Generator[str]:
        """The address of a migrated, empty ledger, its user's alone until the block ends."""
        database, tables = self._idle.popitem() if self._idle else self._made()
        yield f"{self._dsn}?database={database}"
        store = Store.open(self._dsn, database=database)
        with store.connect() as connection:
            whole = _tables(connection) == tables and _empty(connection)
        store.close()
        if whole:
            self._idle[database] = tables
        else:
            drop(self._dsn, database)

    def _made(self) -> tuple[str, Tables]:
        database = next(self._names)
        store = Store.open(self._dsn, database=database)
        with store.connect() as connection:
            migrate(connection)
            tables = _tables(connection)
        store.close()
        return database, tables

    def close(self) -> None:
        """Drop those that nobody uses."""
        while self._idle:
            drop(self._dsn, self._idle.popitem()[0])


def _tables(connection: Connection) -> Tables:
    return {str(row["name"]): row["id"] for row in connection.rows(_TABLES)}


def _empty(connection: Connection) -> bool:
    """Whether nothing is left in its tables; tokens of what was inserted go with the rows."""
    for row in connection.rows(_FILLED):
        connection.execute(f"TRUNCATE TABLE {row['name']}")
    return not connection.rows(_FILLED)


def drop(dsn: str, database: str, tries: int = 20) -> None:
    """Drop it; a collector that was stopped early may still be making its tables."""
    keeper = Store.open(dsn, database="keeper")
    with keeper.connect() as connection:
        for left in reversed(range(tries)):
            try:
                connection.execute(f"DROP DATABASE IF EXISTS {database} SYNC")
            except PermanentError as error:
                if "DATABASE_NOT_EMPTY" not in str(error) or not left:
                    raise
                time.sleep(0.5)
            else:
                break
    keeper.close()
