"""Opens what an earlier process left: which segments there are, and where the last one ends.

Only the last segment is read through, so that a restart takes the same short time whatever
waits in the journal; damage in the others is found when they are read.
"""

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from spanledger_collector.journal.durable import (
    make_directory,
    open_file,
    read_at,
    sync_directory,
)
from spanledger_collector.journal.identity import Identity
from spanledger_collector.journal.keepsakes import Quarantine
from spanledger_collector.journal.record import HEADER
from spanledger_collector.journal.scan import Found, scan
from spanledger_collector.journal.segments import (
    HEADER_SIZE,
    SUFFIX,
    Segment,
    SegmentList,
    belongs,
    file_name,
)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found.

    Attributes:
        segments: the list, all sealed.
        torn_bytes: bytes cut from the end of the last segment (kept in the quarantine).
        foreign_segments: segments of other journals, moved to the quarantine.
    """

    segments: SegmentList
    torn_bytes: int
    foreign_segments: int


def recover(
    directory: Path, identity: Identity, released: int, quarantine: Quarantine, aside: Path
) -> Recovered:
    """Take stock of the segment files.

    Args:
        directory: the segment files.
        identity: id and salt of this journal.
        released: the checkpoint; sequences go on above it even when no segment is left.
        quarantine: where a torn tail is kept.
        aside: directory for segments of other journals.

    Raises:
        ConfigurationError: a segment was written by a newer version.
    """
    paths, foreign = _own_segments(directory, identity, aside)
    segments = [Segment(p, int(p.stem), int(p.stem), p.stat().st_size, sealed=True) for p in paths]
    for segment, following in pairwise(segments):
        segment.next_sequence = following.first_sequence
    next_sequence, torn = max(1, released), 0
    if segments:
        last = segments[-1]
        torn = _recover_last(last, identity.salt, quarantine)
        next_sequence = max(next_sequence, last.next_sequence)
        if torn:
            # The torn bytes may be records that were loaded before they rotted: their numbers are
            # not used again, now or after the next restart.
            next_sequence += torn // HEADER.size + 1
            _reserve_name(directory, next_sequence)
        _cut(last)
        if last.next_sequence == last.first_sequence:
            # An empty segment only keeps its number.
            segments.pop()
    return Recovered(SegmentList(segments, next_sequence), torn, foreign)


def _reserve_name(directory: Path, sequence: int) -> None:
    os.close(open_file(directory / file_name(sequence), os.O_WRONLY | os.O_CREAT))
    sync_directory(directory)


def _own_segments(directory: Path, identity: Identity, aside: Path) -> tuple[list[Path], int]:
    own: list[Path] = []
    foreign = 0
    for path in sorted(directory.glob("*" + SUFFIX)):
        descriptor = open_file(path, os.O_RDONLY)
        try:
            header = read_at(descriptor, HEADER_SIZE, 0)
        finally:
            os.close(descriptor)
        if path.stem.isdecimal() and belongs(path, header, identity.journal_id):
            own.append(path)
        else:
            make_directory(aside)
            path.replace(aside / path.name)
            foreign += 1
    return own, foreign


def _recover_last(segment: Segment, salt: int, quarantine: Quarantine) -> int:
    """Find the end of the last segment; what follows is kept aside. Returns the torn bytes."""
    descriptor = open_file(segment.path, os.O_RDONLY)
    try:
        good_end, torn_end = HEADER_SIZE, HEADER_SIZE
        for item in scan(descriptor, HEADER_SIZE, segment.end, salt):
            torn_end = item.end
            if isinstance(item, Found):
                good_end = item.end
                segment.next_sequence = max(segment.next_sequence, item.record.sequence + 1)
        torn = 0
        if torn_end > good_end:
            torn = _keep_tail(descriptor, segment, good_end, quarantine)
        segment.end = good_end
    finally:
        os.close(descriptor)
    return torn


def _cut(segment: Segment) -> None:
    """End the file at its last record."""
    if segment.path.stat().st_size <= segment.end:
        return
    descriptor = open_file(segment.path, os.O_RDWR)
    try:
        os.ftruncate(descriptor, segment.end)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_tail(descriptor: int, segment: Segment, start: int, quarantine: Quarantine) -> int:
    tail = read_at(descriptor, segment.end - start, start).rstrip(b"\0")
    quarantine.keep(
        descriptor, segment.path, start, start + len(tail), "torn by a crash before it was synced"
    )
    return len(tail)
