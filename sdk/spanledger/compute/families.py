"""Model families: what a Hugging Face ``model_type`` implies beyond the numbers in its config.

A family is data, never code per model: the multiplicity of norms, which projections carry biases,
whether the MLP is gated, and which layers see only a window. `hf_config` builds layers from it.
Only families whose counts were checked to the last integer against a FLOP counter stand here;
every other ``model_type`` is counted as `GENERIC` and marked approximate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from spanledger.compute.attention import Scope
from spanledger.compute.config_reader import ConfigReader

#: From the config and a layer's index: which tokens the layer sees, and the window or chunk.
ScopeRule = Callable[[ConfigReader, int], tuple[Scope, int]]

_CAUSAL: Final[tuple[Scope, int]] = ("causal", 0)


def _windowed(config: ConfigReader) -> tuple[Scope, int]:
    window = config.integer("sliding_window", 0)
    return ("window", window) if window else _CAUSAL


def _all_causal(_config: ConfigReader, _index: int) -> tuple[Scope, int]:
    return _CAUSAL


def _all_windowed(config: ConfigReader, _index: int) -> tuple[Scope, int]:
    """Mistral, Mixtral, Phi-3: every layer, when the config names a window."""
    return _windowed(config)


def _upper_windowed(config: ConfigReader, index: int) -> tuple[Scope, int]:
    """Qwen 2 and 3: layers from ``max_window_layers`` up, and only if switched on."""
    if not config.flag("use_sliding_window", False):
        return _CAUSAL
    return _windowed(config) if index >= config.integer("max_window_layers", 28) else _CAUSAL


def _alternating(config: ConfigReader, index: int) -> tuple[Scope, int]:
    """Gemma 2, gpt-oss: even layers see a window."""
    return _CAUSAL if index % 2 else _windowed(config)


def _every_sixth_full(config: ConfigReader, index: int) -> tuple[Scope, int]:
    """Gemma 3: every ``sliding_window_pattern``-th layer sees everything."""
    period = config.integer("sliding_window_pattern", 6)
    return _windowed(config) if (index + 1) % period else _CAUSAL


def _every_fourth_full(config: ConfigReader, index: int) -> tuple[Scope, int]:
    """Llama 4: three of four layers attend inside blocks of ``attention_chunk_size``."""
    chunk = config.integer("attention_chunk_size", 8192)
    return ("chunk", chunk) if (index + 1) % 4 and chunk else _CAUSAL


def _as_configured(config: ConfigReader, index: int) -> tuple[Scope, int]:
    """A window if the config has one and does not switch it off."""
    known = config.flag("use_sliding_window", default=True) == config.flag(
        "use_sliding_window", default=False
    )
    return _upper_windowed(config, index) if known else _windowed(config)


def _encoder_in_places(config: ConfigReader, index: int) -> tuple[Scope, int]:
    """ModernBERT: all but every third layer see what is near, on both sides."""
    period, near = (
        config.integer("global_attn_every_n_layers", 0),
        config.integer("local_attention", 0),
    )
    return ("near", near) if period and near and index % period else ("full", 0)


def _encoder(_config: ConfigReader, _index: int) -> tuple[Scope, int]:
    return "full", 0


@dataclass(frozen=True, slots=True)
class Family:
    """Structure a family adds to its config.

    Attributes:
        gated: The MLP has a gate beside up and down (three matrices, not two).
        norms: Norm weights per layer in multiples of the hidden width (a LayerNorm with bias is 2).
        outer_norms: Norm weights outside the layers, same multiple.
        attention_bias: Which attention projections always have biases.
        mlp_bias: The MLP's matrices have biases.
        qk_norm: Queries and keys have a norm weight of head width each.
        sinks: One learned attention sink per head.
        router_bias: The router has a bias.
        learned_positions: Learned absolute positions.
        pooler: An encoder's pooling layer stands where a decoder has its output head.
        tied: Input embedding and output head are one matrix when the config does not say.
        scope: Which tokens each layer sees.
    """

    gated: bool = True
    norms: int = 2
    outer_norms: int = 1
    attention_bias: Literal["none", "qkv", "qkvo"] = "none"
    mlp_bias: bool = False
    qk_norm: bool = False
    sinks: bool = False
    router_bias: bool = False
    learned_positions: bool = False
    pooler: bool = False
    tied: bool = False
    scope: ScopeRule = _all_causal


#: For a ``model_type`` nobody checked: a Llama-shaped decoder with a window if the config has one.
GENERIC: Final = Family(scope=_as_configured)
#: Likewise an encoder, shaped like BERT.
ENCODER: Final = Family(
    gated=False, norms=4, outer_norms=2, attention_bias="qkvo", mlp_bias=True, pooler=True,
    tied=True, scope=_encoder,
)  # fmt: skip
#: Encoders that nobody checked: they keep no cache, and every token looks at every other.
ENCODERS: Final = frozenset((
    "albert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "ernie", "modernbert",
    "mpnet", "nomic_bert", "roberta", "xlm-roberta", "xlm-roberta-xl",
))  # fmt: skip

#: Decoders that nobody checked, but known to have no gate in their MLPs, and mostly one matrix for
#: embedding and head: the others have two.
UNGATED: Final[Mapping[str, Family]] = {
    **dict.fromkeys(
        ("bloom", "gpt_bigcode", "gpt_neo", "mpt", "opt", "starcoder2"),
        replace(GENERIC, gated=False, tied=True),
    ),
    **dict.fromkeys(
        ("codegen", "gpt_neox", "gptj", "nemotron", "phi"), replace(GENERIC, gated=False)
    ),
}

_QWEN3: Final = Family(qk_norm=True, scope=_upper_windowed)
_GEMMA3: Final = Family(norms=4, qk_norm=True, tied=True, scope=_every_sixth_full)

#: ``model_type`` to family, checked families only.
FAMILIES: Final[dict[str, Family]] = {
    "llama": Family(),
    "mistral": Family(scope=_all_windowed),
    "mixtral": Family(scope=_all_windowed),
    "phi3": Family(scope=_all_windowed),
    "qwen2": Family(attention_bias="qkv", scope=_upper_windowed),
    "qwen3": _QWEN3,
    "qwen3_moe": _QWEN3,
    "gemma2": Family(norms=4, tied=True, scope=_alternating),
    "gemma3_text": _GEMMA3,
    "deepseek_v3": Family(),
    "kimi_k2": Family(),
    "gpt_oss": Family(attention_bias="qkvo", sinks=True, router_bias=True, scope=_alternating),
    "llama4_text": Family(scope=_every_fourth_full),
    "gpt2": Family(
        gated=False,
        norms=4,
        outer_norms=2,
        attention_bias="qkvo",
        mlp_bias=True,
        learned_positions=True,
        tied=True,
    ),
    "falcon": Family(gated=False, norms=2, outer_norms=2, tied=True),
    "bert": Family(
        gated=False,
        norms=4,
        outer_norms=2,
        attention_bias="qkvo",
        mlp_bias=True,
        learned_positions=True,
        pooler=True,
        tied=True,
        scope=_encoder,
    ),
}


def family_of(config: ConfigReader) -> Family:
    """Of a config: its checked family, else an encoder's or a decoder's usual shape."""
    kind = config.text("model_type")
    if kind in FAMILIES:
        return FAMILIES[kind]
    masked = any(name.endswith("ForMaskedLM") for name in config.strings("architectures"))
    if kind == "modernbert":
        return replace(ENCODER, gated=True, mlp_bias=False, scope=_encoder_in_places)
    return ENCODER if kind in ENCODERS or masked else UNGATED.get(kind, GENERIC)
