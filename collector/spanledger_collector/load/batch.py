"""A batch: the records of one INSERT, frozen, and the token that names its content.

The token is ``journal id : first sequence - last sequence : row format``. A batch that is sent
again, after an error or after a crash, carries the same token and the same rows, and the engine
drops it if it has it already, in ``spans`` and in ``arrivals`` alike. A token must never name other
rows: the engine would drop them silently; that is why a row format number is part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from spanledger_collector.load.frame import ROW_FORMAT, LoadRecord, framed

_MIB = 1024 * 1024
#: Payload bytes of one INSERT, unless a single record is larger.
MAX_BATCH_BYTES = 64 * _MIB


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of one journal, in order; never empty."""

    journal_id: str
    records: tuple[LoadRecord, ...]

    @property
    def token(self) -> str:
        """Names the content."""
        return f"{self.journal_id}:{self.first}-{self.last}:{ROW_FORMAT}"

    @property
    def first(self) -> int:
        """Sequence of the first record."""
        return self.records[0].sequence

    @property
    def last(self) -> int:
        """Sequence of the last record."""
        return self.records[-1].sequence

    @property
    def spans(self) -> int:
        """Spans in all records."""
        return sum(record.span_count for record in self.records)

    def rows(self) -> bytes:
        """What is sent to the engine."""
        return framed(self.records, self.journal_id)

    def halves(self) -> "tuple[Batch, Batch]":
        """The batch as two; it must hold at least two records."""
        middle = len(self.records) // 2
        return (
            Batch(self.journal_id, self.records[:middle]),
            Batch(self.journal_id, self.records[middle:]),
        )


def room_left(records: Sequence[LoadRecord], max_spans: int) -> int:
    """Spans that may still join these records; 0 = the batch is full, by spans or by bytes."""
    if sum(len(record.payload) for record in records) >= MAX_BATCH_BYTES:
        return 0
    return max(0, max_spans - sum(record.span_count for record in records))


def fitting(records: Sequence[LoadRecord]) -> int:
    """How many of these records fit one batch by bytes; at least one."""
    total = 0
    for count, record in enumerate(records):
        total += len(record.payload)
        if count and total > MAX_BATCH_BYTES:
            return count
    return len(records)
