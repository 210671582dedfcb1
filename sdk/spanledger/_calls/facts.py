"""The attributes of a finished call: usage in disjoint buckets, retries, and physics.

Each function maps facts to attributes and does nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, cast

from spanledger import semconv
from spanledger._calls.answer import Answer, FactValue, Usage
from spanledger._calls.attempts import Attempt, own_attempts, retries_of
from spanledger._guard import guarded, swallow
from spanledger.compute.call import call_figures, wasted_flops

if TYPE_CHECKING:
    from spanledger._calls.tokens import TokenEstimate

#: What the tracing API takes as an attribute value (the part we use).
Value = str | bool | int | float | tuple[str, ...] | tuple[float, ...]
Attributes = dict[str, Value]

_DERIVED: Final[Attributes] = {
    semconv.USAGE_SOURCE: "estimated",
    semconv.USAGE_METHOD: "request",
}
#: Nothing is billed.
FREE: Final[Attributes] = {semconv.USAGE_SOURCE: "none"}
_PROVIDER: Final[Attributes] = {semconv.USAGE_SOURCE: "provider"}


def source_of(answer: Answer) -> Attributes:
    """Where the usage of an answer that has one is from."""
    if answer.free:
        return FREE
    return _DERIVED if answer.derived else _PROVIDER


def answer_attributes(answer: Answer, tier_attribute: str) -> Attributes:
    """Who answered and how it ended."""
    attributes: Attributes = {}
    if answer.response_id:
        attributes[semconv.RESPONSE_ID] = answer.response_id
    if answer.model:
        attributes[semconv.RESPONSE_MODEL] = answer.model
    if answer.finish_reasons:
        attributes[semconv.RESPONSE_FINISH_REASONS] = answer.finish_reasons
    if answer.service_tier:
        attributes[tier_attribute] = answer.service_tier
    if answer.region:
        attributes[semconv.INFERENCE_REGION] = answer.region
    if answer.facts:
        attributes.update(answer.facts)
    return attributes


def add_usage(attributes: Attributes, usage: Usage) -> None:
    """Token counts, as the conventions have them and as buckets that sum to the bill; units.

    The two sides are written as far as they are known; a count that is not known is left out, never
    written as 0 (writes to a cache are left out where there were none, too). Should a provider
    report more cached than total input, the uncached part is 0.
    """
    total, made, read = usage.input_tokens, usage.output_tokens, usage.cache_read_tokens
    written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    if total is not None:
        attributes[semconv.USAGE_INPUT_TOKENS] = total
        attributes[semconv.USAGE_INPUT_UNCACHED_TOKENS] = max(0, total - read - written)
        attributes[semconv.USAGE_CACHE_READ_TOKENS] = read
    if made is not None:
        attributes[semconv.USAGE_OUTPUT_TOKENS] = made
        attributes[semconv.USAGE_BILLED_OUTPUT_TOKENS] = made
    if read:
        attributes[semconv.USAGE_CACHE_READ_INPUT_TOKENS] = read
    if usage.reasoning_tokens:
        attributes[semconv.USAGE_REASONING_OUTPUT_TOKENS] = usage.reasoning_tokens
    if written:
        attributes[semconv.USAGE_CACHE_WRITE_INPUT_TOKENS] = written
        if total is not None:  # beside what is known, a write that is left out is none
            attributes[semconv.USAGE_CACHE_WRITE_5M_TOKENS] = usage.cache_write_5m_tokens
            attributes[semconv.USAGE_CACHE_WRITE_1H_TOKENS] = usage.cache_write_1h_tokens
    if usage.parts or usage.units or usage.cost_usd is not None:  # nearly never
        attributes |= _beside_text(usage)


def _beside_text(usage: Usage) -> Attributes:
    """Parts that are no text, what is billed in other units, and a cost that the answer tells."""
    attributes: Attributes = {**usage.parts} if usage.parts else {}
    if usage.cost_usd is not None:
        attributes[semconv.USAGE_COST_AMOUNT] = usage.cost_usd
        attributes[semconv.USAGE_COST_CURRENCY] = "USD"
    if usage.units:
        attributes |= {semconv.USAGE_UNITS_PREFIX + unit: n for unit, n in usage.units.items()}
    return attributes


def estimate_attributes(
    input_estimate: TokenEstimate | None, output_estimate: TokenEstimate | None
) -> Attributes:
    """The intervals of what was estimated, and how."""
    attributes: Attributes = {semconv.USAGE_SOURCE: "estimated"}
    if input_estimate is not None:
        attributes[semconv.USAGE_INPUT_TOKENS_LOW] = input_estimate.low
        attributes[semconv.USAGE_INPUT_TOKENS_HIGH] = input_estimate.high
        attributes[semconv.USAGE_METHOD] = input_estimate.method
    if output_estimate is not None:
        attributes[semconv.USAGE_OUTPUT_TOKENS_LOW] = output_estimate.low
        attributes[semconv.USAGE_OUTPUT_TOKENS_HIGH] = output_estimate.high
        attributes[semconv.USAGE_METHOD] = output_estimate.method
    return attributes


def add_first(attributes: Attributes, began: float, first_chunk: float, first_token: float) -> None:
    """When a stream began, and when it brought something generated; moments of one clock.

    A ``first_token`` of 0 is that of the first chunk, or nobody looks for it.
    """
    attributes[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = first_chunk - began
    if first_token:
        attributes[semconv.RESPONSE_FIRST_GENERATED] = first_token - began


def add_attempts(
    attributes: Attributes,
    attempts: list[Attempt],
    headers: Callable[[Mapping[str, str]], Mapping[str, FactValue]] | None = None,
) -> None:
    """How often the client library asked, of the requests that were seen.

    What was answered at once has a number and no count of retries: it is one less. ``headers``
    reads more from those of the answer.
    """
    if headers is not None and (answer := attempts[-1].answer) is not None:
        attributes |= headers(answer.headers)
    if len(attempts) > 1:  # nearly never
        attempts = own_attempts(attempts)
    if len(attempts) == 1:
        attributes[semconv.ATTEMPT_NUMBER] = 1
        return
    retries = retries_of(attempts)
    attributes[semconv.ATTEMPT_NUMBER] = retries.count + 1
    attributes[semconv.RETRY_COUNT] = retries.count
    if retries.count:
        attributes[semconv.RETRY_REASON] = retries.reasons
        attributes[semconv.RETRY_ATTEMPT_SECONDS] = retries.attempt_seconds
        attributes[semconv.RETRY_WAIT_SECONDS] = retries.wait_seconds


def add_compute(attributes: Attributes, answered: str, asked: object, usage: Usage) -> None:
    """FLOPs and memory of the call, by the model that answered, else by the one asked for.

    Nothing where the architecture of neither is known, or where the engine itself told them. What
    is not told of a cache is stamped as such, whatever model it was.
    """
    given, made, cached = usage.input_tokens, usage.output_tokens, usage.cache_read_tokens
    told = usage.cache_told or bool(cached) or not made  # an embedding has no cache
    if not told:
        attributes[semconv.SERVER_CACHE_UNTOLD] = True
    if given is None or made is None or semconv.FLOPS_TOTAL in attributes:
        return
    try:  # written out: every call of every client comes by here
        figures = call_figures(answered, given, cached, made, told)
        if figures is None and asked and asked != answered:
            figures = call_figures(str(asked), given, cached, made, told)
    except Exception:  # noqa: BLE001 -- handed to the one place where errors of ours end
        swallow(add_compute)
        return
    if figures is None:
        return
    prefill, decode, total, low, high, method, _, weights_bytes, kv_bytes, vram_source = figures
    attributes[semconv.FLOPS_PREFILL] = prefill  # integers of 64 bits: `call_figures` sees to it
    attributes[semconv.FLOPS_DECODE] = decode
    attributes[semconv.FLOPS_TOTAL] = total
    attributes[semconv.FLOPS_LOW] = low
    attributes[semconv.FLOPS_HIGH] = high
    attributes[semconv.FLOPS_METHOD] = method
    if vram_source:  # empty for a model whose memory is not known, and unknown is not 0
        attributes[semconv.VRAM_WEIGHTS_BYTES] = weights_bytes
        attributes[semconv.VRAM_KV_BYTES] = kv_bytes
        attributes[semconv.VRAM_SOURCE] = vram_source
    if semconv.SERVER_DRAFTED_TOKENS in attributes:  # a server of open models that speculates
        _add_wasted(attributes, answered, asked, usage)


@guarded(None)
def _add_wasted(attributes: Attributes, answered: str, asked: object, usage: Usage) -> None:
    """FLOPs for what was drafted in vain."""
    names = (semconv.SERVER_DRAFTED_TOKENS, semconv.SERVER_ACCEPTED_TOKENS)
    drafted, kept = (cast("int", attributes[name]) for name in names)
    counts = (usage.input_tokens or 0, usage.output_tokens or 0, drafted, kept)
    wasted = wasted_flops(answered, *counts)
    if wasted is None and asked and asked != answered:
        wasted = wasted_flops(str(asked), *counts)
    if wasted is not None:
        attributes[semconv.FLOPS_WASTED] = wasted
