"""What an engine computed and read for its calls: what MFU and MBU of its GPUs are made of.

FLOPs are the useful ones, as everywhere here: pairs that the mask allows, nothing computed twice.
Bytes are what has to be read: the cache of a sequence each step, and its part of the weights, which
the sequences of a step share; what is written, and activations, are in none of it. Both are dealt
out evenly over the time in which they were worked on, so windows sum to the call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from spanledger.compute.engine import Engine, Observation, answer_bytes, mean_live
from spanledger.compute.flops import call_passes, computed_tokens
from spanledger.compute.roofline import cache_weight, read_weight_bytes
from spanledger.compute.vram import kv_cache_bytes


class Work(NamedTuple):
    """What was done for a call in a window.

    Attributes:
        flops: FLOPs; their bounds are those of the model (`ModelArchitecture.bounds`).
        flops_low: Fewer, where nobody told what was cached: all of the prompt may have been.
        read_low: Bytes read, every cache once; None = the model's cache is not known.
        read_high: As often as GPUs keep a copy of it.
    """

    flops: int
    flops_low: int
    read_low: int | None
    read_high: int | None


def work(
    observations: Sequence[Observation], from_ns: int, to_ns: int, engine: Engine
) -> Mapping[str, Work]:
    """Call -> what was done for it from one moment to another; only those whose tokens are known.

    Args:
        observations: Every call that the engine worked on in that time, and no other.
        from_ns: Begin of the window, nanoseconds since 1970.
        to_ns: Its end.
        engine: What served them; without a model nothing is known.
    """
    if engine.arch is None:
        return {}
    beside = mean_live(observations)
    done: dict[str, Work] = {}
    for one in observations:
        known = one.prompt_tokens and one.answer_known
        if known and max(one.works_from_ns, from_ns) < min(one.end_ns, to_ns):
            live = max(1.0, beside[one.call] / engine.replicas)
            done[one.call] = _of_call(one, live, from_ns, to_ns, engine)
    return done


def _of_call(one: Observation, live: float, from_ns: int, to_ns: int, engine: Engine) -> Work:
    arch, made = engine.arch, one.output_tokens or 0
    assert arch is not None  # noqa: S101 -- `work` has seen to it
    prefill, decode = call_passes(arch, one.prompt_tokens, one.cached_tokens, made)
    least = (
        prefill
        if one.cache_told
        else call_passes(arch, one.prompt_tokens, one.prompt_tokens, made)[0]
    )

    def within(prompt: int, answer: int) -> int:
        if not one.has_first_token:
            return _within(prompt + answer, one.works_from_ns, one.end_ns, from_ns, to_ns)
        first = one.first_token_ns
        return _within(prompt, one.works_from_ns, first, from_ns, to_ns) + _within(
            answer, first, one.end_ns, from_ns, to_ns
        )

    flops, flops_low = within(prefill.total, decode.total), within(least.total, decode.total)
    if not arch.layers:
        return Work(flops, flops_low, None, None)
    return Work(
        flops,
        flops_low,
        within(*_read(one, live, engine, copies=False)),
        within(*_read(one, live, engine, copies=True)),
    )


def _read(one: Observation, live: float, engine: Engine, *, copies: bool) -> tuple[int, int]:
    """Bytes that its prompt and its answer had to have read."""
    arch = engine.arch
    assert arch is not None  # noqa: S101 -- `work` has seen to it
    new, _, _ = computed_tokens(one.prompt_tokens, one.cached_tokens, one.output_tokens or 0)
    weights = read_weight_bytes(arch, new, engine.weight_format) / live
    cache: float = kv_cache_bytes(arch, one.prompt_tokens)
    if copies:
        cache *= float(cache_weight(arch, engine.gpus_each))
    return int(weights + cache), int(answer_bytes(one, live, engine, copies=copies))


def _within(amount: int, begin: int, end: int, from_ns: int, to_ns: int) -> int:
    """What of an even amount lies in the window; the windows of a call sum to it exactly."""
    if end <= begin:
        # It took no time, at the end of what came before it: of the window that this end is in.
        return amount if from_ns < begin <= to_ns else 0
    before, until = (min(max(at, begin), end) - begin for at in (from_ns, to_ns))
    return amount * until // (end - begin) - amount * before // (end - begin)
