"""``spanledger sql``: one ad-hoc SELECT over the ledger's tables and views."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer

from spanledger_collector.query import plain_rows
from spanledger_collector.serve.adhoc import AdHoc
from spanledger_collector.store import Store

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Url, connect
from .output import console, counted, plain_decimal, print_json, text

_MAX_SECONDS = 30
_MAX_MEMORY_BYTES = 1 << 30


def sql(
    statement: Annotated[
        str, typer.Argument(help="One SELECT over the ledger's tables and views.")
    ],
    url: Url = DEFAULT_ADDRESS,
    as_json: Json = False,
) -> None:
    """Ask the ledger in SQL: one SELECT over its own tables and views, all workspaces.

    A collector answers when it was started with --sql.

    Example: spanledger sql "SELECT agent_name, sum(cost_usd) FROM runs GROUP BY agent_name"
    """
    with connect(url, guard=_guarded) as ledger:
        answer = ledger.sql(statement)
    rows = plain_rows(answer)
    if as_json:
        print_json(rows)
        return
    console().print(_rows_table(answer.column_names, rows))


def _guarded(store: Store, statement: str) -> str:
    """The same guard as the collector's, when ClickHouse is read directly."""
    ad_hoc = AdHoc(store, max_seconds=_MAX_SECONDS, max_memory_bytes=_MAX_MEMORY_BYTES)
    try:
        return ad_hoc.guard(statement)
    finally:
        ad_hoc.close()


def _rows_table(names: list[str], rows: list[dict[str, Any]]) -> Grid:
    numbers = [_is_numeric(name, rows) for name in names]
    columns = [
        f"{'>' if numeric else ' '}{text(name)}"
        for name, numeric in zip(names, numbers, strict=True)
    ]
    cells = ([text(_shown(row[name])) for name in names] for row in rows)
    return Grid(counted(len(rows), "row"), columns, cells)


def _is_numeric(name: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    values = [row[name] for row in rows if row[name] is not None]
    return bool(values) and all(isinstance(value, (int, float, Decimal)) for value in values)


def _shown(value: object) -> str:
    if isinstance(value, Decimal):
        return plain_decimal(value)
    return "NULL" if value is None else str(value)
