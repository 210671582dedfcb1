"""Training: FLOPs, GPU-hours and memory."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.compute import (
    ModelArchitecture,
    forward_flops,
    gpu,
    training_flops,
    training_gpu_hours,
    training_state_bytes,
)

GPT2: dict[str, object] = {
    "model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257,
    "n_positions": 1024,
}  # fmt: skip
BERT: dict[str, object] = {
    "model_type": "bert", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
    "intermediate_size": 3072, "vocab_size": 30522, "max_position_embeddings": 512,
    "type_vocab_size": 2,
}  # fmt: skip
QWEN_VL: dict[str, Any] = {
    "model_type": "qwen2_5_vl",
    "text_config": {
        "model_type": "qwen2_5_vl_text", "hidden_size": 2048, "intermediate_size": 11008,
        "num_hidden_layers": 36, "num_attention_heads": 16, "num_key_value_heads": 2,
        "vocab_size": 151936,
    },
    "vision_config": {
        "model_type": "qwen2_5_vl", "depth": 32, "hidden_size": 1280, "intermediate_size": 3420,
        "num_heads": 16, "out_hidden_size": 2048, "patch_size": 14, "spatial_merge_size": 2,
        "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31], "temporal_patch_size": 2,
        "in_chans": 3,
    },
}  # fmt: skip
LLAMA = ModelArchitecture.from_catalogue("llama-3.1-8b")


def test_forward_and_backward_are_three_times_forward() -> None:
    """As the FLOP counter says, full squares: 5.71 times the weights and tokens (S = 512)."""
    flops = training_flops(LLAMA, 512, sequence_tokens=512, pairs="rectangle")
    forward = forward_flops(LLAMA, 512, logits=512, pairs="rectangle").total
    assert flops.model.value == 3 * forward
    assert flops.model == flops.hardware
    assert flops.model.value / (512 * LLAMA.params.total) == pytest.approx(5.71, abs=0.005)
    assert flops.model.method == "exact"


@pytest.mark.parametrize(
    ("model", "checkpointed", "adapters"),
    [("llama-3.1-8b", (3.64, 3.71), 2.01), ("mixtral-8x7b", (3.99, 3.99), 2.01)],
)
def test_measured_multiples(model: str, checkpointed: tuple[float, float], adapters: float) -> None:
    """What was measured lies in the intervals; recomputation is hardware work only."""
    arch = ModelArchitecture.from_catalogue(model)
    forward = forward_flops(arch, 512, logits=512).total
    again = training_flops(arch, 512, sequence_tokens=512, checkpointing=True)
    assert again.model.value == 3 * forward
    for multiple in checkpointed:
        assert again.hardware.low <= multiple * forward <= again.hardware.high
    lora = training_flops(arch, 512, sequence_tokens=512, method="lora")
    assert lora.model.low <= adapters * forward <= lora.model.high
    assert lora.model.method == "approx"


@given(st.integers(0, 10**6), st.integers(1, 4096))
def test_more_tokens_cost_more(tokens: int, sequence: int) -> None:
    """Whole sequences and the rest of one; nothing costs nothing."""
    some = training_flops(LLAMA, tokens, sequence_tokens=sequence).model.value
    assert training_flops(LLAMA, tokens + 1, sequence_tokens=sequence).model.value > some
    assert (some == 0) == (tokens == 0)


@pytest.mark.parametrize(
    ("model", "million_hours"), [("llama-3.1-8b", 1.46), ("llama-3.1-70b", 7.0)]
)
def test_published_hours_lie_in_the_interval(model: str, million_hours: float) -> None:
    """Llama 3.1 was trained on 15 T tokens on H100s; its model card tells the GPU-hours."""
    arch = ModelArchitecture.from_catalogue(model)
    flops = training_flops(arch, 15 * 10**12, sequence_tokens=8192)
    hours = training_gpu_hours(flops, gpu("h100-sxm5-80gb"))
    assert hours.low <= million_hours * 10**6 <= hours.high
    assert hours.method == "assumed"
    assert "H100" in hours.source or "sparsity" in hours.source


def test_memory_of_the_state() -> None:
    """16 bytes a weight for Adam; with adapters the base as it lies, and 16 for theirs."""
    assert training_state_bytes(LLAMA).value == 16 * LLAMA.params.total
    adapters = training_state_bytes(LLAMA, adapter_params=6_815_744, weight_format="nf4")
    assert 5.5e9 < adapters.value < 6.5e9


def test_what_is_frozen_and_how_long_sequences_are_is_not_always_known() -> None:
    """Some weights frozen: from the forward pass alone to all of it; 4.1 times 2048's at 32k."""
    forward = forward_flops(LLAMA, 512, logits=512).total
    some = training_flops(LLAMA, 512, sequence_tokens=512, method="partial")
    assert (some.model.low, some.model.high) == (forward, 3 * forward)
    assert some.model.method == "assumed"
    small = ModelArchitecture.from_catalogue("smollm2-135m")
    unknown = training_flops(small, 2**20)
    assert unknown.model.method == "assumed"
    longest = training_flops(small, 2**20, sequence_tokens=32_768).model
    assert unknown.model.high == longest.value > 4 * unknown.model.value


