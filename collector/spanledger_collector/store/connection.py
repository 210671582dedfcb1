"""One session with ClickHouse: statements in, rows, Arrow or bytes out.

Times come back as aware UTC datetimes (cut to microseconds, which is what Python's type holds),
decimals as Decimal. Values travel as server-side parameters, ``{name:Type}`` in the SQL.
"""

import struct
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timezone
from types import TracebackType

from spanledger_collector.errors import CollectorError, PermanentError

from .driver import ArrowTable, Driver, Values
from .failures import translated

Parameters = Mapping[str, object]
Settings = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A parameter's value that already is in ClickHouse's own text form; passed on as it is."""

    text: str

    def __str__(self) -> str:
        return self.text


class Connection(AbstractContextManager["Connection", None]):
    """One client; use it from one thread at a time.

    Args:
        client: the driver's client, already in the ledger's database.
        embedded: the engine runs in this process.
        database: the ledger's database.
    """

    def __init__(self, client: Driver, *, embedded: bool, database: str) -> None:
        self._client = client
        self.embedded = embedded
        self.database = database

    def execute(
        self, sql: str, parameters: Parameters | None = None, settings: Settings | None = None
    ) -> None:
        """Run a statement that returns nothing of interest: DDL, INSERT SELECT."""
        with translated(sql):
            self._client.command(_trimmed(sql), _bound(parameters), settings=_plain(settings))

    def rows(
        self, sql: str, parameters: Parameters | None = None, settings: Settings | None = None
    ) -> list[dict[str, object]]:
        """The answer of a SELECT as one dictionary a row, column name -> value."""
        with translated(sql):
            answer = self._client.query(
                _trimmed(sql), _bound(parameters), settings=_plain(settings), query_tz="UTC"
            )
            return list(answer.named_results())

    def arrow(
        self, sql: str, parameters: Parameters | None = None, settings: Settings | None = None
    ) -> ArrowTable:
        """The answer of a SELECT as an Arrow table (text as utf8, DateTime64 as timestamps)."""
        text, rest = self._with_settings(sql, settings)
        try:
            with translated(sql):
                return self._client.query_arrow(
                    text, _bound(parameters), settings=rest, use_strings=True
                )
        except CollectorError:
            self._clear()
            raise

    def raw(
        self,
        sql: str,
        fmt: str,
        parameters: Parameters | None = None,
        settings: Settings | None = None,
    ) -> bytes:
        """The answer of a SELECT as ClickHouse writes it.

        Args:
            sql: one SELECT without FORMAT and SETTINGS.
            fmt: name of a ClickHouse output format, such as ``JSONCompact``.
            parameters: values of ``{name:Type}``.
            settings: for this statement only.
        """
        text, rest = self._with_settings(sql, settings)
        try:
            with translated(sql):
                return self._client.raw_query(text, _bound(parameters), settings=rest, fmt=fmt)
        except CollectorError:
            self._clear()
            raise

    def insert_rows(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        settings: Settings | None = None,
    ) -> None:
        """Insert Python values; one INSERT, so one part a partition.

        Raises:
            PermanentError: a value does not fit its column; nothing was inserted.
        """
        what = f"INSERT INTO {table}"
        with translated(what):
            try:
                self._client.insert(table, rows, column_names=columns, settings=_plain(settings))
            except (ValueError, TypeError, ArithmeticError, struct.error) as error:
                raise PermanentError(f"{what}: a value does not fit its column: {error}") from error

    def try_insert(self, table: str, columns: Sequence[str]) -> None:
        """Insert no rows: fails where any row would, for the table, its columns or a right."""
        with translated(f"INSERT INTO {table}"):
            self._client.raw_insert(table, columns, insert_block=b"", fmt="JSONEachRow")

    def insert_bytes(
        self, table: str, data: bytes, fmt: str, settings: Settings | None = None
    ) -> None:
        """Insert bytes in a ClickHouse input format; the engine decodes them."""
        with translated(f"INSERT INTO {table}"):
            self._client.raw_insert(table, insert_block=data, fmt=fmt, settings=_plain(settings))

    def close(self) -> None:
        """Give the session back; the connection is useless afterwards. May be called twice."""
        self._client.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _clear(self) -> None:
        """What an answer had when it failed comes before the embedded engine's next answer."""
        if self.embedded:
            self._client.raw_query("SELECT 1", None, settings=None, fmt="TabSeparated")

    def _with_settings(self, sql: str, settings: Settings | None) -> tuple[str, Values | None]:
        """Settings as a clause for the embedded engine.

        The driver would otherwise set and restore each one by a statement of its own: 4 ms.
        """
        text = _trimmed(sql)
        if not settings or not self.embedded:
            return text, _plain(settings)
        clause = ", ".join(f"{name} = {_quoted(value)}" for name, value in settings.items())
        return f"{text}\nSETTINGS {clause}", None


def _trimmed(sql: str) -> str:
    return sql.rstrip().rstrip(";")


def _plain(settings: Settings | None) -> Values | None:
    return dict(settings) if settings else None


def _quoted(value: object) -> str:
    text = str(int(value)) if isinstance(value, bool) else str(value)
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _bound(parameters: Parameters | None) -> Values | None:
    if not parameters:
        return None
    return {name: _value(name, value) for name, value in parameters.items()}


def _value(name: str, value: object) -> object:
    """A parameter's value; times as UTC text, because the driver drops fractions of a second."""
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise PermanentError(f"parameter {name!r} is a time without a time zone; give it one")
    return value.astimezone(timezone.utc).replace(tzinfo=None).isoformat(sep=" ")
