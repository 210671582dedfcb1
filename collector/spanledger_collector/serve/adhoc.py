"""Ad-hoc SQL over the ledger: guarded text, on read-only connections with limits of their own."""

from collections.abc import Callable, Mapping

from spanledger_collector.store import Store, ThreadConnections, parametrized_views

# Everything of the database that can be read; the Null table and the views that fill others cannot.
_READABLE = """
-- readable_tables: tables and views of the ledger
SELECT name FROM system.tables
WHERE database = currentDatabase() AND engine NOT IN ('Null', 'MaterializedView')
"""


class AdHoc:
    """Answers statements of people.

    The limits are settings of the connection, and ``readonly`` is set after them, so no statement
    can change them. One connection a thread, opened when it is first needed.

    Args:
        store: the open ledger, migrated.
        max_seconds: longest a statement may run.
        max_memory_bytes: memory a statement may use.
        max_rows: rows an answer may have; more is an error, never a silent cut.
    """

    def __init__(
        self, store: Store, *, max_seconds: int, max_memory_bytes: int, max_rows: int = 1_000_000
    ) -> None:
        self._store = store
        limits: Mapping[str, object] = {
            "max_execution_time": max_seconds,
            "max_memory_usage": max_memory_bytes,
            "max_result_rows": max_rows,
            "result_overflow_mode": "throw",
            "max_result_bytes": max_memory_bytes,
            "max_subquery_depth": 32,
            "max_query_size": 262_144,
            "readonly": 1,
        }
        self._connections = ThreadConnections(store, limits)
        with store.connect() as connection:
            tables = frozenset(str(row["name"]) for row in connection.rows(_READABLE))
        # A parser of SQL takes a quarter of the time that our programs need to start.
        from .sqlguard import Readable, guard

        readable = Readable(tables, store.address.database, parametrized_views())
        self._guard: Callable[[str], str] = lambda sql: guard(sql, readable)

    def guard(self, sql: str) -> str:
        """The statement that may be run instead of ``sql``; see :func:`.sqlguard.guard`.

        Raises:
            RefusedQueryError: it is outside of what is allowed.
        """
        return self._guard(sql)

    def run(self, sql: str, fmt: str, parameters: Mapping[str, object]) -> bytes:
        """The answer to a statement that has passed the guard; never call it on the event loop.

        Args:
            sql: what :meth:`guard` gave.
            fmt: name of a ClickHouse output format.
            parameters: values of ``{name: Type}``.

        Raises:
            StoreUnavailableError: a limit was reached, or the engine does not answer.
            PermanentError: the statement is wrong, such as an unknown column.
        """
        return self._connections.mine().raw(sql, fmt, parameters)

    def close(self) -> None:
        """Close the connections of every thread."""
        self._connections.close()
