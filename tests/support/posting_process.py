"""A process that charges runs to an asset, one a settlement, until somebody ends it.

For tests that kill it: ``python -m tests.support.posting_process FOLDER`` opens the ledger in the
folder, says in one line of JSON what is there and where charges are stored, and goes on when a line
comes in.
"""

from __future__ import annotations

import json
import sys
from itertools import count

from tests.collector.settle import scene
from tests.collector.settle.booked import entered, ran

from spanledger_collector.store import Connection, Store, migrate

_PLAN = {"method": "x", "unit": "execution", "expected_units": 1_000_000}
_STATE = """
SELECT
    (SELECT count() FROM amortization_charges FINAL) AS charges,
    (SELECT toString(sum(amount_usd)) FROM amortization_charges FINAL) AS charged_usd,
    (SELECT toString(sum(charged_usd)) FROM amortization) AS books_usd,
    (SELECT toString(sum(charged_units)) FROM amortization) AS books_units,
    (
        SELECT data_paths[1]
        FROM system.tables
        WHERE database = currentDatabase() AND name = 'amortization_charges'
    ) AS folder
"""


def _book(connection: Connection) -> None:
    if not connection.rows("SELECT 1 FROM asset_entries LIMIT 1"):
        entries = [
            entered(1, 0, "cost", amount="1000000", kind="training"),
            entered(2, 1, "plan", **_PLAN),
        ]
        scene.load(connection, entries)


def main() -> None:
    """Charge until the end."""
    store = Store.open(f"chdb://{sys.argv[1]}")
    with store.connect() as connection:
        migrate(connection)
        _book(connection)
        (state,) = connection.rows(_STATE)
        sys.stdout.write(json.dumps(state) + "\n")
        sys.stdout.flush()
        sys.stdin.readline()
        for trace in count(int(str(state["charges"])) + 1):
            scene.load(connection, ran(trace, 2))
            scene.settle(store, [trace])


if __name__ == "__main__":
    main()
