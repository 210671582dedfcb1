"""Training: FLOPs, GPU-hours and memory."""

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


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="tokens >= 0"):
        training_flops(LLAMA, -1)
    with pytest.raises(ValueError, match="sequences"):
        training_flops(LLAMA, 1, sequence_tokens=0)
