"""Reading configs: families, doubts, refusals."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.compute import (
    ArchitectureError,
    ModelArchitecture,
    estimate_flops,
    kv_cache_bytes,
)
from spanledger.compute.hf_config import FAMILIES

CONFIGS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "flops_configs.json").read_text()
)
LLAMA = CONFIGS["llama-3.1-8b"]


def changed(**values: Any) -> ModelArchitecture:
    return ModelArchitecture.from_hf_config({**LLAMA, **values}, name="changed")


def test_layers_are_grouped() -> None:
    """However deep, a model has one or two kinds of layers."""
    for name, config in CONFIGS.items():
        arch = ModelArchitecture.from_hf_config(config, name=name)
        assert 1 <= len(arch.groups) <= 2, name
        layers = config.get("num_hidden_layers") or config["n_layer"]
        assert sum(group.count for group in arch.groups) == layers


def test_every_checked_family_is_in_the_golden_table() -> None:
    """A family may only call itself exact when the table proves it.

    ``kimi_k2`` is DeepSeek-V3's module under another name; its row carries that type.
    """
    proven = {config["model_type"] for config in CONFIGS.values()}
    assert set(FAMILIES) - {"kimi_k2"} == proven


def test_a_multimodal_config_counts_its_text_tower() -> None:
    """``text_config`` is read instead of the outer config."""
    inner = CONFIGS["gemma-3-27b-text"]
    outer = {"model_type": "gemma3", "text_config": inner, "vision_config": {"hidden_size": 1152}}
    arch = ModelArchitecture.from_hf_config(outer, name="outer")
    assert arch.params == ModelArchitecture.from_hf_config(inner).params


def test_layer_types_win_over_the_family_rule() -> None:
    """A config that spells every layer is believed."""
    kinds = ["sliding_attention"] * 3 + ["full_attention"] * 29
    arch = changed(layer_types=kinds, sliding_window=512)
    spans = sorted((group.layer.attention.span, group.count) for group in arch.groups)
    assert spans == [(0, 29), (512, 3)]
    assert arch.is_exact


def test_a_window_that_is_switched_off_is_ignored() -> None:
    """Qwen ships a window with ``use_sliding_window: false``."""
    off = {**CONFIGS["qwen3-8b"], "sliding_window": 4096, "use_sliding_window": False}
    on = {**off, "use_sliding_window": True, "max_window_layers": 30}
    assert [g.layer.attention.span for g in ModelArchitecture.from_hf_config(off).groups] == [0]
    counts = {g.layer.attention.span: g.count for g in ModelArchitecture.from_hf_config(on).groups}
    assert counts == {0: 30, 4096: 6}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model_type": "brand_new"}, "brand_new"),
        ({"model_type": None}, "(none)"),
        ({"layer_types": ["linear_attention"] * 32}, "linear_attention"),
        ({"layer_types": ["mamba", "full_attention"]}, "mamba"),
        ({"index_topk": 2048}, "index_topk"),
        ({"is_encoder_decoder": True}, "encoder-decoder"),
    ],
)
def test_exactness_is_refused_with_a_reason(change: dict[str, Any], reason: str) -> None:
    """What nobody checked is approximate, has an interval, and says why."""
    arch = changed(**change)
    assert not arch.is_exact
    assert any(reason in text for text in arch.exactness.reasons)
    estimate = estimate_flops(arch, 1000, 0, 10)
    assert estimate.total.method == "approx"
    assert estimate.total.low < estimate.total.value < estimate.total.high


def test_a_hybrid_is_two_flops_per_active_weight() -> None:
    """Linear attention has no pairs to count; the measured 0.9 to 1.2 is the interval."""
    arch = changed(layer_types=["linear_attention"] * 32)
    total = estimate_flops(arch, 1000).total
    assert total.value == 2 * arch.params.active * 1000
    assert (total.low / total.value, total.high / total.value) == pytest.approx((0.9, 1.2))


def read(model_type: str, **config: Any) -> ModelArchitecture:
    return ModelArchitecture.from_hf_config({"model_type": model_type, **config}, name=model_type)


QWEN3_NEXT: dict[str, Any] = {
    "hidden_size": 2048, "num_attention_heads": 16, "num_key_value_heads": 2, "head_dim": 256,
    "num_hidden_layers": 48, "intermediate_size": 5120, "moe_intermediate_size": 512,
    "shared_expert_intermediate_size": 512, "num_experts": 512, "num_experts_per_tok": 10,
    "vocab_size": 151936,
}  # fmt: skip


@pytest.mark.parametrize(
    "told",
    [
        {"full_attention_interval": 4},
        {"layer_types": [*["linear_attention"] * 3, "full_attention"] * 12},
    ],
)
def test_a_hybrid_attends_in_some_of_its_layers(told: dict[str, Any]) -> None:
    """As the released config says it, or layer by layer: 12 of 48, in cache and long prompts."""
    arch = read("qwen3_next", **QWEN3_NEXT, **told)
    assert kv_cache_bytes(arch, 1) == 12 * 2 * 2 * 256 * 2
    told_flops = estimate_flops(arch, 131_072)
    assert told_flops.attention.value == 12 * 2 * 16 * 512 * (131_072 * 131_073 // 2)
    assert told_flops.total.low < 2375e12 < told_flops.total.high
    assert told_flops.total.method == "approx"


def test_other_words_for_hybrids() -> None:
    """Jamba by a period, Nemotron-H by a letter a layer, Bamba by a list."""
    small: dict[str, Any] = {
        "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 8, "vocab_size": 100,
    }  # fmt: skip
    plain = kv_cache_bytes(read("brand_new", **small), 1)
    for told, attending in (
        ({"attn_layer_period": 8, "attn_layer_offset": 4}, 1),
        ({"hybrid_override_pattern": "M-M*-MM-"}, 1),
        ({"attn_layer_indices": [1, 5]}, 2),
        ({"attn_type_list": [0, 0, 0, 1, 0, 0, 0, 1]}, 2),
        ({"layers_block_type": ["mamba"] * 7 + ["hybrid"]}, 1),
    ):
        arch = read("brand_new", **small, **told)
        assert kv_cache_bytes(arch, 1) * 8 == plain * attending, told
        assert (arch.exactness.low_percent, arch.exactness.high_percent) == (75, 135)


MAMBA = {"hidden_size": 2560, "num_hidden_layers": 64, "vocab_size": 50288}
T5 = {
    "d_model": 768, "d_ff": 3072, "d_kv": 64, "num_layers": 12, "num_heads": 12,
    "vocab_size": 32128, "is_encoder_decoder": True,
}  # fmt: skip
BART = {
    "d_model": 1024, "encoder_layers": 12, "decoder_layers": 12, "encoder_attention_heads": 16,
    "encoder_ffn_dim": 4096, "decoder_ffn_dim": 4096, "vocab_size": 50265,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "published"),
    [
        ({"model_type": "mamba2", **MAMBA, "state_size": 128, "num_heads": 80}, 2.70e9),
        ({"model_type": "mamba", **MAMBA, "intermediate_size": 5120}, 2.77e9),
        ({"model_type": "t5", **T5}, 223e6),
        ({"model_type": "bart", **BART}, 406e6),
    ],
)
def test_models_that_are_not_counted_by_layers(config: dict[str, Any], published: float) -> None:
    """Their weights are the published ones within 1 %; FLOPs are approximate."""
    arch = ModelArchitecture.from_hf_config(config)
    assert arch.params.total == pytest.approx(published, rel=0.01)
    total = estimate_flops(arch, 500, 0, 20).total
    assert total.method == "approx"
    assert total.low < total.value < total.high


def _decoder(hidden: int, layers: int, heads: int, vocabulary: int, **more: Any) -> dict[str, Any]:
    return {
        "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
        "vocab_size": vocabulary, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model_type", "config", "published"),
    [
        ("starcoder2", _decoder(3072, 30, 24, 49152, num_key_value_heads=2), 3.03e9),
        ("gpt_bigcode", _decoder(6144, 40, 48, 49152, n_inner=24576, multi_query=True), 15.5e9),
        ("gpt_neox", _decoder(6144, 44, 64, 50432, intermediate_size=24576), 20.6e9),
        ("opt", _decoder(4096, 32, 32, 50272, ffn_dim=16384), 6.66e9),
        ("bloom", {"n_embed": 4096, "n_layer": 30, "n_head": 32, "vocab_size": 250880}, 7.07e9),
        ("mpt", {"d_model": 4096, "n_layers": 32, "n_heads": 32, "vocab_size": 50432,
                 "ffn_config": {"ffn_type": "mptmlp"}}, 6.65e9),
        ("nemotron", _decoder(18432, 96, 96, 256000, num_key_value_heads=8,
                              intermediate_size=73728), 341e9),
        ("phi", _decoder(2560, 32, 32, 51200, intermediate_size=10240), 2.78e9),
    ],
)  # fmt: skip
def test_an_mlp_without_a_gate_has_two_matrices(
    model_type: str, config: dict[str, Any], published: float
) -> None:
    """Weights are the published ones within 1.5 %; the family stays unchecked."""
    arch = read(model_type, **config)
    assert arch.params.total == pytest.approx(published, rel=0.015)
    assert not arch.is_exact


def test_experts_in_a_section_of_their_own_are_refused() -> None:
    """DBRX: read as a dense model of four times its width it would be 39 billion weights."""
    dbrx = {"d_model": 6144, "n_layers": 40, "n_heads": 48, "vocab_size": 100352}
    experts = {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4}
    with pytest.raises(ArchitectureError, match="ffn_config"):
        read("dbrx", **dbrx, ffn_config=experts)


def test_variants_of_falcon_are_not_the_checked_one() -> None:
    """Falcon-40b: its flag of a single head is of the older architecture."""
    falcon = {
        "hidden_size": 8192, "num_attention_heads": 128, "num_kv_heads": 8, "vocab_size": 65024,
        "num_hidden_layers": 60, "multi_query": True,
    }  # fmt: skip
    new = read("falcon", **falcon, new_decoder_architecture=True)
    assert kv_cache_bytes(new, 1) == 60 * 2 * 8 * 64 * 2
    assert new.params.total == pytest.approx(41.3e9, rel=0.01)
    assert not new.is_exact
    assert not read("falcon", **falcon, bias=True).is_exact
    assert read("falcon", **falcon).is_exact


def test_an_unchecked_encoder_keeps_no_cache() -> None:
    """RoBERTa, DistilBERT under its own names, ModernBERT with layers that look around."""
    base: dict[str, Any] = {"hidden_size": 768, "num_hidden_layers": 12, "vocab_size": 50265}
    heads = {"num_attention_heads": 12, "intermediate_size": 3072}
    distilled = {"dim": 768, "n_heads": 12, "n_layers": 6, "hidden_dim": 3072, "vocab_size": 30522}
    roberta, renamed = read("roberta", **base, **heads), read("distilbert", **distilled)
    masked = read("brand_new", **base, **heads, architectures=["NewForMaskedLM"])
    near = read("modernbert", **base, **heads, global_attn_every_n_layers=3, local_attention=128)
    for arch in (roberta, renamed, masked, near):
        assert kv_cache_bytes(arch, 512) == 0
        assert not arch.is_exact
    assert {group.layer.attention.scope for group in near.groups} == {"full", "near"}
    around = next(g.layer.attention for g in near.groups if g.layer.attention.scope == "near")
    assert (around.pairs(8192, 0), around.pairs(64, 0)) == (8192 * 129, 64 * 64)


def test_a_window_is_off_in_unchecked_families_too() -> None:
    """Qwen 2 MoE ships one that is switched off; Qwen's rule holds where it is on."""
    off = changed(model_type="qwen2_moe", sliding_window=512, use_sliding_window=False)
    on = changed(
        model_type="qwen2_moe", sliding_window=512, use_sliding_window=True, max_window_layers=30
    )
    unsaid = changed(model_type="brand_new", sliding_window=512)
    spans = [{g.layer.attention.span: g.count for g in a.groups} for a in (off, on, unsaid)]
    assert spans == [{0: 32}, {0: 30, 512: 2}, {512: 32}]


