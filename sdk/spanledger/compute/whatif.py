"""What if: another GPU, format, number of GPUs or batch; and hosting oneself against an API.

The formulas are those of `roofline`, with what GPUs that share a model tell each other after every
layer (Pope et al. 2022, arXiv 2211.05102). They know nothing of quality: whether a smaller format
still answers well must be measured, and is never implied.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from spanledger.compute.architecture import ModelArchitecture
from spanledger.compute.estimate import Estimate
from spanledger.compute.flops import estimate_flops
from spanledger.compute.gpu import Gpu
from spanledger.compute.replica import estimate_replica
from spanledger.compute.roofline import (
    ASSUMED,
    Bound,
    Efficiency,
    compute_format,
    estimate_step,
)

_SECONDS_AN_HOUR: Final = 3600
_MILLION: Final = 10**6
#: Seconds that one exchange between GPUs takes beside its bytes: judgement.
_LATENCY_SECONDS: Final = 10e-6


@dataclass(frozen=True, slots=True)
class ServingPoint:
    """One way to serve a model.

    Attributes:
        gpu: Name of the accelerator.
        gpus: How many share the model.
        weight_format: Of its weights.
        batch: Sequences answered at once.
        token_seconds: Seconds from one output token of a sequence to its next.
        usd_per_million: USD for a million output tokens, the GPUs being busy.
        bound: What limits it.
        fits: Whether it fits into the memory.
    """

    gpu: str
    gpus: int
    weight_format: str
    batch: int
    token_seconds: Estimate
    usd_per_million: Estimate
    bound: Bound
    fits: bool


def serving_point(
    arch: ModelArchitecture,
    gpu: Gpu,
    *,
    usd_per_gpu_hour: float,
    gpus: int = 1,
    batch: int = 1,
    context_tokens: int = 4096,
    weight_format: str = "bf16",
    cache_format: str = "bf16",
    efficiency: Efficiency = ASSUMED,
) -> ServingPoint:
    """Latency and price of decoding, a batch of sequences of one length.

    Args:
        arch: The model.
        gpu: The accelerator.
        usd_per_gpu_hour: Its rate.
        gpus: How many share the model.
        batch: Sequences answered at once.
        context_tokens: Tokens each has so far.
        weight_format: See `vram.WEIGHT_FORMATS`.
        cache_format: See `vram.CACHE_BYTES`.
        efficiency: Shares of the peaks.

    Raises:
        ValueError: A count is below 1, or a format is unknown.
    """
    if batch < 1:
        raise ValueError(f"a batch has at least one sequence, not {batch}")
    contexts = [context_tokens] * batch
    step = estimate_step(
        arch, gpu, decode=contexts, gpus=gpus, weight_format=weight_format,
        cache_format=cache_format, efficiency=efficiency,
    )  # fmt: skip
    exchange = exchange_seconds(arch, gpu, gpus=gpus, batch=batch)
    seconds = Estimate(
        step.seconds.value + exchange, step.seconds.low + exchange, step.seconds.high + exchange,
        "s", step.seconds.method, step.seconds.source, step.seconds.as_of,
    )  # fmt: skip
    usd = gpus * usd_per_gpu_hour * _MILLION / (_SECONDS_AN_HOUR * batch)
    price = Estimate(
        seconds.value * usd, seconds.low * usd, seconds.high * usd,
        "USD/million tokens", seconds.method, seconds.source, seconds.as_of,
    )  # fmt: skip
    memory = estimate_replica(
        arch, [context_tokens + 1] * batch, gpus=gpus, weight_format=weight_format,
        cache_format=cache_format, batched_tokens=batch,
    )  # fmt: skip
    return ServingPoint(
        gpu.name, gpus, weight_format, batch, seconds, price, step.bound, memory.fits(gpu)
    )


def exchange_seconds(arch: ModelArchitecture, gpu: Gpu, *, gpus: int, batch: int) -> float:
    """Seconds a step spends exchanging activations: two all-reduces a layer, as rings.

    0 on one GPU. Without a known link they are taken to exchange over PCIe 4 (32 GB/s).
    """
    if gpus == 1:
        return 0.0
    layers = sum(group.count for group in arch.layers)
    message = batch * arch.hidden * 2
    link = gpu.link or 32 * 10**9
    return 2 * layers * (_LATENCY_SECONDS + 2 * (gpus - 1) / gpus * message / link)


def frontier(points: Iterable[ServingPoint]) -> list[ServingPoint]:
    """Of the points that fit, those that no other beats in both latency and price; by latency."""
    fitting = sorted(
        (one for one in points if one.fits),
        key=lambda one: (one.token_seconds.value, one.usd_per_million.value),
    )
    best: list[ServingPoint] = []
    for one in fitting:
        if not best or one.usd_per_million.value < best[-1].usd_per_million.value:
            best.append(one)
    return best


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Hosting a model oneself, against buying its tokens.

    Attributes:
        usd_per_hour: Of the GPUs, busy or not.
        calls_per_hour: Calls an hour from which on hosting is cheaper; infinite where a call
            costs nothing to buy.
        capacity_per_hour: Calls an hour that the GPUs can answer.
        worthwhile: Whether they can answer so many: low and high end of the capacity agree.
    """

    usd_per_hour: float
    calls_per_hour: float
    capacity_per_hour: Estimate
    worthwhile: bool | None


