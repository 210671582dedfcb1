"""Models whose layers are not counted one by one: two FLOPs for each weight that a token meets.

Encoder-decoders (T5, arXiv 1910.10683; BART, 1910.13461): a token of the prompt meets the encoder,
one of the answer the decoder, so all of the larger half is an upper bound for both. State-space
models (Mamba, arXiv 2312.00752; Mamba 2, 2405.21060): no attention at all. Weights come out within
a percent of what is published; biases and norms are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from spanledger.compute.config_reader import ConfigReader

_ENCODER_DECODERS: Final = frozenset(("t5", "mt5", "umt5", "bart", "mbart", "pegasus", "marian"))
_STATE_SPACES: Final = frozenset(("mamba", "mamba2", "falcon_mamba"))
#: A prompt meets the encoder alone, and what the decoder reads of it.
_HALVES_PERCENT: Final = (40, 120)
#: Measured 112 % (mamba2-2.7b, 128 to 2048 tokens).
_STATES_PERCENT: Final = (90, 120)


@dataclass(frozen=True, slots=True)
class Coarse:
    """Weights of such a model.

    Attributes:
        total: All that are stored.
        active: That a token meets at most.
        percent: Lower and upper bound of its FLOPs, in percent of twice the active weights.
        reason: Why it is not counted layer by layer.
    """

    total: int
    active: int
    percent: tuple[int, int]
    reason: str


def read_coarse(config: ConfigReader) -> Coarse | None:
    """The weights of such a model; None of every other.

    Raises:
        ArchitectureError: A needed number is missing or impossible.
    """
    kind = config.text("model_type")
    if kind in _STATE_SPACES:
        return _state_space(config)
    if kind in _ENCODER_DECODERS or config.flag("is_encoder_decoder", False):
        return _encoder_decoder(config)
    return None


def _encoder_decoder(config: ConfigReader) -> Coarse:
    hidden, vocabulary = config.positive("hidden_size"), config.positive("vocab_size")
    heads = _first(config, "num_attention_heads", "num_heads", "encoder_attention_heads")
    inner = heads * config.integer("d_kv", 0) or hidden
    encoders = _first(config, "encoder_layers", "num_layers", "num_hidden_layers")
    decoders = _first(config, "decoder_layers", "num_decoder_layers", default=encoders)
    width = _first(config, "encoder_ffn_dim", "d_ff", "intermediate_size", default=4 * hidden)
    matrices = 3 if "gated" in config.text("feed_forward_proj") else 2
    encoder = encoders * (4 * hidden * inner + matrices * hidden * width)
    width = _first(config, "decoder_ffn_dim", default=width)
    decoder = decoders * (8 * hidden * inner + matrices * hidden * width)
    tied = config.flag("tie_word_embeddings", default=True)
    around = (1 if tied else 2) * vocabulary * hidden
    total = around + encoder + decoder
    return Coarse(total, around + max(encoder, decoder), _HALVES_PERCENT, "encoder-decoder")


def _state_space(config: ConfigReader) -> Coarse:
    hidden, vocabulary = config.positive("hidden_size"), config.positive("vocab_size")
    inner = config.positive("expand", 2) * hidden
    states = config.positive("state_size", 16)
    if config.text("model_type") == "mamba2":
        inside = hidden * (
            2 * config.positive("n_groups", 1) * states + config.positive("num_heads")
        )
    else:
        inner = config.positive("intermediate_size", inner)
        rank = config.positive("time_step_rank", -(-hidden // 16))
        inside = inner * (2 * rank + 2 * states)
    layer = 3 * hidden * inner + inside
    tied = config.flag("tie_word_embeddings", default=True)
    total = (1 if tied else 2) * vocabulary * hidden + config.positive("num_hidden_layers") * layer
    return Coarse(total, total, _STATES_PERCENT, "state space")


def _first(config: ConfigReader, *keys: str, default: int | None = None) -> int:
    """The first of these that the config has."""
    for key in keys[:-1]:
        value = config.integer(key, 0)
        if value:
            return value
    return config.positive(keys[-1], default)
