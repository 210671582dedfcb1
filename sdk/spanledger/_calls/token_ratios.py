"""How a model's own tokenizer compares with o200k_base.

One vocabulary is loaded and the others are expressed by a ratio, because a second vocabulary costs
another 80 MB and gains little: measured on nine texts (English, code, JSON, Chinese, Japanese,
Korean), Llama, Qwen, DeepSeek and Mistral stay within 8 % of their ratio. Claude's and Gemini's
tokenizers are not published; their ratios are other people's fits and our margins are wider.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final


@dataclass(frozen=True, slots=True)
class Ratio:
    """Tokens of a family per token of o200k_base.

    Attributes:
        value: The usual ratio.
        low: Its lower bound.
        high: Its upper bound.
    """

    value: float
    low: float
    high: float


def _within(value: float, error: float) -> Ratio:
    return Ratio(value, value * (1 - error), value * (1 + error))


#: A family's name stands at the start of the id or after one of these.
_START: Final = r"(?:^|[/.:@_-])"

#: First match wins.
_FAMILIES: Final[tuple[tuple[re.Pattern[str], Ratio], ...]] = tuple(
    (re.compile(_START + pattern), ratio)
    for pattern, ratio in (
        # cl100k_base: 0.99 to 1.12 of o200k_base in the measurement.
        (r"(?:gpt-4(?![.o\d])|gpt-3\.?5|gpt-35|text-embedding-)", Ratio(1.02, 0.97, 1.13)),
        # o200k_base itself; the margin is for what a server adds.
        (r"(?:gpt-|o[134](?:$|-)|chatgpt-|codex-|chat-latest)", _within(1.0, 0.02)),
        # Anthropic states about 30 % more tokens from Opus 4.7, Sonnet 5, Fable and Mythos on.
        (
            r"claude-(?:opus-(?:4[-.][7-9](?!\d)|[5-9](?!\d))|sonnet-[5-9](?!\d)|fable|mythos)",
            _within(1.6, 0.15),
        ),
        # Nobody said which of the two tokenizers newer Haikus have.
        (r"claude-haiku-[5-9](?!\d)", Ratio(1.4, 1.06, 1.84)),
        (r"claude", _within(1.25, 0.15)),
        (r"(?:gemini|gemma)", _within(1.08, 0.10)),
        (r"(?:deepseek|kimi)", _within(1.05, 0.10)),
        (r"(?:mistral|mixtral|codestral|ministral|magistral|devstral)", _within(1.10, 0.08)),
        (r"(?:qwen|qwq)", _within(1.03, 0.08)),
        (r"(?:meta-)?llama", _within(1.0, 0.08)),
    )
)
#: A family nobody measured: our judgement.
UNKNOWN: Final = Ratio(1.0, 0.8, 1.6)

#: Models that think in tokens the caller never sees.
_REASONING: Final = re.compile(
    _START + r"(?:o[134](?:$|-)|gpt-(?:[5-9]|oss)|deepseek-(?:r\d|reasoner)|qwq|magistral)"
)
#: Ids remembered; bounded because ids can come from end users.
_REMEMBERED_IDS: Final = 512
_MAX_ID_CHARS: Final = 200


@lru_cache(maxsize=_REMEMBERED_IDS)
def ratio_of(model: str) -> Ratio:
    """The ratio of a model id in any spelling; `UNKNOWN` for an unknown one."""
    name = model[:_MAX_ID_CHARS].lower()
    return next((ratio for pattern, ratio in _FAMILIES if pattern.search(name)), UNKNOWN)


@lru_cache(maxsize=_REMEMBERED_IDS)
def reasons_in_secret(model: str) -> bool:
    """Whether the model's visible text may be a small part of its output tokens."""
    return _REASONING.search(model[:_MAX_ID_CHARS].lower()) is not None
