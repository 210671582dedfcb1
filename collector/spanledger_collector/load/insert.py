"""One batch into the database: the INSERT, its settings, and the question what is already there."""

from typing import Protocol

from spanledger_collector import sql
from spanledger_collector.load.batch import Batch
from spanledger_collector.load.frame import FORMAT, TABLE, schema_settings
from spanledger_collector.store import Connection, Store

_MIB = 1024 * 1024
#: Memory of one INSERT. A 64 MiB batch takes about a third of it; without a limit, 40 MB of empty
#: sub-messages grow to 13 GB.
MAX_MEMORY_BYTES = 1536 * _MIB
#: Longest that one INSERT may run.
MAX_SECONDS = 120

_SETTINGS = {
    "async_insert": 0,
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_memory_usage": MAX_MEMORY_BYTES,
    "max_execution_time": MAX_SECONDS,
    # There is nothing to optimise in the view's plan: not trying saves 30 ms an INSERT.
    "query_plan_enable_optimizations": 0,
}


class Inserter(Protocol):
    """Where batches go. Errors are those of the store."""

    def insert(self, batch: Batch) -> None:
        """Stores a batch; the same batch twice is stored once."""
        ...

    def last_arrived(self, journal_id: str, first: int) -> int:
        """The highest sequence from ``first`` on that is in the ledger; 0 = none."""
        ...


class StoreInserter:
    """Sends batches through one connection, opened when needed and again after :meth:`close`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: Connection | None = None

    def insert(self, batch: Batch) -> None:
        """Stores a batch in ``spans`` and ``arrivals``; the same batch twice is stored once.

        Raises:
            StoreUnavailableError: the database does not take it for now; it may have taken it.
            PermanentError: it can not be taken as it is.
        """
        settings = {
            **_SETTINGS,
            **schema_settings(self._store.address.embedded),
            "insert_deduplication_token": batch.token,
        }
        self._connected().insert_bytes(TABLE, batch.rows(), FORMAT, settings)

    def last_arrived(self, journal_id: str, first: int) -> int:
        """The highest sequence from ``first`` on that is in the ledger; 0 = none."""
        parameters = {"journal_id": journal_id, "first": first}
        rows = self._connected().rows(sql.read("load/last_arrived.sql"), parameters)
        return int(str(rows[0]["last"]))

    def close(self) -> None:
        """Gives the connection back; the next call opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._store.connect()
        return self._connection
