"""How long a step takes, and what of the accelerator limits it.

A step is one pass of an engine over a batch: pieces of prompts and one token of each sequence that
is being answered. It takes as long as its arithmetic or its memory traffic, whichever is longer,
plus what launching it takes (the roofline of Williams et al. 2009, doi 10.1145/1498765.1498785)::

    seconds = max(FLOPs / (GPUs x peak x mfu), bytes / (GPUs x bandwidth x mbu)) + overhead

Bytes are the weights, read once for the whole batch (of experts, those that some token of it is
sent to), and the key/value cache of every sequence, as often as GPUs keep copies of it. What share
of its peaks an engine reaches is an assumption until it is measured (`Efficiency`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from spanledger.compute.architecture import ModelArchitecture
from spanledger.compute.estimate import Estimate, Method, weakest
from spanledger.compute.flops import forward_flops
from spanledger.compute.gpu import Gpu, Number
from spanledger.compute.vram import WEIGHT_FORMATS, kv_cache_bytes, reached_weights

Bound = Literal["compute", "memory"]

_AS_OF: Final = "2026-11-27"
#: 54 to 69 % for long prompts; wider, since that is one accelerator and two dense models.
_MFU: Final = Estimate(
    0.6, 0.3, 0.8, "share", "assumed",
    "measured 0.54 to 0.69, H200, benchmarks/gpu.py, 2026-11-27; widened by judgement", _AS_OF,
)  # fmt: skip
#: 47 to 70 % of a model of 1 billion weights, whose kernels are short; 67 to 72 % of one of 8.
_MBU: Final = Estimate(
    0.7, 0.45, 0.85, "share", "assumed",
    "measured 0.47 to 0.72, H200, benchmarks/gpu.py, 2026-11-27; widened by judgement", _AS_OF,
)  # fmt: skip
#: Of an engine that replays graphs; nothing where it prepares a step while the last one runs.
_OVERHEAD: Final = Estimate(
    0.0007, 0.0, 0.001, "s", "assumed",
    "engineering judgement of engines that replay graphs; measure your own", _AS_OF,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Efficiency:
    """What share of its peaks an engine reaches.

    Attributes:
        mfu: Of the arithmetic peak (model FLOPs utilisation) while arithmetic binds.
        mbu: Of the memory bandwidth while that binds.
        overhead: Seconds a step takes beside both.
    """

    mfu: Estimate = _MFU
    mbu: Estimate = _MBU
    overhead: Estimate = _OVERHEAD


ASSUMED: Final = Efficiency()


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """One step of an engine.

    Attributes:
        seconds: How long it takes.
        bound: What limits it at the point estimate: arithmetic, or memory traffic.
        flops: FLOPs of the step.
        read_bytes: Bytes read from the accelerators' memory, copies included.
        mfu: Share of the arithmetic peak that it comes to, overhead included.
        mbu: Share of the bandwidth, likewise.
    """

    seconds: Estimate
    bound: Bound
    flops: int
    read_bytes: int
    mfu: float
    mbu: float


def flops_utilisation(flops: float, seconds: float, *, peak: int, gpus: int = 1) -> float:
    """Share of the dense peak (MFU for model FLOPs; HFU when ``flops`` holds recomputation too).

    Raises:
        ValueError: No time, peak or accelerator.
    """
    return _share(flops, seconds, peak, gpus)


def bandwidth_utilisation(
    read_bytes: float, seconds: float, *, bandwidth: int, gpus: int = 1
) -> float:
    """Share of the memory bandwidth (MBU).

    Raises:
        ValueError: No time, bandwidth or accelerator.
    """
    return _share(read_bytes, seconds, bandwidth, gpus)


def _share(work: float, seconds: float, rate: int, gpus: int) -> float:
    if seconds <= 0 or rate <= 0 or gpus <= 0:
        raise ValueError(f"need seconds, a rate and GPUs above 0, got {seconds}, {rate}, {gpus}")
    return work / (seconds * rate * gpus)


def compute_format(weight_format: str) -> Number:
    """What a kernel multiplies in: four- and five-bit weights alone are widened to bf16 first."""
    direct: dict[str, Number] = {
        "fp32": "fp32", "fp16": "fp16", "fp8": "fp8", "int8": "int8", "nvfp4": "fp4",
    }  # fmt: skip
    return direct.get(weight_format, "bf16")


def read_weight_bytes(arch: ModelArchitecture, tokens: int, weight_format: str = "bf16") -> int:
    """Bytes of weights that a step over ``tokens`` reads, rounded up.

    The input embedding is looked up, not read. Of ``E`` experts that ``k`` serve a token each, a
    step of ``b`` tokens touches ``1 - (1 - k/E)^b`` in the mean, tokens being sent independently.
    Of a model known by its parameter counts alone the weights beside the active ones are experts.

    Raises:
        ValueError: The format is unknown.
    """
    bits = WEIGHT_FORMATS.get(weight_format)
    if bits is None:
        raise ValueError(f"unknown weight format {weight_format!r}")
    idle = 0.0
    for group in arch.layers:
        layer = group.layer
        if layer.experts:
            stored = group.count * layer.experts * (layer.expert + layer.expert_other)
            idle += stored * (1 - layer.top_k / layer.experts) ** tokens
    if not arch.layers:
        others = arch.params.total - arch.params.active
        idle = others * (others / arch.params.total) ** (tokens - 1)
    looked_up = 0 if arch.tied else arch.params.embedding
    quantised = reached_weights(arch, bits.reach)
    idle_share = Fraction(idle)
    rest = arch.params.total - quantised
    if bits.reach == "all":
        total_bits = (quantised - looked_up - idle_share) * bits.bits
    else:
        total_bits = (quantised - idle_share) * bits.bits + (rest - looked_up) * 16
    return -int(-total_bits // 8)


def cache_weight(arch: ModelArchitecture, gpus: int) -> Fraction:
    """How many times the caches' bytes are read over so many GPUs, the busiest one deciding.

    Heads are dealt out whole, and a latent (MLA) lies on every GPU, unless an engine deals out
    sequences instead of heads.
    """
    heads = [
        1 if group.layer.attention.latent else group.layer.attention.kv_heads
        for group in arch.layers
        if group.layer.attention.cache_elements
    ]
    return max((Fraction(gpus * -(-each // gpus), each) for each in heads), default=Fraction(1))


def estimate_step(
    arch: ModelArchitecture,
    gpu: Gpu,
    *,
    prefill: Sequence[tuple[int, int]] = (),
    decode: Sequence[int] = (),
    gpus: int = 1,
    weight_format: str = "bf16",
    cache_format: str = "bf16",
    efficiency: Efficiency = ASSUMED,
) -> StepEstimate:
    """Time of one step, and which side of the roofline binds it.

    Args:
        arch: The model.
        gpu: The accelerator.
        prefill: For each prompt in the step, its new tokens and those in the cache before them.
        decode: For each sequence being answered, the tokens it has so far.
        gpus: How many hold the model together (tensor parallel); what they tell each other is in
            no formula here, see `whatif`.
        weight_format: See `vram.WEIGHT_FORMATS`.
        cache_format: See `vram.CACHE_BYTES`.
        efficiency: Shares of the peaks.

    Raises:
        ValueError: The step is empty, or a format or count impossible.
    """
    if gpus < 1 or not (prefill or decode):
        raise ValueError(f"need a GPU and at least one sequence, got {gpus} and an empty step")
    passes = [forward_flops(arch, new, past) for new, past in prefill]
    passes += [forward_flops(arch, 1, past, latent="absorbed") for past in decode]
    flops = sum(one.total for one in passes)
    lengths = [new + past for new, past in prefill] + [past + 1 for past in decode]
    once = sum(kv_cache_bytes(arch, tokens, cache_format=cache_format) for tokens in lengths)
    kv = int(once * cache_weight(arch, gpus))
    tokens = sum(new for new, _ in prefill) + len(decode)
    read = read_weight_bytes(arch, tokens, weight_format) + kv
    peak, bandwidth = gpu.peak(compute_format(weight_format)) * gpus, gpu.bandwidth * gpus
    low_share, high_share = (Fraction(bound, max(flops, 1)) for bound in arch.bounds(flops))

    def seconds(share: Fraction, moved: int, mfu: float, mbu: float, overhead: float) -> float:
        return float(share) * max(flops / (peak * mfu), moved / (bandwidth * mbu)) + overhead

    mfu, mbu, overhead = efficiency.mfu, efficiency.mbu, efficiency.overhead
    point = seconds(Fraction(1), read, mfu.value, mbu.value, overhead.value)
    method: Method = weakest(arch.exactness.method, mfu.method, mbu.method, overhead.method)
    time = Estimate(
        point,
        min(point, seconds(low_share, read - kv + once, mfu.high, mbu.high, overhead.low)),
        max(point, seconds(high_share, read, mfu.low, mbu.low, overhead.high)),
        "s",
        method if method != "exact" else "approx",
        "; ".join(dict.fromkeys((arch.source, gpu.source, mfu.source))),
        gpu.as_of,
    )
    computing = flops / (peak * mfu.value) >= read / (bandwidth * mbu.value)
    return StepEstimate(
        time,
        "compute" if computing else "memory",
        flops,
        read,
        flops / (peak * point),
        read / (bandwidth * point),
    )
