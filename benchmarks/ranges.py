"""What a question about thirty days reads of a year of ten million attempts, and how long it takes.

The ledger is that of ``history.py``. Rows are what the engine expects to read of ``attempts`` and
``runs`` after it has left out what indexes and partitions let it.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta

from benchmarks import history
from spanledger_collector.query import named
from spanledger_collector.store import Connection, Store

_PERIOD = {
    "since": history.SINCE + timedelta(days=300),
    "until": history.SINCE + timedelta(days=330),
}
_ASKED = ("models", "coverage", "charges_by_day", "reprice", "agents", "runs")
_VIEWS = (
    "agent_unit_economics",
    "model_cost",
    "coverage",
    "rework",
    "cost_as_billed",
    "cost_as_known_now",
)
_VIEW = """
SELECT sum(cost_usd) FROM {view:Identifier}
WHERE workspace = 'default'
    AND day >= toDate({since:DateTime64(9)}) AND day < toDate({until:DateTime64(9)})
"""
_LIMITS = {"max_memory_usage": 1 << 30}


def main(*, attempts: int = 10_000_000) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"chdb://{folder}/ledger")
        with store.connect() as connection:
            history.fill(store, connection, attempts)
            print(f"30 days of a year of {attempts:,} attempts, embedded ledger")
            for name in _ASKED:
                query = named(name)
                _measure(connection, name, query.text, query.bind(_PERIOD))
            for view in _VIEWS:
                _measure(connection, f"view {view}", _VIEW, {"view": view, **_PERIOD})
        store.close()


def _measure(connection: Connection, name: str, text: str, given: Mapping[str, object]) -> None:
    bare = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
    expected = connection.rows(f"EXPLAIN ESTIMATE {bare}", given)
    rows = sum(int(str(row["rows"])) for row in expected if row["table"] in ("attempts", "runs"))
    clock, processor = time.perf_counter(), time.process_time()
    connection.rows(text, given, _LIMITS)
    spent = time.perf_counter() - clock, time.process_time() - processor
    print(f"  {name:26} {rows:12,} rows  {spent[0]:6.2f} s ({spent[1]:5.2f} s of processor time)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=10_000_000)
    main(attempts=parser.parse_args().attempts)
