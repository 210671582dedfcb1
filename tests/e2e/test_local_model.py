"""A model of one's own, in the application's process: generated, told, priced by device time."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.environments import ENVIRONMENTS
from tests.support.running import RunningCollector
from tests.support.torch_python import torch_python

PROGRAM = Path(__file__).parents[1] / "environments" / "torch_programs" / "generate.py"
PRICES = """
gpu_hours:
  - { gpu: cpu, usd_per_hour: "0.36", valid_from: 2020-01-01, why: two cores }
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_its_compute_is_the_cost_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three calls of one agent: seconds x rate each, their sum the run's; FLOPs and memory too."""
    (tmp_path / "prices.yaml").write_text(PRICES)
    monkeypatch.setenv("SPANLEDGER_PRICES_FILE", str(tmp_path / "prices.yaml"))
    with RunningCollector(tmp_path / "data") as collector:
        subprocess.run(
            [torch_python(), PROGRAM, f"http://127.0.0.1:{collector.http_port}"],
            check=True, capture_output=True, text=True, env=ENVIRONMENTS.variables(),
        )  # fmt: skip
        collector.wait_for("SELECT count() FROM runs FINAL WHERE calls = 3", 1)
        attempts = collector.rows(
            "SELECT * FROM attempts FINAL WHERE agent_name = 'local' ORDER BY started_at"
        )
        (run,) = collector.rows("SELECT * FROM runs FINAL WHERE agent_name = 'local'")
        collector.wait_for("SELECT count() FROM attempts FINAL WHERE operation = 'load_model'", 3)
        loads = collector.rows(
            "SELECT * FROM attempts FINAL WHERE operation = 'load_model' ORDER BY started_at"
        )
    assert [attempt["output_tokens"] for attempt in attempts] == [12, 10, 9]
    total = Decimal(0)
    for attempt in attempts:
        assert attempt["price_status"] == "priced", json.dumps(attempt, default=str)
        assert (attempt["priced_provider"], attempt["priced_model"]) == ("gpu", "cpu")
        seconds = dict(attempt["units"])["gpu_seconds"]
        assert attempt["cost_usd"] == (seconds * Decimal("0.36") / 3600).quantize(Decimal("1E-12"))
        assert float(seconds) == pytest.approx(attempt["gpu_seconds"], abs=1e-6)
        assert attempt["flops_method"] == "exact"
        assert attempt["vram_weights_bytes"] > 300_000
        total += attempt["cost_usd"]
    assert run["cost_usd"] == total
    assert [load["agent_name"] for load in loads] == ["loaded", "loaded", ""]
    for load in loads:
        seconds = dict(load["units"])["gpu_seconds"]
        assert load["cost_usd"] == (seconds * Decimal("0.36") / 3600).quantize(Decimal("1E-12"))
    assert run["flops_total"] == sum(attempt["flops_total"] for attempt in attempts)
    assert run["gpu_seconds"] == pytest.approx(sum(a["gpu_seconds"] for a in attempts))
    assert run["agent_name"] == "local"
