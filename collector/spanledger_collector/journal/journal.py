"""The journal: what is acknowledged is here, until the ledger has it.

::

    <directory>/
        lock                 flocked by the one process that uses the journal
        journal_id           id and checksum salt (identity.py)
        checkpoint           everything below this sequence is loaded (checkpoint.py)
        segments/<n>.seg     the records (segments.py, record.py)
        quarantine/          damaged bytes            } keepsakes.py
        dead_letters/        records nobody can load  }

Promises: an appended record is on disk before ``append`` returns; it is read back unharmed or
its damage is reported and kept, and damage costs no other record; sequences grow for ever; the
oldest record is never dropped to make room: a full journal refuses.
"""

import fcntl
import os
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from spanledger_collector.errors import (
    ConfigurationError,
    JournalUnavailableError,
    OverloadedError,
)
from spanledger_collector.journal import checkpoint, durable
from spanledger_collector.journal.commit import LINGER_SECONDS, Committer
from spanledger_collector.journal.identity import Identity, load_or_create
from spanledger_collector.journal.keepsakes import Quarantine, keep_dead_letter
from spanledger_collector.journal.reader import Reader
from spanledger_collector.journal.record import HEADER, MAX_NAME_BYTES, Record
from spanledger_collector.journal.recovery import Recovered, recover
from spanledger_collector.journal.retention import Retention
from spanledger_collector.journal.segments import SUFFIX
from spanledger_collector.journal.writer import Writer
from spanledger_collector.signals import Signal

