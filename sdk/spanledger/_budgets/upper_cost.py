"""What a call may cost at most, from its request alone: the amount that a budget reserves.

Input: the size of everything in the prompt, at fewer bytes a token than was measured of any text of
people or programs, times the upper end of the family's ratio (``token_ratios``); images, audio and
files count a fixed number each. Output: the limit that the request sets, times the answers it asks
for, else what the budget assumes. The dearest rate of the input counts, as if nothing were cached.

Not in it: what the server keeps of an earlier response or conversation, and searches that the
provider's own tools make. The settled cost has all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from spanledger import semconv
from spanledger._calls.token_ratios import ratio_of
from spanledger.rates import ModelRates

#: As ``tokens`` has it: below the 2.4 of minified code.
_FEWEST_BYTES_PER_TOKEN: Final = 2
#: What a chat format adds to a message or to a part of one, generously.
_TOKENS_PER_ITEM: Final = 8
#: One image at its highest resolution, or one file of a few pages.
_TOKENS_PER_BLOB: Final = 5000
#: What a provider adds of its own where there are tools (Anthropic: 313 to 735).
_TOKENS_OF_TOOLS: Final = 750
#: A schema given as a class: it is written out by the client.
_BYTES_PER_CLASS: Final = 2000
_BLOBS: Final = frozenset({"data", "image_url", "file_data", "images", "bytes", "inline_data"})
#: Fields that ask for a place in the cache.
_CACHE_MARKS: Final = frozenset({"cache_control", "cachePoint"})
#: Operations that generate nothing that is billed by the token.
_WITHOUT_OUTPUT: Final = frozenset(
    {semconv.OPERATION_EMBEDDINGS, semconv.OPERATION_RERANK, semconv.OPERATION_MODERATION}
)
#: Operations that are billed by the token at all.
_BY_TOKEN: Final = frozenset(
    {
        semconv.OPERATION_CHAT,
        semconv.OPERATION_GENERATE_CONTENT,
        semconv.OPERATION_TEXT_COMPLETION,
        semconv.OPERATION_EMBEDDINGS,
        semconv.OPERATION_MODERATION,
    }
)
#: Parameters beside the prompt that are written into it.
_SCHEMAS: Final = ("response_format", "output_format", "text_format", "output_config", "text")


class _Tally:
    """How much is in a prompt."""

    __slots__ = ("blobs", "cached", "items", "readable", "utf8_bytes")

    def __init__(self) -> None:
        self.utf8_bytes = 0
        self.items = 0
        self.blobs = 0
        self.cached = False
        self.readable = True

    def add(self, value: Any, key: str = "") -> None:
        """Count a value and everything in it; nothing is copied or consumed."""
        kind = cast("type[object]", type(value))
        if kind is str:
            self._add_text(value, key)
        elif kind is dict:
            self._add_fields(value)
        elif kind is list or kind is tuple:
            self.items += len(value)
            for item in value:
                self.add(item, key)
        elif kind is int or kind is float:
            self.items += 1
        elif value is not None and kind is not bool:
            self._add_other(value)

    def _add_text(self, text: str, key: str) -> None:
        if key in _BLOBS or text.startswith("data:"):
            self.blobs += 1
        elif text.isascii():
            self.utf8_bytes += len(text)
        else:
            self.utf8_bytes += len(text.encode("utf-8", "surrogatepass"))

    def _add_fields(self, fields: Mapping[str, Any]) -> None:
        self.items += 1
        for name, value in fields.items():
            self.utf8_bytes += len(name)
            if type(value) is str:  # nearly always
                self._add_text(value, name)
            elif name in _CACHE_MARKS:
                self.cached = True
            else:
                self.add(value, name)

    def _add_other(self, value: Any) -> None:
        if isinstance(value, str):
            self.add(str.__str__(value))
        elif isinstance(value, bytes | bytearray):
            self.blobs += 1
        elif isinstance(value, type) or callable(value):
            self.utf8_bytes += _BYTES_PER_CLASS
        elif isinstance(value, Mapping):
            self._add_fields(dict(cast("Mapping[str, Any]", value)))
        elif hasattr(value, "__next__") or hasattr(value, "__anext__"):
            self.readable = False  # reading it would take it away from the client
        else:
            self._add_fields(getattr(value, "__dict__", {}))


def input_tokens(
    prompt: tuple[str, ...], kwargs: Mapping[str, Any], model: str
) -> tuple[int | None, bool]:
    """The most that the input of a request may be, in tokens, and whether it may be cached.

    Args:
        prompt: names of the parameters that hold the prompt.
        kwargs: the request's parameters.
        model: whose tokenizer counts.

    Returns:
        None tokens where the prompt cannot be read without changing it.
    """
    tally = _Tally()
    for name in prompt:
        tally.add(kwargs.get(name))
    for name in _SCHEMAS:
        if name in kwargs and name not in prompt:
            tally.add(kwargs[name])
    if not tally.readable:
        return None, tally.cached
    tokens = int(tally.utf8_bytes / _FEWEST_BYTES_PER_TOKEN * ratio_of(model).high) + 1
    tokens += tally.items * _TOKENS_PER_ITEM + tally.blobs * _TOKENS_PER_BLOB
    return tokens + (_TOKENS_OF_TOOLS if kwargs.get("tools") else 0), tally.cached


def output_tokens(operation: str, asked: Mapping[str, Any], assumed: int) -> int:
    """The most that may be generated, in tokens.

    Args:
        operation: kind of call.
        asked: attributes of the request.
        assumed: where the request sets no limit.
    """
    if operation in _WITHOUT_OUTPUT:
        return 0
    limit = asked.get(semconv.REQUEST_MAX_TOKENS)
    answers = asked.get(semconv.REQUEST_CHOICE_COUNT, 1)
    return (assumed if limit is None else max(0, int(limit))) * max(1, int(answers))


def upper_cost(
    rates: ModelRates, operation: str, given: int, made: int, *, cached: bool, tier: str
) -> tuple[int, int] | None:
    """Atto-USD that a request may cost at most, and of it the input's; None = not by the token."""
    row = rates.at(given, tier)
    if row is None or operation not in _BY_TOKEN:
        return None
    rate = row.dearest_input(cached=cached)
    if rate is None or (made and row.output is None):
        return None
    return given * rate + made * (row.output or 0), given * rate
