"""Memory: published sizes, windows, pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.compute import ModelArchitecture, estimate_vram, kv_cache_bytes, weight_bytes
from spanledger.compute.catalogue import open_entries
from spanledger.compute.vram import WEIGHT_FORMATS

models = st.sampled_from(sorted(open_entries())).map(ModelArchitecture.from_catalogue)


@pytest.mark.parametrize(
    ("model", "weight_format", "gigabytes"),
    [
        ("llama-3.1-8b", "bf16", 16.06),
        ("llama-3.1-8b", "awq", 5.73),
        ("llama-3.1-8b", "q4_k_m", 4.91),
        ("gpt-oss-20b", "mxfp4", 12.82 * 1.073741824),
        ("gpt-oss-120b", "mxfp4", 60.77 * 1.073741824),
    ],
)
def test_weights_match_published_sizes(model: str, weight_format: str, gigabytes: float) -> None:
    """Quantised files keep what their format leaves in bf16."""
    arch = ModelArchitecture.from_catalogue(model)
    assert weight_bytes(arch, weight_format) / 1e9 == pytest.approx(gigabytes, rel=0.002)


@pytest.mark.parametrize(
    ("model", "gigabytes"),
    [
        ("llama-3.1-8b", 4.29),
        ("gemma-3-27b-text", 3.12),
        ("gpt-oss-20b", 0.81),
        ("mistral-7b-v0.1", 0.54),
        ("deepseek-v3", 2.30),
    ],
)
def test_cache_of_32k_tokens(model: str, gigabytes: float) -> None:
    """Windows and latents make it much smaller than the flat formula."""
    size = kv_cache_bytes(ModelArchitecture.from_catalogue(model), 32768)
    assert size / 1e9 == pytest.approx(gigabytes, rel=0.01)


def test_an_encoder_keeps_no_cache() -> None:
    """BERT reads once and forgets."""
    assert kv_cache_bytes(ModelArchitecture.from_catalogue("bert-base"), 512) == 0


@given(models, st.integers(0, 10**6), st.integers(1, 64))
def test_pages_only_round_up(arch: ModelArchitecture, tokens: int, block: int) -> None:
    """A paged cache holds at least the tokens, and less than a page more."""
    exact = kv_cache_bytes(arch, tokens)
    paged = kv_cache_bytes(arch, tokens, block_tokens=block)
    assert exact <= paged <= kv_cache_bytes(arch, tokens + block - 1)
    assert kv_cache_bytes(arch, tokens, cache_format="fp8") * 2 == exact


@given(models, st.sampled_from(sorted(WEIGHT_FORMATS)))
def test_total_is_weights_and_cache(arch: ModelArchitecture, weight_format: str) -> None:
    """No format is larger than fp32, and the estimate adds up."""
    memory = estimate_vram(arch, 4096, weight_format=weight_format)
    assert memory.total.value == memory.weights.value + memory.kv.value
    assert 0 < memory.weights.value <= 4 * arch.params.total
    assert memory.total.unit == "byte"


def test_a_closed_model_has_an_interval() -> None:
    """Bytes of assumed weights are as unsure as the weights."""
    memory = estimate_vram(ModelArchitecture.from_catalogue("gpt-4o-mini"), 1000)
    assert memory.weights.low < memory.weights.value < memory.weights.high
    assert memory.weights.method == "assumed"
    assert memory.kv.value == 0


def test_unknown_formats_and_impossible_counts_are_refused() -> None:
    """The message lists what exists."""
    arch = ModelArchitecture.from_catalogue("gpt2")
    with pytest.raises(ValueError, match=r"'int3'.*bf16"):
        weight_bytes(arch, "int3")
    with pytest.raises(ValueError, match=r"'int3'.*bf16"):
        kv_cache_bytes(arch, 1, cache_format="int3")
    with pytest.raises(ValueError, match="-1"):
        kv_cache_bytes(arch, -1)
    with pytest.raises(ValueError, match="block_tokens"):
        kv_cache_bytes(arch, 1, block_tokens=0)
