"""Which layers of a hybrid attend: their configs say it in as many ways as there are families.

Layers without attention (linear attention, state spaces, convolutions) keep a state of one size and
have no pairs. Their own weights are counted as if they were attention's, which is near enough for
an estimate that is approximate anyway.
"""

from __future__ import annotations

from typing import Final

from spanledger.compute.config_reader import ConfigReader

#: In ``layer_types`` and its like: words for layers that attend, whatever to.
_ATTENDS: Final = (
    "full_attention",
    "sliding_attention",
    "chunked_attention",
    "attention",
    "hybrid",
)
_LISTS: Final = ("layer_types", "layers_block_type", "block_types")
#: Nemotron-H: a letter a layer.
_PATTERN: Final = "hybrid_override_pattern"


def is_hybrid(config: ConfigReader) -> bool:
    """Whether any layer does not attend."""
    depth = min(config.positive("num_hidden_layers"), 2048)
    return not all(has_attention(config, index) for index in range(depth))


def has_attention(config: ConfigReader, index: int) -> bool:
    """Whether a layer attends."""
    for name in _LISTS:
        kinds = config.strings(name)
        if kinds:
            kind = kinds[index % len(kinds)]
            return kind in _ATTENDS or ("attention" in kind and not kind.startswith("linear"))
    if pattern := config.text(_PATTERN):
        return pattern[index % len(pattern)] == "*"
    if config.strings("attn_type_list"):  # MiniMax: 1 is softmax attention
        kinds = config.strings("attn_type_list")
        return kinds[index % len(kinds)] == "1"
    if period := config.integer("full_attention_interval", 0):
        return (index + 1) % period == 0
    if period := config.integer("attn_layer_period", 0):
        return index % period == config.integer("attn_layer_offset", 0) % period
    where = config.integers("attn_layer_indices")
    return not where or index in where


def has_mlp(config: ConfigReader, index: int) -> bool:
    """Whether a layer has one: of Nemotron-H it is a layer of its own."""
    pattern = config.text(_PATTERN)
    return not pattern or pattern[index % len(pattern)] in "-E"
