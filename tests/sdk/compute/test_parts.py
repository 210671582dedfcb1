"""Vision towers, speculative decoding, memory of a replica, and what-if."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.compute import (
    ArchitectureError,
    ModelArchitecture,
    ServingPoint,
    VisionTower,
    break_even,
    estimate_flops,
    estimate_replica,
    expected_tokens_per_step,
    frontier,
    gpu,
    kv_cache_bytes,
    request_share_bytes,
    serving_point,
    speculative_flops,
)
from spanledger.compute.catalogue import open_entries
from spanledger.compute.flops import decoding_flops

DECODERS = sorted(set(open_entries()) - {"bert-base"})
models = st.sampled_from(DECODERS).map(ModelArchitecture.from_catalogue)
LLAMA = ModelArchitecture.from_catalogue("llama-3.1-8b")
BIG = ModelArchitecture.from_catalogue("llama-3.1-70b")
H100 = gpu("h100-sxm5-80gb")
CLIP: dict[str, Any] = {
    "model_type": "clip_vision_model", "hidden_size": 1024, "intermediate_size": 4096,
    "num_hidden_layers": 24, "image_size": 336, "patch_size": 14,
}  # fmt: skip
SIGLIP: dict[str, Any] = {
    "model_type": "siglip_vision_model", "hidden_size": 1152, "intermediate_size": 4304,
    "num_hidden_layers": 27, "image_size": 384, "patch_size": 14,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "flops"),
    [(CLIP, 381_918_216_192), (SIGLIP, 666_448_114_176)],
    ids=["clip", "siglip"],
)
def test_towers_as_torch_counts_them(config: dict[str, Any], flops: int) -> None:
    """To the last integer (SigLIP without the pooling head that language models leave out)."""
    tower = VisionTower.from_hf_config(config, source="card")
    assert tower.flops().value == flops
    assert tower.flops().method == "exact"
    assert tower.flops(5).value == 5 * flops
    assert VisionTower.from_hf_config({"vision_config": config}).flops().value == flops


def test_an_unchecked_tower_is_approximate() -> None:
    """And says within which bounds; one without a size is refused."""
    other = VisionTower.from_hf_config({**CLIP, "model_type": "brand_new"})
    assert other.flops().low < other.flops().value < other.flops().high
    with pytest.raises(ArchitectureError, match="patch_size"):
        VisionTower.from_hf_config({**CLIP, "patch_size": None})
    with pytest.raises(ValueError, match="-1"):
        other.flops(-1)


@given(st.floats(0, 1), st.integers(0, 12))
def test_tokens_of_a_step(acceptance: float, drafted: int) -> None:
    """The closed form is the sum of the chances that a step gets so far."""
    series = sum(acceptance**kept for kept in range(drafted + 1))
    assert expected_tokens_per_step(acceptance, drafted) == pytest.approx(series)


@given(models, st.integers(1, 50_000), st.integers(1, 300))
def test_without_drafts_it_is_plain_decoding(
    arch: ModelArchitecture, prompt: int, steps: int
) -> None:
    """The exact sum lies in the interval."""
    if any(group.layer.attention.scope == "chunk" for group in arch.groups):
        return  # a chunk that begins anew costs less than both ends
    plain = estimate_flops(arch, prompt, 0, steps + 1).decode.value
    told = speculative_flops(
        arch, LLAMA, prompt_tokens=prompt, steps=steps, drafted_tokens=0, accepted_tokens=0
    )
    assert told.target.low <= plain <= told.target.high
    assert told.draft.value == told.wasted.value == 0


def test_pictures_of_a_prompt() -> None:
    """A tower's FLOPs on top, approximate since what projects its output is not counted."""
    text = {
        "model_type": "llama", "hidden_size": 4096, "num_attention_heads": 32,
        "num_hidden_layers": 32, "intermediate_size": 11008, "vocab_size": 32064,
    }  # fmt: skip
    llava = {"model_type": "llava", "text_config": text, "vision_config": CLIP}
    arch = ModelArchitecture.from_hf_config(llava, name="llava")
    plain, seen = estimate_flops(arch, 600, 0, 10), estimate_flops(arch, 600, 0, 10, images=2)
    assert (plain.total.method, plain.vision.value) == ("exact", 0)
    assert seen.total.value - plain.total.value == seen.vision.value == 2 * 381_918_216_192
    projector = 2 * 576 * (1024 * 4096 + 4096 * 4096)
    assert seen.total.low <= seen.total.value + 2 * projector <= seen.total.high
    assert seen.total.method == "approx"
    tower = VisionTower.from_hf_config(CLIP)
    assert tower.flops(1, patches=576) == tower.flops(1)
    assert tower.flops(1, patches=144).method == "approx"
    with pytest.raises(ValueError, match="no vision tower"):
        estimate_flops(LLAMA, 600, images=1)
    odd = ModelArchitecture.from_hf_config({**llava, "vision_config": {"embed_dim": 1280}})
    assert odd.vision is None


def test_positions_of_chunks_lie_in_the_interval() -> None:
    """Llama 4 past its first chunk of 8192: most of its layers begin to see anew."""
    scout = ModelArchitecture.from_catalogue("llama-4-scout-text")
    told = speculative_flops(
        scout, LLAMA, prompt_tokens=8191, steps=8192, drafted_tokens=0, accepted_tokens=0
    ).target
    assert told.low <= decoding_flops(scout, 8192, 8191).total <= told.high


def test_what_does_not_fit_is_not_worthwhile() -> None:
    """70 billion weights in bf16 on one H100, whatever an API costs."""
    for usd in (0.0005, 0.0035, 0.01):
        found = break_even(
            BIG, H100, usd_per_gpu_hour=2.95, api_usd_per_call=usd, prompt_tokens=4000,
            output_tokens=300,
        )  # fmt: skip
        assert found.worthwhile is False


