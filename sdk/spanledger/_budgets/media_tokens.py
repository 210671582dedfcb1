"""How many tokens an image, a sound, a video or a file may be at most, by model.

Images: what the vendors' pages say that one is scaled down to. Read in November 2026:

- OpenAI, developers.openai.com/api/docs/guides/images-vision: a base and tiles of 512 px, of which
  an image of 768 x 2048 has 8; or patches of 32 px times a factor, at most 1,536 of them, from
  GPT-5.4 on 2,500 at ``high`` and 10,000 else, from GPT-5.6 on 30,000 else.
- Anthropic, platform.claude.com/docs/en/build-with-claude/vision: 1,568 tokens, 4,784 from
  Opus 4.7 and the fifth generation on.
- Google, ai.google.dev/gemini-api/docs/tokens and .../media-resolution: 258 a tile of 768 px of at
  most 3072 x 3072, and one of the whole; from Gemini 3 on 2,240 an image.

Elsewhere 16,384: the most that the processors of open models make of one (Qwen-VL).

Sounds, videos and files: by their size. Where nobody tells it (a URL, an id), nobody can tell their
tokens either.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from spanledger._calls.token_ratios import ratio_of

Kind = Literal["image", "audio", "video", "file", "text"]

#: What a blob of unknown size is taken for, beside being unknown.
LEAST_TOKENS: Final = 5000
#: Text and tables: as in ``prompt_size``. A page with pictures and fonts has more bytes a token.
_BYTES_PER_TOKEN: Final = 2
#: Speech at 6 kbit/s, the least that is used, and 32 tokens a second (Gemini's; OpenAI's: 10).
_SOUND_BYTES_PER_TOKEN: Final = 20
#: Samples that are hardly compressed: 4,000 bytes a second at the least.
_SAMPLES_BYTES_PER_TOKEN: Final = 100
_SAMPLES: Final = ("wav", "pcm", "l16", "ulaw", "alaw")
_REMEMBERED_IDS: Final = 512
_START: Final = r"(?:^|[/.:@_-])"


class Part(NamedTuple):
    """Something in a prompt that is no text.

    Attributes:
        kind: what it is.
        size: its bytes; None = nobody tells.
        form: its media type or format, in lower case; empty where nobody tells.
        detail: how closely the model is to look at it: ``low``, ``high``, else empty.
    """

    kind: Kind
    size: int | None = None
    form: str = ""
    detail: str = ""


class _Image(NamedTuple):
    """The most tokens of one image: as sent without saying more, at ``high``, at ``low``."""

    most: int
    high: int
    low: int


_GENERAL: Final = _Image(16_384, 16_384, 16_384)
#: First match wins. Factors of OpenAI: 1.62 mini, 2.46 nano, 1.72 o4-mini, 1.2 from GPT-5.2 on.
_IMAGES: Final[tuple[tuple[re.Pattern[str], _Image], ...]] = tuple(
    (re.compile(_START + pattern), _Image(*tokens))
    for pattern, tokens in (
        (r"gpt-4o-mini", (2833 + 8 * 5667, 2833 + 8 * 5667, 2833)),
        (r"gpt-(?:4\.1|5(?:\.[0-4])?)-(?:mini|nano|codex)", (3779, 3779, 640)),
        (r"o4-mini", (2642, 2642, 640)),
        (r"gpt-5\.[45](?!\d)", (12_000, 3000, 640)),
        (r"gpt-(?:5\.(?:[6-9]|\d\d)|[6-9]|\d\d)", (36_000, 3000, 640)),
        (r"(?:gpt-4|gpt-5|chatgpt|o[13](?:$|-)|computer-use)", (1850, 1850, 640)),
        (
            r"claude-(?:3|(?:opus|sonnet|haiku)-4(?![-.](?:[7-9]|\d\d)(?!\d)))",
            (1568, 1568, 1568),
        ),
        (r"claude", (4784, 4784, 4784)),
        (r"(?:gemini|gemma)", (17 * 258, 17 * 258, 17 * 258)),
    )
)


@lru_cache(maxsize=_REMEMBERED_IDS)
def _image_of(model: str) -> _Image:
    name = model.lower()
    return next((tokens for pattern, tokens in _IMAGES if pattern.search(name)), _GENERAL)


def part_tokens(part: Part, model: str) -> int | None:
    """The most tokens of one part; None = nobody can tell.

    Args:
        part: with its size, where it is known.
        model: who reads it.
    """
    if part.kind == "image":
        image = _image_of(model)
        return {"low": image.low, "high": image.high}.get(part.detail, image.most)
    if part.size is None:
        return None
    if part.kind == "audio":
        is_plain = any(word in part.form for word in _SAMPLES)
        return part.size // (_SAMPLES_BYTES_PER_TOKEN if is_plain else _SOUND_BYTES_PER_TOKEN) + 100
    text = int(part.size / _BYTES_PER_TOKEN * ratio_of(model).high) + 1
    return text if part.kind == "text" else text + LEAST_TOKENS


def media_tokens(parts: Sequence[Part], model: str) -> tuple[dict[Kind, int], bool]:
    """The most tokens of all parts by their kind, and whether all of them can be told."""
    tokens: dict[Kind, int] = {}
    told = True
    for part in parts:
        most = part_tokens(part, model)
        told = told and most is not None
        tokens[part.kind] = tokens.get(part.kind, 0) + (LEAST_TOKENS if most is None else most)
    return tokens, told
