"""Seconds to price ten million attempts again: as known now, and as if made otherwise.

The ledger is embedded and holds a year of attempts, no two alike (``history.py``). What is timed is
the query behind ``spanledger reprice``, under the memory limit that a collector sets. On a machine
that others use too, the seconds of processor time say more than those of the clock.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from benchmarks import history
from spanledger_collector.query import DirectReader, Ledger, Scenario
from spanledger_collector.store import Store

_MAX_SECONDS = 600
_MONTH = (history.SINCE + timedelta(days=300), history.SINCE + timedelta(days=330))
_YEAR = (None, None)
_ASKED: Mapping[str, tuple[tuple[datetime | None, datetime | None], str, Scenario]] = {
    "30 days, as known now": (_MONTH, "total", Scenario()),
    "30 days, as known now, by day": (_MONTH, "day", Scenario()),
    "the year, as known now": (_YEAR, "total", Scenario()),
    "the year, as known now, by month": (_YEAR, "month", Scenario()),
    "the year, as if another model in batch": (
        _YEAR,
        "agent",
        Scenario(provider="anthropic", model="claude-haiku-4-5", tier="batch"),
    ),
    "the year, as if 90 % of input was cached": (_YEAR, "model", Scenario(cache_read_share=0.9)),
}


def main(*, attempts: int = 10_000_000) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"chdb://{folder}/ledger")
        with store.connect() as connection:
            history.fill(store, connection, attempts)
        with Ledger(DirectReader(store, max_seconds=_MAX_SECONDS)) as ledger:
            print(f"{attempts:,} attempts of a year, no two alike, embedded ledger")
            for name, (period, by, scenario) in _ASKED.items():
                clock, processor = time.perf_counter(), time.process_time()
                rows = ledger.reprice(*period, by=by, scenario=scenario)  # type: ignore[arg-type] -- a table
                spent = time.perf_counter() - clock, time.process_time() - processor
                repriced = sum(row.attempts for row in rows)
                print(
                    f"  {name:42} {spent[0]:6.1f} s ({spent[1]:5.1f} s of processor time), "
                    f"{repriced:,} attempts"
                )
        store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=10_000_000)
    main(attempts=parser.parse_args().attempts)
