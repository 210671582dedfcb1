"""What the GPUs of this machine do, as OpenTelemetry metrics: ``hw.gpu.*``, power and energy.

::

    from spanledger import gpu_meter

    gpu_meter.observe()  # 0 where there is no GPU, no driver or no library: that is no error

The libraries of NVIDIA (``pip install 'spanledger[gpu]'``) and AMD (``amdsmi``, of ROCm) are asked
whenever a metric reader of the application collects; nothing runs in between. Names and instruments
are those of the hardware conventions. The figures are the device's, not a call's: an engine
reserves most of the memory when it starts, whatever it serves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation

from spanledger._local import gpu_amd, gpu_nvidia
from spanledger._local.gpu_device import Device
from spanledger._process_lock import ProcessLock

_lock: Final = ProcessLock()
_Kind = Literal["gauge", "level", "counter"]


@dataclass(frozen=True, slots=True)
class _Instrument:
    """One metric: its name, unit and kind."""

    name: str
    unit: str
    description: str
    kind: _Kind


_INSTRUMENTS: Final = (
    _Instrument("hw.gpu.utilization", "1", "Share of the time in which it computed", "gauge"),
    _Instrument("hw.gpu.memory.usage", "By", "Memory in use", "level"),
    _Instrument("hw.gpu.memory.limit", "By", "Memory there is", "level"),
    _Instrument("hw.gpu.memory.utilization", "1", "Share of its memory that is in use", "gauge"),
    _Instrument("hw.power", "W", "Power drawn", "gauge"),
    _Instrument("hw.energy", "J", "Energy since the driver was loaded", "counter"),
)


class _State:
    """What is observed already: asking twice must not tell everything twice."""

    def __init__(self) -> None:
        self.devices: Sequence[Device] = ()


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
            _state.devices = [*gpu_nvidia.devices(), *gpu_amd.devices()]
            if _state.devices:
                _create(metrics.get_meter("spanledger.gpu", meter_provider=meter_provider))
        return len(_state.devices)


def _create(meter: Meter) -> None:
    by_kind: dict[_Kind, Callable[..., object]] = {
        "gauge": meter.create_observable_gauge,
        "level": meter.create_observable_up_down_counter,
        "counter": meter.create_observable_counter,
    }
    for one in _INSTRUMENTS:
        by_kind[one.kind](one.name, [_callback(one.name)], one.unit, one.description)


def _callback(metric: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def told(_options: CallbackOptions) -> Iterable[Observation]:
        for device in _state.devices:
            value = device.read(metric)
            if value is not None:
                yield Observation(value, {**device.attributes, "hw.type": "gpu"})

    return told
