"""A collector in a control group, which the kernel kills when the group takes too much memory."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from benchmarks.spans import request_bytes
from tests.support.memory_limit import WHY_NOT, can_limit, limited
from tests.support.posting import PROTOBUF
from tests.support.running import RunningCollector

_MIB = 1 << 20
_SENDERS = 16
_SPANS = 2_000
_STORED = "SELECT count() FROM spans FINAL"
#: Takes all the memory that it can get.
_EATER = """
eaten = []
while True:
    eaten.append(b"x" * (1 << 20))
"""


class _Sender(threading.Thread):
    """Sends one request again and again until nobody is there."""

    def __init__(self, port: int, number: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._body = request_bytes(number, _SPANS)
        self.taken = 0
        self.refused = 0

    def run(self) -> None:
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=300)
                connection.request("POST", "/v1/traces", self._body, PROTOBUF)
                status = connection.getresponse().status
                connection.close()
            except (OSError, http.client.HTTPException):
                return
            assert status in (200, 429)
            self.taken += status == 200
            self.refused += status == 429


@pytest.mark.slow
@pytest.mark.skipif(not can_limit(), reason=WHY_NOT)
def test_f36_too_much_is_refused_first_and_a_kill_for_memory_costs_nothing(tmp_path: Path) -> None:
    """Many senders at once are told to wait and it lives; then something beside it eats it all."""
    within = ("env", f"SPANLEDGER_MAX_BYTES_IN_FLIGHT={4 * _MIB}")
    with limited(1500) as group:
        collector = RunningCollector(tmp_path / "data", within=(*within, *group.within))
        collector.wait_ready()
        senders = [_Sender(collector.http_port, number) for number in range(_SENDERS)]
        for sender in senders:
            sender.start()
        collector.wait_until(
            lambda: all(sender.taken for sender in senders) and any(s.refused for s in senders)
        )
        assert group.kills() == 0
        # Of the two the kernel is to choose the collector.
        Path(f"/proc/{collector.process.pid}/oom_score_adj").write_text("1000")
        with subprocess.Popen([*group.within, sys.executable, "-c", _EATER]) as eater:
            assert collector.process.wait(300) == -signal.SIGKILL
            eater.kill()
        assert group.kills() >= 1
        for sender in senders:
            sender.join(300)
        collector.kill()
    with RunningCollector(tmp_path / "data") as again:
        again.wait_for(_STORED, _SENDERS * _SPANS)
        assert again.count(_STORED) == _SENDERS * _SPANS
