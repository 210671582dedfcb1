"""A spool on disk for what may not be lost: records of money and runs, until they are delivered.

``Spool.keep`` returns when the record is on disk (``fdatasync``); it stays there until the
collector has taken it. What a process leaves behind, however it ended, the next one that uses the
folder sends again, with the same span ids, so the ledger counts it once.

A folder holds segments, ``<random>.spool``, each of one process, which holds its lock as long as it
lives: a segment without a lock is left behind. A segment begins with ``SLSPOOL1``; a record is::

    length of the data (u32, little endian) | crc32 of the data (u32) | data

Data is one OTLP ``ExportTraceServiceRequest``. A segment whose records are all dealt with is
removed, so a folder whose spans are delivered is small. Segments are made under another name and
renamed when they are locked: no other process can take one for left behind.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import secrets
import struct
import threading
import zlib
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Final

from spanledger.errors import ConfigurationError

_log = logging.getLogger("spanledger")

MAGIC: Final = b"SLSPOOL1"
SEGMENT_BYTES: Final = 256 * 1024
_HEAD: Final = struct.Struct("<II")
_FLAGS: Final = os.O_CLOEXEC | os.O_NOFOLLOW
# macOS has none.
_sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


class _Segment:
    """One file of ours, locked.

    Attributes:
        waiting: records whose spans are on their way.
        left: records whose spans were given up here.
    """

    __slots__ = ("descriptor", "left", "path", "size_bytes", "waiting")

    def __init__(self, path: Path, descriptor: int, size_bytes: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self.size_bytes = size_bytes
        self.waiting = 0
        self.left = 0


class Kept:
    """One record on disk; ended once, by one of its two methods."""

    __slots__ = ("_segment", "_spool")

    def __init__(self, spool: Spool, segment: _Segment) -> None:
        self._spool = spool
        self._segment = segment

    def settle(self) -> None:
        """It is delivered, or its own fault that it is not: it need not be sent again."""
        self._spool.ended(self._segment, left=False)

    def leave(self) -> None:
        """It was not delivered now: it stays."""
        self._spool.ended(self._segment, left=True)


class Spool:
    """The spool of one process.

    Args:
        folder: made if it is missing, readable by its owner only. Several processes may share it.
        capacity_bytes: What all segments in it may take.

    Raises:
        ConfigurationError: the folder cannot be used.
    """

    def __init__(self, folder: Path, capacity_bytes: int) -> None:
        self.folder = folder
        self._capacity_bytes = max(capacity_bytes, SEGMENT_BYTES)
        self._told: set[str] = set()
        self.refused = 0
        """Records that there was no room for; they are in memory only."""
        self._segments: list[_Segment] = []
        self.forget()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._release(self._begin())
        except OSError as error:
            raise ConfigurationError(f"spool {str(folder)!r} cannot be used: {error}") from error

    def forget(self) -> None:
        """Start without segments: in the child of a fork they are the parent's, locks included."""
        for segment in self._segments:
            with suppress(OSError):
                os.close(segment.descriptor)  # the parent's own descriptor holds the lock
        self._lock = threading.RLock()
        self._segments = []
        self._current: _Segment | None = None
        self._broken = False
        self._all_adopted = False

    def keep(self, data: bytes) -> Kept | None:
        """Put a record on disk; None when there is no room, or no disk (the log says so, once)."""
        record = _HEAD.pack(len(data), zlib.crc32(data)) + data
        try:
            with self._lock:
                segment = self._room_for(len(record))
                if segment is None:
                    self.refused += 1
                    return None
                self._append(segment, record)
                segment.waiting += 1
        except OSError as error:  # what was written of it is a damaged end, which readers pass
            self.refused += 1
            self._tell_once("cannot be written", error)
            return None
        try:
            _sync(segment.descriptor)
        except OSError as error:
            # What a disk failed to write may be gone without a second error: never trust it again.
            self._broken = True
            self._tell_once("cannot be written, and is not used any more", error)
        return Kept(self, segment)

    def adopt(self) -> list[tuple[bytes, Kept]]:
        """Records of a segment that was left behind, by this process or another one that ended."""
        with self._lock:
            segment = self._own_left_behind() or self._orphan()
            if segment is None:
                return []
            found = list(_records(self._read(segment), segment.path))
            segment.left, segment.waiting = 0, len(found)
            if not found:
                self._remove(segment)
            return [(data, Kept(self, segment)) for data in found]

    def left(self) -> int:
        """Records of this process that a later one sends again."""
        with self._lock:
            return sum(segment.waiting + segment.left for segment in self._segments)

    def has_orphans(self) -> bool:
        """Whether segments lie there that no process may have."""
        return any(self.folder.glob("*.spool"))

    def close(self) -> None:
        """Let go of all segments, so that another may take them; one without records goes."""
        with self._lock:
            for segment in self._segments[:]:
                self._release(segment)
            self._current = None

    def ended(self, segment: _Segment, *, left: bool) -> None:
        """One record of this segment is dealt with, or left behind."""
        with self._lock:
            if segment not in self._segments:
                return
            segment.waiting -= 1
            segment.left += left
            if segment.waiting or segment.left:
                return
            if segment is self._current:
                os.ftruncate(segment.descriptor, len(MAGIC))
                segment.size_bytes = len(MAGIC)
            else:
                self._remove(segment)

    # --- writing --------------------------------------------------------------------------------
    def _room_for(self, size_bytes: int) -> _Segment | None:
        if self._broken:
            return None
        current = self._current
        if current is not None and current.size_bytes + size_bytes <= SEGMENT_BYTES:
            return current
        held = sum(path.stat().st_size for path in self.folder.glob("*.spool"))
        if held + max(size_bytes, SEGMENT_BYTES) > self._capacity_bytes:
            self._tell_once("is full", OSError(errno.EDQUOT, f"{held:,} bytes wait in it"))
            return None
        self._current = self._begin()
        return self._current

    def _begin(self) -> _Segment:
        name = secrets.token_hex(8)
        scratch, path = self.folder / f"{name}.new", self.folder / f"{name}.spool"
        descriptor = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, MAGIC)
            _sync(descriptor)
            scratch.rename(path)
            _sync_folder(self.folder)
        except OSError:
            os.close(descriptor)
            scratch.unlink(missing_ok=True)
            raise
        segment = _Segment(path, descriptor, len(MAGIC))
        self._segments.append(segment)
        return segment

    def _append(self, segment: _Segment, record: bytes) -> None:
        # A signal handler may write a record of its own meanwhile: its place is behind this one's.
        offset = segment.size_bytes
        segment.size_bytes += len(record)
        written = os.pwrite(segment.descriptor, record, offset)
        if written < len(record):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _tell_once(self, what: str, error: OSError) -> None:
        if what not in self._told:
            self._told.add(what)
            _log.warning(
                "the spool %s %s (%s); records that are not in it are lost if this process ends "
                "before they are delivered",
                self.folder,
                what,
                error,
            )

    # --- what is left behind --------------------------------------------------------------------
    def _own_left_behind(self) -> _Segment | None:
        for segment in self._segments:
            if segment.left and not segment.waiting:
                if segment is self._current:
                    self._current = None
                return segment
        return None

    def _orphan(self) -> _Segment | None:
        if self._all_adopted:
            return None
        own = {segment.path for segment in self._segments}
        for path in sorted(self.folder.glob("*.spool")):
            if path not in own and (segment := _locked(path)) is not None:
                self._segments.append(segment)
                return segment
        self._all_adopted = True
        return None

    def _read(self, segment: _Segment) -> bytes:
        try:
            return segment.path.read_bytes()
        except OSError as error:
            self._tell_once("cannot be read", error)
            return b""

    def _remove(self, segment: _Segment) -> None:
        segment.path.unlink(missing_ok=True)
        self._release(segment)

    def _release(self, segment: _Segment) -> None:
        self._segments.remove(segment)
        if not (segment.waiting or segment.left):
            segment.path.unlink(missing_ok=True)
        os.close(segment.descriptor)


def _locked(path: Path) -> _Segment | None:
    """The segment, now ours; None where another process has it, or has just removed it."""
    try:
        descriptor = os.open(path, os.O_RDWR | _FLAGS)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held, there = os.fstat(descriptor), path.stat()
        if held.st_ino == there.st_ino:
            return _Segment(path, descriptor, held.st_size)
    except OSError:
        pass
    os.close(descriptor)
    return None


def _records(content: bytes, path: Path) -> Generator[bytes]:
    """The records of a segment; what is damaged is left out and told."""
    offset = len(MAGIC) if content.startswith(MAGIC) else 0
    damaged = 0
    while offset + _HEAD.size <= len(content):
        length, crc = _HEAD.unpack_from(content, offset)
        end = offset + _HEAD.size + length
        data = content[offset + _HEAD.size : end]
        if length and end <= len(content) and zlib.crc32(data) == crc:
            yield data
            offset = end
        else:
            damaged += 1
            offset += 1
    damaged += len(content) - offset
    if damaged:
        _log.warning(
            "%d bytes of the spool's %s are damaged, or were being written when a process was "
            "killed; the records before and after them are sent",
            damaged,
            path,
        )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _FLAGS)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