def test_what_was_drafted_in_vain_is_waste() -> None:
    """All of it when nothing is kept, none when everything is."""

    def told(accepted: int) -> float:
        return speculative_flops(
            BIG, LLAMA, prompt_tokens=100, steps=10, drafted_tokens=40, accepted_tokens=accepted
        ).wasted.value

    assert told(40) == 0
    alone = speculative_flops(BIG, prompt_tokens=9, steps=1, drafted_tokens=4, accepted_tokens=0)
    assert (alone.draft.value, alone.total) == (0, alone.target)
    assert told(0) > told(20) > 0
    with pytest.raises(ValueError, match="accepted=41"):
        told(41)


def test_a_replica_over_gpus() -> None:
    """70B in bf16 needs more than one H100; eight key/value heads cannot be dealt to sixteen."""
    contexts = [4096] * 8
    one, four = (estimate_replica(BIG, contexts, gpus=count) for count in (1, 4))
    assert not one.fits(H100)
    assert four.fits(H100)
    assert four.weights == one.weights
    assert four.kv == one.kv
    assert estimate_replica(BIG, contexts, gpus=16).kv.value == 2 * one.kv.value
    assert four.total.method == "assumed"
    assert four.total.low < four.total.value < four.total.high
    latent = ModelArchitecture.from_catalogue("deepseek-v3")
    alone = estimate_replica(latent, contexts).kv.value
    assert estimate_replica(latent, contexts, gpus=8).kv.value == 8 * alone


@given(models, st.integers(0, 20_000), st.integers(0, 20_000), st.integers(1, 40))
def test_shares_of_a_paged_cache(
    arch: ModelArchitecture, shared: int, own: int, sharers: int
) -> None:
    """The shares of all sum to what is held, within a byte each; alone one holds everything."""
    tokens = shared + own
    alone = request_share_bytes(arch, tokens)
    assert alone == kv_cache_bytes(arch, tokens, block_tokens=16)
    share = request_share_bytes(arch, tokens, shared_tokens=shared, sharers=sharers)
    common = kv_cache_bytes(arch, shared // 16 * 16, block_tokens=16)
    held = common + sharers * (alone - common)
    assert held <= sharers * share < held + sharers
    assert share <= alone


def points() -> list[ServingPoint]:
    return [
        serving_point(
            BIG, H100, usd_per_gpu_hour=2.95, gpus=gpus, batch=batch, weight_format=weight_format
        )
        for gpus in (1, 2, 4, 8)
        for batch in (1, 16, 64, 256)
        for weight_format in ("bf16", "fp8", "awq")
    ]


def test_a_point_near_the_study() -> None:
    """70B in bf16 on four H100s, 16 sequences of 4096: 19.9 ms a token, 4.07 USD a million."""
    (point,) = (p for p in points() if (p.gpus, p.batch, p.weight_format) == (4, 16, "bf16"))
    assert point.token_seconds.value == pytest.approx(0.0199, rel=0.15)
    assert point.usd_per_million.value == pytest.approx(4.07, rel=0.15)
    assert point.bound == "memory"


def test_the_frontier() -> None:
    """Nothing that fits is better in both; bf16 is nowhere on it."""
    everything = points()
    best = frontier(everything)
    assert best
    assert {point.weight_format for point in best} <= {"fp8", "awq"}
    for point in everything:
        if point.fits:
            assert any(
                b.token_seconds.value <= point.token_seconds.value
                and b.usd_per_million.value <= point.usd_per_million.value
                for b in best
            )


def test_gpus_that_share_a_model_tell_each_other_of_every_prompt() -> None:
    """Over PCIe that takes longer than the arithmetic: cheaper GPUs without a link cost more."""

    def seconds(name: str, gpus: int) -> tuple[float, float, float]:
        """Of a call of 8000 tokens on so many, as assumed, at its fastest and at its slowest."""
        capacity = break_even(
            BIG, gpu(name), usd_per_gpu_hour=1, api_usd_per_call=0.01, prompt_tokens=8000,
            output_tokens=100, gpus=gpus, weight_format="fp8",
        ).capacity_per_hour  # fmt: skip
        return 3600 / capacity.value, 3600 / capacity.high, 3600 / capacity.low

    linked, unlinked = seconds("h100-sxm5-80gb", 4)[0], seconds("l40s", 4)[0]
    assert 2.95 * linked < 1.00 * unlinked  # at these rates an hour; 1.011 times, without it
    exchanged = 2 * 80 * (10e-6 + 2 * 7 / 8 * 8000 * 8192 * 2 / 32e9)
    for told, alone in zip(seconds("l40s", 8), (0.5078, 0.3942, 0.9249), strict=True):
        assert told == pytest.approx(alone + exchanged, rel=1e-3)


def test_breaking_even() -> None:
    """A GPU of 3 USD an hour pays from 300 calls of one cent on, if it can answer so many."""
    call: dict[str, Any] = {"prompt_tokens": 4000, "cached_tokens": 3000, "output_tokens": 300}
    result = break_even(LLAMA, H100, usd_per_gpu_hour=3.0, api_usd_per_call=0.01, **call)
    assert result.calls_per_hour == 300
    assert result.capacity_per_hour.low > 300
    assert result.worthwhile is True
    cheap = break_even(LLAMA, H100, usd_per_gpu_hour=3.0, api_usd_per_call=1e-7, **call)
    assert cheap.worthwhile is False
    assert break_even(
        LLAMA, H100, usd_per_gpu_hour=3.0, api_usd_per_call=0.0, **call
    ).calls_per_hour == float("inf")