def break_even(
    arch: ModelArchitecture,
    gpu: Gpu,
    *,
    usd_per_gpu_hour: float,
    api_usd_per_call: float,
    prompt_tokens: int,
    cached_tokens: int = 0,
    output_tokens: int,
    gpus: int = 1,
    batch: int = 16,
    weight_format: str = "bf16",
    efficiency: Efficiency = ASSUMED,
) -> BreakEven:
    """From how many calls an hour on GPUs of one's own cost less than the API.

    Capacity is the time of the prompts at their arithmetic, of what GPUs tell each other meanwhile,
    and of the answers in full batches.

    Args:
        arch: The model.
        gpu: The accelerator.
        usd_per_gpu_hour: Its rate, paid busy or not.
        api_usd_per_call: What such a call costs to buy.
        prompt_tokens: Of a call.
        cached_tokens: Of them, found in the prefix cache.
        output_tokens: Of a call.
        gpus: How many share the model.
        batch: Sequences answered at once.
        weight_format: See `vram.WEIGHT_FORMATS`.
        efficiency: Shares of the peaks.

    Raises:
        ValueError: A count or rate is impossible.
    """
    if usd_per_gpu_hour <= 0 or api_usd_per_call < 0:
        raise ValueError(f"need rates from 0 on, got {usd_per_gpu_hour} and {api_usd_per_call}")
    point = serving_point(
        arch, gpu, usd_per_gpu_hour=usd_per_gpu_hour, gpus=gpus, batch=batch,
        context_tokens=prompt_tokens + output_tokens // 2, weight_format=weight_format,
        efficiency=efficiency,
    )  # fmt: skip
    prefill = estimate_flops(arch, prompt_tokens, cached_tokens, 1).prefill
    peak, mfu = gpu.peak(compute_format(weight_format)) * gpus, efficiency.mfu
    steps = max(output_tokens - 1, 0) / batch
    token = point.token_seconds
    told = exchange_seconds(arch, gpu, gpus=gpus, batch=max(1, prompt_tokens - cached_tokens))
    seconds = (
        prefill.value / (peak * mfu.value) + told + steps * token.value,
        prefill.low / (peak * mfu.high) + told + steps * token.low,
        prefill.high / (peak * mfu.low) + told + steps * token.high,
    )
    hour = _SECONDS_AN_HOUR
    capacity = Estimate(
        hour / seconds[0], hour / seconds[2], hour / seconds[1], "calls/hour",
        token.method, token.source, token.as_of,
    )  # fmt: skip
    bought = gpus * usd_per_gpu_hour
    needed = bought / api_usd_per_call if api_usd_per_call else float("inf")
    worthwhile = None if capacity.low < needed <= capacity.high else needed <= capacity.low
    return BreakEven(bought, needed, capacity, worthwhile if point.fits else False)
