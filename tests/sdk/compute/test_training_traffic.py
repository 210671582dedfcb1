"""Bytes that training moves, against sums on paper."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanledger.compute import ModelArchitecture, training_traffic

SMOL = ModelArchitecture.from_catalogue("smollm2-135m")
WEIGHTS, LAYERS, WIDTH, WORDS = 134_515_008, 30, 576, 49_152


def test_a_step_on_paper() -> None:
    """One step of 1,000 tokens: weights read twice, gradients, Adam, activations, logits."""
    assert (SMOL.params.total, SMOL.hidden, SMOL.vocabulary) == (WEIGHTS, WIDTH, WORDS)
    one = training_traffic(SMOL, 1000, passes=1, updates=1)
    assert one is not None
    saved = 1000 * LAYERS * WIDTH * 34
    assert one.low == WEIGHTS * (3 * 2 + 6) + 2 * saved
    assert one.value == WEIGHTS * (3 * 2 + 28) + 5 * saved + 1000 * WORDS * 16
    assert one.high == WEIGHTS * (3 * 4 + 30) + 10 * saved + 1000 * WORDS * 32
    assert (one.unit, one.method) == ("byte", "approx")


def test_batches_that_are_added_up_share_an_update() -> None:
    """Four batches an update: the optimizer works once, three gradients are read again."""
    four = training_traffic(SMOL, 0, passes=4, updates=1)
    assert four is not None
    assert four.value == WEIGHTS * (2 * (4 * 3 + 3) + 28)


def test_adapters_move_their_base_alone() -> None:
    lora = training_traffic(SMOL, 0, passes=1, updates=1, method="lora", checkpointing=True)
    assert lora is not None
    assert (lora.low, lora.value, lora.high) == (WEIGHTS * 1.5, WEIGHTS * 6, WEIGHTS * 12)


def test_several_gpus_have_a_copy_each_or_share_the_state() -> None:
    two = training_traffic(SMOL, 0, passes=1, updates=1, gpus=2)
    assert two is not None
    assert two.low == WEIGHTS * (2 * 3 * 2 + 6)
    assert two.value == WEIGHTS * (2 * 3 * 2 + 28 * 2)
    assert two.high == WEIGHTS * (2 * 5 * 4 + 30 * 2)


def test_what_nobody_knows_is_not_told() -> None:
    assert training_traffic(SMOL, 10, passes=1, updates=1, method="partial") is None
    bare = ModelArchitecture.from_params(total=7 * 10**9, source="its card")
    assert training_traffic(bare, 10, passes=1, updates=1) is None
    with pytest.raises(ValueError, match="GPUs from 1"):
        training_traffic(SMOL, 10, passes=1, updates=1, gpus=0)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**12), st.integers(1, 10**6), st.integers(1, 64), st.booleans(),
    st.sampled_from(["full", "lora"]),
)  # fmt: skip
def test_ends_are_around_the_middle_and_more_work_moves_more(
    tokens: int, passes: int, gpus: int, again: bool, method: str
) -> None:
    def moved(tokens: int, passes: int, gpus: int) -> tuple[float, float, float]:
        told = training_traffic(
            SMOL, tokens, passes=passes, updates=passes, gpus=gpus, checkpointing=again,
            method="full" if method == "full" else "lora",
        )  # fmt: skip
        assert told is not None
        return told.low, told.value, told.high

    one = moved(tokens, passes, gpus)
    assert list(one) == sorted(one)
    for more in (moved(2 * tokens, passes, gpus), moved(tokens, 2 * passes, gpus)):
        assert all(b >= a for a, b in zip(one, more, strict=True))
    assert moved(tokens, passes, gpus + 1)[1] >= one[1]
