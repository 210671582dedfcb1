"""One batch into the database: the INSERT, its settings, and the question what is already there."""

from collections.abc import Mapping
from typing import Protocol

from google.protobuf.message import DecodeError

from spanledger_collector import sql
from spanledger_collector.errors import PermanentError
from spanledger_collector.load.batch import Batch
from spanledger_collector.load.frame import schema_settings
from spanledger_collector.signals import Signal
from spanledger_collector.store import Connection, Store

_MIB = 1024 * 1024
#: Memory of one INSERT. A 64 MiB batch takes about a third of it; without a limit, 40 MB of empty
#: sub-messages grow to 13 GB.
MAX_MEMORY_BYTES = 1536 * _MIB
#: Longest that one INSERT may run.
MAX_SECONDS = 120

_LAST: Mapping[Signal, str] = {
    "traces": "load/last_arrived.sql",
    "metrics": "load/last_sampled.sql",
}
_SETTINGS: Mapping[str, object] = {
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

    def last_arrived(self, signal: Signal, journal_id: str, first: int) -> int:
        """The highest sequence of a signal from ``first`` on that is in the ledger; 0 = none."""
        ...


class StoreInserter:
    """Sends batches through one connection, opened when needed and again after :meth:`close`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: Connection | None = None

    def insert(self, batch: Batch) -> None:
        """Stores a batch in the tables of its signal; the same batch twice is stored once.

        Raises:
            StoreUnavailableError: the database does not take it for now; it may have taken it.
            PermanentError: it can not be taken as it is.
        """
        settings = {**_SETTINGS, "insert_deduplication_token": batch.token}
        if batch.signal == "traces":
            settings |= schema_settings(self._store.address.embedded)
        try:
            rows = batch.rows()
        except DecodeError as error:
            raise PermanentError(f"it is no export request: {error}") from error
        self._connected().insert_bytes(batch.table, rows, batch.row_format, settings)

    def last_arrived(self, signal: Signal, journal_id: str, first: int) -> int:
        """The highest sequence of a signal from ``first`` on that is in the ledger; 0 = none."""
        parameters = {"journal_id": journal_id, "first": first}
        rows = self._connected().rows(sql.read(_LAST[signal]), parameters)
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
