"""The ``usage`` of a chat completion: OpenAI's counts, and what compatible servers make of them.

OpenAI's input includes cached tokens and its output includes reasoning; so do the buckets here.
Others put the same things elsewhere:

- reasoning beside ``completion_tokens`` and in ``total_tokens`` alone (xAI, Gemini's compatible
  endpoint): what the total has more is output;
- cached tokens beside ``prompt_tokens`` and in the total (gateways before Anthropic): then what the
  total has more is exactly these, and is input;
- a part that is more than its side: it is beside it, whatever the total says;
- cached tokens under names of their own (Moonshot, Together, DeepSeek, LiteLLM's proxy), searches
  (LiteLLM's proxy, xAI), a cost (OpenRouter, Perplexity);
- nothing of cached tokens, though there is a cache (details of vLLM are null without
  ``--enable-prompt-tokens-details``): that is not told, and is not 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Usage, count, fields_of, present, whole

#: OpenAI's own fields: most usages have no other.
_OWN: Final = frozenset(
    {
        *("prompt_tokens", "completion_tokens", "total_tokens"),
        *("prompt_tokens_details", "completion_tokens_details"),
    }
)
#: Cached input beside the other counts: Moonshot and Together, DeepSeek, gateways to Anthropic.
_CACHED: Final = ("cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens")


def usage_of(usage: Any) -> Usage:
    """The counts of a completion's ``usage``, which may be missing.

    Zeros on both sides are no counts: no prompt is empty, and servers send them for "not counted".
    """
    if usage is None:
        return Usage()
    counts = fields_of(usage)
    told = Usage(whole(counts.get("prompt_tokens")), whole(counts.get("completion_tokens")))
    heard = said = 0
    given: Mapping[str, Any] = {}
    if (details := counts.get("prompt_tokens_details")) is not None:
        given = fields_of(details)
        told.cache_read_tokens = count(given.get("cached_tokens"))
        if "cache_write_tokens" in given:
            told.cache_write_5m_tokens = count(given["cache_write_tokens"])
        heard = count(given.get("audio_tokens"))
    told.cache_told = given.get("cached_tokens") is not None
    if (details := counts.get("completion_tokens_details")) is not None:
        made = fields_of(details)
        told.reasoning_tokens = count(made.get("reasoning_tokens"))
        said = count(made.get("audio_tokens"))
    if "cache_creation_tokens" in given or not _OWN.issuperset(counts):
        _read_additions(told, counts, given)
    if heard or said:
        told.parts = present(
            {semconv.USAGE_AUDIO_INPUT_TOKENS: heard, semconv.USAGE_AUDIO_OUTPUT_TOKENS: said}
        )
    both = (told.input_tokens or 0) + (told.output_tokens or 0)
    plain = both and counts.get("total_tokens") == both
    return told if plain and not _beside(told) else _balanced(told, counts)


def _read_additions(told: Usage, counts: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """What other servers than OpenAI's say beside its counts."""
    if "cost" in counts:
        told.cost_usd = cost_of(counts["cost"])
    if not told.cache_read_tokens:
        told.cache_read_tokens = max(count(counts.get(name)) for name in _CACHED)
    if not told.cache_told:
        told.cache_told = any(counts.get(name) is not None for name in _CACHED)
    written = max(
        told.cache_write_5m_tokens,
        count(given.get("cache_creation_tokens")),
        count(counts.get("cache_creation_input_tokens")),
    )
    kinds = fields_of(given.get("cache_creation_token_details"))
    hour = min(written, count(kinds.get("ephemeral_1h_input_tokens")))
    told.cache_write_5m_tokens, told.cache_write_1h_tokens = written - hour, hour
    searched = fields_of(counts.get("server_tool_use"))  # gateways before Anthropic
    told.units = present(
        {
            semconv.UNIT_WEB_SEARCHES: count(searched.get("web_search_requests")),
            semconv.UNIT_SEARCH_SOURCES: count(counts.get("num_sources_used")),
        }
    )


def _beside(told: Usage) -> bool:
    """Whether a part is more than its side: then it is beside it, and no part."""
    return told.reasoning_tokens > (told.output_tokens or 0) or _cached(told) > (
        told.input_tokens or 0
    )


def _cached(told: Usage) -> int:
    return told.cache_read_tokens + told.cache_write_5m_tokens + told.cache_write_1h_tokens


def _balanced(told: Usage, counts: Mapping[str, Any]) -> Usage:
    """The usage with what the provider's total has beyond both sides; a lesser total is odd."""
    given, made = told.input_tokens, told.output_tokens
    if not given and not made:
        return Usage(cost_usd=told.cost_usd)
    cached = _cached(told)
    if given is not None and made is not None and _beside(told):
        told.input_tokens = given + (cached if cached > given else 0)
        told.output_tokens = made + (told.reasoning_tokens if told.reasoning_tokens > made else 0)
        return told
    total = whole(counts.get("total_tokens"))
    if given is None or made is None or total is None or total <= given + made:
        return told
    rest = total - given - made
    if rest == cached and rest != told.reasoning_tokens:
        told.input_tokens = given + rest
    elif not counts.get("prompt_audio_seconds"):  # Mistral: tokens of sound, billed by the second
        told.output_tokens = made + rest
        told.reasoning_tokens = told.reasoning_tokens or rest
    return told


def cost_of(cost: Any) -> float | None:
    """What OpenRouter (a number) and Perplexity (a sum and its parts) say of it, in USD."""
    total = fields_of(cost).get("total_cost", cost)
    return float(total) if isinstance(total, int | float) and total >= 0 else None
