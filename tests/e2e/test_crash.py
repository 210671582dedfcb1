"""F1: kill -9 of the collector under load: every acknowledged span is in the ledger, once.

``SPANLEDGER_TESTS_KILLS=50`` kills so often; by default 4.
"""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from pathlib import Path

import pytest
from benchmarks.spans import request_bytes
from tests.support.running import RunningCollector

_SPANS_PER_REQUEST = 50
_ROUNDS = int(os.environ.get("SPANLEDGER_TESTS_KILLS", "4"))


class _Sender(threading.Thread):
    """Posts numbered requests until the collector goes away; remembers those acknowledged."""

    def __init__(self, port: int, first: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._next = first
        self.acknowledged: list[int] = []
        self.unknown: list[int] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=300)
        while True:
            number, self._next = self._next, self._next + 1
            try:
                connection.request(
                    "POST",
                    "/v1/traces",
                    request_bytes(number, _SPANS_PER_REQUEST),
                    {"Content-Type": "application/x-protobuf"},
                )
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                self.unknown.append(number)
                return
            assert answer.status == 200
            self.acknowledged.append(number)


@pytest.mark.slow
@pytest.mark.timeout(600 + 60 * _ROUNDS)
def test_every_acknowledged_span_is_stored_once(tmp_path: Path) -> None:
    chance = random.Random(20261124)  # noqa: S311 - a moment to kill at, not a secret
    acknowledged: set[int] = set()
    unknown: set[int] = set()
    for round_number in range(_ROUNDS):
        collector = RunningCollector(tmp_path / "data")
        senders = [
            _Sender(collector.http_port, (round_number * 2 + n) * 1_000_000) for n in range(2)
        ]
        for sender in senders:
            sender.start()
        # Every other time while it loads; else it may be killed before the ledger is open.
        if round_number % 2:
            collector.wait_ready()
        time.sleep(chance.uniform(0.2, 3.0))
        collector.kill()
        for sender in senders:
            sender.join()
            acknowledged.update(sender.acknowledged)
            unknown.update(sender.unknown)
    assert acknowledged
    with RunningCollector(tmp_path / "data") as collector:
        expected = len(acknowledged) * _SPANS_PER_REQUEST
        collector.wait_for("SELECT count() FROM spans FINAL", expected)
        most = expected + len(unknown) * _SPANS_PER_REQUEST
        stored = collector.count("SELECT count() FROM spans FINAL")
        identities = collector.count("SELECT uniqExact(trace_id, span_id) FROM spans FINAL")
        assert expected <= stored <= most
        assert identities == stored
        present = collector.rows("SELECT trace_id, count() AS n FROM spans FINAL GROUP BY trace_id")
        spans_of = {row["trace_id"]: row["n"] for row in present}
        traces = _SPANS_PER_REQUEST // 10
        for number in acknowledged:
            for trace in range(number * traces, (number + 1) * traces):
                assert spans_of[f"{trace + 1:032x}"] == 10
