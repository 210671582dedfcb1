"""Seconds to price ten million attempts again: as known now, and as if made otherwise.

The ledger is embedded. Some ten thousand attempts are settled by the real settler from made-up
spans; copies of them, spread over the same thirty days, make up the number. What is timed is the
query behind ``spanledger reprice``, under the memory limit that a collector sets. On a machine
that others use too, the seconds of processor time say more than those of the clock.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from spanledger_collector.price import PriceBook, publish
from spanledger_collector.query import DirectReader, Ledger, Scenario
from spanledger_collector.settle import Settler
from spanledger_collector.store import Connection, Store, migrate

_HERE = Path(__file__)
_FILL = _HERE.with_name("fill.sql")
_MULTIPLY = _HERE.with_name("multiply.sql")
_TRACES = 1_000
_SETTLED = 10 * _TRACES
_COPIES_AT_ONCE = 50
_MAX_SECONDS = 600
_ASKED: Mapping[str, tuple[str, Scenario]] = {
    "as known now": ("total", Scenario()),
    "as known now, by day": ("day", Scenario()),
    "as if another model in batch": (
        "agent",
        Scenario(provider="anthropic", model="claude-haiku-4-5", tier="batch"),
    ),
    "as if 90 % of input was cached": ("model", Scenario(cache_read_share=0.9)),
}


def main(*, attempts: int = 10_000_000) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"chdb://{folder}/ledger")
        with store.connect() as connection:
            _fill(store, connection, attempts)
        with Ledger(DirectReader(store, max_seconds=_MAX_SECONDS)) as ledger:
            print(f"{attempts:,} attempts, embedded ledger")
            for name, (by, scenario) in _ASKED.items():
                clock, processor = time.perf_counter(), time.process_time()
                rows = ledger.reprice(by=by, scenario=scenario)  # type: ignore[arg-type] -- a table
                spent = time.perf_counter() - clock, time.process_time() - processor
                assert sum(row.attempts for row in rows) == attempts
                print(f"  {name:32} {spent[0]:6.1f} s ({spent[1]:.1f} s of processor time)")
        store.close()


def _fill(store: Store, connection: Connection, attempts: int) -> None:
    migrate(connection)
    book = PriceBook.shipped()
    publish(connection, book)
    connection.execute(_FILL.read_text(encoding="utf-8"), {"traces": _TRACES})
    settler = Settler(store, journal_id="benchmark", resolve=book.resolve, book_id=book.book_id)
    settler.settle_traces([("default", f"{number + 1:032x}") for number in range(_TRACES)])
    copies = attempts // _SETTLED
    for first in range(1, copies, _COPIES_AT_ONCE):
        connection.execute(
            _MULTIPLY.read_text(encoding="utf-8"),
            {"first": first, "copies": min(_COPIES_AT_ONCE, copies - first)},
            {"max_execution_time": 0, "max_memory_usage": 0},
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=10_000_000)
    main(attempts=parser.parse_args().attempts)
