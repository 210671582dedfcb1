"""Disks that are really full: that of the journal, that of the database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.collector.whole_collector import ask
from tests.support.posting import metrics, post
from tests.support.running import RunningCollector
from tests.support.small_disk import WHY_NOT, can_mount, fill, make_room, small_disk

_MIB = 1 << 20
_SPANS = 200
_STORED = "SELECT count() FROM spans FINAL"


def _small_journal(mib: int) -> tuple[str, ...]:
    return ("env", f"SPANLEDGER_MAX_JOURNAL_BYTES={mib * _MIB}")


def _asked(collector: RunningCollector, path: str) -> tuple[int, dict[str, Any]]:
    """What the collector says of itself."""
    status, body, _ = ask(collector.api_port, f"/{path}")
    return status, json.loads(body)


def _until_refused(port: int, first: int, status: int) -> list[int]:
    """Numbers of requests that were taken until one is refused so, which says when to come."""
    taken: list[int] = []
    for number in range(first, first + 10_000):
        told, wait = post(port, number, _SPANS)
        if told != 200:
            assert (told, wait) == (status, "1")
            return taken
        taken.append(number)
    raise AssertionError("it was never refused")


def _all_are_there_once(collector: RunningCollector, taken: list[int]) -> None:
    expected = len(taken) * _SPANS
    collector.wait_for(_STORED, expected)
    assert collector.count(_STORED) == expected
    (ends,) = collector.rows("SELECT min(trace_id) AS first, max(trace_id) AS last FROM spans")
    traces = _SPANS // 10
    assert ends["first"] == f"{taken[0] * traces + 1:032x}"
    assert ends["last"] == f"{(taken[-1] + 1) * traces:032x}"


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason=WHY_NOT)
def test_f12_a_full_disk_of_the_journal_refuses_until_there_is_room(tmp_path: Path) -> None:
    """503 before anything is acknowledged; it goes on by itself, and without a start."""
    with small_disk(tmp_path / "disk", mib=48) as disk:
        database = f"chdb://{tmp_path / 'ledger'}"
        collector = RunningCollector(
            disk / "data", "--database", database, within=_small_journal(16)
        )
        with collector:
            collector.wait_ready()
            taken = [0]
            assert post(collector.http_port, 0, _SPANS)[0] == 200
            fill(disk)
            taken += _until_refused(collector.http_port, 1, 503)
            assert post(collector.http_port, taken[-1] + 1, _SPANS) == (503, "1")
            for path in ("healthz", "readyz"):
                status, told = _asked(collector, path)
                assert (status, told["receiving"]) == (503, False)
                assert "the disk does not take" in told["reasons"][0]
            assert metrics(collector)["spanledger_journal_writable"] == 0
            make_room(disk)
            # Nobody sends to a collector that is not ready: it has to see it by itself.
            collector.wait_until(lambda: _asked(collector, "readyz")[0] == 200)
            for number in range(taken[-1] + 2, taken[-1] + 5):
                assert post(collector.http_port, number, _SPANS)[0] == 200
                taken.append(number)
            _all_are_there_once(collector, taken)
        with RunningCollector(disk / "data", "--database", database) as again:
            _all_are_there_once(again, taken)


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason=WHY_NOT)
def test_f13_a_full_disk_of_the_database_costs_nothing(tmp_path: Path) -> None:
    """The engine's own errors. The journal grows to its bound, then senders wait; later it drains.

    No request is blamed for the disk, and the oldest is never dropped for the newest (F17).
    """
    with small_disk(tmp_path / "disk", mib=256) as disk:
        collector = RunningCollector(
            tmp_path / "data", "--database", f"chdb://{disk / 'ledger'}", within=_small_journal(4)
        )
        with collector:
            collector.wait_ready()
            assert post(collector.http_port, 0, _SPANS)[0] == 200
            collector.wait_for("SELECT count() FROM runs FINAL", _SPANS // 10)
            fill(disk)
            taken = [0, *_until_refused(collector.http_port, 1, 429)]
            assert len(taken) > 10
            collector.wait_until(lambda: metrics(collector)["spanledger_load_retries_total"] >= 2)
            assert "free space" in collector.log.read_text()
            make_room(disk)
            _all_are_there_once(collector, taken)
            # What is loaded leaves the journal a moment later.
            further = taken[-1] + 1
            collector.wait_until(lambda: post(collector.http_port, further, _SPANS)[0] == 200)
            taken.append(further)
            _all_are_there_once(collector, taken)
            collector.wait_for("SELECT count() FROM runs FINAL", len(taken) * _SPANS // 10)
            told = metrics(collector)
            assert told["spanledger_load_set_aside_total"] == 0
            assert told['spanledger_settle_traces_total{outcome="failed"}'] == 0