def test_bare_parameter_counts() -> None:
    """The point is the geometric mean of the bounds when only they are given."""
    arch = ModelArchitecture.from_params(
        total=10**11, low=4 * 10**9, high=9 * 10**9, source="guess"
    )
    assert arch.params.active == 6 * 10**9
    assert (arch.active.low, arch.active.high) == (4 * 10**9, 9 * 10**9)
    assert arch.exactness.method == "assumed"
    dense = ModelArchitecture.from_params(total=7 * 10**9, source="card", method="approx")
    assert dense.params.active == dense.params.total


@pytest.mark.parametrize(
    ("total", "active", "low", "high"), [(10, 20, None, None), (10, 0, None, None), (10, 5, 6, 9)]
)
def test_contradicting_parameter_counts_are_refused(
    total: int, active: int, low: int | None, high: int | None
) -> None:
    """More active than stored, none, or outside its own bounds."""
    with pytest.raises(ArchitectureError, match="'odd'"):
        ModelArchitecture.from_params(
            total=total, active=active, low=low, high=high, source="x", name="odd"
        )


def test_the_catalogue_is_cached() -> None:
    """The same object every time, by name or alias."""
    arch = ModelArchitecture.from_catalogue("llama-3.1-8b")
    assert arch is ModelArchitecture.from_catalogue("llama-3.1-8b")
    assert arch is ModelArchitecture.from_catalogue("llama3.1-8b")
    with pytest.raises(ArchitectureError, match=r"no model 'nope'.*it has bert-base"):
        ModelArchitecture.from_catalogue("nope")


