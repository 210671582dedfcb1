"""The examples of docs/assets.md run, one after the other, against a collector."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.running import RunningCollector

PAGE = Path(__file__).parents[2] / "docs" / "assets.md"
_PATIENCE_SECONDS = 120


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def _run(block: str, http_port: int) -> None:
    """In a process of its own, as a reader's program is."""
    endpoint = f"http://127.0.0.1:{http_port}"
    sent = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block],
        capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **sent},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not until() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert until()


@pytest.mark.slow
def test_the_examples_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The ledger says what the page says."""
    booking, runs, reading = _blocks("python")
    [said] = _blocks("text")
    with RunningCollector(tmp_path / "data") as collector:
        collector.wait_ready()
        with collector.ledger() as ledger:
            _run(booking, collector.http_port)
            _wait(lambda: [row.estimates for row in ledger.assets()] == [1])
            _run(runs, collector.http_port)
            _wait(lambda: [row.charged_usd for row in ledger.assets()] == [Decimal(50)])
        text = reading.replace("spanledger://127.0.0.1:4319", collector.address)
        exec(compile(text, str(PAGE), "exec"), {})  # noqa: S102 -- our own documentation
    assert capsys.readouterr().out == said
