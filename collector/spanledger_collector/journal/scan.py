"""Walk the records of one segment file, past damage.

Damage never hides what follows it: after a bad header the next header with a right checksum is
looked for; after a good header with a bad payload the record is stepped over.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from spanledger_collector.journal.durable import read_at
from spanledger_collector.journal.record import (
    HEADER,
    MAGIC,
    MAX_NAME_BYTES,
    Header,
    Record,
    decode_header,
)

_HEADER_WINDOW = HEADER.size + 2 * MAX_NAME_BYTES
_WINDOW = 1 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A good record and where it ends."""

    record: Record
    end: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes ``position..end`` that are no record, and why."""

    position: int
    end: int
    reason: str


def scan(
    descriptor: int, position: int, end: int, salt: int, from_sequence: int = 0
) -> Iterator[Found | Damage]:
    """Yield the records between two offsets whose sequence is not below ``from_sequence``.

    Bytes after the last record are silent when all are zero (reserved space), else damage.

    Args:
        descriptor: segment file open for reading.
        position: where a record should start.
        end: end of the committed bytes.
        salt: start value of the checksums.
        from_sequence: records below are stepped over without reading their payload.
    """
    while position < end:
        header = _header_at(descriptor, position, end, salt)
        if header is None:
            next_position = _next_header(descriptor, position + 1, end, salt)
            if next_position == end and _all_zero(descriptor, position, end):
                return
            yield Damage(position, next_position, "no record with a right checksum starts here")
            position = next_position
            continue
        next_position = position + header.total_bytes
        if header.sequence >= from_sequence:
            payload = read_at(descriptor, header.payload_bytes, position + header.header_bytes)
            if header.accepts(payload, salt):
                yield Found(header.with_payload(payload), next_position)
            else:
                yield Damage(
                    position,
                    next_position,
                    f"the payload checksum of record {header.sequence} is wrong",
                )
        position = next_position


def _header_at(descriptor: int, position: int, end: int, salt: int) -> Header | None:
    window = read_at(descriptor, min(_HEADER_WINDOW, end - position), position)
    header = decode_header(window, salt)
    return header if header is not None and position + header.total_bytes <= end else None


def _next_header(descriptor: int, position: int, end: int, salt: int) -> int:
    """Offset of the next good header, or ``end``."""
    while position < end:
        window = read_at(descriptor, min(_WINDOW, end - position), position)
        at = window.find(MAGIC)
        while at >= 0:
            if _header_at(descriptor, position + at, end, salt) is not None:
                return position + at
            at = window.find(MAGIC, at + 1)
        # A magic number can lie across two windows.
        position += max(1, len(window) - len(MAGIC) + 1)
    return end


def _all_zero(descriptor: int, position: int, end: int) -> bool:
    while position < end:
        window = read_at(descriptor, min(_WINDOW, end - position), position)
        if not window or window.count(0) != len(window):
            return not window
        position += len(window)
    return True
