"""Makes a ledger as an older or a newer version left it: ``python -m tests.support.old_ledger``.

Arguments: folder of the embedded ledger, and ``older:N`` (the schema up to its Nth file), ``newer``
(a file that nobody knows yet is recorded) or ``back`` (it is not any more). In a process of its
own, because there is one engine in a process.
"""

from __future__ import annotations

import sys

from spanledger_collector.store import Store
from spanledger_collector.store.migrations import schema_files

_COLUMNS = ("number", "name", "sha256")
_NEWER = (9999, "9999_later", "0" * 64)


def main() -> None:
    """Make it."""
    folder, (what, _, last) = sys.argv[1], sys.argv[2].partition(":")
    store = Store.open(f"chdb://{folder}")
    with store.connect() as connection:
        if what == "older":
            for file in schema_files():
                if file.number <= int(last):
                    connection.execute(file.text)
                    row = (file.number, file.name, file.sha256)
                    connection.insert_rows("schema_migrations", _COLUMNS, [row])
        elif what == "newer":
            connection.insert_rows("schema_migrations", _COLUMNS, [_NEWER])
        else:
            connection.execute(
                "ALTER TABLE schema_migrations DELETE WHERE number = 9999 "
                "SETTINGS mutations_sync = 2"
            )
    store.close()


if __name__ == "__main__":
    main()