@pytest.mark.parametrize("key", ["hidden_size", "num_hidden_layers", "vocab_size"])
@pytest.mark.parametrize("value", [None, 0, -1, 1.5, "4096", True, 10**30])
def test_a_missing_or_impossible_number_is_named(key: str, value: object) -> None:
    """The error says which model and which key."""
    with pytest.raises(ArchitectureError, match=f"'changed'.*{key}"):
        changed(**{key: value})


def test_an_absurd_depth_is_refused() -> None:
    """A hostile config cannot make us build a million layers."""
    with pytest.raises(ArchitectureError, match="at most"):
        changed(num_hidden_layers=10**6)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5000) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(
    name=st.sampled_from(sorted(CONFIGS)),
    damage=st.dictionaries(st.sampled_from([*LLAMA, *CONFIGS["deepseek-v3"]]), json_values),
)
def test_a_damaged_config_is_refused_or_read(name: str, damage: dict[str, object]) -> None:
    """Any change of any key gives an architecture or an `ArchitectureError`, nothing else."""
    damage.pop("num_hidden_layers", None)  # deep stacks are slow to build and tested above
    try:
        arch = ModelArchitecture.from_hf_config({**CONFIGS[name], **damage}, name=name)
    except ArchitectureError:
        return
    assert estimate_flops(arch, 10, 0, 2).total.value > 0
