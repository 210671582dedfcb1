"""Puts groups of records on disk: one ``pwritev`` and one ``fdatasync`` a group.

After an error nothing is ever synced again through the same descriptor (the kernel may have
dropped the dirty pages and report success the next time): the segment is cut at its last good
byte and the next group gets a new one.
"""

import logging
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from spanledger_collector.errors import JournalUnavailableError
from spanledger_collector.journal import durable
from spanledger_collector.journal.identity import Identity
from spanledger_collector.journal.record import Record
from spanledger_collector.journal.record import encode_header as encode_record_header
from spanledger_collector.journal.segments import (
    HEADER_SIZE,
    Segment,
    SegmentList,
    encode_header,
    file_name,
)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Active:
    """The segment being written, its descriptor and its reserved size."""

    segment: Segment
    descriptor: int
    size: int


class Writer:
    """Appends groups of records; used by one thread at a time.

    Args:
        directory: where the segment files are.
        segments: list to keep up to date.
        identity: journal id and checksum salt.
        segment_bytes: size at which a new segment is begun.

    Attributes:
        failed: whether the disk refused the last group.
    """

    def __init__(
        self, directory: Path, segments: SegmentList, identity: Identity, segment_bytes: int
    ) -> None:
        self._directory = directory
        self._segments = segments
        self._identity = identity
        self._segment_bytes = segment_bytes
        self._next_sequence = segments.next_sequence
        self._active: _Active | None = None
        self.failed = False

    def write(self, records: Sequence[Record]) -> list[int]:
        """Make a group durable and return its sequences (those in ``records`` are ignored).

        Raises:
            JournalUnavailableError: none of the group is acknowledged; a later group may succeed.
        """
        numbered = [
            replace(record, sequence=self._next_sequence + index)
            for index, record in enumerate(records)
        ]
        self._next_sequence += len(numbered)
        buffers = self._encode(numbered)
        size = sum(map(len, buffers))
        try:
            active = self._room_for(size, numbered[0].sequence)
            end = durable.write_all(active.descriptor, buffers, active.segment.end)
            durable.sync_data(active.descriptor)
        except OSError as error:
            self.failed = True
            self._abandon()
            raise JournalUnavailableError(
                f"The journal in {self._directory} cannot be written ({error.strerror}): "
                "nothing of this request was stored; free disk space or repair the disk. "
                "The collector tries again with the next request."
            ) from error
        self.failed = False
        self._segments.committed(active.segment, end, self._next_sequence)
        return [record.sequence for record in numbered]

    def try_again(self) -> None:
        """After a group that failed: whether the disk would take a new segment now.

        Raises:
            OSError: it would not.
        """
        with tempfile.TemporaryFile(dir=self._directory) as file:
            durable.reserve(file.fileno(), self._segment_bytes)
            os.fsync(file.fileno())
        self.failed = False

    def seal(self) -> None:
        """End the active segment at its last record; the next group begins a new one."""
        active, self._active = self._active, None
        if active is None:
            return
        try:
            os.ftruncate(active.descriptor, active.segment.end)
            os.fsync(active.descriptor)
        except OSError as error:
            # Harmless: what follows the committed end is zeros or records nobody was promised.
            _log.warning("%s was not cut at its end: %s", active.segment.path, error)
        finally:
            os.close(active.descriptor)
            self._segments.seal(active.segment)

    def _encode(self, records: Sequence[Record]) -> list[bytes]:
        buffers: list[bytes] = []
        for record in records:
            buffers += (encode_record_header(record, self._identity.salt), record.payload)
        return buffers

    def _room_for(self, size: int, sequence: int) -> _Active:
        active = self._active
        if active is not None and active.segment.end + size <= active.size:
            return active
        self.seal()
        self._active = self._create(max(self._segment_bytes, HEADER_SIZE + size), sequence)
        self._segments.add(self._active.segment)
        return self._active

    def _create(self, size: int, sequence: int) -> _Active:
        path = self._directory / file_name(sequence)
        # An empty file of this name may be left from a crash; no record has this number.
        descriptor = durable.open_file(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        try:
            durable.reserve(descriptor, size)
            header = encode_header(self._identity.journal_id, sequence)
            durable.write_all(descriptor, [header], 0)
            os.fsync(descriptor)
            durable.sync_directory(self._directory)
        except OSError:
            os.close(descriptor)
            with suppress(FileNotFoundError):
                path.unlink()
            raise
        return _Active(Segment(path, sequence, sequence), descriptor, size)

    def _abandon(self) -> None:
        _log.error("writing the journal in %s failed; a new segment will be begun", self._directory)
        self.seal()
