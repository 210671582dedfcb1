"""The part of clickhouse-connect that is used, typed; no other module touches the driver itself.

Its own annotations are partial; with these the rest of the package is checked strictly. The
tests run every method on the embedded engine and over HTTP, which is what keeps them true.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import clickhouse_connect

Values = dict[str, Any]
ArrowTable: TypeAlias = Any  # a pyarrow.Table; pyarrow ships no types


class Answer(Protocol):
    """A read result."""

    def named_results(self) -> Iterator[dict[str, object]]:
        """One dictionary a row."""
        ...


class Driver(Protocol):
    """A client of the driver, embedded or HTTP."""

    def command(
        self, cmd: str, parameters: Values | None = None, *, settings: Values | None = None
    ) -> object:
        """Run a statement; a one-row answer is returned."""
        ...

    def query(
        self,
        query: str,
        parameters: Values | None = None,
        *,
        settings: Values | None = None,
        query_tz: str,
    ) -> Answer:
        """Run a SELECT."""
        ...

    def query_arrow(
        self,
        query: str,
        parameters: Values | None = None,
        *,
        settings: Values | None = None,
        use_strings: bool,
    ) -> ArrowTable:
        """Run a SELECT, answer in Arrow."""
        ...

    def raw_query(
        self,
        query: str,
        parameters: Values | None = None,
        *,
        settings: Values | None = None,
        fmt: str,
    ) -> bytes:
        """Run a SELECT, answer in any format."""
        ...

    def insert(
        self,
        table: str,
        data: Sequence[Sequence[object]],
        *,
        column_names: Sequence[str],
        settings: Values | None = None,
    ) -> object:
        """Insert Python values."""
        ...

    def raw_insert(
        self,
        table: str,
        column_names: Sequence[str] | None = None,
        *,
        insert_block: bytes,
        fmt: str,
        settings: Values | None = None,
    ) -> object:
        """Insert bytes in an input format."""
        ...

    def close(self) -> None:
        """Give the session back."""
        ...


def open_driver(**arguments: object) -> Driver:
    """A new client; the arguments are those of ``clickhouse_connect.get_client``.

    Raises:
        ClickHouseError: it cannot be opened.
    """
    untyped: Any = clickhouse_connect
    client: Driver = untyped.get_client(**arguments)
    return client
