"""Which loaded segments may go: the checkpoint first, the files after.

The order matters: were a file deleted before its checkpoint is durable, a crash between the two
would leave a checkpoint that points at nothing.
"""

import threading
import time
from pathlib import Path

from spanledger_collector.journal import checkpoint
from spanledger_collector.journal.identity import Identity
from spanledger_collector.journal.segments import Segment, SegmentList


class Retention:
    """Moves the checkpoint and deletes segments.

    Args:
        directory: the journal's directory.
        identity: whose checkpoint it is.
        segments: the list of segments.
        released: checkpoint found at the start.
        keep_seconds: how long a loaded segment is kept after its last write.
    """

    def __init__(
        self,
        directory: Path,
        identity: Identity,
        segments: SegmentList,
        released: int,
        keep_seconds: float,
    ) -> None:
        self._path = directory / "checkpoint"
        self._identity = identity
        self._segments = segments
        self._keep_seconds = keep_seconds
        self._lock = threading.Lock()
        self._released = released

    @property
    def released(self) -> int:
        """Everything below this sequence is loaded."""
        return self._released

    @property
    def everything_released(self) -> bool:
        """Whether no committed record waits to be loaded."""
        return self._released >= self._segments.records_end

    def release(self, before_sequence: int) -> None:
        """Move the checkpoint forward (never back) and delete segments that are old enough.

        Raises:
            OSError: the checkpoint cannot be written.
        """
        with self._lock:
            if before_sequence > self._released:
                checkpoint.store(self._path, self._identity.journal_id, before_sequence)
                self._released = before_sequence
            self._delete(older_than=time.time() - self._keep_seconds)

    def make_room(self) -> None:
        """Delete every loaded segment, however young."""
        with self._lock:
            self._delete(older_than=float("inf"))

    def _delete(self, *, older_than: float) -> None:
        for segment in self._segments.released(self._released):
            if _last_write(segment) > older_than:
                return
            self._segments.remove(segment)
            segment.path.unlink(missing_ok=True)


def _last_write(segment: Segment) -> float:
    try:
        return segment.path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
