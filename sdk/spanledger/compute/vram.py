"""Memory of weights and key/value cache, in bytes.

Weights are summed over tensor groups, because formats do not treat them alike: GPTQ and AWQ leave
embedding, head and norms in bf16, MXFP4 (gpt-oss) quantises the experts only. Whole-file averages
(the GGUF formats) apply to everything. What a process really allocated is a measurement and not
made here.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from spanledger.compute.architecture import ModelArchitecture
from spanledger.compute.estimate import Estimate

Reach = Literal["all", "layers", "experts"]

_BF16_BITS: Final = 16


@dataclass(frozen=True, slots=True)
class WeightFormat:
    """A storage format of weights.

    Attributes:
        bits: Bits per weight, scales and zero points included.
        reach: Which weights are stored so: all, the layers' matrices, or the routed experts. The
            others stay bf16.
    """

    bits: Fraction
    reach: Reach = "all"


def _bits(text: str, reach: Reach = "all") -> WeightFormat:
    return WeightFormat(Fraction(text), reach)


#: Bits per weight. fp8: one fp32 scale per 128x128 block. nf4: double quantisation (QLoRA, arXiv
#: 2305.14314). gptq, awq: groups of 128. int4_experts: one bf16 scale per 32 (Kimi K2 Thinking,
#: which was trained so). mxfp4: one 8-bit scale per 32 (OCP MX 1.0). nvfp4: one 8-bit scale per 16.
#: GGUF rows: whole-file averages for Llama 3.1 8B published by llama.cpp.
WEIGHT_FORMATS: Final[dict[str, WeightFormat]] = {
    "fp32": _bits("32"),
    "bf16": _bits("16"),
    "fp16": _bits("16"),
    "fp8": WeightFormat(8 + Fraction(32, 16384), "layers"),
    "int8": _bits("8", "layers"),
    "nf4": _bits("4.127", "layers"),
    "gptq": _bits("4.156", "layers"),
    "awq": _bits("4.156", "layers"),
    "int4_experts": _bits("4.5", "experts"),
    "mxfp4": _bits("4.25", "experts"),
    "nvfp4": _bits("4.5", "layers"),
    "q2_k": _bits("3.159"),
    "q3_k_s": _bits("3.643"),
    "q3_k_l": _bits("4.298"),
    "iq4_xs": _bits("4.460"),
    "q4_k_s": _bits("4.667"),
    "q4_k_m": _bits("4.894"),
    "q5_k_s": _bits("5.570"),
    "q5_k_m": _bits("5.704"),
    "q6_k": _bits("6.563"),
    "q8_0": _bits("8.501"),
}

#: Bytes of one number in the key/value cache.
CACHE_BYTES: Final[dict[str, int]] = {"bf16": 2, "fp16": 2, "fp32": 4, "fp8": 1, "int8": 1}


@dataclass(frozen=True, slots=True)
class VramEstimate:
    """Memory one sequence needs, runtime overhead and activations left out.

    Attributes:
        weights: Bytes of the model's weights, shared by all sequences of a replica.
        kv: Bytes of this sequence's key/value cache.
        total: Both.
    """

    weights: Estimate
    kv: Estimate
    total: Estimate


def weight_bytes(arch: ModelArchitecture, weight_format: str = "bf16") -> int:
    """Bytes of the weights in ``weight_format``, see `WEIGHT_FORMATS`; rounded up.

    A model known only by its parameter count has no tensor groups: all of it is taken as quantised.

    Raises:
        ValueError: The format is unknown.
    """
    chosen = WEIGHT_FORMATS.get(weight_format)
    if chosen is None:
        raise ValueError(
            f"unknown weight format {weight_format!r}: use one of {', '.join(WEIGHT_FORMATS)}"
        )
    quantised = reached_weights(arch, chosen.reach)
    bits = quantised * chosen.bits + (arch.params.total - quantised) * _BF16_BITS
    return -(-bits.numerator // (bits.denominator * 8))


def reached_weights(arch: ModelArchitecture, reach: Reach) -> int:
    """Weights that a format of this reach quantises; all of a model known by its size alone."""
    if reach == "all" or not arch.layers:
        return arch.params.total
    experts = sum(
        group.count * group.layer.experts * (group.layer.expert + group.layer.expert_other)
        for group in arch.layers
    )
    if reach == "experts":
        return experts
    return experts + sum(group.count * group.layer.dense for group in arch.layers)


def kv_cache_elements(arch: ModelArchitecture, tokens: int) -> int:
    """Numbers in the key/value cache of one sequence of ``tokens``.

    Windowed layers stop at their window; latent attention stores the latent and the rotary key.
    """
    return sum(
        group.count
        * group.layer.attention.cache_elements
        * group.layer.attention.held_tokens(tokens)
        for group in arch.layers
    )


def kv_cache_bytes(
    arch: ModelArchitecture, tokens: int, *, cache_format: str = "bf16", block_tokens: int = 1
) -> int:
    """Bytes of the key/value cache of one sequence.

    Args:
        arch: The model; one without layers (closed) has no known cache: 0.
        tokens: Tokens in the sequence.
        cache_format: See `CACHE_BYTES`.
        block_tokens: Size of a page of a paged cache; whole pages are counted.

    Raises:
        ValueError: The format is unknown, a count is negative or a page is empty.
    """
    width = CACHE_BYTES.get(cache_format)
    if width is None:
        raise ValueError(
            f"unknown cache format {cache_format!r}: use one of {', '.join(CACHE_BYTES)}"
        )
    if tokens < 0 or block_tokens < 1:
        raise ValueError(f"need tokens >= 0 and block_tokens >= 1, got {tokens} and {block_tokens}")
    paged = -(-tokens // block_tokens) * block_tokens
    return kv_cache_elements(arch, paged) * width


def estimate_vram(
    arch: ModelArchitecture,
    tokens: int,
    *,
    weight_format: str = "bf16",
    cache_format: str = "bf16",
    block_tokens: int = 1,
) -> VramEstimate:
    """Memory of the weights and of one sequence of ``tokens``.

    Raises:
        ValueError: A format is unknown or a count impossible.
    """
    weights = _memory(arch, weight_bytes(arch, weight_format))
    cache = kv_cache_bytes(arch, tokens, cache_format=cache_format, block_tokens=block_tokens)
    kv = _memory(arch, cache)
    return VramEstimate(weights, kv, weights + kv)


def _memory(arch: ModelArchitecture, value: int) -> Estimate:
    """Bytes with the relative interval of the architecture's parameters."""
    low, high = arch.bounds(value)
    return Estimate(value, low, high, "byte", arch.exactness.method, arch.source, arch.as_of)
