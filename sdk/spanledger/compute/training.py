"""FLOPs, time and memory of a training run.

A step forward and back costs three times the step forward: once for the answer, twice for the
gradients (Kaplan et al. 2020, arXiv 2001.08361). What is computed again to save memory is hardware
work and no model work: utilisation is given as both (MFU, HFU). The multipliers below were measured
with torch's FLOP counter on gpt2, smollm2-135m, llama-3.1-8b and mixtral-8x7b at 512 tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from spanledger.compute.architecture import ModelArchitecture
from spanledger.compute.estimate import Estimate, Method
from spanledger.compute.flops import PairCount, forward_flops
from spanledger.compute.gpu import Gpu, Number
from spanledger.compute.training_towers import with_tower
from spanledger.compute.vram import weight_bytes

#: ``full``: all weights; ``lora``: adapters in every layer; ``partial``: some of the model's own.
TrainingMethod = Literal["full", "lora", "partial"]
#: Point, low and high multiple of the forward pass.
_Multiple = tuple[float, float, float]

_MEASURED: Final = "torch 2.13 FlopCounterMode, four models, 2026-11-24"
_AS_OF: Final = "2026-11-24"
#: Adapters' own weights are small: no gradients of the base are made, but errors go through it.
_LORA: Final[_Multiple] = (2.01, 2.0, 2.15)
#: Full recomputation: torch stops each block's early, so less than the textbook's 4.
_CHECKPOINTED: Final[_Multiple] = (3.7, 3.6, 4.0)
_CHECKPOINTED_EXPERTS: Final[_Multiple] = (4.0, 3.9, 4.0)
_LORA_CHECKPOINTED: Final[_Multiple] = (2.7, 2.65, 3.0)
_LORA_CHECKPOINTED_EXPERTS: Final[_Multiple] = (3.0, 2.9, 3.1)
#: Some weights are frozen: gradients of none of them up to all, errors through none or all layers.
_PARTIAL: Final[_Multiple] = (2.5, 1.0, 3.0)
_PARTIAL_CHECKPOINTED: Final[_Multiple] = (3.2, 1.0, 4.0)
#: Where nobody says how long sequences are: attention of next to nothing, of 2048 tokens, of 32k.
_UNKNOWN_LENGTHS: Final = (2048, 1, 32_768)
_UNKNOWN_LENGTH: Final = "length of sequences is not known: 1 to 32768 tokens"
#: What published runs reach: 13.9 % (llama-3.1-8b) to 35 % (405b, DeepSeek-V3).
ASSUMED_MFU: Final = Estimate(
    0.35, 0.14, 0.5, "share", "assumed", "GPU-hours published for Llama 3.1 and DeepSeek-V3", _AS_OF
)
#: Adam in mixed precision: weights 2, gradients 2, master weights, mean and variance 4 each.
_ADAM_BYTES: Final = 16
_SECONDS_AN_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class TrainingFlops:
    """FLOPs of a training run.

    Attributes:
        model: What the model needs: what MFU is reckoned from.
        hardware: With what is computed again: what HFU is reckoned from.
    """

    model: Estimate
    hardware: Estimate


def training_flops(
    arch: ModelArchitecture,
    tokens: int,
    *,
    sequence_tokens: int | None = None,
    method: TrainingMethod = "full",
    checkpointing: bool = False,
    pairs: PairCount = "useful",
) -> TrainingFlops:
    """FLOPs of training on so many tokens.

    Args:
        arch: The model. Of one with an encoder of pictures or sound the high end holds it too.
        tokens: Tokens trained on, every epoch counted.
        sequence_tokens: Length of a sequence; the last one may be shorter. None = not known:
            2048 is assumed, and the interval holds all lengths up to 32768.
        method: All weights, adapters (LoRA, arXiv 2106.09685), or some of the weights.
        checkpointing: Activations are computed again on the way back.
        pairs: ``useful`` counts what the mask allows, ``rectangle`` the full square (PaLM's and
            most tools' convention; 1.4 to 2.2 times as much of attention-heavy models at 32k).

    Raises:
        ValueError: A count is negative, or sequences have no tokens.
    """
    if tokens < 0 or (sequence_tokens is not None and sequence_tokens < 1):
        raise ValueError(f"need tokens >= 0 and sequences >= 1, got {tokens}, {sequence_tokens}")
    if sequence_tokens is not None:
        forward = _interval(arch, _forward(arch, tokens, sequence_tokens, pairs))
    else:
        forward = _of_any_length(arch, tokens, pairs)
    forward = with_tower(arch, forward, tokens, sequence_tokens or max(_UNKNOWN_LENGTHS))
    experts = any(group.layer.experts for group in arch.layers)
    model, hardware = _multiples(method, checkpointing=checkpointing, experts=experts)
    of_model = forward * 3 if model is None else _times(forward, model)
    return TrainingFlops(of_model, of_model if hardware is None else _times(forward, hardware))


def _multiples(
    method: TrainingMethod, *, checkpointing: bool, experts: bool
) -> tuple[_Multiple | None, _Multiple | None]:
    """Of the model (None = exactly 3) and, where it differs, of the hardware."""
    if method == "partial":
        return _PARTIAL, _PARTIAL_CHECKPOINTED if checkpointing else None
    if method == "lora":
        again = _LORA_CHECKPOINTED_EXPERTS if experts else _LORA_CHECKPOINTED
        return _LORA, again if checkpointing else None
    again = _CHECKPOINTED_EXPERTS if experts else _CHECKPOINTED
    return None, again if checkpointing else None


def _forward(arch: ModelArchitecture, tokens: int, length: int, pairs: PairCount) -> int:
    whole, rest = divmod(tokens, length)
    return whole * _pass(arch, length, pairs) + _pass(arch, rest, pairs)


def _of_any_length(arch: ModelArchitecture, tokens: int, pairs: PairCount) -> Estimate:
    point, least, most = (_forward(arch, tokens, length, pairs) for length in _UNKNOWN_LENGTHS)
    return Estimate(
        point, arch.bounds(min(least, point))[0], arch.bounds(max(most, point))[1], "FLOP",
        "assumed", f"{arch.source}; {_UNKNOWN_LENGTH}", arch.as_of,
    )  # fmt: skip


def _pass(arch: ModelArchitecture, tokens: int, pairs: PairCount) -> int:
    return forward_flops(arch, tokens, logits=tokens, pairs=pairs).total if tokens else 0


def training_gpu_hours(
    flops: TrainingFlops, gpu: Gpu, *, number: Number = "bf16", mfu: Estimate = ASSUMED_MFU
) -> Estimate:
    """GPU-hours that a run takes. Hours that a scheduler measured are always better.

    Args:
        flops: Of the run.
        gpu: What it runs on.
        number: What it multiplies in.
        mfu: Share of the peak that the model FLOPs come to.
    """
    rate = gpu.peak(number) * _SECONDS_AN_HOUR
    model = flops.model
    joint = (model * mfu).method
    return Estimate(
        model.value / (rate * mfu.value),
        model.low / (rate * mfu.high),
        model.high / (rate * mfu.low),
        "GPU-hour",
        joint if joint != "exact" else "approx",
        "; ".join(dict.fromkeys((model.source, gpu.source, mfu.source))),
        gpu.as_of,
    )


def training_state_bytes(
    arch: ModelArchitecture, *, adapter_params: int = 0, weight_format: str = "bf16"
) -> Estimate:
    """Bytes of weights, gradients and Adam's state over all GPUs; activations are not in it.

    Args:
        arch: The model.
        adapter_params: Weights of adapters, where only those are trained (the base then lies there
            in ``weight_format``); 0 = all weights are trained.
        weight_format: Of the frozen base.
    """
    if adapter_params:
        value = weight_bytes(arch, weight_format) + _ADAM_BYTES * adapter_params
    else:
        value = _ADAM_BYTES * arch.params.total
    low, high = arch.bounds(value)
    source = f"{arch.source}; ZeRO, arXiv 1910.02054"
    return Estimate(value, low, high, "byte", arch.exactness.method, source, arch.as_of)


def _interval(arch: ModelArchitecture, value: int) -> Estimate:
    low, high = arch.bounds(value)
    return Estimate(value, low, high, "FLOP", arch.exactness.method, arch.source, arch.as_of)


def _times(forward: Estimate, multiple: _Multiple) -> Estimate:
    point, low, high = multiple
    sure: Method = "assumed" if multiple in {_PARTIAL, _PARTIAL_CHECKPOINTED} else "approx"
    factor = Estimate(point, low, high, "1", sure, _MEASURED, _AS_OF)
    product = forward * factor
    return Estimate(
        round(product.value), int(product.low), -int(-product.high // 1), "FLOP",
        product.method, product.source, product.as_of,
    )  # fmt: skip
