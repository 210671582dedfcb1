"""A usage in its provider's own words, whoever's they are: told by the names of its fields.

For layers that hand on what a provider sent without saying who it was. Each format is read where
it is at home; what is in none of them is no usage.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, Final

from spanledger._calls.answer import Usage, fields_of
from spanledger._formats import chat_usage, converse, google_usage, messages, responses

#: Anthropic's counts of cached tokens, which stand beside its input.
_BESIDE: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")


def usage_in(told: Any) -> Usage:
    """The counts of a provider's ``usage``, which may be missing, a mapping or an object."""
    counts = fields_of(told)
    if "prompt_token_count" in counts:
        return google_usage.usage_of(counts)
    if "prompt_tokens" in counts or "completion_tokens" in counts:
        return chat_usage.usage_of(counts)
    if "inputTokens" in counts:
        return converse.usage_of(counts)
    if any(name in counts for name in _BESIDE):
        return messages.usage_of(SimpleNamespace(**counts))
    return responses.usage_of(counts)


def total(usages: Iterable[Usage]) -> Usage | None:
    """What several requests behind one call used together; None where none is known."""
    known = [one for one in usages if one.known]
    if not known:
        return None
    return Usage(
        input_tokens=sum(one.input_tokens or 0 for one in known),
        output_tokens=sum(one.output_tokens or 0 for one in known),
        cache_read_tokens=sum(one.cache_read_tokens for one in known),
        cache_write_5m_tokens=sum(one.cache_write_5m_tokens for one in known),
        cache_write_1h_tokens=sum(one.cache_write_1h_tokens for one in known),
        reasoning_tokens=sum(one.reasoning_tokens for one in known),
    )