@pytest.mark.parametrize(
    ("config", "flops"),
    [
        # Without its vocabulary head; its two labels are 2 x 768 weights.
        (GPT2 | {"architectures": ["GPT2ForSequenceClassification"]},
         394_014_228_480 - 6 * 512 * 768 * (50_257 - 2)),
        (GPT2 | {"architectures": ["GPT2ForTokenClassification"], "num_labels": 9},
         394_014_228_480 - 6 * 512 * 768 * (50_257 - 9)),
        (GPT2 | {"architectures": ["GPT2LMHeadModel"]}, 394_014_228_480),
        # With its own, instead of a pooler that runs once.
        (BERT | {"architectures": ["BertForMaskedLM"]},
         289_913_831_424 - 6 * 768 * 768 + 6 * 512 * (768 * 768 + 768 * 30_522)),
        (BERT | {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "a"}},
         289_913_831_424 + 6 * 768),
        (BERT | {"architectures": ["BertForTokenClassification"]},
         289_913_831_424 - 6 * 768 * 768 + 6 * 512 * 768 * 2),
        (BERT | {"architectures": ["BertModel"]}, 289_913_831_424),
    ],
)  # fmt: skip
def test_what_comes_after_the_layers_is_what_the_model_was_built_as(
    config: dict[str, object], flops: int
) -> None:
    """A sequence of 512 tokens, to the FLOP."""
    told = training_flops(ModelArchitecture.from_hf_config(config), 512, sequence_tokens=512).model
    assert (told.value, told.method) == (flops, "exact")


def test_a_classifier_keeps_its_embedding_and_a_reward_model_is_approximate() -> None:
    """No word is drawn; of a masked model the words' matrix is the embedding."""
    plain = ModelArchitecture.from_hf_config(GPT2)
    judge = ModelArchitecture.from_hf_config(GPT2 | {"architectures": ["GPT2RewardModel"]})
    assert judge.params.total - plain.params.total == 2 * 768
    assert judge.params.matmul < plain.params.matmul - 38_000_000
    assert not judge.is_exact
    bert = ModelArchitecture.from_hf_config(BERT)
    masked = ModelArchitecture.from_hf_config(BERT | {"architectures": ["BertForMaskedLM"]})
    assert masked.params.total == bert.params.total


def test_a_tower_may_have_seen_nothing_or_everything() -> None:
    """Qwen2.5-VL 3B, a picture of 896 x 896 and 256 tokens of text: its tower takes as much."""
    arch = ModelArchitecture.from_hf_config(QWEN_VL)
    told = training_flops(arch, 1280, sequence_tokens=1280).model
    text = training_flops(
        ModelArchitecture.from_hf_config(QWEN_VL["text_config"]), 1280, sequence_tokens=1280
    ).model
    assert arch.grid_vision is not None
    real = text.value + 3 * arch.grid_vision.flops([(1, 64, 64)]).value
    assert (told.value, told.low, told.method) == (text.value, text.low, "approx")
    assert real <= told.high < 1.6 * real
    strange = {**QWEN_VL, "model_type": "brand_new", "vision_config": {"depth": 3}}
    unknown = training_flops(
        ModelArchitecture.from_hf_config(strange), 1280, sequence_tokens=1280
    ).model
    assert (unknown.method, unknown.high) == ("assumed", 2 * text.high)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="tokens >= 0"):
        training_flops(LLAMA, -1)
    with pytest.raises(ValueError, match="sequences"):
        training_flops(LLAMA, 1, sequence_tokens=0)
