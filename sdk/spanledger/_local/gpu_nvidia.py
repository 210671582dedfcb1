"""NVIDIA's GPUs, through ``nvidia-ml-py`` (``pip install 'spanledger[gpu]'``)."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from spanledger._guard import guarded
from spanledger._local.gpu_device import Device, Reading

_log = logging.getLogger("spanledger")
_MILLI: Final = 1000


@guarded(())
def devices() -> Sequence[Device]:
    """Those of this machine; none where there is no library, no driver or no GPU."""
    try:
        nvml: Any = importlib.import_module("pynvml")
    except ImportError:
        _log.debug("spanledger: no NVIDIA GPU is told: nvidia-ml-py is not installed")
        return ()
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:  # no driver, or no GPU: most machines
        _log.debug("spanledger: no NVIDIA GPU is told: %s", error)
        return ()
    handles = map(nvml.nvmlDeviceGetHandleByIndex, range(nvml.nvmlDeviceGetCount()))
    return [
        Device(_identity(nvml, handle), _readings(nvml, handle), nvml.NVMLError)
        for handle in handles
    ]


def _identity(nvml: Any, gpu: Any) -> Mapping[str, str]:
    return {
        "hw.id": str(nvml.nvmlDeviceGetUUID(gpu)),
        "hw.name": str(nvml.nvmlDeviceGetName(gpu)),
        "hw.vendor": "NVIDIA",
    }


def _readings(nvml: Any, gpu: Any) -> Mapping[str, Reading]:
    def memory() -> Any:
        return nvml.nvmlDeviceGetMemoryInfo(gpu)

    return {
        "hw.gpu.utilization": lambda: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu / 100,
        "hw.gpu.memory.usage": lambda: memory().used,
        "hw.gpu.memory.limit": lambda: memory().total,
        "hw.gpu.memory.utilization": lambda: memory().used / memory().total,
        "hw.power": lambda: nvml.nvmlDeviceGetPowerUsage(gpu) / _MILLI,
        "hw.energy": lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(gpu) / _MILLI,
    }
