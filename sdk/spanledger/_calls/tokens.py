"""Token counts for calls whose provider sent none.

A count here is an estimate with an interval: o200k_base tokens of the text times the ratio of the
model's family (`token_ratios`), plus what the chat format adds. The tokenizer is a private
``tiktoken.Encoding`` over ranks found on this machine (`_ranks`); nothing is downloaded, nothing is
loaded before the first count, and that one takes some 0.3 s and 80 MB. Without ranks or without a
working ``tiktoken`` the count comes from the text's length alone.

What the interval does not cover: images, audio and tool schemas, which have no text to count.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spanledger._calls.token_ratios import Ratio, ratio_of, reasons_in_secret

if TYPE_CHECKING:
    from tiktoken import Encoding

#: Longest piece handed to the encoder: its regular expression overflows on very long runs.
_CHUNK_CHARS: Final = 100_000
#: Text beyond this is judged by its length, so that one call never costs more than about 0.2 s.
_MAX_ENCODED_CHARS: Final = 1_000_000
#: Tokens a chat format adds: per message, and once to open the answer (OpenAI's published rule).
_PER_MESSAGE_TOKENS: Final = 3
_PRIMING_TOKENS: Final = 3
#: UTF-8 bytes per token: the usual rule of thumb, and bounds a little outside of the 2.4 to 5.0
#: measured from minified code to Python source.
_BYTES_PER_TOKEN: Final = 4
_FEWEST_BYTES_PER_TOKEN: Final = 2
_MOST_BYTES_PER_TOKEN: Final = 6
#: How many times its visible output a reasoning model may have written: our judgement.
_HIDDEN_REASONING_FACTOR: Final = 10
#: Give up waiting for another thread's load (a fork can leave the lock held for ever).
_LOAD_WAIT_SECONDS: Final = 5.0

#: How o200k_base cuts text before merging, as `tiktoken` defines it.
_PATTERN: Final = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n/]*"
    r"|\s*[\r\n]+"
    r"|\s+(?!\S)"
    r"|\s+"
)
_SPECIAL_TOKENS: Final = {"<|endoftext|>": 199_999, "<|endofprompt|>": 200_018}

_log: Final = logging.getLogger("spanledger.tokens")


@dataclass(frozen=True, slots=True)
class TokenEstimate:
    """An estimated number of tokens, ``low <= tokens <= high``.

    Attributes:
        tokens: The estimate.
        low: Lower bound.
        high: Upper bound.
        method: ``tiktoken:o200k_base``, ``characters``, or ``tiktoken:o200k_base+characters`` (a
            very long text), each followed by ``*<ratio>`` unless the ratio is 1.
    """

    tokens: int
    low: int
    high: int
    method: str


@dataclass(frozen=True, slots=True)
class _Measure:
    """o200k_base tokens of some text."""

    tokens: float
    low: float
    high: float
    method: str


class Tokenizer:
    """Counts o200k_base tokens; loads its vocabulary once, on first use, from ``load``.

    Safe to share between threads.
    """

    def __init__(self, load: Callable[[], Encoding | None]) -> None:
        self._load: Final = load
        self._lock: Final = threading.Lock()
        self._loaded = False
        self._encoding: Encoding | None = None

    def measure(self, texts: Sequence[str]) -> _Measure:
        """Measure ``texts``; never raises on their content."""
        encoding = self._ready()
        if encoding is None:
            return _by_length(texts)
        counted, pieces, budget, left_over_bytes = 0, 0, _MAX_ENCODED_CHARS, 0
        for piece in _pieces(texts):
            size = _encoded_length(encoding, piece) if len(piece) <= budget else None
            if size is None:
                left_over_bytes += _utf8_bytes(piece)
                continue
            budget -= len(piece)
            counted += size
            pieces += 1
        # Where a long text was cut, a token may have been split in two.
        cuts = max(pieces - len(texts), 0)
        exact = _Measure(counted, max(counted - cuts, 0), counted, "tiktoken:o200k_base")
        return _sum(exact, _by_size(left_over_bytes)) if left_over_bytes else exact

    def _ready(self) -> Encoding | None:
        if self._loaded:
            return self._encoding
        if not self._lock.acquire(timeout=_LOAD_WAIT_SECONDS):
            return None
        try:
            if not self._loaded:
                self._encoding = self._load()
                self._loaded = True
        finally:
            self._lock.release()
        return self._encoding


def load_encoding() -> Encoding | None:
    """Build a private o200k_base from ranks on this machine; None when that cannot be done."""
    try:
        from tiktoken import Encoding  # slow to import: only when something must be counted

        from spanledger._ranks import find_ranks

        ranks = find_ranks()
        if ranks is not None:
            return Encoding(
                name="spanledger_o200k_base",
                pat_str=_PATTERN,
                mergeable_ranks=ranks,
                special_tokens=_SPECIAL_TOKENS,
            )
        reason = "no valid rank file was found"
    except Exception as error:  # noqa: BLE001 - whatever is wrong with an optional part, we can go on
        reason = f"{type(error).__name__}: {error}"
    _log.warning(
        "tokens are estimated from text length, because tiktoken is not usable: %s", reason
    )
    return None


_shared: Final = Tokenizer(load_encoding)


def count(
    model: str, texts: Sequence[str], *, messages: int = 0, tokenizer: Tokenizer = _shared
) -> TokenEstimate:
    """Estimate the tokens of ``texts`` for ``model``. Never raises on any text or model id.

    Args:
        model: The model id, any spelling; it only chooses the ratio.
        texts: The texts: of a prompt's messages, or of an answer.
        messages: Number of chat messages of a prompt; adds the chat format's tokens. With 0 the
            texts are taken as an answer: for a reasoning model ``tokens`` is then what can be
            seen, and ``high`` makes room for the thinking that cannot.
        tokenizer: Whose vocabulary to use.
    """
    measure, ratio = tokenizer.measure(texts), ratio_of(model)
    added = messages * _PER_MESSAGE_TOKENS + _PRIMING_TOKENS if messages else 0
    high = measure.high * ratio.high
    if not messages and reasons_in_secret(model):
        high *= _HIDDEN_REASONING_FACTOR
    return TokenEstimate(
        round(measure.tokens * ratio.value) + added,
        math.floor(measure.low * ratio.low) + added,
        math.ceil(high) + added,
        measure.method + _factor(ratio),
    )


def approximate(texts: Sequence[str]) -> TokenEstimate:
    """Estimate tokens from the length of ``texts`` alone, for no model in particular."""
    measure = _by_length(texts)
    return TokenEstimate(
        round(measure.tokens), math.floor(measure.low), math.ceil(measure.high), measure.method
    )


def _factor(ratio: Ratio) -> str:
    return "" if ratio.value == 1 else f"*{ratio.value:.2f}"


def _by_length(texts: Sequence[str]) -> _Measure:
    return _by_size(sum(map(_utf8_bytes, texts)))


def _by_size(utf8_bytes: int) -> _Measure:
    return _Measure(
        utf8_bytes / _BYTES_PER_TOKEN,
        utf8_bytes / _MOST_BYTES_PER_TOKEN,
        utf8_bytes / _FEWEST_BYTES_PER_TOKEN,
        "characters",
    )


def _utf8_bytes(text: str) -> int:
    """Size of the text; an ASCII text (which knows that it is one) is not looked at."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _sum(left: _Measure, right: _Measure) -> _Measure:
    return _Measure(
        left.tokens + right.tokens,
        left.low + right.low,
        left.high + right.high,
        f"{left.method}+{right.method}",
    )


def _pieces(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        for start in range(0, len(text), _CHUNK_CHARS):
            yield text[start : start + _CHUNK_CHARS]


def _encoded_length(encoding: Encoding, text: str) -> int | None:
    """Tokens of ``text``, or None when the encoder cannot cope with it.

    ``encode`` with nothing disallowed takes special tokens as plain text and turns its regular
    expression's stack overflow into a ValueError, where ``encode_ordinary`` panics. A panic of the
    Rust core is a BaseException named PanicException, which nobody can import.
    """
    try:
        return len(encoding.encode(text, disallowed_special=()))
    except ValueError:
        return None
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            return None
        raise
