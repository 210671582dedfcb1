"""Files and directories that survive a power cut: what to sync, and in which order."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
_OPEN_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW

# macOS has neither call: fsync is the stronger one, and ftruncate reserves no space.
sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


def open_file(path: Path, flags: int) -> int:
    """Open a file for its owner only, without following a link; returns the descriptor."""
    return os.open(path, flags | _OPEN_FLAGS, FILE_MODE)


def reserve(descriptor: int, size: int) -> None:
    """Reserve disk space, so that a full disk shows now and not in the middle of a record."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)


def sync_directory(path: Path) -> None:
    """Make the creation, renaming and deletion of files in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _OPEN_FLAGS)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Create a directory that only its owner can read, and its parents likewise if missing."""
    missing = [parent for parent in path.parents if not parent.exists()]
    for directory in [*reversed(missing), path]:
        directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    path.chmod(DIRECTORY_MODE)


def replace_file(path: Path, data: bytes) -> None:
    """Write a whole file so that after a crash it holds either the old or the new bytes.

    Raises:
        OSError: the file cannot be written; the old one is untouched.
    """
    scratch = path.with_name(path.name + ".tmp")
    try:
        descriptor = open_file(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            write_all(descriptor, [data], 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        scratch.replace(path)
    except OSError:
        with suppress(FileNotFoundError):
            scratch.unlink()
        raise
    sync_directory(path.parent)


def write_all(descriptor: int, buffers: list[bytes], offset: int) -> int:
    """Write all buffers one after the other from ``offset``; returns the offset after them.

    Raises:
        OSError: some of the bytes could not be written.
    """
    pending = [memoryview(buffer) for buffer in buffers if buffer]
    while pending:
        written = os.pwritev(descriptor, pending, offset)
        offset += written
        while pending and written >= len(pending[0]):
            written -= len(pending.pop(0))
        if pending:
            pending[0] = pending[0][written:]
    return offset


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """Up to ``size`` bytes from ``offset``; fewer only at the end of the file."""
    parts: list[bytes] = []
    while size > 0:
        part = os.pread(descriptor, size, offset)
        if not part:
            break
        parts.append(part)
        size -= len(part)
        offset += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
