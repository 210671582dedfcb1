"""Errors of our own: swallowed once, told once, counted, and the count told at the end."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import spanledger
from spanledger._guard import guarded

@guarded(None)
def ours():
    raise ValueError("a defect")

spanledger.init(exporter="none", instrument=False)
for _ in range({times}):
    ours()
spanledger.shutdown()
"""


def _told(times: int) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(times=times)],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    return [line for line in done.stderr.splitlines() if line.startswith("spanledger")]


def test_an_error_that_comes_again_is_told_with_its_count_at_the_end() -> None:
    """The first with its traceback, the rest in one line; shutdown and exit do not both tell."""
    first, rest = _told(7)
    assert "__main__.ours failed" in first
    assert "6 further errors in __main__.ours" in rest


def test_one_error_is_one_line() -> None:
    assert len(_told(1)) == 1
