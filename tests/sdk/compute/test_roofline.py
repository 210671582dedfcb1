"""Step time, what binds it, and shares of the peaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.compute import (
    Efficiency,
    Estimate,
    ModelArchitecture,
    bandwidth_utilisation,
    estimate_step,
    flops_utilisation,
    gpu,
    kv_cache_bytes,
    read_weight_bytes,
    weight_bytes,
)
from spanledger.compute.catalogue import open_entries

H100 = gpu("h100-sxm5-80gb")
LLAMA = ModelArchitecture.from_catalogue("llama-3.1-8b")
DECODERS = sorted(set(open_entries()) - {"bert-base"})
models = st.sampled_from(DECODERS).map(ModelArchitecture.from_catalogue)


def test_decoding_by_hand() -> None:
    """One token of Llama 3.1 8B after 999: all weights but the embedding, and a cache of 1000."""
    step = estimate_step(LLAMA, H100, decode=[999])
    read = 2 * (8_030_261_248 - 128_256 * 4096) + 1000 * 131_072
    assert step.read_bytes == read
    assert step.bound == "memory"
    assert step.seconds.value == pytest.approx(read / (3.35e12 * 0.7) + 0.0007)
    assert step.seconds.method == "assumed"
    assert step.mbu == pytest.approx(read / 3.35e12 / step.seconds.value)


def test_a_long_prompt_is_bound_by_arithmetic() -> None:
    """And reaches the assumed share of the peak, but for the overhead."""
    step = estimate_step(LLAMA, H100, prefill=[(8192, 0)])
    assert step.bound == "compute"
    assert 0.59 < step.mfu < 0.6


@pytest.mark.parametrize(
    ("model", "shares"),
    [
        ("qwen3-30b-a3b", {1: 0.06, 16: 0.64, 64: 0.98}),
        ("deepseek-v3", {1: 0.03, 16: 0.40, 64: 0.87}),
        ("mixtral-8x7b", {1: 0.25, 16: 0.99, 64: 1.0}),
    ],
)
def test_experts_touched(model: str, shares: dict[int, float]) -> None:
    """The share of the experts' weights that a batch reads."""
    arch = ModelArchitecture.from_catalogue(model)
    experts = 2 * sum(g.count * g.layer.experts * g.layer.expert for g in arch.groups)
    others = 2 * (arch.params.total - arch.params.embedding) - experts
    for batch, share in shares.items():
        touched = (read_weight_bytes(arch, batch) - others) / experts
        assert touched == pytest.approx(share, abs=0.006)


@given(models, st.integers(1, 300), st.sampled_from(["bf16", "fp8", "awq", "mxfp4", "q4_k_m"]))
def test_a_step_never_reads_more_than_there_is(
    arch: ModelArchitecture, tokens: int, weight_format: str
) -> None:
    """And a larger batch never less than a smaller one."""
    read = read_weight_bytes(arch, tokens, weight_format)
    assert 0 < read <= weight_bytes(arch, weight_format)
    assert read <= read_weight_bytes(arch, tokens + 1, weight_format)


@given(models, st.lists(st.integers(0, 50_000), min_size=1, max_size=20), st.integers(1, 8))
def test_laws_of_a_step(arch: ModelArchitecture, pasts: list[int], count: int) -> None:
    """Inside its interval; more GPUs are never slower; a share of a peak is below 1."""
    step = estimate_step(arch, H100, decode=pasts, gpus=count)
    assert 0 < step.seconds.low <= step.seconds.value <= step.seconds.high
    more = estimate_step(arch, H100, decode=pasts, gpus=count + 1)
    assert more.seconds.value <= step.seconds.value
    assert 0 < step.mfu < 1
    assert 0 < step.mbu < 1


