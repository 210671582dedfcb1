"""The architecture of a model in a GGUF file, from the metadata that llama.cpp gives of it.

Keys are those of the GGUF specification (``<architecture>.block_count``, ...), values are text.
Whether embedding and head are one matrix stands nowhere in it: it is the way in which the weights
sum up to as many as the file has. Where neither does, the shape is not known well enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from spanledger.compute import ArchitectureError, ModelArchitecture

#: GGUF's name of an architecture -> the ``model_type`` of Hugging Face.
_FAMILIES: Final[Mapping[str, str]] = {
    "llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "qwen3moe": "qwen3_moe",
    "gemma2": "gemma2", "gemma3": "gemma3_text", "phi3": "phi3", "gpt-oss": "gpt_oss",
}  # fmt: skip
#: Field of a ``config.json`` -> key after the architecture's name.
_KEYS: Final[Mapping[str, str]] = {
    "num_hidden_layers": "block_count",
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "sliding_window": "attention.sliding_window",
    "num_experts": "expert_count",
    "num_experts_per_tok": "expert_used_count",
    "moe_intermediate_size": "expert_feed_forward_length",
}


def architecture_of(
    metadata: Mapping[str, str], vocabulary: int, weights: int
) -> ModelArchitecture | None:
    """The architecture; None where it is not known, or does not have that many weights.

    Args:
        metadata: of the file, by key.
        vocabulary: tokens that it knows.
        weights: numbers in all its tensors.
    """
    kind = metadata.get("general.architecture", "")
    if kind not in _FAMILIES:
        return None
    config: dict[str, object] = {"model_type": _FAMILIES[kind], "vocab_size": vocabulary}
    for field, key in _KEYS.items():
        value = metadata.get(f"{kind}.{key}", "")
        if value.isdecimal() and int(value):
            config[field] = int(value)
    for tied in (False, True):
        found = _read({**config, "tie_word_embeddings": tied})
        if found is not None and found.params.total == weights:
            return found
    return None


def _read(config: Mapping[str, object]) -> ModelArchitecture | None:
    try:
        return ModelArchitecture.from_hf_config(config, source="GGUF metadata")
    except ArchitectureError:
        return None
