"""``spanledger schema``: the ledger's DDL."""

from typing import Annotated

import typer

from spanledger_collector.store import schema_ddl

from .options import Json
from .output import print_json


def schema(
    cluster: Annotated[
        str,
        typer.Option("--cluster", help="Name of a ClickHouse cluster: Replicated + Distributed."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Print the DDL of every table and view.

    With --json it is a list of statements.

    Example: spanledger schema --cluster production > schema.sql
    """
    ddl = schema_ddl(cluster or None)
    if as_json:
        print_json(statements(ddl))
        return
    typer.echo(ddl)


def statements(ddl: str) -> list[str]:
    """The statements of a script; each ends in a semicolon at the end of a line of SQL."""
    found: list[list[str]] = [[]]
    for line in ddl.splitlines():
        found[-1].append(line)
        if line.endswith(";") and not line.startswith("--"):
            found.append([])
    return [told for lines in found if (told := "\n".join(lines).strip())]
