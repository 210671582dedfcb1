"""What the GPUs of this machine do, as OpenTelemetry metrics: ``hw.gpu.*``, power and energy.

::

    from spanledger import gpu_meter

    gpu_meter.observe()  # 0 where there is no GPU, no driver or no nvidia-ml-py: that is no error

NVIDIA's management library is asked, through ``nvidia-ml-py`` (``pip install 'spanledger[gpu]'``),
whenever a metric reader of the application collects; nothing runs in between. Names are those of
the hardware conventions. The figures are the device's, not a call's: an engine reserves most of the
memory when it starts, whatever it serves.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from spanledger._guard import guarded
from spanledger._process_lock import ProcessLock

_log = logging.getLogger("spanledger")
_lock: Final = ProcessLock()
_MILLI: Final = 1000

Reading = Callable[[Any, Any], float]


@dataclass(frozen=True, slots=True)
class _Device:
    handle: Any
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Instrument:
    """One metric: how it is read from the library and a handle."""

    name: str
    unit: str
    description: str
    read: Reading
    counts: bool = False


_INSTRUMENTS: Final = (
    _Instrument(
        "hw.gpu.utilization", "1", "Share of the time in which a kernel ran",
        lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu / 100,
    ),
    _Instrument(
        "hw.gpu.memory.usage", "By", "Memory in use",
        lambda nvml, gpu: nvml.nvmlDeviceGetMemoryInfo(gpu).used,
    ),
    _Instrument(
        "hw.gpu.memory.limit", "By", "Memory there is",
        lambda nvml, gpu: nvml.nvmlDeviceGetMemoryInfo(gpu).total,
    ),
    _Instrument(
        "hw.gpu.memory.utilization", "1", "Share of the time in which memory was read or written",
        lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).memory / 100,
    ),
    _Instrument(
        "hw.power", "W", "Power drawn",
        lambda nvml, gpu: nvml.nvmlDeviceGetPowerUsage(gpu) / _MILLI,
    ),
    _Instrument(
        "hw.energy", "J", "Energy since the driver was loaded",
        lambda nvml, gpu: nvml.nvmlDeviceGetTotalEnergyConsumption(gpu) / _MILLI, counts=True,
    ),
)  # fmt: skip


class _State:
    """What is observed already: asking twice must not tell everything twice."""

    def __init__(self) -> None:
        self.devices: Sequence[_Device] = ()


_state: Final = _State()


def observe(meter_provider: MeterProvider | None = None) -> int:
    """Tell the GPUs of this machine from now on; again changes nothing.

    Args:
        meter_provider: where metrics go; None = the application's.

    Returns:
        How many GPUs are told; 0 where there are none that could be asked.
    """
    with _lock():
        if not _state.devices:
            nvml = _library()
            if nvml is not None:
                _state.devices = _devices(nvml) or ()
                _create(metrics.get_meter("spanledger.gpu", meter_provider=meter_provider), nvml)
        return len(_state.devices)


def _library() -> Any:
    """NVIDIA's library, ready; None where there is none of it."""
    try:
        nvml: Any = importlib.import_module("pynvml")
    except ImportError:
        _log.debug("spanledger: no GPU is told: nvidia-ml-py is not installed")
        return None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:  # no driver, or no GPU: most machines
        _log.debug("spanledger: no GPU is told: %s", error)
        return None
    return nvml


@guarded(None)
def _devices(nvml: Any) -> Sequence[_Device]:
    handles = map(nvml.nvmlDeviceGetHandleByIndex, range(nvml.nvmlDeviceGetCount()))
    return [_Device(handle, _identity(nvml, handle)) for handle in handles]


def _identity(nvml: Any, handle: Any) -> dict[str, str]:
    identity = {"hw.id": nvml.nvmlDeviceGetUUID(handle), "hw.name": nvml.nvmlDeviceGetName(handle)}
    return {**{key: str(value) for key, value in identity.items()}, "hw.type": "gpu"}


def _create(meter: metrics.Meter, nvml: Any) -> None:
    for one in _INSTRUMENTS:
        create = meter.create_observable_counter if one.counts else meter.create_observable_gauge
        create(one.name, [_callback(one, nvml)], one.unit, one.description)


def _callback(one: _Instrument, nvml: Any) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def told(_options: CallbackOptions) -> Iterable[Observation]:
        for device in _state.devices:
            try:
                value = one.read(nvml, device.handle)
            except nvml.NVMLError:  # a board that lacks this sensor: the others are told
                continue
            yield Observation(value, device.attributes)

    return told
