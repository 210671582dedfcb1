"""How named queries reach the ledger: the one seam between typed reads and where the data is."""

from collections.abc import Mapping
from typing import Any, Protocol

import pyarrow as pa

from spanledger_collector.store import Store, ThreadConnections

from .named import named

Row = dict[str, Any]

#: An answer that is larger is an error, never a silent cut.
_AD_HOC_LIMITS: Mapping[str, object] = {
    "max_result_rows": 1_000_000,
    "result_overflow_mode": "throw",
}
#: The month is part of the key of every table with partitions: a row and what supersedes it are in
#: one of them. FINAL need not look further, and reads a month of one part as it stands.
#: Conditions on the sorting key, which every version of a row has alike, are asked before FINAL,
#: and the other columns are read of what fits; the engine moves no other condition.
_READING: Mapping[str, object] = {
    "do_not_merge_across_partitions_select_final": 1,
    "optimize_move_to_prewhere_if_final": 1,
}


class Reader(Protocol):
    """Anything that can answer a named query."""

    def rows(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        """The answer as dictionaries, column name -> value."""
        ...

    def arrow(self, name: str, parameters: Mapping[str, object]) -> pa.Table:
        """The answer as an Arrow table."""
        ...

    def sql(self, text: str) -> pa.Table:
        """The answer to one ad-hoc SELECT; whoever calls a reader directly has guarded it."""
        ...

    def close(self) -> None:
        """Give back connections."""
        ...


class DirectReader:
    """Reads ClickHouse itself, embedded or server; one connection a thread.

    Args:
        store: the open ledger.
        max_seconds: longest a query may run.
        max_memory_bytes: memory a query may use.
        max_answer_bytes: what an answer may have, as ClickHouse holds it (Python's objects have
            several times as much); None = any size.

    Raises:
        TooLargeError: from every read whose answer is larger.
    """

    def __init__(
        self,
        store: Store,
        *,
        max_seconds: int = 30,
        max_memory_bytes: int = 1 << 30,
        max_answer_bytes: int | None = None,
    ) -> None:
        # Settings of the connection: given with each query, the driver would set and restore them.
        limits: dict[str, object] = {
            "max_execution_time": max_seconds,
            "max_memory_usage": max_memory_bytes,
            # Groups that would meet the limit wait on disk before they do, which takes longer.
            "max_bytes_before_external_group_by": max_memory_bytes * 7 // 8,
        }
        if max_answer_bytes is not None:
            limits |= {"max_result_bytes": max_answer_bytes, "result_overflow_mode": "throw"}
        self._connections = ThreadConnections(store, {**limits, **_READING})

    def rows(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        """See :class:`Reader`."""
        query = named(name)
        bound = query.bind(parameters)
        return self._connections.mine().rows(query.text, bound, query.settings(bound))

    def arrow(self, name: str, parameters: Mapping[str, object]) -> pa.Table:
        """See :class:`Reader`."""
        query = named(name)
        bound = query.bind(parameters)
        return self._connections.mine().arrow(query.text, bound, query.settings(bound))

    def sql(self, text: str) -> pa.Table:
        """Run a statement that has passed the guard already (``serve/sqlguard.py``).

        Raises:
            StoreUnavailableError: it takes too long or too much memory.
            TooLargeError: it gives too many rows.
        """
        return self._connections.mine().arrow(text, None, _AD_HOC_LIMITS)

    def close(self) -> None:
        """Close the connections of every thread."""
        self._connections.close()
