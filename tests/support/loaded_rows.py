"""Puts journal records through the real transform and reads the rows back."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from spanledger_collector.load.batch import Batch
from spanledger_collector.load.frame import LoadRecord
from spanledger_collector.load.insert import StoreInserter
from spanledger_collector.store import Store

JOURNAL = "journal"
#: Columns that a golden case does not choose.
GIVEN: Final = frozenset(
    ("workspace", "received_at_ns", "journal_id", "sequence", "started_at_ns", "ended_at_ns")
)
_ROWS = """
SELECT
    * EXCEPT (started_at, ended_at, received_at),
    toUnixTimestamp64Nano(started_at) AS started_at_ns,
    toUnixTimestamp64Nano(ended_at) AS ended_at_ns,
    toUnixTimestamp64Nano(received_at) AS received_at_ns
FROM spans FINAL
WHERE workspace = {workspace:String}
ORDER BY sequence, started_at, span_id
"""


def load(store: Store, records: Sequence[LoadRecord], journal_id: str = JOURNAL) -> None:
    """One INSERT."""
    inserter = StoreInserter(store)
    inserter.insert(Batch(journal_id, tuple(records)))
    inserter.close()


def rows(store: Store, workspace: str = "default") -> list[dict[str, Any]]:
    """The spans of a workspace as they are read: one row a span."""
    with store.connect() as connection:
        return connection.rows(_ROWS, {"workspace": workspace})


def telling(row: Mapping[str, Any]) -> dict[str, Any]:
    """What an expectation spells out: all columns that are not empty, in plain JSON."""
    kept = {k: v for k, v in row.items() if k not in GIVEN and v not in ("", 0, None, [], {})}
    if "emitted_cost_usd" in kept:
        kept["emitted_cost_usd"] = format(kept["emitted_cost_usd"], "f")
    if "units" in kept:
        kept["units"] = {name: float(amount) for name, amount in kept["units"].items()}
    return kept


def count(store: Store, table: str) -> int:
    """Rows in a table as stored, duplicates included."""
    with store.connect() as connection:
        return int(str(connection.rows(f"SELECT count() AS n FROM {table}")[0]["n"]))
