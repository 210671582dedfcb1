"""What an engine computed and read: windows sum to the call, calls to their estimates."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.compute.test_engine import ENGINES, H100, LLAMA, SECOND, calls, engines

from spanledger.compute import ModelArchitecture, estimate_flops, estimate_step
from spanledger.compute.engine import Engine, Observation
from spanledger.compute.engine_work import Work, work

_WHOLE = 1_000 * SECOND


@given(calls(), engines, st.lists(st.integers(1, 199 * SECOND), max_size=3))
def test_windows_sum_to_the_call(seen: list[Observation], engine: Engine, cuts: list[int]) -> None:
    """To the FLOP and the byte, however time is cut; and to the estimate of the call."""
    whole = work(seen, 0, _WHOLE, engine)
    edges = sorted({0, *cuts, _WHOLE})
    parts = [work(seen, *edge, engine) for edge in pairwise(edges)]
    for call, did in whole.items():
        told = [part[call] for part in parts if call in part]
        assert sum(one.flops for one in told) == did.flops
        assert sum(one.read_low or 0 for one in told) == did.read_low
        assert sum(one.read_high or 0 for one in told) == did.read_high
        assert (did.read_low or 0) <= (did.read_high or 0)
        one = next(one for one in seen if one.call == call)
        assert engine.arch is not None
        estimate = estimate_flops(
            engine.arch, one.prompt_tokens, one.cached_tokens, one.output_tokens or 0
        )
        assert did.flops == estimate.total.value
    known = {one.call for one in seen if one.prompt_tokens and one.answer_known}
    assert set(whole) == (
        {one.call for one in seen if one.call in known and one.works_from_ns < one.end_ns}
        if engine.arch
        else set()
    )


@pytest.mark.parametrize("gpus", [1, 16])
def test_what_an_answer_reads_is_what_its_steps_read(gpus: int) -> None:
    """Alone in the engine: the weights and its cache, step by step; of 16 GPUs two copies."""
    engine = Engine(gpus=gpus, arch=LLAMA, gpu=H100)
    one = Observation("a", 0, 9 * SECOND, SECOND, prompt_tokens=2000, output_tokens=401)
    did = work([one], SECOND, 9 * SECOND, engine)["a"]
    steps = [
        estimate_step(LLAMA, H100, decode=[2000 + made], gpus=gpus).read_bytes
        for made in range(400)
    ]
    assert did.read_high == pytest.approx(sum(steps), rel=1e-3)
    assert (did.read_low == did.read_high) == (gpus == 1)


def test_drafted_tokens_that_were_kept_take_no_step_of_their_own() -> None:
    """A hundred tokens of which 75 were drafted take a quarter of the reading; the same FLOPs."""

    def did(accepted: int) -> Work:
        one = Observation(
            "a", 0, SECOND, SECOND // 4, prompt_tokens=50, output_tokens=101,
            accepted_tokens=accepted,
        )  # fmt: skip
        return work([one], SECOND // 4, SECOND, ENGINES["roofline"])["a"]

    plain, drafted, odd = did(0), did(75), did(1000)
    assert plain.flops == drafted.flops
    assert drafted.read_low == pytest.approx((plain.read_low or 0) / 4, rel=1e-6)
    assert odd.read_low == pytest.approx((plain.read_low or 0) / 100, rel=1e-6)


def test_side_by_side_the_weights_are_read_once() -> None:
    """Ten answers of one batch read as much of them as one."""

    def read(count: int) -> int:
        seen = [
            Observation(f"c{n}", 0, SECOND, SECOND // 4, prompt_tokens=1, output_tokens=101)
            for n in range(count)
        ]
        return sum(one.read_low or 0 for one in work(seen, 0, SECOND, ENGINES["roofline"]).values())

    assert read(10) == pytest.approx(read(1), rel=5e-3)  # and each its own cache


def test_of_a_model_known_by_its_size_nobody_knows_what_is_read() -> None:
    """FLOPs are known, by its parameters."""
    arch = ModelArchitecture.from_params(total=10**9, source="a test")
    one = Observation("a", 0, SECOND, prompt_tokens=100, output_tokens=1)
    assert work([one], 0, SECOND, Engine(arch=arch, gpu=H100))["a"] == Work(
        2 * 10**11, 2 * 10**11, None, None
    )