SEGMENT_BYTES = 64 * 1024 * 1024
# The segment being written cannot be deleted, so a small journal needs small segments.
_SEGMENTS_AT_LEAST = 4


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is acknowledged and not yet loaded.

    Attributes:
        records: how many; numbers lost to a crash before this start may be counted too.
        bytes: size of the segments that hold them.
        oldest_age_seconds: how long ago the oldest was received; 0 when there is none.
    """

    records: int
    bytes: int
    oldest_age_seconds: float


@dataclass(frozen=True, slots=True)
class Damages:
    """Damage met since the journal was opened.

    Attributes:
        ranges: damaged byte ranges, the torn tail included.
        bytes: their length; copies are in ``quarantine/``.
        torn_bytes: of these, cut from the end after a crash: never acknowledged.
        foreign_segments: segments of other journals that were put aside.
    """

    ranges: int
    bytes: int
    torn_bytes: int
    foreign_segments: int


class Journal:
    """An open journal. ``append`` belongs to event loops, the rest to any thread."""

    def __init__(
        self,
        directory: Path,
        lock: int,
        identity: Identity,
        *,
        max_bytes: int,
        segment_bytes: int,
        retention_seconds: float,
        linger_seconds: float,
    ) -> None:
        """Use :meth:`open`."""
        self._directory = directory
        self._lock = lock
        self._identity = identity
        self._max_bytes = max_bytes
        released = checkpoint.load(directory / "checkpoint", identity.journal_id) or 0
        aside = directory / "quarantine"
        self._quarantine = Quarantine(aside)
        self._recovered: Recovered = recover(
            directory / "segments", identity, released, self._quarantine, aside
        )
        segments = self._segments = self._recovered.segments
        self._retention = Retention(directory, identity, segments, released, retention_seconds)
        self._reader = Reader(segments, identity.salt, self._quarantine)
        self._peeker = Reader(segments, identity.salt, self._quarantine)
        self._oldest: tuple[int, int] = (-1, 0)
        self._refused_at_bytes: int | None = None
        segment_bytes = min(segment_bytes, max(max_bytes // _SEGMENTS_AT_LEAST, 1))
        self._writer = Writer(directory / "segments", segments, identity, segment_bytes)
        self._committer = Committer(self._write, linger_seconds)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        max_bytes: int,
        segment_bytes: int = SEGMENT_BYTES,
        retention_seconds: float = 0.0,
        linger_seconds: float = LINGER_SECONDS,
    ) -> "Journal":
        """Open a journal for this process alone, after whatever end the last one had.

        Args:
            directory: where the journal is or will be.
            max_bytes: size at which appends are refused.
            segment_bytes: size of a segment file.
            retention_seconds: how long loaded segments are kept, unless room is needed.
            linger_seconds: longest a record waits for others to share a sync with.

        Raises:
            ConfigurationError: another process has it open, or it cannot be used as it is.
        """
        with _usable(directory), ExitStack() as on_failure:
            durable.make_directory(directory)
            durable.make_directory(directory / "segments")
            lock = _lock(directory / "lock")
            on_failure.callback(os.close, lock)
            has_segments = any((directory / "segments").glob("*" + SUFFIX))
            identity = load_or_create(directory / "journal_id", has_segments=has_segments)
            journal = cls(
                directory,
                lock,
                identity,
                max_bytes=max_bytes,
                segment_bytes=segment_bytes,
                retention_seconds=retention_seconds,
                linger_seconds=linger_seconds,
            )
            on_failure.pop_all()
        return journal

    @property
    def journal_id(self) -> str:
        """32 hexadecimal digits; with a sequence they name a record for ever."""
        return self._identity.journal_id

    @property
    def first_unreleased(self) -> int:
        """Where loading has to go on: the lowest sequence that is not released."""
        return max(self._retention.released, self._segments.first_sequence)

    @property
    def next_sequence(self) -> int:
        """Above every acknowledged sequence; the next one is not lower."""
        return self._segments.next_sequence

    @property
    def is_writable(self) -> bool:
        """Whether the disk took what was to be written last."""
        return not self._writer.failed

    @property
    def is_full(self) -> bool:
        """Whether a request was refused for want of room, and as much waits as then."""
        refused_at = self._refused_at_bytes
        return refused_at is not None and self._unreleased_bytes() >= refused_at

    def _unreleased_bytes(self) -> int:
        return self._segments.bytes_from(self.first_unreleased)

    def try_again(self) -> None:
        """See whether the disk takes anything again; :attr:`is_writable` tells it afterwards.

        Raises:
            JournalUnavailableError: it does not.
        """
        with _disk_errors(f"write the journal in {self._directory}"):
            self._writer.try_again()

    @property
    def damages(self) -> Damages:
        """Damage met so far."""
        return Damages(
            self._quarantine.ranges,
            self._quarantine.bytes,
            self._recovered.torn_bytes,
            self._recovered.foreign_segments,
        )

    async def append(
        self,
        payload: bytes,
        *,
        workspace: str,
        tenant: str,
        span_count: int,
        received_at_ns: int,
        signal: Signal = "traces",
    ) -> int:
        """Store a request; it is on disk when this returns.

        Returns:
            Its sequence.

        Raises:
            OverloadedError: the journal is at its size limit.
            JournalUnavailableError: it cannot be written; nothing was stored.
            ConfigurationError: a name is too long to be stored.
        """
        if max(len(workspace.encode()), len(tenant.encode())) > MAX_NAME_BYTES:
            raise ConfigurationError(
                f"A workspace or tenant name is over {MAX_NAME_BYTES} bytes: shorten it."
            )
        needed = len(payload) + HEADER.size + self._committer.queued_bytes
        if self._segments.total_bytes() + needed > self._max_bytes:
            self._retention.make_room()
            if (unreleased := self._unreleased_bytes()) + needed > self._max_bytes:
                self._refused_at_bytes = unreleased
                raise OverloadedError(
                    f"The journal holds {self._max_bytes} bytes that are not loaded yet: "
                    "the database is down or too slow; send again later."
                )
        self._refused_at_bytes = None
        record = Record(0, workspace, tenant, span_count, received_at_ns, payload, signal)
        return await self._committer.submit(record)

    def read(self, from_sequence: int, *, max_records: int, max_spans: int) -> list[Record]:
        """Committed records from a sequence on, in order.

        Args:
            from_sequence: first sequence wanted; released records may be gone.
            max_records: records at most.
            max_spans: spans at most in all of them; one record is given whatever it holds.

        Raises:
            JournalUnavailableError: a segment cannot be read.
        """
        with _disk_errors(f"read the journal in {self._directory}"):
            return self._reader.read(from_sequence, max_records=max_records, max_spans=max_spans)

    def wait(self, sequence: int, timeout_seconds: float) -> bool:
        """Block until a record with this sequence or a later one exists; False on timeout."""
        return self._segments.wait(sequence, timeout_seconds)

    def release(self, before_sequence: int) -> None:
        """Everything below is loaded: remember it, then delete segments no longer needed.

        Raises:
            JournalUnavailableError: the checkpoint cannot be written; nothing was released.
        """
        with _disk_errors(f"write the checkpoint in {self._directory}"):
            self._retention.release(min(before_sequence, self.next_sequence))

    def set_aside(self, record: Record, reason: str) -> None:
        """Keep a record that cannot be loaded among the dead letters, with the reason.

        Raises:
            JournalUnavailableError: it cannot be kept: do not release it.
        """
        with _disk_errors(f"keep a dead letter in {self._directory}"):
            keep_dead_letter(self._directory / "dead_letters", record, reason)

    def backlog(self) -> Backlog:
        """How much is acknowledged and not yet loaded; may read from the disk.

        Raises:
            JournalUnavailableError: the oldest record cannot be read.
        """
        first = self.first_unreleased
        records = self._segments.records_from(first)
        if records == 0:
            return Backlog(0, 0, 0.0)
        if self._oldest[0] != first:
            with _disk_errors(f"read the journal in {self._directory}"):
                found = self._peeker.read(first, max_records=1, max_spans=0)
            self._oldest = (first, found[0].received_at_ns if found else time.time_ns())
        age = max(0.0, (time.time_ns() - self._oldest[1]) / 1e9)
        return Backlog(records, self._segments.bytes_from(first), age)

    def close(self) -> None:
        """Write what is queued, end the active segment and let other processes in."""
        self._committer.close()
        self._writer.seal()
        os.close(self._lock)

    def _write(self, records: Sequence[Record]) -> list[int]:
        if (
            self._retention.everything_released
            and self._segments.total_bytes() > self._max_bytes // 2
        ):
            # Nothing in the active segment is needed any more: give its room back.
            self._writer.seal()
            self._retention.make_room()
        return self._writer.write(records)


@contextmanager
def _usable(directory: Path) -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"The journal directory {directory} cannot be used ({error.strerror}): "
            "give a directory that this user can write to, on a disk that is not full."
        ) from error


@contextmanager
def _disk_errors(task: str) -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        raise JournalUnavailableError(
            f"Cannot {task} ({error.strerror}): free disk space or repair the disk."
        ) from error


def _lock(path: Path) -> int:
    descriptor = durable.open_file(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise ConfigurationError(
            f"The journal in {path.parent} is in use by another collector: stop it, "
            "or give this one another data directory."
        ) from error
    return descriptor
