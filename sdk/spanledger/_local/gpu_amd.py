"""AMD's GPUs, through ``amdsmi``, where the machine has it (it comes with ROCm).

``amdsmi`` prints where it does not find ROCm's library, so it is imported only where the kernel has
AMD's driver for computing. No AMD GPU was at hand: its names, units and what it gives for a sensor
that a board lacks are those of its source (7.0.2), whose own code runs in the tests over a library
that answers as the driver would.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from spanledger._guard import guarded
from spanledger._local.gpu_device import Device, Reading

_log = logging.getLogger("spanledger")
_DRIVER: Final = Path("/dev/kfd")
_MICRO: Final = 1e6
#: Newest first: which of them a board fills depends on its kind and the version.
_POWERS: Final = ("socket_power", "current_socket_power", "average_socket_power")
#: What a 16-bit field holds that is not filled; the library itself says "N/A" for most.
_NOT_FILLED: Final = 0xFFFF


@guarded(())
def devices() -> Sequence[Device]:
    """Those of this machine; none where there is no driver, no library or no GPU."""
    if not _DRIVER.exists():
        return ()
    try:
        smi: Any = importlib.import_module("amdsmi")
        smi.amdsmi_init()
    except Exception as error:  # noqa: BLE001 -- without ROCm it is a KeyError, else one of its own
        _log.debug("spanledger: no AMD GPU is told: %r", error)
        return ()
    return [
        Device(_identity(smi, handle), _readings(smi, handle), smi.AmdSmiException)
        for handle in smi.amdsmi_get_processor_handles()
    ]


def _identity(smi: Any, gpu: Any) -> Mapping[str, str]:
    return {
        "hw.id": str(smi.amdsmi_get_gpu_device_uuid(gpu)),
        "hw.name": str(smi.amdsmi_get_gpu_asic_info(gpu)["market_name"]),
        "hw.vendor": "AMD",
    }


def _readings(smi: Any, gpu: Any) -> Mapping[str, Reading]:
    vram = smi.AmdSmiMemoryType.VRAM

    def used() -> int:
        return smi.amdsmi_get_gpu_memory_usage(gpu, vram)

    def total() -> int:
        return smi.amdsmi_get_gpu_memory_total(gpu, vram)

    def busy() -> float | None:
        percent = _number(smi.amdsmi_get_gpu_activity(gpu)["gfx_activity"])
        return None if percent is None else percent / 100

    def power() -> float | None:
        told = smi.amdsmi_get_power_info(gpu)
        numbers = (_number(told.get(name)) for name in _POWERS)
        return next((watts for watts in numbers if watts), None)

    def energy() -> float | None:
        told = smi.amdsmi_get_energy_count(gpu)
        ticks = _number(told.get("energy_accumulator", told.get("power")))  # before 6.3: power
        return None if ticks is None else ticks * told["counter_resolution"] / _MICRO

    return {
        "hw.gpu.utilization": busy,
        "hw.gpu.memory.usage": used,
        "hw.gpu.memory.limit": total,
        "hw.gpu.memory.utilization": lambda: used() / total(),
        "hw.power": power,
        "hw.energy": energy,
    }


def _number(told: Any) -> int | None:
    """What a field holds; None where it is not filled."""
    return told if isinstance(told, int) and told != _NOT_FILLED else None
