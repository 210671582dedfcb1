"""A process that loads a journal and dies by SIGKILL between an INSERT and its release.

Arguments: data directory, and when to die: ``release:N`` before the Nth release, ``insert:N`` after
the Nth INSERT; 0 = never: load everything and leave.
Prints, on leaving: rows of spans, rows of arrivals, spans read once, samples of GPUs, records left.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.support.loaded_rows import count
from tests.support.otlp_requests import PlainSpan, engine_sampled, request, sampled

from spanledger_collector.journal import Journal
from spanledger_collector.load import Loader
from spanledger_collector.load import loader as loading
from spanledger_collector.load.batch import Batch
from spanledger_collector.load.insert import StoreInserter
from spanledger_collector.store import Store, migrate

RECORDS = 12
SPANS = 5
AT_NS = 1_795_500_000_000_000_000


class Deadly:
    """The journal, except that one of its releases never happens."""

    def __init__(self, journal: Journal, deadly_release: int) -> None:
        self._journal = journal
        self._left = deadly_release

    def __getattr__(self, name: str) -> object:
        return getattr(self._journal, name)

    def release(self, before_sequence: int) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._journal.release(before_sequence)


async def fill(journal: Journal) -> None:
    """Acknowledges the records of the test."""
    for number in range(RECORDS):
        spans = [PlainSpan(span_id=f"{number * SPANS + at + 1:016x}") for at in range(SPANS)]
        await journal.append(
            request(spans),
            workspace="default",
            tenant="",
            span_count=SPANS,
            received_at_ns=AT_NS,
        )
        if number % 2:
            await journal.append(
                _metrics(number),
                workspace="default",
                tenant="",
                span_count=2,
                received_at_ns=AT_NS,
                signal="metrics",
            )


def _metrics(number: int) -> bytes:
    """Of a GPU and of an engine, in turn."""
    at_ns = AT_NS + number * 10**10
    if number % 4 == 1:
        return sampled([1.0, 2.0], at_ns)
    names = ("vllm:num_requests_running", "vllm:prompt_tokens_total")
    return engine_sampled({at_ns: dict.fromkeys(names, 1.0)})


class DeadlyInserter(StoreInserter):
    """An inserter after one of whose INSERTs nothing happens any more."""

    left = 0

    def insert(self, batch: Batch) -> None:
        super().insert(batch)
        DeadlyInserter.left -= 1
        if DeadlyInserter.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main(directory: Path, kind: str, deadly: int) -> None:
    """Loads in batches of three records, more with metrics."""
    DeadlyInserter.left = deadly if kind == "insert" else 0
    loading.StoreInserter = DeadlyInserter
    fresh = not (directory / "journal").exists()
    journal = Journal.open(directory / "journal", max_bytes=1 << 30)
    if fresh:
        asyncio.run(fill(journal))
    store = Store.open(f"chdb://{directory / 'ledger'}")
    with store.connect() as connection:
        migrate(connection)
    loader = Loader(
        Deadly(journal, deadly if kind == "release" else 0),  # pyright: ignore[reportArgumentType] -- a Journal in all but one call
        store,
        lambda: None,
        linger_seconds=0,
        batch_spans=3 * SPANS,
    )
    loader.start()
    loader.stop(drain=True, timeout_seconds=60)
    left = journal.next_sequence - journal.first_unreleased
    tables = ("spans", "arrivals", "spans FINAL", "gpu_samples", "engine_samples")
    counts = [count(store, table) for table in tables]
    sys.stdout.write(" ".join(map(str, [*counts, left])))
    store.close()
    journal.close()


if __name__ == "__main__":
    when = sys.argv[2].partition(":")
    main(Path(sys.argv[1]), when[0], int(when[2] or 0))
