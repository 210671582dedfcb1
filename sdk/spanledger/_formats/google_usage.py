"""``usage_metadata`` of Google's models, and of what speaks their words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Usage, count, fields_of, whole

#: A breakdown by modality, and the attribute of each kind that is no text.
_BREAKDOWNS: Final[tuple[tuple[str, Mapping[str, str]], ...]] = (
    (
        "prompt_tokens_details",
        {
            "AUDIO": semconv.USAGE_AUDIO_INPUT_TOKENS,
            "IMAGE": semconv.USAGE_IMAGE_INPUT_TOKENS,
            "VIDEO": semconv.USAGE_VIDEO_INPUT_TOKENS,
        },
    ),
    (
        "cache_tokens_details",
        {
            "AUDIO": semconv.USAGE_AUDIO_CACHE_READ_TOKENS,
            "IMAGE": semconv.USAGE_IMAGE_CACHE_READ_TOKENS,
            "VIDEO": semconv.USAGE_VIDEO_CACHE_READ_TOKENS,
        },
    ),
    (
        "candidates_tokens_details",
        {
            "AUDIO": semconv.USAGE_AUDIO_OUTPUT_TOKENS,
            "IMAGE": semconv.USAGE_IMAGE_OUTPUT_TOKENS,
            "VIDEO": semconv.USAGE_VIDEO_OUTPUT_TOKENS,
        },
    ),
)


def _modalities(counts: Mapping[str, Any]) -> dict[str, int] | None:
    """Tokens that are no text, by attribute; cached ones are inside the prompt's."""
    found: dict[str, int] = {}
    for breakdown, attributes in _BREAKDOWNS:
        for one in map(fields_of, counts.get(breakdown) or ()):
            attribute = attributes.get(one.get("modality", ""))
            if attribute and count(one.get("token_count")):
                found[attribute] = found.get(attribute, 0) + count(one.get("token_count"))
    return found or None


def usage_of(counts: Any) -> Usage:
    """The counts of a ``usage_metadata``, which may be missing.

    Thoughts stand beside the candidates. Who puts the counts of other providers into these fields
    may leave them among the candidates: then the total has no room for them.
    """
    told = fields_of(counts)
    prompt = whole(told.get("prompt_token_count"))
    if prompt is None:
        return Usage()
    thoughts = count(told.get("thoughts_token_count"))
    made = count(told.get("candidates_token_count"))
    given = prompt + count(told.get("tool_use_prompt_token_count"))
    among = thoughts <= made and told.get("total_token_count") == given + made
    return Usage(
        input_tokens=given,
        output_tokens=made if among else made + thoughts,
        cache_read_tokens=count(told.get("cached_content_token_count")),
        # Beside Google's own fields, where somebody asks Anthropic in its words.
        cache_write_5m_tokens=count(told.get("cache_creation_input_tokens")),
        reasoning_tokens=thoughts,
        parts=_modalities(told),
    )
