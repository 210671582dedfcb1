"""Which columns each named query and view answers with, and of which types: as the engine says.

``columns.json`` holds it, so that nobody has to ask when the API is described; after a change of a
query ``python -m spanledger_collector.serve.columns`` writes it again, and a test fails until then.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from spanledger_collector.query import named
from spanledger_collector.query.named import DEFAULTS, read_names
from spanledger_collector.store import Connection, Store, migrate

FILE: Final = Path(__file__).with_name("columns.json")
#: Values for what has no default; which columns there are depends on none.
_GIVEN: Final[Mapping[str, str]] = {"DateTime64": "2026-01-01", "UInt": "60", "String": ""}

#: Query -> column -> ClickHouse type.
Columns = Mapping[str, Mapping[str, str]]


@cache
def columns() -> Columns:
    """Those of every query and view."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def described(connection: Connection) -> Columns:
    """The same as the engine says it.

    Args:
        connection: to a migrated database.
    """
    return {name: _columns(connection, name) for name in read_names()}


def _columns(connection: Connection, name: str) -> Mapping[str, str]:
    query = named(name)
    given = {
        parameter: next(value for word, value in _GIVEN.items() if kind.startswith(word))
        for parameter, kind in query.parameters.items()
        if parameter not in DEFAULTS
    }
    text = f"DESCRIBE TABLE ({query.text.strip().removesuffix(';')})"
    rows = connection.rows(text, query.bind(given))
    # The engine writes named tuples over several lines.
    return {str(row["name"]): " ".join(str(row["type"]).split()) for row in rows}


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"chdb://{folder}/ledger")
        with store.connect() as connection:
            migrate(connection)
            told = json.dumps(described(connection), indent=1)
            FILE.write_text(told + "\n", encoding="utf-8")
        store.close()


if __name__ == "__main__":
    main()
