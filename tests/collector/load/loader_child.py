"""A process that loads a journal and dies by SIGKILL between an INSERT and its release.

Arguments: data directory, number of the release to die before (0 = load everything and leave).
Prints, on leaving: rows of spans, rows of arrivals, spans read once, records left.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.support.loaded_rows import count
from tests.support.otlp_requests import PlainSpan, request

from spanledger_collector.journal import Journal
from spanledger_collector.load import Loader
from spanledger_collector.store import Store, migrate

RECORDS = 12
SPANS = 5


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
            received_at_ns=1_795_500_000_000_000_000,
        )


def main(directory: Path, deadly_release: int) -> None:
    """Loads in batches of three records."""
    fresh = not (directory / "journal").exists()
    journal = Journal.open(directory / "journal", max_bytes=1 << 30)
    if fresh:
        asyncio.run(fill(journal))
    store = Store.open(f"chdb://{directory / 'ledger'}")
    with store.connect() as connection:
        migrate(connection)
    loader = Loader(
        Deadly(journal, deadly_release),  # pyright: ignore[reportArgumentType] -- a Journal in all but one call
        store,
        lambda: None,
        linger_seconds=0,
        batch_spans=3 * SPANS,
    )
    loader.start()
    loader.stop(drain=True, timeout_seconds=60)
    left = journal.next_sequence - journal.first_unreleased
    counts = [count(store, table) for table in ("spans", "arrivals", "spans FINAL")]
    sys.stdout.write(" ".join(map(str, [*counts, left])))
    store.close()
    journal.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
