"""F3: kill -9 while charges are posted: what an asset's books say is what its runs carry."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

_ROUNDS = int(os.environ.get("SPANLEDGER_TESTS_KILLS", "3"))
_PART = re.compile(r"all_\d+_\d+_\d+")
_PATIENCE_SECONDS = 120.0


def _parts(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if _PART.fullmatch(path.name)}


def _posting(ledger: Path, log: Path, *, kill: bool) -> dict[str, Any]:
    """What a new process finds; killed when a charge of its own is on the disk."""
    command = [sys.executable, "-m", "tests.support.posting_process", str(ledger)]
    with (
        log.open("ab") as said,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, log.read_text()[-2000:]
            found: dict[str, Any] = json.loads(line)
            if kill:
                folder = Path(found["folder"])
                before = _parts(folder)
                process.stdin.write("\n")
                process.stdin.flush()
                deadline = time.monotonic() + _PATIENCE_SECONDS
                while _parts(folder) <= before:
                    assert process.poll() is None, log.read_text()[-2000:]
                    assert time.monotonic() < deadline
        finally:
            process.kill()
    return found


@pytest.mark.slow
@pytest.mark.timeout(120 + 60 * _ROUNDS)
def test_f3_a_kill_while_charges_are_posted_leaves_books_that_agree(tmp_path: Path) -> None:
    """The moment between the row of a charge and whatever else is written for it."""
    ledger, log = tmp_path / "ledger", tmp_path / "log"
    for _ in range(_ROUNDS):
        _posting(ledger, log, kill=True)
    found = _posting(ledger, log, kill=False)
    assert found["charges"] >= _ROUNDS
    assert found["charged_usd"] == str(found["charges"])
    assert (found["books_usd"], found["books_units"]) == (found["charged_usd"],) * 2
