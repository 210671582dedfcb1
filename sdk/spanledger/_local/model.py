"""A model in the application's own memory: what it is, and what its calls took of the machine.

Shared by the engines. FLOPs are exact where the architecture is, sequence by sequence, as a served
call's would be. MFU and MBU are shares over the whole call, prompt and answer: what it had to
compute, and what it had to read (the weights once for its prompts and once for each step of its
answers, every sequence's cache each step), by the time it took.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from spanledger import semconv
from spanledger._calls.answer import FactValue
from spanledger._guard import guarded
from spanledger._local.device_clock import Turn
from spanledger._process_lock import ProcessLock
from spanledger.compute import (
    ArchitectureError,
    Estimate,
    ModelArchitecture,
    bandwidth_utilisation,
    estimate_flops,
    flops_utilisation,
    kv_cache_bytes,
    read_weight_bytes,
    recognise_gpu,
    weight_bytes,
)
from spanledger.compute.estimate import weakest

_INT64_MAX: Final = 2**63 - 1
_MEMORIES: Final = ("cpu", "meta", "disk")


class LocalModel(NamedTuple):
    """What does not change from call to call of one model.

    ``arch`` is None where its shape is not known; ``weights_bytes`` is what its tensors hold, 0 =
    not known; ``device`` is what its driver calls the device it lies on, ``cpu`` without any;
    ``places`` are its devices as this process tells them apart.
    """

    name: str
    arch: ModelArchitecture | None
    weights_bytes: int
    weight_format: str
    cache_format: str
    devices: int
    device: str
    places: tuple[str, ...] = ()

    def turn(self) -> Turn:
        """A call of it begins."""
        return Turn(self.places or [f"{self.device} {at}" for at in range(self.devices)])


class Sequenced(NamedTuple):
    """One sequence of a call: tokens of its prompt, of these found in the cache, of its answer."""

    prompt: int
    cached: int
    made: int


def device_time(model: LocalModel, seconds: float) -> dict[str, FactValue]:
    """The time of the devices, and the memory of the weights on them."""
    told: dict[str, FactValue] = {
        semconv.GPU_SECONDS: seconds * model.devices,
        semconv.GPU_MODEL: model.device,
        semconv.GPU_COUNT: model.devices,
    }
    if model.weights_bytes:
        told[semconv.VRAM_WEIGHTS_BYTES] = model.weights_bytes
        told[semconv.VRAM_SOURCE] = f"measured:{model.weight_format}"
    return told


def figures(
    model: LocalModel,
    sequences: Sequence[Sequenced],
    seconds: float,
    *,
    together: bool = True,
    held_bytes: int | None = None,
    vision: Estimate | None = None,
) -> dict[str, FactValue]:
    """What a call took, as attributes; what is not known is left out.

    Args:
        model: which one.
        sequences: of the call; none where its tokens are not known.
        seconds: of each of its devices.
        together: each step of the call was one of all its sequences; where the engine made its own
            batches, what was read is not known.
        vision: FLOPs of the tower for the pictures of its prompts.
        held_bytes: of its caches, where sequences share some; None = each has its own.
    """
    told = device_time(model, seconds)
    if model.arch is None or not sequences:
        return told
    flops, method = _flops(model.arch, sequences), model.arch.exactness.method
    if vision is not None:
        method = weakest(method, vision.method)
        for name in (semconv.FLOPS_PREFILL, semconv.FLOPS_TOTAL):
            flops[name] += int(vision.value)
        flops[semconv.FLOPS_LOW] += int(vision.low)
        flops[semconv.FLOPS_HIGH] += int(vision.high)
    if flops[semconv.FLOPS_HIGH] <= _INT64_MAX:
        told |= flops | {semconv.FLOPS_METHOD: method}
    own = sum(_held(model, *one) for one in sequences)
    if model.arch.layers:  # else there is a cache, or a state, of a size that is not known
        told[semconv.VRAM_KV_BYTES] = own if held_bytes is None else held_bytes
    gpu = recognise_gpu(model.device)
    if gpu is None or seconds <= 0:
        return told
    told[semconv.GPU_MFU] = flops_utilisation(
        flops[semconv.FLOPS_TOTAL], seconds, peak=gpu.peak(), gpus=model.devices
    )
    if together and model.weights_bytes and model.arch.layers:
        told[semconv.GPU_MBU] = bandwidth_utilisation(
            read_bytes(model, sequences), seconds, bandwidth=gpu.bandwidth, gpus=model.devices
        )
    return told


def _flops(arch: ModelArchitecture, sequences: Sequence[Sequenced]) -> dict[str, int]:
    estimates = [estimate_flops(arch, one.prompt, one.cached, one.made) for one in sequences]
    return {
        semconv.FLOPS_PREFILL: sum(int(one.prefill.value) for one in estimates),
        semconv.FLOPS_DECODE: sum(int(one.decode.value) for one in estimates),
        semconv.FLOPS_TOTAL: sum(int(one.total.value) for one in estimates),
        semconv.FLOPS_LOW: sum(int(one.total.low) for one in estimates),
        semconv.FLOPS_HIGH: sum(int(one.total.high) for one in estimates),
    }


def _held(model: LocalModel, prompt: int, _cached: int, made: int) -> int:
    """The cache of a sequence at its end: its last token was drawn and not looked at."""
    return _cache_bytes(model, prompt + max(0, made - 1))


def _cache_bytes(model: LocalModel, tokens: int) -> int:
    assert model.arch is not None  # noqa: S101 -- `figures` has seen to it
    return kv_cache_bytes(model.arch, tokens, cache_format=model.cache_format)


def read_bytes(model: LocalModel, sequences: Sequence[Sequenced]) -> float:
    """Bytes that a batch has to read: the weights once a step, every sequence's cache each step.

    Of the weights as they lie, the share that a step touches: of experts those that some token is
    sent to, of an embedding nothing (`read_weight_bytes`).
    """
    arch = model.arch
    assert arch is not None  # noqa: S101 -- callers have seen to it
    whole = weight_bytes(arch)
    new = sum(max(1, one.prompt - one.cached) for one in sequences)
    steps = max(0, max(one.made for one in sequences) - 1)
    touched = read_weight_bytes(arch, new) + steps * read_weight_bytes(arch, len(sequences))
    cache = sum(
        _cache_bytes(model, one.prompt)
        + max(0, one.made - 1) * _cache_bytes(model, one.prompt + one.made // 2)
        for one in sequences
    )
    return touched / whole * model.weights_bytes + cache


def accelerators(devices: Sequence[str]) -> tuple[str, ...]:
    """Those that compute, of the devices that weights lie on: memory of the host and disks do not.

    Weights that are brought in for each step lie on ``cpu`` or ``meta`` meanwhile. A model without
    any accelerator computes on the ``cpu``.
    """
    computing = (one for one in devices if one.partition(":")[0] not in _MEMORIES)
    return tuple(computing) or ("cpu",)


def torch_device_name(device: str) -> str:
    """What torch, where the application has imported it, calls a device like ``cuda:0``."""
    torch: Any = sys.modules.get("torch")
    if device.startswith("cuda") and torch is not None:
        return str(torch.cuda.get_device_name(device))
    return device.partition(":")[0]


def cuda_devices() -> int:
    """CUDA devices of this process, where the application has started CUDA with torch; else 0."""
    torch: Any = sys.modules.get("torch")
    return int(torch.cuda.device_count()) if torch and torch.cuda.is_initialized() else 0


def cuda_peaks(devices: Sequence[str]) -> Mapping[str, int]:
    """The most that the process had allocated on each of these CUDA devices so far, in bytes."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return {}
    return {
        device: int(torch.cuda.max_memory_allocated(device))
        for device in devices
        if device.startswith("cuda")
    }


class KnownModels:
    """What was found out about an engine's models, each looked at once and forgotten with it.

    Args:
        look_at: finds it out.
    """

    def __init__(self, look_at: Callable[[Any], LocalModel]) -> None:
        self._look_at = look_at
        self._known: weakref.WeakKeyDictionary[Any, LocalModel] = weakref.WeakKeyDictionary()
        self._lock = ProcessLock()

    def __call__(self, model: Any) -> LocalModel:
        """What this one is."""
        with self._lock():
            known = self._known.get(model)
            if known is None:
                known = self._known[model] = self._look_at(model)
            return known


@guarded(None)
def configured_architecture(config: Any) -> ModelArchitecture | None:
    """By a config of transformers; None for a family without such tokens and layers as ours."""
    if config is None:
        return None
    try:
        return ModelArchitecture.from_hf_config(config.to_dict(), source="config.json")
    except ArchitectureError:
        return None
