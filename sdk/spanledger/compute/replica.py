"""Memory of a whole replica: weights, caches, working memory and the runtime, over its GPUs.

`vram` says what one sequence needs; this is what an engine needs that answers many at once, and
which part of it is one request's. Working memory and the runtime's own are intervals: they depend
on the engine, and what a process really allocated is a measurement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from spanledger.compute.architecture import ModelArchitecture
from spanledger.compute.estimate import Estimate
from spanledger.compute.gpu import Gpu
from spanledger.compute.vram import kv_cache_bytes, weight_bytes

#: Tokens of a page of vLLM's cache.
BLOCK_TOKENS: Final = 16
_GIGABYTE: Final = 10**9
#: Numbers of two bytes a batched token occupies at once, in widths of the stream: inputs and
#: outputs of the widest matrices (an MLP is two to four times as wide).
_WIDTHS: Final = (10, 4, 20)
_ACTIVATIONS: Final = "widest layer of a batch; judgement"
_RUNTIME: Final = "CUDA context, graphs, NCCL: 1 to 3 GB a GPU; judgement"
_AS_OF: Final = "2026-11-24"


@dataclass(frozen=True, slots=True)
class ReplicaVram:
    """Memory of a replica, in bytes over all its GPUs, but for ``per_gpu``.

    Attributes:
        weights: Weights.
        kv: Caches of the sequences, copies that several GPUs keep included.
        activations: Working memory of a step.
        runtime: The runtime's own.
        total: All four.
        per_gpu: On each GPU.
    """

    weights: Estimate
    kv: Estimate
    activations: Estimate
    runtime: Estimate
    total: Estimate
    per_gpu: Estimate

    def fits(self, gpu: Gpu, *, usable: float = 0.92) -> bool:
        """Whether the point estimate fits into ``usable`` of the memory (0.92: vLLM's default)."""
        return self.per_gpu.value <= gpu.memory_bytes * usable


def estimate_replica(
    arch: ModelArchitecture,
    contexts: Sequence[int],
    *,
    gpus: int = 1,
    weight_format: str = "bf16",
    cache_format: str = "bf16",
    block_tokens: int = BLOCK_TOKENS,
    batched_tokens: int = 8192,
) -> ReplicaVram:
    """Memory of a replica that holds these sequences.

    Args:
        arch: The model.
        contexts: Tokens of each sequence.
        gpus: How many share the model (tensor parallel). A key/value head cannot be cut: where
            there are fewer than GPUs each has a copy, and a latent (MLA) lies on every one.
        weight_format: See `vram.WEIGHT_FORMATS`.
        cache_format: See `vram.CACHE_BYTES`.
        block_tokens: Tokens of a page of the cache.
        batched_tokens: Most tokens of a step.

    Raises:
        ValueError: A format is unknown or a count impossible.
    """
    if gpus < 1 or batched_tokens < 1:
        raise ValueError(f"need GPUs and batched tokens above 0, got {gpus} and {batched_tokens}")
    weights = _of(arch, weight_bytes(arch, weight_format))
    pages = sum(
        kv_cache_bytes(arch, tokens, cache_format=cache_format, block_tokens=block_tokens)
        for tokens in contexts
    )
    kv = _of(arch, pages * cache_copies(arch, gpus))
    point, low, high = (batched_tokens * width * arch.hidden * 2 for width in _WIDTHS)
    logits = len(contexts) * arch.vocabulary * 4
    activations = Estimate(
        point + logits, low + logits, high + logits, "byte", "assumed", _ACTIVATIONS, _AS_OF
    )
    runtime = Estimate(2, 1, 3, "byte", "assumed", _RUNTIME, _AS_OF) * (gpus * _GIGABYTE)
    total = weights + kv + activations + runtime
    return ReplicaVram(weights, kv, activations, runtime, total, total * (1 / gpus))


def cache_copies(arch: ModelArchitecture, gpus: int) -> int:
    """How often a cache is kept over so many GPUs: 1 where its heads can be dealt out."""
    copies = 1
    for group in arch.layers:
        attention = group.layer.attention
        if not attention.cache_elements:
            continue
        heads = 1 if attention.latent else attention.kv_heads
        copies = max(copies, -(-gpus // heads))
    return copies


def request_share_bytes(
    arch: ModelArchitecture,
    tokens: int,
    *,
    shared_tokens: int = 0,
    sharers: int = 1,
    cache_format: str = "bf16",
    block_tokens: int = BLOCK_TOKENS,
) -> int:
    """Bytes of a paged cache that are one request's: its own pages, and its part of shared ones.

    Only whole pages of a common prefix are shared; each is divided by those that share it. The
    shares of all sharers sum to at least what is held, by less than a byte a request.

    Args:
        arch: The model.
        tokens: Tokens of the request, the shared ones included.
        shared_tokens: Tokens of a prefix that others hold too.
        sharers: How many hold it, this one included.
        cache_format: See `vram.CACHE_BYTES`.
        block_tokens: Tokens of a page.

    Raises:
        ValueError: More is shared than there is, or nobody shares.
    """
    if not 0 <= shared_tokens <= tokens or sharers < 1:
        raise ValueError(
            f"need 0 <= shared <= tokens and sharers >= 1, got {shared_tokens}, {tokens}, {sharers}"
        )
    pages = shared_tokens // block_tokens * block_tokens

    def held(count: int) -> int:
        return kv_cache_bytes(arch, count, cache_format=cache_format, block_tokens=block_tokens)

    common = held(pages)
    return held(tokens) - common + -(-common // sharers)


def _of(arch: ModelArchitecture, value: int) -> Estimate:
    low, high = arch.bounds(value)
    return Estimate(value, low, high, "byte", arch.exactness.method, arch.source, arch.as_of)
