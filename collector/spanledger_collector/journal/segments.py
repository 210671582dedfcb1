"""The segment files: their names, their headers and the list of those that exist.

::

    segments/00000000000000000001.seg    named by the first sequence it may hold
    segments/00000000000000004711.seg    the last one is written to ("active") or about to be

    segment header, 40 bytes: "SLJSEG" | version u16 | journal id 16 bytes | first sequence u64
                              | reserved u32 | CRC-32 of the 36 bytes before

A sealed segment ends with its last record; the active one is filled up with reserved zeros.
"""

import struct
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path

from spanledger_collector.errors import ConfigurationError

_HEADER = struct.Struct("<6sH16sQII")
_MAGIC = b"SLJSEG"
_VERSION = 1
HEADER_SIZE = _HEADER.size
SUFFIX = ".seg"
_CHECKED = HEADER_SIZE - 4


@dataclass(slots=True)
class Segment:
    """One segment file.

    Attributes:
        path: the file.
        first_sequence: no record in it has a lower sequence.
        next_sequence: all its records have lower sequences.
        end: offset after the last committed record.
        sealed: nothing will be appended any more.
    """

    path: Path
    first_sequence: int
    next_sequence: int
    end: int = HEADER_SIZE
    sealed: bool = False


class SegmentList:
    """The segments from oldest to newest; shared by the writer, the readers and release.

    All methods are safe to call from any thread; the segments handed out are snapshots.
    """

    def __init__(self, segments: list[Segment], next_sequence: int) -> None:
        self._segments = segments
        self._next_sequence = next_sequence
        # Below next_sequence: after a torn tail numbers are skipped, and damaged records are none.
        self._records_end = segments[-1].next_sequence if segments else 0
        self._changed = threading.Condition()

    @property
    def next_sequence(self) -> int:
        """No record has this sequence or a higher one yet."""
        with self._changed:
            return self._next_sequence

    @property
    def records_end(self) -> int:
        """One above the highest sequence that a record has; 0 when there is none."""
        with self._changed:
            return self._records_end

    @property
    def first_sequence(self) -> int:
        """The lowest sequence that may still be read."""
        with self._changed:
            return self._segments[0].first_sequence if self._segments else self._next_sequence

    def nothing_from(self, sequence: int, end: int) -> None:
        """A reader found no record from ``sequence`` to ``end``: nobody shall wait for one."""
        with self._changed:
            if self._records_end <= end:
                self._records_end = min(self._records_end, sequence)

    def add(self, segment: Segment) -> None:
        """Append a new, empty segment."""
        with self._changed:
            self._segments.append(segment)

    def committed(self, segment: Segment, end: int, next_sequence: int) -> None:
        """Records up to ``end`` are durable: show them to readers and wake the waiting ones."""
        with self._changed:
            segment.end = end
            segment.next_sequence = next_sequence
            self._next_sequence = self._records_end = next_sequence
            self._changed.notify_all()

    def seal(self, segment: Segment) -> None:
        """Mark a segment as complete."""
        with self._changed:
            segment.sealed = True

    def covering(self, sequence: int) -> Segment | None:
        """The first segment that may hold this sequence or a later one."""
        with self._changed:
            for segment in self._segments:
                if segment.next_sequence > sequence:
                    return Segment(
                        segment.path,
                        segment.first_sequence,
                        segment.next_sequence,
                        segment.end,
                        segment.sealed,
                    )
        return None

    def wait(self, sequence: int, timeout_seconds: float) -> bool:
        """Block until a record with this sequence or a later one is committed."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._records_end > sequence, timeout=timeout_seconds
            )

    def records_from(self, sequence: int) -> int:
        """How many sequences at or above ``sequence`` the segments hold."""
        with self._changed:
            return sum(
                max(0, min(s.next_sequence, self._records_end) - max(sequence, s.first_sequence))
                for s in self._segments
            )

    def bytes_from(self, sequence: int) -> int:
        """Bytes of the segments that hold records at or above ``sequence``."""
        with self._changed:
            return sum(s.end for s in self._segments if s.next_sequence > sequence)

    def total_bytes(self) -> int:
        """Bytes of all segments, released ones included."""
        with self._changed:
            return sum(s.end for s in self._segments)

    def released(self, sequence: int) -> list[Segment]:
        """Sealed segments wholly below ``sequence``, oldest first."""
        with self._changed:
            return [s for s in self._segments if s.sealed and s.next_sequence <= sequence]

    def remove(self, segment: Segment) -> None:
        """Forget a segment that is about to be deleted."""
        with self._changed:
            self._segments.remove(segment)


def file_name(first_sequence: int) -> str:
    """Name of the segment that starts at a sequence."""
    return f"{first_sequence:020d}{SUFFIX}"


def encode_header(journal_id: str, first_sequence: int) -> bytes:
    """The first bytes of a segment file."""
    checked = _HEADER.pack(_MAGIC, _VERSION, bytes.fromhex(journal_id), first_sequence, 0, 0)[
        :_CHECKED
    ]
    return checked + zlib.crc32(checked).to_bytes(4, "little")


def belongs(path: Path, data: bytes, journal_id: str) -> bool:
    """Whether a segment file is this journal's; a damaged header is given the benefit of doubt.

    Raises:
        ConfigurationError: the segment was written by a newer version.
    """
    if len(data) < HEADER_SIZE or zlib.crc32(data[:_CHECKED]) != _HEADER.unpack_from(data)[5]:
        return True
    magic, version, owner, first_sequence, *_ = _HEADER.unpack_from(data)
    if magic == _MAGIC and version > _VERSION:
        raise ConfigurationError(
            f"{path} has format version {version}, this program reads up to {_VERSION}: "
            "start the newer version of spanledger again; nothing was changed."
        )
    return owner.hex() == journal_id and file_name(first_sequence) == path.name
