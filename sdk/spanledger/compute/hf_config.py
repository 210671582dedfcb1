"""From a Hugging Face ``config.json`` to layers and weights.

The counts follow the published module layouts: grouped-query attention, multi-head latent
attention (DeepSeek-V2, arXiv 2405.04434), gated MLPs and mixture of experts with shared experts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Final

from spanledger.compute.attention import Attention, Scope
from spanledger.compute.config_reader import ArchitectureError, ConfigReader
from spanledger.compute.families import FAMILIES, Family, family_of
from spanledger.compute.heads import head_of
from spanledger.compute.hybrids import has_attention, has_mlp, is_hybrid
from spanledger.compute.layers import Layer, LayerGroup

_SCOPE_OF_LAYER_TYPE: Final[dict[str, tuple[Scope, str]]] = {
    "full_attention": ("causal", ""),
    "sliding_attention": ("window", "sliding_window"),
    "chunked_attention": ("chunk", "attention_chunk_size"),
}

#: Deeper than any model; a longer layer list in a config is an attack or a mistake.
_MAX_LAYERS: Final = 2048


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a config says: layers, the weights around them, and why it may not be exact.

    Attributes:
        groups: The layers, equal ones grouped.
        hidden: Hidden width.
        vocabulary: Rows of the embedding.
        head: Weights of the matmul after the layers, per position it runs on.
        outer: Weights outside layers, embedding and head: final norms, positions.
        tied: Embedding and head share one matrix.
        pooled: The head runs once a sequence: an encoder's pooler.
        plain: Every layer is softmax attention over its own cache, so the layered formula holds.
        reasons: Why the counts are approximate; empty when they are exact.
    """

    groups: tuple[LayerGroup, ...]
    hidden: int
    vocabulary: int
    head: int
    outer: int
    tied: bool
    pooled: bool
    plain: bool
    reasons: tuple[str, ...]


def read_config(config: ConfigReader) -> Blueprint:
    """Turn a config (flat, or with a ``text_config``) into a blueprint.

    Raises:
        ArchitectureError: A needed number is missing or impossible.
    """
    built, config = config.strings("architectures"), config.section("text_config") or config
    experts = config.section("ffn_config")  # DBRX; of MPT it holds no numbers
    if experts is not None and experts.integer("moe_num_experts", 0):
        raise ArchitectureError(
            f"config of {config.model!r}: experts in 'ffn_config' are not read; "
            "give parameter counts instead (ModelArchitecture.from_params)"
        )
    family = family_of(config)
    count = config.positive("num_hidden_layers")
    if count > _MAX_LAYERS:
        raise ArchitectureError(
            f"config of {config.model!r}: {count} layers, at most {_MAX_LAYERS}"
        )
    layers = [_layer(config, family, index) for index in range(count)]
    hidden, vocabulary = config.positive("hidden_size"), config.positive("vocab_size")
    plain, reasons = _doubts(config)
    head = head_of(config, built or config.strings("architectures"), pooler=family.pooler)
    kinds: dict[Layer, int] = {}
    for layer, run in groupby(layers):
        kinds[layer] = kinds.get(layer, 0) + sum(1 for _ in run)
    return Blueprint(
        groups=tuple(LayerGroup(count, layer) for layer, count in kinds.items()),
        hidden=hidden,
        vocabulary=vocabulary,
        head=head.weights,
        outer=_outer_weights(config, family, hidden) + head.beside,
        tied=head.of_words and config.flag("tie_word_embeddings", family.tied),
        pooled=head.pooled,
        plain=plain,
        reasons=reasons + head.reasons,
    )


def _doubts(config: ConfigReader) -> tuple[bool, tuple[str, ...]]:
    """Whether the layered formula holds at all, and every reason to call it approximate."""
    reasons: list[str] = []
    strange = sorted(set(config.strings("layer_types")) - set(_SCOPE_OF_LAYER_TYPE))
    if strange:
        reasons.append(f"layer types {', '.join(strange)}")
    elif is_hybrid(config):
        reasons.append("layers without attention")
    if config.integer("index_topk", 0):
        reasons.append("sparse attention (index_topk)")
    plain = not reasons
    model_type = config.text("model_type")
    if model_type not in FAMILIES:
        reasons.append(f"unchecked model_type {model_type or '(none)'}")
    if model_type == "falcon" and not _is_checked_falcon(config):
        reasons.append("unchecked variant of Falcon")
    return plain, tuple(reasons)


def _is_checked_falcon(config: ConfigReader) -> bool:
    """Falcon-7b's shape: one key/value head, attention beside the MLP, no biases."""
    return (
        config.flag("multi_query", default=True)
        and config.flag("parallel_attn", default=True)
        and not config.flag("new_decoder_architecture", default=False)
        and not config.flag("bias", default=False)
    )


def _kv_heads(config: ConfigReader, heads: int) -> int:
    """Falcon's flag of a single head holds for its first architecture only."""
    if config.flag("multi_query", default=False) and not config.flag(
        "new_decoder_architecture", default=False
    ):
        return 1
    return config.positive("num_key_value_heads", heads)


