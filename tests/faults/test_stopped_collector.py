"""A collector that is frozen for a while, and one whose directory is copied."""

from __future__ import annotations

import http.client
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from benchmarks.spans import request_bytes
from tests.sdk.delivery.test_processor import delivering
from tests.support.running import RunningCollector

_PATIENCE_MS = 100_000


def _post(port: int, number: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/x-protobuf"}
    connection.request("POST", "/v1/traces", request_bytes(number, 10), headers)
    assert connection.getresponse().read() == b""
    connection.close()


@pytest.mark.slow
def test_f37_a_frozen_collector_costs_nothing(tmp_path: Path) -> None:
    """SIGSTOP: senders time out and send again; after SIGCONT every span is there, once."""
    with RunningCollector(tmp_path / "data") as collector:
        collector.wait_ready()
        url = f"http://127.0.0.1:{collector.http_port}"
        with delivering(url, timeout_seconds=0.5) as (processor, span):
            span("before")
            assert processor.force_flush(_PATIENCE_MS)
            collector.process.send_signal(signal.SIGSTOP)
            for number in range(50):
                span(f"frozen{number}")
            while processor.delivery().retried < 2:
                processor.force_flush(1000)
            assert processor.delivery().sent == 1
            collector.process.send_signal(signal.SIGCONT)
            span("after")
            assert processor.force_flush(_PATIENCE_MS)
            assert processor.delivery().sent == 52
        collector.wait_for("SELECT count() FROM spans FINAL", 52)
        assert collector.count("SELECT count() FROM spans FINAL") == 52


def _content(collector: RunningCollector) -> list[dict[str, Any]]:
    return collector.rows(
        "SELECT count() AS spans, sum(cityHash64(trace_id, span_id, attributes, started_at, "
        "ended_at)) AS content FROM spans FINAL"
    )


@pytest.mark.slow
def test_f43_a_copy_of_a_stopped_directory_is_a_backup(tmp_path: Path) -> None:
    """Restored elsewhere it has the same content, and goes on."""
    with RunningCollector(tmp_path / "data") as collector:
        for number in range(20):
            _post(collector.http_port, number)
        collector.wait_for("SELECT count() FROM spans FINAL", 200)
        content = _content(collector)
    # Links stay links, as with `cp -a`.
    shutil.copytree(tmp_path / "data", tmp_path / "backup", symlinks=True)
    shutil.rmtree(tmp_path / "data")
    with RunningCollector(tmp_path / "backup") as restored:
        restored.wait_ready()
        assert _content(restored) == content
        _post(restored.http_port, 20)
        restored.wait_for("SELECT count() FROM spans FINAL", 210)
