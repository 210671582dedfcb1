"""Programs that the kernel ends for the memory they take; needs root and control groups."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

WHY_NOT: Final = "needs root and control groups of memory that may be made"
_ROOT = Path("/sys/fs/cgroup")


class Limited(NamedTuple):
    """A group of processes with so much memory together.

    Attributes:
        within: what stands before a command that belongs to it.
        group: its folder.
    """

    within: Sequence[str]
    group: Path

    def kills(self) -> int:
        """How many processes the kernel ended for memory."""
        name = "memory.events" if (self.group / "memory.events").exists() else "memory.oom_control"
        lines = (self.group / name).read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def can_limit() -> bool:
    """Whether this machine can."""
    if os.geteuid():
        return False
    try:
        with limited(64) as group:
            command = [*group.within, "true"]
            return subprocess.run(command, check=False).returncode == 0 and group.kills() == 0
    except (OSError, StopIteration):
        return False


@contextmanager
def limited(mib: int) -> Generator[Limited]:
    """A group with so many MiB, of either version of control groups."""
    first = (_ROOT / "memory").is_dir()
    group = _ROOT / ("memory" if first else "") / f"spanledger-{os.getpid()}"
    group.mkdir()
    try:
        name = "memory.limit_in_bytes" if first else "memory.max"
        (group / name).write_text(str(mib << 20))
        join = f'echo $$ > "{group / "cgroup.procs"}" && exec "$@"'
        yield Limited(("sh", "-c", join, "sh"), group)
    finally:
        group.rmdir()
