"""A language model of a few thousand random weights in a GGUF file, as llama.cpp loads it.

Needs the packages ``gguf`` and NumPy. Its words are ``w0``, ``w1``, ...; of other text it knows the
single bytes, which it never says itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

LAYERS: Final = 2
HIDDEN: Final = 64
MLP: Final = 128
HEADS: Final = 4
KV_HEADS: Final = 2
WORDS: Final = 100
_DIM: Final = HIDDEN // HEADS
#: What ``config.json`` would say of it, beside the vocabulary.
CONFIG: Final = {
    "model_type": "llama", "num_hidden_layers": LAYERS, "hidden_size": HIDDEN,
    "intermediate_size": MLP, "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS,
    "head_dim": _DIM,
}  # fmt: skip


def _tokens() -> list[tuple[str, int]]:
    """Each with its kind: unknown, control, byte, word."""
    special = [("<unk>", 2), ("<s>", 3), ("</s>", 3)]
    single = [(f"<0x{byte:02X}>", 6) for byte in range(256)]
    return [*special, *single, *((f"\u2581w{at}", 1) for at in range(WORDS))]


def write(path: Path, gguf: Any, numpy: Any) -> int:
    """Write it; returns how many tokens it knows."""
    tokens = _tokens()
    random = numpy.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(256)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(MLP)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_DIM)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text.encode() for text, _ in tokens])
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([kind for _, kind in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    sizes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (len(tokens), HIDDEN),
        "output.weight": (len(tokens), HIDDEN),
        "output_norm.weight": (HIDDEN,),
    }
    for layer in range(LAYERS):
        sizes |= {f"blk.{layer}.{name}.weight": size for name, size in _LAYER.items()}
    for name, size in sizes.items():
        numbers = (random.standard_normal(size) * 0.1).astype(numpy.float32)
        if name == "output.weight":
            numbers[: len(tokens) - WORDS] = 0
        writer.add_tensor(name, numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return len(tokens)


_LAYER: Final[dict[str, tuple[int, ...]]] = {
    "attn_norm": (HIDDEN,), "attn_q": (HEADS * _DIM, HIDDEN), "attn_k": (KV_HEADS * _DIM, HIDDEN),
    "attn_v": (KV_HEADS * _DIM, HIDDEN), "attn_output": (HIDDEN, HEADS * _DIM),
    "ffn_norm": (HIDDEN,), "ffn_gate": (MLP, HIDDEN), "ffn_up": (MLP, HIDDEN),
    "ffn_down": (HIDDEN, MLP),
}  # fmt: skip