def test_a_latent_is_read_on_every_gpu() -> None:
    """DeepSeek-V3 in fp8 on eight: 64 caches of 32k eight times, unless sequences are dealt out."""
    arch, h200 = ModelArchitecture.from_catalogue("deepseek-v3"), gpu("h200-sxm-141gb")
    step = estimate_step(arch, h200, decode=[32_768] * 64, gpus=8, weight_format="fp8")
    kv = 64 * kv_cache_bytes(arch, 32_769)
    weights = read_weight_bytes(arch, 64, "fp8")
    assert step.read_bytes == weights + 8 * kv
    on_each = (weights / 8 + kv) / (h200.bandwidth * 0.7) + 0.0007
    assert step.seconds.value == pytest.approx(on_each, rel=1e-3)
    dealt_out = (weights + kv) / (8 * h200.bandwidth * 0.7) + 0.0007
    assert step.seconds.low <= dealt_out <= step.seconds.high
    llama = estimate_step(LLAMA, H100, decode=[4000], gpus=4).read_bytes
    assert llama == estimate_step(LLAMA, H100, decode=[4000]).read_bytes, "8 heads, two on each"
    sixteen = estimate_step(LLAMA, H100, decode=[4000], gpus=16).read_bytes
    assert sixteen - llama == kv_cache_bytes(LLAMA, 4001), "8 heads, each on two"


def test_a_hybrid_reads_the_experts_of_its_batch() -> None:
    """Qwen3-Next for one token: 3 of 79 billion weights; so of a model known by its counts."""
    config = {
        "model_type": "qwen3_next", "hidden_size": 2048, "num_attention_heads": 16,
        "num_key_value_heads": 2, "head_dim": 256, "num_hidden_layers": 48, "vocab_size": 151936,
        "moe_intermediate_size": 512, "shared_expert_intermediate_size": 512, "num_experts": 512,
        "num_experts_per_tok": 10, "full_attention_interval": 4,
    }  # fmt: skip
    arch = ModelArchitecture.from_hf_config(config)
    assert read_weight_bytes(arch, 1) < 2 * arch.params.active
    counts = ModelArchitecture.from_params(total=10**11, active=10**10, source="card")
    assert read_weight_bytes(counts, 1) == 2 * 10**10
    assert 1.9e11 < read_weight_bytes(counts, 100) <= 2e11


def test_what_is_impossible_is_refused() -> None:
    """An empty step, no GPU, no time, no such format."""
    with pytest.raises(ValueError, match="empty step"):
        estimate_step(LLAMA, H100)
    with pytest.raises(ValueError, match="got 0"):
        estimate_step(LLAMA, H100, decode=[1], gpus=0)
    with pytest.raises(ValueError, match="'int3'"):
        estimate_step(LLAMA, H100, decode=[1], weight_format="int3")
    with pytest.raises(ValueError, match="above 0"):
        flops_utilisation(1, 0, peak=1)


@pytest.mark.parametrize(
    ("model", "prompt", "batch", "seconds"),
    [
        ("llama-3.2-1b", 512, 0, 0.0023336), ("llama-3.2-1b", 2048, 0, 0.0076493),
        ("llama-3.2-1b", 8192, 0, 0.037167),
        ("llama-3.1-8b", 512, 0, 0.01143), ("llama-3.1-8b", 2048, 0, 0.043027),
        ("llama-3.1-8b", 8192, 0, 0.19592),
        ("llama-3.2-1b", 0, 1, 0.0011233), ("llama-3.2-1b", 0, 8, 0.0013134),
        ("llama-3.2-1b", 0, 32, 0.0016781), ("llama-3.2-1b", 0, 128, 0.0033154),
        ("llama-3.1-8b", 0, 1, 0.0046961), ("llama-3.1-8b", 0, 8, 0.0053614),
        ("llama-3.1-8b", 0, 32, 0.0068317), ("llama-3.1-8b", 0, 128, 0.014214),
    ],
)  # fmt: skip
def test_what_an_h200_was_measured_to_take_is_inside(
    model: str, prompt: int, batch: int, seconds: float
) -> None:
    """benchmarks/gpu.py, 2026-11-27: prompts and steps after 2048 tokens, without an overhead."""
    step = estimate_step(
        ModelArchitecture.from_catalogue(model),
        gpu("NVIDIA H200"),
        prefill=[(prompt, 0)] if prompt else (),
        decode=[2048] * batch,
        efficiency=Efficiency(overhead=Estimate(0, 0, 0, "s", "exact", "replayed graph")),
    )
    assert step.seconds.low <= seconds <= step.seconds.high
    assert step.seconds.value == pytest.approx(seconds, rel=0.34)


def test_shares_of_the_peaks() -> None:
    """Half of two GPUs' peaks."""
    assert flops_utilisation(1e15, 1, peak=10**15, gpus=2) == 0.5
    assert bandwidth_utilisation(3.35e12, 2, bandwidth=3_350_000_000_000) == 0.5
