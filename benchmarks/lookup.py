"""Milliseconds for the cost of one trace by its id, at a million spans; and what settling costs.

The ledger is embedded, filled by SQL with traces of 20 spans (one agent, ten model calls, tools)
that are settled by the real settler; then random traces are asked for, each id once (the engine
caches what it has seen), through the same named queries as ``spanledger trace``.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

from spanledger_collector.price import PriceBook, publish
from spanledger_collector.query import DirectReader
from spanledger_collector.settle import Settler
from spanledger_collector.store import Store, migrate

SPANS_PER_TRACE = 20
_LOOKUPS = 100
_FILL = Path(__file__).with_name("fill.sql")


def _trace_id(number: int) -> str:
    return f"{number + 1:032x}"


def main(*, spans: int = 1_000_000) -> None:
    """Print the figures."""
    traces = spans // SPANS_PER_TRACE
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"chdb://{folder}/ledger")
        connection = store.connect()
        migrate(connection)
        book = PriceBook.shipped()
        publish(connection, book)
        connection.execute(_FILL.read_text(encoding="utf-8"), {"traces": traces})
        settler = Settler(store, journal_id="benchmark", resolve=book.resolve, book_id=book.book_id)
        start, processor = time.perf_counter(), time.process_time()
        settler.settle_traces([("default", _trace_id(number)) for number in range(traces)])
        settled, used = time.perf_counter() - start, time.process_time() - processor
        reader = DirectReader(store)
        figures = {
            name: _times(reader, name, traces) for name in ("trace_summary", "trace_attempts")
        }
        reader.close()
        connection.close()
        store.close()
    print(f"{spans:,} spans in {traces:,} traces, embedded ledger")
    print(
        f"  settled in {settled:.1f} s ({settled / spans * 1e6:.1f} us a span), "
        f"{used:.1f} s of processor time ({used / spans * 1e6:.1f} us a span)"
    )
    for name, times in figures.items():
        worst = sorted(times)[int(len(times) * 0.95)]
        print(f"  {name:16} median {statistics.median(times):6.1f} ms, p95 {worst:6.1f} ms")


def _times(reader: DirectReader, name: str, traces: int) -> list[float]:
    """Milliseconds of each of some look-ups."""
    times: list[float] = []
    for number in random.sample(range(traces), _LOOKUPS):
        start = time.perf_counter()
        rows = reader.rows(name, {"trace_id": _trace_id(number)})
        times.append((time.perf_counter() - start) * 1e3)
        assert rows
    return times


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=1_000_000)
    main(spans=parser.parse_args().spans)
