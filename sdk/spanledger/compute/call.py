"""FLOPs and memory of one model call, as the instrumentation stamps them on a span.

Made for the user's thread: integers only, no I/O after the first call for a model, a bounded table
of seen ids.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from spanledger.compute.architecture import ModelArchitecture
from spanledger.compute.catalogue import architecture
from spanledger.compute.estimate import Method, weakest
from spanledger.compute.flops import computed_tokens, decoding_flops, forward_flops
from spanledger.compute.models import recognise
from spanledger.compute.speculative import speculative_flops
from spanledger.compute.vram import kv_cache_bytes, weight_bytes

#: OTLP carries integers as int64; a larger figure cannot be put on a span.
_INT64_MAX: Final = 2**63 - 1
#: Model ids remembered, known and unknown; bounded because ids can come from end users.
_REMEMBERED_IDS: Final = 512


class CallEstimate(NamedTuple):
    """Physics of one call.

    Attributes:
        flops_prefill: FLOPs up to and with the first output token.
        flops_decode: FLOPs of the other output tokens.
        flops_total: Both.
        flops_low: Lower bound of the total.
        flops_high: Upper bound of the total.
        method: ``exact``, ``approx`` or ``assumed``, see `estimate.METHODS`.
        source: Where the architecture or the assumption comes from.
        weights_bytes: Bytes of the model's weights; 0 when unknown.
        kv_bytes: Bytes of the call's key/value cache at its longest; 0 when unknown.
        vram_source: ``estimated:<weight format>``, ``assumed:<weight format>`` where nothing states
            the format, or ``""`` when memory is unknown.
    """

    flops_prefill: int
    flops_decode: int
    flops_total: int
    flops_low: int
    flops_high: int
    method: Method
    source: str
    weights_bytes: int
    kv_bytes: int
    vram_source: str


class _Prepared(NamedTuple):
    """All that does not depend on token counts.

    ``per_token`` is the low bound, the point and the high bound of the FLOPs of one token, where
    they do not depend on its position: a model known only by its parameter count.
    """

    arch: ModelArchitecture
    per_token: tuple[int, int, int] | None
    method: Method
    source: str
    weights_bytes: int
    vram_source: str


#: The fields of a :class:`CallEstimate` in their order, without the object.
Figures = tuple[int, int, int, int, int, Method, str, int, int, str]


def estimate_call(
    model: str, input_tokens: int, cached_tokens: int, output_tokens: int
) -> CallEstimate | None:
    """Estimate one served call.

    Args:
        model: The model id as on the span, any usual spelling.
        input_tokens: All prompt tokens, cached ones included.
        cached_tokens: Prompt tokens read from a prefix cache.
        output_tokens: All output tokens, reasoning included.

    Returns:
        The estimate; None when the model is unknown, a count is negative, or the result does not
        fit a 64-bit integer (counts no real call has).
    """
    figures = call_figures(model, input_tokens, cached_tokens, output_tokens)
    return None if figures is None else CallEstimate(*figures)


def call_figures(
    model: str,
    input_tokens: int,
    cached_tokens: int,
    output_tokens: int,
    cache_told: bool = True,
) -> Figures | None:
    """The same as :func:`estimate_call`, for code that every call runs through.

    Where nobody told of a cache the low end is that of a prompt found in it whole.
    """
    prepared = _prepare(model)
    if prepared is None or input_tokens < 0 or cached_tokens < 0 or output_tokens < 0:
        return None
    arch, per_token, method, source, weights_bytes, vram_source = prepared
    new, cached, steps = computed_tokens(input_tokens, cached_tokens, output_tokens)
    if per_token is not None:
        least, point, most = per_token
        prefill, decode = point * new, point * steps
        low, high = least * (new + steps), most * (new + steps)
    else:
        prefill = forward_flops(arch, new, cached, logits=1 if new else 0).total
        decode = decoding_flops(arch, steps, input_tokens).total
        low, high = arch.bounds(prefill + decode)
    if high > _INT64_MAX:
        return None
    if not cache_told and input_tokens > 1:
        low, method = _all_cached(prepared, input_tokens, output_tokens), weakest(method, "approx")
    # The last token drawn is never cached.
    kv_bytes = kv_cache_bytes(arch, input_tokens + steps) if vram_source else 0
    return (
        prefill, decode, prefill + decode, low, high,
        method, source, weights_bytes, kv_bytes, vram_source,
    )  # fmt: skip


def _all_cached(prepared: _Prepared, input_tokens: int, output_tokens: int) -> int:
    """Lower bound of a call whose prompt was in the cache, but for its last token."""
    new, cached, steps = computed_tokens(input_tokens, input_tokens - 1, output_tokens)
    if prepared.per_token is not None:
        return prepared.per_token[0] * (new + steps)
    arch = prepared.arch
    prefill = forward_flops(arch, new, cached, logits=1 if new else 0).total
    return arch.bounds(prefill + decoding_flops(arch, steps, input_tokens).total)[0]


def wasted_flops(
    model: str, input_tokens: int, output_tokens: int, drafted_tokens: int, accepted_tokens: int
) -> int | None:
    """FLOPs of a model for drafted tokens of a call that it did not keep (speculative decoding).

    They come on top of the call's. What drafted them is not known from its id, and not in it.

    Args:
        model: The model id as on the span, any usual spelling.
        input_tokens: All prompt tokens.
        output_tokens: All output tokens; each but the first is of a check, or was drafted and kept.
        drafted_tokens: Tokens that were drafted.
        accepted_tokens: Of them, those that were kept.

    Returns:
        The middle of its interval (`speculative_flops`); None when the model is unknown, a count is
        impossible, or the result does not fit a 64-bit integer.
    """
    prepared = _prepare(model)
    if prepared is None or min(input_tokens, output_tokens, accepted_tokens) < 0:
        return None
    if accepted_tokens > drafted_tokens:
        return None
    told = speculative_flops(
        prepared.arch,
        prompt_tokens=input_tokens,
        steps=max(0, output_tokens - 1 - accepted_tokens),
        drafted_tokens=drafted_tokens,
        accepted_tokens=accepted_tokens,
    ).wasted
    return int(told.value) if told.high <= _INT64_MAX else None


@lru_cache(maxsize=_REMEMBERED_IDS)
def _prepare(model: str) -> _Prepared | None:
    known = recognise(model)
    if known is None:
        return None
    arch = architecture(known.name)
    method, source = arch.exactness.method, arch.source
    if not arch.layers:
        point = forward_flops(arch, 1).total
        low, high = arch.bounds(point)
        return _Prepared(arch, (low, point, high), method, source, 0, "")
    weights = weight_bytes(arch, known.weight_format)
    sure = "assumed" if known.is_assumed else "estimated"
    return _Prepared(arch, None, method, source, weights, f"{sure}:{known.weight_format}")
