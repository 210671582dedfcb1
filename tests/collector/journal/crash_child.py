"""Appends and releases without end and tells each of both; test_crash.py kills it.

Lines: ``<sequence> <payload's name>`` after an append, ``release <sequence>`` before a release.

Arguments: journal directory, label of this life.
"""

import asyncio
import sys
from pathlib import Path

from spanledger_collector.journal import Journal

_RELEASE_EVERY = 40


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _append_for_ever(journal: Journal, label: str) -> None:
    async def writer(number: int) -> None:
        count = 0
        while True:
            payload = f"{label}:{number}:{count}:".encode() + b"x" * (97 * (count % 31))
            sequence = await journal.append(
                payload, workspace="w", tenant="t", span_count=1, received_at_ns=1
            )
            _tell(f"{sequence} {label}:{number}:{count}")
            count += 1
            if sequence % _RELEASE_EVERY == 0:
                _tell(f"release {sequence - _RELEASE_EVERY}")
                journal.release(sequence - _RELEASE_EVERY)

    await asyncio.gather(*(writer(number) for number in range(8)))


if __name__ == "__main__":
    opened = Journal.open(Path(sys.argv[1]), max_bytes=1 << 30, segment_bytes=16 * 1024)
    asyncio.run(_append_for_ever(opened, sys.argv[2]))
