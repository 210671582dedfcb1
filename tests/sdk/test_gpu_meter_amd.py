"""AMD's GPUs as metrics: amdsmi's own code, over a library that answers as the driver would.

No machine with such a GPU was at hand. What is real here is the package as AMD ships it: names,
structures and conversions; what is played is ``libamd_smi.so`` underneath, at its C interface.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from spanledger import gpu_meter
from spanledger._local import gpu_amd

_NOT_SUPPORTED = 2
_GIB = 2**30
_UUID = b"ee7a74b5-0000-1000-80e7-8bb2d6bb5d4b"


class _Function:
    """One function of the library; the package sets the types of its arguments on it."""

    def __init__(self, answer: Callable[..., int]) -> None:
        self._answer = answer

    def __call__(self, *arguments: Any) -> int:
        # byref() hides what it points to in _obj, which ctypes has for this.
        return self._answer(*(getattr(one, "_obj", one) for one in arguments))


class _Driver:
    """One socket with two boards: the first has every sensor, the second none of energy."""

    def __getattr__(self, name: str) -> _Function:
        function = _Function(getattr(type(self), f"_{name}", _done))
        setattr(self, name, function)
        return function

    @staticmethod
    def _amdsmi_get_socket_handles(count: Any, handles: Any) -> int:
        count.value = 1
        if handles:
            handles[0] = 7
        return 0

    @staticmethod
    def _amdsmi_get_processor_handles(_socket: Any, count: Any, handles: Any) -> int:
        count.value = 2
        if handles:
            handles[0], handles[1] = 21, 22
        return 0

    @staticmethod
    def _amdsmi_get_gpu_device_uuid(handle: Any, _length: Any, uuid: Any) -> int:
        uuid.value = _UUID[:-2] + str(_number(handle)).encode()
        return 0

    @staticmethod
    def _amdsmi_get_gpu_asic_info(_handle: Any, info: Any) -> int:
        info.market_name = b"AMD Instinct MI300X"
        info.asic_serial = b"1f"
        return 0

    @staticmethod
    def _amdsmi_get_gpu_activity(handle: Any, usage: Any) -> int:
        usage.gfx_activity = 75 if _number(handle) == 21 else 0xFFFF
        return 0

    @staticmethod
    def _amdsmi_get_gpu_memory_usage(_handle: Any, _kind: Any, used: Any) -> int:
        used.value = 48 * _GIB
        return 0

    @staticmethod
    def _amdsmi_get_gpu_memory_total(_handle: Any, _kind: Any, total: Any) -> int:
        total.value = 192 * _GIB
        return 0

    @staticmethod
    def _amdsmi_get_power_info(handle: Any, info: Any) -> int:
        first = _number(handle) == 21
        info.socket_power = 0xFFFF if first else 410
        info.current_socket_power = 650 if first else 0xFFFF
        info.average_socket_power = 0xFFFF
        return 0

    @staticmethod
    def _amdsmi_get_energy_count(handle: Any, ticks: Any, resolution: Any, _time: Any) -> int:
        if _number(handle) != 21:
            return _NOT_SUPPORTED
        ticks.value, resolution.value = 2_000_000, 15.25
        return 0


def _done(*_arguments: Any) -> int:
    return 0


def _number(handle: Any) -> int:
    return int(handle if isinstance(handle, int) else handle.value)


@pytest.fixture
def _rocm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine with AMD's driver and its library, as the package sees it."""
    real = ctypes.CDLL

    def load(name: Any, *arguments: Any, **options: Any) -> Any:
        if str(name).endswith("libamd_smi.so"):
            return _Driver()
        return real(name, *arguments, **options)

    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(gpu_amd, "_DRIVER", tmp_path)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setattr(gpu_meter._state, "devices", ())
    yield
    for name in [one for one in sys.modules if one.partition(".")[0] == "amdsmi"]:
        del sys.modules[name]


@pytest.mark.usefixtures("_rocm")
def test_boards_are_told_by_the_conventions_names() -> None:
    """A field that is not filled is left out, another that tells the same is read instead."""
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    assert gpu_meter.observe(provider) == 2
    data: Any = reader.get_metrics_data()
    told = {
        metric.name: {point.attributes["hw.id"][-2:]: point.value for point in points}
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
        for points in [metric.data.data_points]
    }
    assert told == {
        "hw.gpu.utilization": {"21": 0.75},
        "hw.gpu.memory.usage": {"21": 48 * _GIB, "22": 48 * _GIB},
        "hw.gpu.memory.limit": {"21": 192 * _GIB, "22": 192 * _GIB},
        "hw.gpu.memory.utilization": {"21": 0.25, "22": 0.25},
        "hw.power": {"21": 650, "22": 410},
        "hw.energy": {"21": 30.5},
    }
    [point, _] = data.resource_metrics[0].scope_metrics[0].metrics[1].data.data_points
    assert point.attributes["hw.name"] == "AMD Instinct MI300X"
    assert (point.attributes["hw.vendor"], point.attributes["hw.type"]) == ("AMD", "gpu")
    provider.shutdown()


def test_no_driver_is_a_quiet_none() -> None:
    """The package itself prints where it finds no library: it is not even imported."""
    program = (
        "import sys; from spanledger._local import gpu_amd; "
        "print(len(gpu_amd.devices()), 'amdsmi' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert (done.stdout.split(), done.stderr) == (["0", "False"], "")


def test_a_driver_without_rocms_library_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the package raises then is a KeyError."""
    monkeypatch.setattr(gpu_amd, "_DRIVER", tmp_path)
    assert list(gpu_amd.devices()) == []
    assert "amdsmi" not in sys.modules
