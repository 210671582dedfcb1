"""Reads committed records in order, remembering where it stopped."""

import os
import threading
from collections.abc import Iterator

from spanledger_collector.journal.durable import open_file
from spanledger_collector.journal.keepsakes import Quarantine
from spanledger_collector.journal.record import Record
from spanledger_collector.journal.scan import Damage, scan
from spanledger_collector.journal.segments import HEADER_SIZE, Segment, SegmentList


class Reader:
    """Reads from any sequence; going on where the last read stopped costs no search.

    Args:
        segments: the list shared with the writer.
        salt: start value of the checksums.
        quarantine: where damaged bytes are kept.
    """

    def __init__(self, segments: SegmentList, salt: int, quarantine: Quarantine) -> None:
        self._segments = segments
        self._salt = salt
        self._quarantine = quarantine
        self._lock = threading.Lock()
        # Where the record with this sequence (or the next after a gap) starts.
        self._cursor = (-1, HEADER_SIZE)

    def read(self, from_sequence: int, *, max_records: int, max_spans: int) -> list[Record]:
        """Up to ``max_records`` records from a sequence on, with ``max_spans`` spans in all.

        At least one record is given when there is one, however many spans it has.
        """
        records: list[Record] = []
        spans = 0
        with self._lock:
            for record, end in self._records(from_sequence):
                spans += record.span_count
                if records and spans > max_spans:
                    break
                records.append(record)
                self._cursor = (record.sequence + 1, end)
                if len(records) >= max_records:
                    break
        return records

    def _records(self, sequence: int) -> Iterator[tuple[Record, int]]:
        wanted, found = sequence, False
        while (segment := self._segments.covering(sequence)) is not None:
            for record, end in self._in_segment(segment, sequence):
                # A lower number can only be a copy of what was already read.
                if record.sequence >= sequence:
                    sequence = record.sequence + 1
                    found = True
                    yield record, end
            sequence = max(sequence, segment.next_sequence)
        if sequence > wanted and not found:
            # Damaged, or numbers skipped after a crash.
            self._segments.nothing_from(wanted, sequence)

    def _in_segment(self, segment: Segment, sequence: int) -> Iterator[tuple[Record, int]]:
        known, position = self._cursor
        if known != sequence or sequence <= segment.first_sequence:
            position = HEADER_SIZE
        try:
            descriptor = open_file(segment.path, os.O_RDONLY)
        except FileNotFoundError:
            # Released and deleted meanwhile: its records are loaded.
            return
        try:
            for item in scan(descriptor, position, segment.end, self._salt, sequence):
                if isinstance(item, Damage):
                    self._quarantine.keep(
                        descriptor, segment.path, item.position, item.end, item.reason
                    )
                else:
                    yield item.record, item.end
        finally:
            os.close(descriptor)
