"""What must not be lost although it cannot be used: damaged bytes and records nobody can load.

::

    quarantine/<segment>-<offset>.bin    bytes of a segment that are no record
    dead_letters/<sequence>.pb           payload of a record that could not be loaded
    dead_letters/<sequence>.json         whose it is, when it came, and why it is here
"""

import logging
import threading
from pathlib import Path

import orjson

from spanledger_collector.journal.durable import make_directory, read_at, replace_file
from spanledger_collector.journal.record import Record

_log = logging.getLogger(__name__)


class Quarantine:
    """Keeps damaged bytes, once each.

    Attributes:
        ranges: damaged ranges met since the journal was opened.
        bytes: their length together.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self.ranges = 0
        self.bytes = 0

    def keep(self, descriptor: int, segment: Path, position: int, end: int, reason: str) -> None:
        """Copy bytes ``position..end`` of a segment here and report them; again is a no-op.

        Raises:
            OSError: they cannot be copied; the segment still holds them.
        """
        name = f"{segment.stem}-{position}.bin"
        with self._lock:
            if name in self._seen:
                return
            make_directory(self._directory)
            replace_file(self._directory / name, read_at(descriptor, end - position, position))
            self._seen.add(name)
            self.ranges += 1
            self.bytes += end - position
        _log.error(
            "%s is damaged at %d..%d (%s): kept as %s; every other record is still loaded",
            segment,
            position,
            end,
            reason,
            self._directory / name,
        )


def keep_dead_letter(directory: Path, record: Record, reason: str) -> None:
    """Keep a record that cannot be loaded; durable when this returns.

    Raises:
        OSError: it cannot be kept: do not release the record.
    """
    make_directory(directory)
    stem = f"{record.sequence:020d}"
    replace_file(directory / f"{stem}.pb", record.payload)
    about = {
        "sequence": record.sequence,
        "workspace": record.workspace,
        "tenant": record.tenant,
        "span_count": record.span_count,
        "received_at_ns": record.received_at_ns,
        "reason": reason,
        "signal": record.signal,
    }
    replace_file(directory / f"{stem}.json", orjson.dumps(about, option=orjson.OPT_INDENT_2))
    _log.error("record %d is set aside in %s: %s", record.sequence, directory, reason)
