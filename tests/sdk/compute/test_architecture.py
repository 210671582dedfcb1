"""Reading configs: families, doubts, refusals."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.compute import ArchitectureError, ModelArchitecture, estimate_flops
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
