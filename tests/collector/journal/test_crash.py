"""kill -9 while appending, rotating, releasing: what was acknowledged and not released is there."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.collector.journal.disk import everything, open_journal

_CHILD = Path(__file__).with_name("crash_child.py")
_LIVES = 12
_LINES_BEFORE_THE_KILL = 150


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    """Twelve lives of one journal, each ended by SIGKILL in the middle of its work."""
    acknowledged: dict[int, str] = {}
    total = released = 0
    for life in range(_LIVES):
        new, told = _live_and_die(tmp_path, f"life{life}", 37 * life)
        assert not new.keys() & acknowledged.keys(), "numbers are never used again"
        total += len(new)
        acknowledged.update(new)
        released = max(released, told)
        opened_at = time.monotonic()
        journal = open_journal(tmp_path)
        assert time.monotonic() - opened_at < 60, "accepts again before senders give up"
        found = everything(journal)
        journal.close()
        names = {r.sequence: r.payload.decode().rpartition(":")[0] for r in found}
        assert len(names) == len(found)
        needed = {s: name for s, name in acknowledged.items() if s >= released}
        assert needed.items() <= names.items()
        assert all(acknowledged.get(s, name) == name for s, name in names.items())
    assert total >= _LIVES * _LINES_BEFORE_THE_KILL * 0.9


def _live_and_die(directory: Path, label: str, extra: int) -> tuple[dict[int, str], int]:
    """Acknowledged records of one life, and up to where it may have released."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, str(_CHILD), str(directory), label],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(_LINES_BEFORE_THE_KILL + extra)]
        child.send_signal(signal.SIGKILL)
        # What was printed before the kill counts; a line cut by it does not.
        rest = child.stdout.read()
    lines += [line + "\n" for line in rest.split("\n")[:-1]]
    told = [line.split() for line in lines]
    acknowledged = {int(first): second for first, second in told if first != "release"}
    return acknowledged, max((int(s) for first, s in told if first == "release"), default=0)
