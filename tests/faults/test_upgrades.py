"""F39: a version of the program takes over what another one left, or leaves it alone."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from tests.support.posting import post
from tests.support.running import RunningCollector

from spanledger_collector.store.migrations import schema_files

_SPANS = 200
_NOBODY = ("--database", "http://127.0.0.1:9/ledger")
_BOUND = ("env", f"SPANLEDGER_MAX_JOURNAL_BYTES={2 << 20}")
_STORED = "SELECT count() FROM spans FINAL"


def _made(data: Path, what: str) -> None:
    command = [sys.executable, "-m", "tests.support.old_ledger", str(data / "ledger"), what]
    subprocess.run(command, check=True, timeout=300)


def _full_journal(data: Path) -> list[int]:
    """Requests that were taken while the database was away, until the journal was full."""
    collector = RunningCollector(data, *_NOBODY, within=_BOUND)
    taken: list[int] = []
    while (told := post(collector.http_port, len(taken), _SPANS)) == (200, ""):
        taken.append(len(taken))
    assert told == (429, "1")
    collector.kill()
    return taken


def _segments(data: Path) -> dict[str, bytes]:
    """By name; without the zeros that are reserved at the end, for a start gives these back."""
    folder = data / "journal" / "segments"
    return {path.name: path.read_bytes().rstrip(b"\0") for path in folder.iterdir()}


def _refused(data: Path, why: str) -> None:
    """It ends by itself, says why, and has changed nothing of what waits."""
    before = _segments(data)
    command = [
        sys.executable, "-m", "spanledger_collector.cli", "up", "--data-dir", str(data),
        "--grpc-port", "0", "--http-port", "0", "--api-port", "0", "--sql-port", "-1",
    ]  # fmt: skip
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert ended.returncode not in (0, -6, -11)
    assert why in " ".join(ended.stderr.split())
    assert before.items() <= _segments(data).items()


@pytest.mark.slow
def test_f39_an_older_ledger_and_a_full_journal_are_taken_over_and_not_given_back(
    tmp_path: Path,
) -> None:
    """The ledger is of the schema before the last ten files; what waited is loaded, once.

    Then the other way round: to this version both a newer ledger and a newer journal are foreign.
    """
    data = tmp_path / "data"
    taken = _full_journal(data)
    assert len(taken) > 5
    _made(data, f"older:{schema_files()[-10].number}")
    expected = len(taken) * _SPANS
    with RunningCollector(data) as collector:
        collector.wait_for(_STORED, expected)
        collector.wait_for("SELECT count() FROM runs FINAL", expected // 10)
        assert collector.count(_STORED) == expected
        applied = collector.count("SELECT count() FROM schema_migrations FINAL")
        assert applied == len(schema_files())
    waiting = RunningCollector(data, *_NOBODY)
    assert post(waiting.http_port, len(taken), _SPANS)[0] == 200
    waiting.kill()
    _made(data, "newer")
    _refused(data, "newer one. Install that version again")
    _made(data, "back")
    (segment, *_) = sorted((data / "journal" / "segments").iterdir())
    now = segment.read_bytes()
    later = now[:6] + (int.from_bytes(now[6:8], "little") + 1).to_bytes(2, "little") + now[8:36]
    segment.write_bytes(later + zlib.crc32(later).to_bytes(4, "little") + now[40:])
    _refused(data, "newer version")
    segment.write_bytes(now)
    with RunningCollector(data) as collector:
        collector.wait_for(_STORED, expected + _SPANS)
        assert collector.count(_STORED) == expected + _SPANS
