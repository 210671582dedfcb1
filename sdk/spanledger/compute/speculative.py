"""FLOPs of speculative decoding: a draft model proposes, the model checks several tokens at once.

Each step checks the drafted tokens and one more position, and keeps those that it would have drawn
itself (Leviathan et al. 2023, arXiv 2211.17192). What was drafted in vain was computed all the
same: it is waste, and told apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from spanledger.compute.architecture import ModelArchitecture
from spanledger.compute.estimate import Estimate, Method, weakest
from spanledger.compute.flops import decoding_flops, forward_flops


@dataclass(frozen=True, slots=True)
class SpeculativeFlops:
    """FLOPs of the decoding of one call.

    Attributes:
        target: The model's own: every checked position.
        draft: The draft model's; 0 where it is not given.
        wasted: Of both, what went into tokens that were not kept.
        total: ``target`` and ``draft``.
    """

    target: Estimate
    draft: Estimate
    wasted: Estimate
    total: Estimate


def expected_tokens_per_step(acceptance: float, drafted: int) -> float:
    """Tokens that a step yields in the mean: ``(1 - a^(k+1)) / (1 - a)``.

    Args:
        acceptance: Probability that a drafted token is kept.
        drafted: Tokens drafted a step.

    Raises:
        ValueError: No probability, or a negative number of tokens.
    """
    if not 0 <= acceptance <= 1 or drafted < 0:
        raise ValueError(f"need a probability and a count, got {acceptance} and {drafted}")
    if acceptance == 1:
        return drafted + 1.0
    return (1 - acceptance ** (drafted + 1)) / (1 - acceptance)


def speculative_flops(
    arch: ModelArchitecture,
    draft: ModelArchitecture | None = None,
    *,
    prompt_tokens: int,
    steps: int,
    drafted_tokens: int,
    accepted_tokens: int,
) -> SpeculativeFlops:
    """FLOPs of a decoding that was speculated, from the counts an engine tells of a request.

    A checked position sees between ``prompt_tokens`` and all that was kept in the end; between
    those lies the interval. The point is their middle.

    Args:
        arch: The model.
        draft: The draft model; None = nobody knows it, or nothing is computed to draft (n-grams).
        prompt_tokens: Tokens before the decoding.
        steps: Checks that were made.
        drafted_tokens: Tokens that were drafted.
        accepted_tokens: Of them, those that were kept.

    Raises:
        ValueError: A count is negative, or more was kept than drafted.
    """
    if min(prompt_tokens, steps, accepted_tokens) < 0 or accepted_tokens > drafted_tokens:
        raise ValueError(
            f"need counts from 0 on and accepted <= drafted, got prompt={prompt_tokens} "
            f"steps={steps} drafted={drafted_tokens} accepted={accepted_tokens}"
        )
    end = prompt_tokens + steps + accepted_tokens
    target = _positions(arch, steps + drafted_tokens, prompt_tokens, end)
    vain = drafted_tokens - accepted_tokens
    wasted = _positions(arch, vain, prompt_tokens, end)
    if draft is None:
        return SpeculativeFlops(target, target * 0, wasted, target)
    drafting = _positions(draft, drafted_tokens, prompt_tokens, end)
    wasted += _positions(draft, vain, prompt_tokens, end)
    return SpeculativeFlops(target, drafting, wasted, target + drafting)


def _extremes(arch: ModelArchitecture, start: int, end: int) -> set[int]:
    """Positions of which one costs least and one most: the ends, and where chunks begin and end."""
    last = max(start, end - 1)
    places = {start, last}
    for group in arch.groups:
        spec = group.layer.attention
        if spec.scope == "chunk":
            first, final = -(-start // spec.span) * spec.span, last // spec.span * spec.span
            places |= {at for at in (first, final, first - 1, final - 1) if start <= at <= last}
    return places


def _positions(arch: ModelArchitecture, count: int, start: int, end: int) -> Estimate:
    """FLOPs of so many single positions after between ``start`` and ``end`` tokens."""
    if not arch.groups:
        least = most = forward_flops(arch, count).total
    else:
        places = [decoding_flops(arch, 1, past).total for past in _extremes(arch, start, end)]
        least, most = count * min(places), count * max(places)
    point = (least + most) // 2
    low, high = arch.bounds(least)[0], arch.bounds(most)[1]
    method: Method = weakest("exact" if least == most else "approx", arch.exactness.method)
    return Estimate(point, low, high, "FLOP", method, arch.source, arch.as_of)
