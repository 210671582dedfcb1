"""Who attends to whom: the pair counts behind every attention cost.

One *pair* is one query position looking at one key position. A layer's attention costs
``2 * heads * (qk_dim + v_dim)`` FLOPs per pair; grouped key/value heads (GQA, MQA) change the cache
but not this number, because every query head still does its own dot products. The closed forms
below equal a walk over the mask; a property test compares them with that walk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["causal", "window", "chunk", "full", "near", "state"]


def causal_pairs(new: int, past: int) -> int:
    """Pairs when each of ``new`` tokens sees all ``past`` ones, itself and those before it."""
    return new * past + new * (new + 1) // 2


def window_pairs(new: int, past: int, window: int) -> int:
    """Pairs when a token sees at most the last ``window`` tokens, itself included."""
    growing = min(max(window - past, 0), new)
    return causal_pairs(growing, past) + (new - growing) * window


def chunk_pairs(new: int, past: int, chunk: int) -> int:
    """Pairs when a token sees its own block of ``chunk`` tokens up to itself (Llama 4)."""
    return _chunk_prefix(past + new, chunk) - _chunk_prefix(past, chunk)


def _chunk_prefix(tokens: int, chunk: int) -> int:
    blocks, rest = divmod(tokens, chunk)
    return blocks * causal_pairs(chunk, 0) + causal_pairs(rest, 0)


@dataclass(frozen=True, slots=True)
class Attention:
    """The attention of one layer.

    Attributes:
        heads: Query heads.
        kv_heads: Key/value heads held in the cache.
        qk_dim: Width of a query and of a key.
        v_dim: Width of a value.
        scope: Which tokens a token may see: earlier ones, or of an encoder all (``full``) or those
            on both sides (``near``); ``state`` is no attention, but a state or nothing.
        span: Window or chunk in tokens; 0 for ``causal`` and ``full``.
        latent: Width of the compressed key/value vector of multi-head latent attention (MLA,
            DeepSeek-V2, arXiv 2405.04434); 0 elsewhere.
        rope: Width of MLA's separate rotary key, part of ``qk_dim``; 0 elsewhere.
    """

    heads: int
    kv_heads: int
    qk_dim: int
    v_dim: int
    scope: Scope = "causal"
    span: int = 0
    latent: int = 0
    rope: int = 0

    def pairs(self, new: int, past: int) -> int:
        """Pairs that matter for ``new`` tokens after ``past`` ones."""
        if self.scope == "causal":
            return causal_pairs(new, past)
        if self.scope == "window":
            return window_pairs(new, past, self.span)
        if self.scope == "chunk":
            return chunk_pairs(new, past, self.span)
        if self.scope == "state":
            return 0
        if self.scope == "near":
            return new * min(past + new, self.span + 1)
        return new * (past + new)

    def rectangle(self, new: int, past: int) -> int:
        """Pairs a kernel without a causal shortcut computes: every query with every held key.

        The cache of a windowed layer holds ``span - 1`` earlier tokens.
        """
        if self.scope == "state":
            return 0
        held = past if self.span == 0 else min(past, self.span - 1)
        return new * (held + new)

    @property
    def pair_flops(self) -> int:
        """FLOPs per pair with keys and values at full width (scores, then weighted values)."""
        return 2 * self.heads * (self.qk_dim + self.v_dim)

    @property
    def absorbed_pair_flops(self) -> int:
        """FLOPs per pair when MLA attends in the latent space (decoding)."""
        return 2 * self.heads * (2 * self.latent + self.rope)

    @property
    def expand_flops(self) -> int:
        """FLOPs to expand one cached token's latent to keys and values again; 0 without MLA."""
        return 2 * self.latent * self.heads * (self.qk_dim - self.rope + self.v_dim)

    @property
    def cache_elements(self) -> int:
        """Numbers one token leaves in this layer's key/value cache; an encoder keeps none."""
        if self.scope in {"full", "near", "state"}:
            return 0
        if self.latent:
            return self.latent + self.rope
        return self.kv_heads * (self.qk_dim + self.v_dim)

    def held_tokens(self, tokens: int) -> int:
        """How many of ``tokens`` the cache of this layer still needs."""
        return tokens if self.span == 0 else min(tokens, self.span)