def _outer_weights(config: ConfigReader, family: Family, hidden: int) -> int:
    weights = family.outer_norms * hidden
    if family.learned_positions:
        weights += config.positive("max_position_embeddings") * hidden
    if family.pooler:
        weights += config.integer("type_vocab_size", 0) * hidden + hidden
    return weights


def _layer(config: ConfigReader, family: Family, index: int) -> Layer:
    hidden = config.positive("hidden_size")
    attention, projections, attention_other = _attention(config, family, index)
    other = attention_other + family.norms * hidden
    experts = config.integer("num_experts", 0)
    if not has_mlp(config, index):
        return Layer(attention, projections, other)
    if not (experts and _is_sparse(config, index)):
        width = config.integer("intermediate_size_mlp", 0) or _mlp_width(config)
        mlp, bias = _mlp(family, hidden, width)
        return Layer(attention, projections + mlp, other + bias)
    width = config.integer("moe_intermediate_size", 0) or _mlp_width(config)
    expert, _ = _mlp(family, hidden, width)
    shared, _ = _mlp(family, hidden, _shared_width(config, width))
    return Layer(
        attention,
        dense=projections + hidden * experts + shared,
        other=other + (experts if family.router_bias else 0),
        experts=experts,
        top_k=config.positive("num_experts_per_tok"),
        expert=expert,
        expert_other=2 * width + hidden if family.router_bias else 0,
    )


def _mlp_width(config: ConfigReader) -> int:
    return config.integer("intermediate_size", 0) or 4 * config.positive("hidden_size")


def _mlp(family: Family, hidden: int, width: int) -> tuple[int, int]:
    """Matmul weights and biases of one MLP."""
    matrices = 3 if family.gated else 2
    return matrices * hidden * width, (width + hidden) if family.mlp_bias else 0


def _shared_width(config: ConfigReader, expert_width: int) -> int:
    """Width of the experts every token passes: DeepSeek counts them, Llama 4 always has one."""
    if config.text("model_type") == "llama4_text":
        return expert_width
    explicit = config.integer("shared_expert_intermediate_size", 0)
    return explicit or config.integer("n_shared_experts", 0) * expert_width


def _is_sparse(config: ConfigReader, index: int) -> bool:
    """Whether a layer has routed experts: the rules of DeepSeek, Qwen and Llama 4 together."""
    return (
        index >= config.integer("first_k_dense_replace", 0)
        and index % config.positive("moe_layer_freq", 1) == 0
        and (index + 1) % config.positive("decoder_sparse_step", 1) == 0
        and (index + 1) % config.positive("interleave_moe_layer_step", 1) == 0
        and index not in config.integers("mlp_only_layers")
        and (index - config.integer("expert_layer_offset", 0))
        % config.positive("expert_layer_period", 1)
        == 0
    )


def _scope(config: ConfigReader, family: Family, index: int) -> tuple[Scope, int]:
    if not has_attention(config, index):
        return "state", 0
    kinds = config.strings("layer_types")
    if index >= len(kinds):
        return family.scope(config, index)
    scope, key = _SCOPE_OF_LAYER_TYPE.get(kinds[index], ("causal", ""))
    span = config.integer(key, 0) if key else 0
    return (scope, span) if span else ("causal", 0)


def _attention(config: ConfigReader, family: Family, index: int) -> tuple[Attention, int, int]:
    """The attention of a layer, its projection weights, and its norms, biases and sinks."""
    scope, span = _scope(config, family, index)
    if config.integer("kv_lora_rank", 0):
        return _latent_attention(config, scope, span)
    hidden, heads = config.positive("hidden_size"), config.positive("num_attention_heads")
    kv_heads = _kv_heads(config, heads)
    dim = config.positive("head_dim", hidden // heads)
    kv_width = 2 * kv_heads * dim
    other = (2 * dim if family.qk_norm else 0) + (heads if family.sinks else 0)
    if family.attention_bias != "none":
        other += heads * dim + kv_width
    if family.attention_bias == "qkvo":
        other += hidden
    projections = hidden * (2 * heads * dim + kv_width)
    return Attention(heads, kv_heads, dim, dim, scope, span), projections, other


def _latent_attention(config: ConfigReader, scope: Scope, span: int) -> tuple[Attention, int, int]:
    hidden, heads = config.positive("hidden_size"), config.positive("num_attention_heads")
    latent, query_rank = config.integer("kv_lora_rank"), config.integer("q_lora_rank", 0)
    rope = config.positive("qk_rope_head_dim")
    nope, value = config.positive("qk_nope_head_dim"), config.positive("v_head_dim")
    queries = heads * (nope + rope)
    down_up = query_rank * (hidden + queries) if query_rank else hidden * queries
    projections = (
        down_up
        + hidden * (latent + rope)
        + latent * heads * (nope + value)
        + heads * value * hidden
    )
    attention = Attention(heads, heads, nope + rope, value, scope, span, latent, rope)
    return attention, projections, query_rank + latent
