"""A batch: the records of one INSERT, frozen, and the token that names its content.

The token is ``journal id : first sequence - last sequence : row format``; that of metrics has an
``m`` before the format. A batch that is sent again, after an error or after a crash, carries the
same token and the same rows, and the engine drops it if it has it already, in ``spans`` and in
``arrivals`` alike. A token must never name other rows: the engine would drop them silently; that is
why a row format number is part of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spanledger_collector.load import frame, samples
from spanledger_collector.load.frame import LoadRecord
from spanledger_collector.signals import Signal

_MIB = 1024 * 1024
#: Payload bytes of one INSERT, unless a single record is larger.
MAX_BATCH_BYTES = 64 * _MIB


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one signal and one journal, in order, none between them left out; never empty."""

    journal_id: str
    records: tuple[LoadRecord, ...]

    @property
    def token(self) -> str:
        """Names the content."""
        metrics = self.signal == "metrics"
        row_format = f"m{samples.ROW_FORMAT}" if metrics else str(frame.ROW_FORMAT)
        return f"{self.journal_id}:{self.first}-{self.last}:{row_format}"

    @property
    def signal(self) -> Signal:
        """What its records hold."""
        return self.records[0].signal

    @property
    def table(self) -> str:
        """Where its rows go."""
        return samples.TABLE if self.signal == "metrics" else frame.TABLE

    @property
    def row_format(self) -> str:
        """The engine's name of the format of its rows."""
        return samples.FORMAT if self.signal == "metrics" else frame.FORMAT

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
        """Spans in all records; data points, of metrics."""
        return sum(record.span_count for record in self.records)

    def rows(self) -> bytes:
        """What is sent to the engine."""
        made = samples.sampled if self.signal == "metrics" else frame.framed
        return made(self.records, self.journal_id)

    def halves(self) -> "tuple[Batch, Batch]":
        """The batch as two; it must hold at least two records."""
        middle = len(self.records) // 2
        return (
            Batch(self.journal_id, self.records[:middle]),
            Batch(self.journal_id, self.records[middle:]),
        )


def by_signal(
    journal_id: str, records: Sequence[LoadRecord], arrived: Mapping[Signal, int]
) -> tuple[Batch, ...]:
    """A batch a signal; what may have arrived already stands apart from what has not.

    Args:
        journal_id: of the records.
        records: consecutive ones.
        arrived: signal -> the last record of it that is known to be in the ledger.
    """
    groups: dict[tuple[Signal, bool], list[LoadRecord]] = {}
    for record in records:
        known = record.sequence <= arrived.get(record.signal, 0)
        groups.setdefault((record.signal, known), []).append(record)
    return tuple(Batch(journal_id, tuple(held)) for held in groups.values())


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
