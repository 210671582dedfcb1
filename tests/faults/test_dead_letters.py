"""F20: one bad request among good ones stands alone, with its reason, and can be given back."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from benchmarks.spans import request_bytes
from tests.support.running import RunningCollector

from spanledger_collector.errors import NotFoundError
from spanledger_collector.journal import Journal
from spanledger_collector.journal.dead_letters import DeadLetters
from spanledger_collector.signals import SIGNALS, Signal

_BAD = b"\x0a\xff\xff"


def _told(folder: Path, *line: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "spanledger_collector.cli", "deadletters", *line]
    environment = {**os.environ, "SPANLEDGER_DATA_DIR": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return done.returncode, done.stdout + done.stderr


def _journaled(folder: Path, payloads: list[bytes]) -> None:
    async def append() -> None:
        journal = Journal.open(folder / "journal", max_bytes=1 << 24)
        for payload in payloads:
            await journal.append(
                payload,
                workspace="default", tenant="t", span_count=10, received_at_ns=time.time_ns(),
            )  # fmt: skip
        journal.close()

    asyncio.run(append())


@pytest.mark.slow
def test_f20_a_bad_request_stands_alone_and_is_given_back(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    _journaled(folder, [request_bytes(0, 10), _BAD, *(request_bytes(n, 10) for n in range(1, 6))])
    with RunningCollector(folder) as collector:
        collector.wait_for("SELECT count() FROM spans FINAL", 60)
        collector.wait_until(lambda: collector.reader.health()["journal"]["records"] == 0)
        code, told = _told(folder, "retry")
        assert (code, "another collector" in told) == (2, True), told
    code, told = _told(folder, "list", "--json")
    (letter,) = json.loads(told)
    assert (letter["sequence"], letter["span_count"], letter["tenant"]) == (2, 10, "t")
    assert letter["reason"]
    assert "no OTLP request" in _told(folder, "show", "2")[1]
    assert _told(folder, "show", "3")[0] == 1
    # Whatever was wrong is repaired: here, the payload.
    stem = folder / "journal" / "dead_letters" / f"{2:020d}"
    stem.with_suffix(".pb").write_bytes(request_bytes(7, 10))
    assert "invoke_agent" in _told(folder, "show", "2")[1]
    assert _told(folder, "retry", "2", "--json")[0] == 0
    assert "No dead letters" in _told(folder, "list")[1]
    with RunningCollector(folder) as collector:
        collector.wait_for("SELECT count() FROM spans FINAL", 70)
        assert collector.count("SELECT uniqExact(trace_id, span_id) FROM spans FINAL") == 70
        tenants = collector.count("SELECT count() FROM spans FINAL WHERE tenant = 't'")
        assert tenants == 70


@pytest.mark.parametrize("signal", SIGNALS)
def test_f20_a_letter_given_back_keeps_whose_it_is(tmp_path: Path, signal: Signal) -> None:
    """And what it is: spans are not read as metrics."""
    journal = Journal.open(tmp_path, max_bytes=1 << 24)
    asyncio.run(
        journal.append(
            b"x", workspace="acme", tenant="t", span_count=3, received_at_ns=12345, signal=signal
        )
    )
    journal.set_aside(journal.read(1, max_records=1, max_spans=9)[0], "refused")
    journal.release(2)
    journal.close()
    letters = DeadLetters(tmp_path)
    assert letters.give_back(letters.all(), max_bytes=1 << 24) == 1
    assert letters.give_back(letters.all(), max_bytes=1 << 24) == 0
    with pytest.raises(NotFoundError):
        letters.one(1)
    journal = Journal.open(tmp_path, max_bytes=1 << 24)
    (record,) = journal.read(journal.first_unreleased, max_records=9, max_spans=9)
    journal.close()
    assert (record.workspace, record.tenant, record.received_at_ns) == ("acme", "t", 12345)
    assert (record.payload, record.span_count, record.signal) == (b"x", 3, signal)
