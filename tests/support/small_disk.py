"""A file system of a few MiB, to be filled up; needs root, and the right to mount."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

WHY_NOT: Final = "needs root and the right to mount a file system"
_FILLER = "filler"


def can_mount() -> bool:
    """Whether this machine can."""
    if os.geteuid():
        return False
    with tempfile.TemporaryDirectory() as folder:
        try:
            with small_disk(Path(folder), mib=1):
                return True
        except (subprocess.CalledProcessError, FileNotFoundError):
            return False


@contextmanager
def small_disk(folder: Path, *, mib: int) -> Generator[Path]:
    """The folder with a file system of its own, of so many MiB."""
    folder.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "spanledger-tests", str(folder))
    try:
        yield folder
    finally:
        _run("umount", "--lazy", str(folder))


def fill(folder: Path) -> None:
    """Leave no byte of it free."""
    descriptor = os.open(folder / _FILLER, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for size in (1 << 20, 1 << 12, 1):
            with suppress(_FullError):
                while True:
                    _append(descriptor, size)
    finally:
        os.close(descriptor)


def make_room(folder: Path) -> None:
    """Take back what :func:`fill` wrote."""
    (folder / _FILLER).unlink()


class _FullError(Exception):
    pass


def _append(descriptor: int, size: int) -> None:
    try:
        os.write(descriptor, bytes(size))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise _FullError from None


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
