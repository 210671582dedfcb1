"""GPUs as metrics: the library as NVIDIA ships it has no driver here; a stand-in plays one."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from spanledger import gpu_meter


class NVMLError(Exception):
    """As the library's own."""


class Board(ModuleType):
    """Two boards; the second has no sensor of energy. The functions that are asked, by name."""

    NVMLError = NVMLError

    def __init__(self) -> None:
        super().__init__("pynvml")

    def nvmlInit(self) -> None:  # noqa: N802 -- the library's names
        pass

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetUUID(self, gpu: int) -> str:  # noqa: N802
        return f"GPU-{gpu}"

    def nvmlDeviceGetName(self, _gpu: int) -> str:  # noqa: N802
        return "NVIDIA H100 80GB HBM3"

    def nvmlDeviceGetUtilizationRates(self, gpu: int) -> Any:  # noqa: N802
        return SimpleNamespace(gpu=50 + gpu, memory=25)

    def nvmlDeviceGetMemoryInfo(self, _gpu: int) -> Any:  # noqa: N802
        return SimpleNamespace(used=10, total=80)

    def nvmlDeviceGetPowerUsage(self, _gpu: int) -> int:  # noqa: N802
        return 350_500

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: int) -> int:  # noqa: N802
        if gpu:
            raise NVMLError("not supported")
        return 7000


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing had been asked for yet."""
    monkeypatch.setattr(gpu_meter._state, "devices", ())


def test_boards_are_told_by_the_conventions_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sensor that one lacks is left out for it alone; asking again changes nothing."""
    monkeypatch.setitem(sys.modules, "pynvml", Board())
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    assert gpu_meter.observe(provider) == 2
    assert gpu_meter.observe(provider) == 2
    data: Any = reader.get_metrics_data()
    told = {
        metric.name: {point.attributes["hw.id"]: point.value for point in metric.data.data_points}
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
    }
    assert told == {
        "hw.gpu.utilization": {"GPU-0": 0.5, "GPU-1": 0.51},
        "hw.gpu.memory.usage": {"GPU-0": 10, "GPU-1": 10},
        "hw.gpu.memory.limit": {"GPU-0": 80, "GPU-1": 80},
        "hw.gpu.memory.utilization": {"GPU-0": 0.125, "GPU-1": 0.125},
        "hw.power": {"GPU-0": 350.5, "GPU-1": 350.5},
        "hw.energy": {"GPU-0": 7.0},
    }
    provider.shutdown()


def test_no_library_is_a_quiet_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """No error, nothing above the lowest level of the log."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpu_meter.observe() == 0


def test_no_driver_is_a_quiet_none(caplog: pytest.LogCaptureFixture) -> None:
    """NVIDIA's own library, on a machine without a GPU."""
    program = "from spanledger import gpu_meter; print(gpu_meter.observe())"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert int(done.stdout) >= 0
    assert not caplog.records
