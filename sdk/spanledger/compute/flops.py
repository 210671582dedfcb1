"""FLOPs of one served call.

Counted is the useful work of a serving engine: each new token through every matmul it needs
(``2`` FLOPs per weight), attention only over the pairs the mask allows, and logits only where a
token is drawn. The shape of the sum is Kaplan et al. 2020 (arXiv 2001.08361) without its
approximations; norms, activations, rotary and softmax are left out, as FLOP counters do.

A call with ``p`` prompt tokens, ``c`` of them from the prefix cache, and ``o`` output tokens is
one forward pass of ``p - c`` tokens that draws the first output token, then ``o - 1`` passes of one
token. Reasoning tokens are output tokens. The last prompt token is always computed, so ``c`` is
at most ``p - 1``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from spanledger.compute.architecture import ModelArchitecture
from spanledger.compute.attention import Attention
from spanledger.compute.estimate import Estimate
from spanledger.compute.vision import VisionTower

#: A tower with its projector, in percent of the tower: LLaVA's takes 6; judgement.
_PROJECTED_PERCENT: Final = 115
#: How multi-head latent attention runs: keys and values expanded (prefill), or absorbed into the
#: queries (decoding). Without MLA both are the same.
LatentMode = Literal["expanded", "absorbed"]
#: ``useful``: pairs the mask allows. ``rectangle``: all pairs an eager kernel multiplies, which is
#: what a FLOP counter sees.
PairCount = Literal["useful", "rectangle"]


@dataclass(frozen=True, slots=True)
class ForwardFlops:
    """FLOPs of one forward pass, by where they are spent (integers)."""

    linear: int
    attention: int
    head: int

    @property
    def total(self) -> int:
        """The sum of the three."""
        return self.linear + self.attention + self.head


@dataclass(frozen=True, slots=True)
class FlopsEstimate:
    """FLOPs of one served call, cut two ways.

    ``prefill + decode`` equals ``linear + attention + head`` in value, and with ``vision`` the
    total. For models known only by their parameter count everything is ``linear``.

    Attributes:
        prefill: Prompt processing, up to and with the first output token.
        decode: The output tokens after the first.
        linear: Matmuls of the layers.
        attention: Scores and weighted values.
        head: Logits.
        vision: The tower's, of the pictures of the prompt; their tokens are in ``prefill``.
        total: All of it.
    """

    prefill: Estimate
    decode: Estimate
    linear: Estimate
    attention: Estimate
    head: Estimate
    vision: Estimate
    total: Estimate


def forward_flops(
    arch: ModelArchitecture,
    new_tokens: int,
    past_tokens: int = 0,
    *,
    logits: int = 1,
    latent: LatentMode = "expanded",
    pairs: PairCount = "useful",
) -> ForwardFlops:
    """FLOPs of ``new_tokens`` after ``past_tokens`` already in the cache.

    Args:
        arch: The model. One known only by parameter count gets ``2 * active`` per new token; a
            hybrid that too, and the attention of those of its layers that attend.
        new_tokens: Tokens computed.
        past_tokens: Tokens whose keys and values are cached.
        logits: Positions whose logits are computed (an encoder's pooler runs once).
        latent: How MLA attends.
        pairs: Which pairs count.
    """
    linear = (arch.linear_flops if arch.groups else 2 * arch.params.active) * new_tokens
    attention = 0
    for group in arch.layers:
        spec = group.layer.attention
        attention += group.count * _attention_flops(spec, new_tokens, past_tokens, latent, pairs)
        if spec.latent and latent == "expanded":
            linear += group.count * spec.expand_flops * past_tokens
    if not arch.groups:  # the head is among the active weights
        return ForwardFlops(linear, attention, 0)
    positions = min(logits, 1) if arch.pooled else logits
    return ForwardFlops(linear, attention, 2 * arch.head * positions)


def _attention_flops(
    spec: Attention, new: int, past: int, latent: LatentMode, pairs: PairCount
) -> int:
    count = spec.pairs(new, past) if pairs == "useful" else spec.rectangle(new, past)
    absorbed = spec.latent and latent == "absorbed"
    return count * (spec.absorbed_pair_flops if absorbed else spec.pair_flops)


def call_passes(
    arch: ModelArchitecture, prompt_tokens: int, cached_tokens: int, output_tokens: int
) -> tuple[ForwardFlops, ForwardFlops]:
    """The prefill pass and the sum of the decoding passes of one served call.

    Raises:
        ValueError: A count is negative.
    """
    if min(prompt_tokens, cached_tokens, output_tokens) < 0:
        raise ValueError(
            "token counts cannot be negative: "
            f"prompt={prompt_tokens} cached={cached_tokens} output={output_tokens}"
        )
    new, cached, steps = computed_tokens(prompt_tokens, cached_tokens, output_tokens)
    prefill = forward_flops(arch, new, cached, logits=1 if new else 0)
    return prefill, decoding_flops(arch, steps, prompt_tokens)


def computed_tokens(
    prompt_tokens: int, cached_tokens: int, output_tokens: int
) -> tuple[int, int, int]:
    """Tokens computed in the prefill, tokens taken from the cache, and decoding steps."""
    cached = cached_tokens if cached_tokens < prompt_tokens else prompt_tokens - 1
    cached = max(0, cached)
    return prompt_tokens - cached, cached, output_tokens - 1 if output_tokens else 0


def decoding_flops(arch: ModelArchitecture, steps: int, prompt_tokens: int) -> ForwardFlops:
    """FLOPs of ``steps`` decoding steps after the prompt."""
    return forward_flops(arch, steps, prompt_tokens, logits=steps, latent="absorbed")


def estimate_flops(
    arch: ModelArchitecture,
    prompt_tokens: int,
    cached_tokens: int = 0,
    output_tokens: int = 0,
    *,
    batch: int = 1,
    images: int = 0,
) -> FlopsEstimate:
    """FLOPs of one served call, or of so many alike.

    Args:
        arch: The model.
        prompt_tokens: All prompt tokens, cached ones included.
        cached_tokens: Prompt tokens read from the prefix cache; at most ``prompt_tokens - 1``
            count, because the last one is always computed.
        output_tokens: All output tokens, reasoning included.
        batch: Calls: they share a step, and no FLOP.
        images: Pictures, or tiles of them, of a prompt; their tokens are among ``prompt_tokens``.

    Raises:
        ValueError: A count is negative, or the model has no tower that is known.
    """
    if min(batch, images) < 0:
        raise ValueError(f"counts cannot be negative: batch={batch} images={images}")
    if images and arch.vision is None:
        raise ValueError(f"{arch.name!r} has no vision tower that is known: read its config.json")
    prefill, decode = call_passes(arch, prompt_tokens, cached_tokens, output_tokens)
    parts = [
        prefill.total,
        decode.total,
        prefill.linear + decode.linear,
        prefill.attention + decode.attention,
        prefill.head + decode.head,
    ]
    told = [_interval(arch, batch * value) for value in parts]
    text = _interval(arch, batch * (prefill.total + decode.total))
    vision = _interval(arch, 0)
    if arch.vision is not None and images:
        vision = seen_flops(arch.vision, batch * images)
    total = text + vision if images else text
    return FlopsEstimate(told[0], told[1], told[2], told[3], told[4], vision, total)


def seen_flops(tower: VisionTower, images: int, patches: int = 0) -> Estimate:
    """FLOPs of pictures of a prompt: the tower's, and an interval for what projects its output."""
    told = tower.flops(images, patches=patches)
    return Estimate(
        told.value, told.low, -(-told.high * _PROJECTED_PERCENT // 100), told.unit, "approx",
        told.source, told.as_of,
    )  # fmt: skip


def _interval(arch: ModelArchitecture, value: int) -> Estimate:
    low, high = arch.bounds(value)
    return Estimate(value, low, high, "FLOP", arch.exactness.method, arch.source, arch.as_of)
