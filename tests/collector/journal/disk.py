"""Ways to fill, reopen and harm a journal; used by the tests beside this file."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from spanledger_collector.journal import Journal, Record
from spanledger_collector.journal.record import decode_header
from spanledger_collector.journal.segments import HEADER_SIZE

PLENTY = 1 << 30
RECEIVED_AT_NS = 1_700_000_000_000_000_000


def open_journal(
    directory: Path,
    *,
    max_bytes: int = PLENTY,
    segment_bytes: int = 64 * 1024,
    retention_seconds: float = 0.0,
) -> Journal:
    """A journal with small segments that does not linger."""
    return Journal.open(
        directory,
        max_bytes=max_bytes,
        segment_bytes=segment_bytes,
        retention_seconds=retention_seconds,
        linger_seconds=0.0,
    )


async def put(journal: Journal, payload: bytes, *, spans: int = 1) -> int:
    """Append one record."""
    return await journal.append(
        payload,
        workspace="default",
        tenant="acme",
        span_count=spans,
        received_at_ns=RECEIVED_AT_NS,
    )


def fill(journal: Journal, payloads: list[bytes]) -> list[int]:
    """Append records one after the other; returns their sequences."""

    async def run() -> list[int]:
        return [await put(journal, payload) for payload in payloads]

    return asyncio.run(run())


def everything(journal: Journal) -> list[Record]:
    """All records that can be read, in small reads."""
    records: list[Record] = []
    position = 0
    while found := journal.read(position, max_records=7, max_spans=1_000_000):
        records += found
        position = found[-1].sequence + 1
    return records


def segment_paths(directory: Path) -> list[Path]:
    """The segment files from oldest to newest."""
    return sorted((directory / "segments").glob("*.seg"))


def positions(directory: Path, path: Path) -> Iterator[tuple[int, int, int]]:
    """Start, start of the payload and end of each record of an unharmed segment."""
    salt = int((directory / "journal_id").read_text().split()[1], 16)
    data = path.read_bytes()
    at = HEADER_SIZE
    while (header := decode_header(data[at:], salt)) is not None:
        yield at, at + header.header_bytes, at + header.total_bytes
        at += header.total_bytes


def overwrite(path: Path, offset: int, data: bytes) -> None:
    """Replace bytes of a file."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def flip(path: Path, offset: int, bit: int = 0) -> None:
    """Flip one bit of a file."""
    overwrite(path, offset, bytes([path.read_bytes()[offset] ^ (1 << bit)]))
