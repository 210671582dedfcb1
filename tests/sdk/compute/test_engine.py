"""Laws of dealing out GPU time: nothing is lost, nothing twice, order does not matter."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.compute import ModelArchitecture, gpu
from spanledger.compute.energy import carbon_kg, energy_kwh
from spanledger.compute.engine import (
    Engine,
    Observation,
    attribute,
)
from spanledger.compute.estimate import Estimate

SECOND = 1_000_000_000
H100 = gpu("h100-sxm5-80gb")
LLAMA = ModelArchitecture.from_catalogue("llama-3.1-8b")
ENGINES = {
    "wall_over_n": Engine(gpus=2),
    "roofline": Engine(gpus=2, arch=LLAMA, gpu=H100),
    "replicas": Engine(gpus=6, arch=LLAMA, gpu=H100, replicas=3),
    "experts": Engine(gpus=3, arch=ModelArchitecture.from_catalogue("qwen3-30b-a3b"), gpu=H100),
}
moments = st.integers(0, 100 * SECOND)


@st.composite
def calls(draw: st.DrawFn) -> list[Observation]:
    made: list[Observation] = []
    for number in range(draw(st.integers(0, 8))):
        start, lasts = draw(moments), draw(st.integers(0, 40 * SECOND))
        end = start + lasts
        made.append(
            Observation(
                call=f"c{number}",
                start_ns=start,
                end_ns=end,
                first_token_ns=draw(st.sampled_from([0, start + lasts // 3, end])),
                load_ns=draw(st.sampled_from([0, 0, lasts // 4, lasts * 2])),
                prompt_tokens=draw(st.one_of(st.just(0), st.integers(0, 30_000))),
                cached_tokens=draw(st.integers(0, 30_000)),
                output_tokens=draw(st.one_of(st.none(), st.integers(0, 2_000))),
                recomputed_tokens=draw(st.sampled_from([0, 0, 500])),
            )
        )
    return made


engines = st.sampled_from(sorted(ENGINES)).map(ENGINES.__getitem__)


@given(calls(), engines, moments, st.integers(1, 60 * SECOND))
def test_every_nanosecond_has_one_home(
    seen: list[Observation], engine: Engine, begin: int, length: int
) -> None:
    """Shares, loading and idle time sum to the bill; busy is when anybody was served."""
    dealt = attribute(seen, begin, begin + length, engine)
    assert dealt.billed_ns == engine.gpus * length
    assert sum(dealt.shares.values()) + dealt.load_ns + dealt.idle_ns == dealt.billed_ns
    assert min([*dealt.shares.values(), dealt.load_ns, dealt.idle_ns]) >= 0
    live = sorted((max(o.start_ns, begin), min(o.end_ns, begin + length)) for o in seen)
    edges = sorted({moment for one in live for moment in one})
    busy = 0
    for left, right in pairwise(edges):
        beside = sum(start <= left and right <= end for start, end in live if start < end)
        busy += (right - left) * min(beside, engine.replicas) * engine.gpus_each
    assert dealt.billed_ns - dealt.idle_ns == busy
    for one in seen:
        longest = max(0, min(one.end_ns, begin + length) - max(one.start_ns, begin))
        assert dealt.shares.get(one.call, 0) <= longest * engine.gpus_each
    for call, waste in dealt.waste.items():
        assert 0 <= waste <= dealt.shares[call]


@given(calls(), engines, st.randoms())
def test_order_does_not_matter(seen: list[Observation], engine: Engine, random: object) -> None:
    """The same calls in any order have the same shares."""
    shuffled = list(seen)
    random.shuffle(shuffled)  # type: ignore[attr-defined] -- hypothesis types it as object
    assert attribute(shuffled, 0, 200 * SECOND, engine) == attribute(seen, 0, 200 * SECOND, engine)


@given(calls(), engines, st.integers(1, 199 * SECOND))
def test_a_cut_window_gives_the_same(seen: list[Observation], engine: Engine, cut: int) -> None:
    """Closing by hour or by day: a call's parts sum to its share, but for a nanosecond an event."""
    whole = attribute(seen, 0, 200 * SECOND, engine)
    parts = [attribute(seen, 0, cut, engine), attribute(seen, cut, 200 * SECOND, engine)]
    for one in seen:
        told = sum(part.shares.get(one.call, 0) for part in parts)
        assert told == pytest.approx(whole.shares.get(one.call, 0), abs=4)


@given(calls(), moments, st.integers(1, 30 * SECOND))
def test_a_late_call_changes_only_those_beside_it(
    seen: list[Observation], start: int, lasts: int
) -> None:
    """Alike or not: who does not overlap it keeps the share."""
    engine = ENGINES["wall_over_n"]
    before = attribute(seen, 0, 200 * SECOND, engine)
    late = Observation("late", start, start + lasts)
    after = attribute([*seen, late], 0, 200 * SECOND, engine)
    for one in seen:
        if one.end_ns <= start or one.start_ns >= start + lasts:
            assert after.shares.get(one.call, 0) == before.shares.get(one.call, 0)
        else:
            # Its begin and end cut intervals, and each is dealt out in whole nanoseconds.
            assert after.shares.get(one.call, 0) <= before.shares.get(one.call, 0) + 2


@given(calls(), moments, st.integers(1, 30 * SECOND))
def test_a_late_call_changes_only_those_near_it(
    seen: list[Observation], start: int, lasts: int
) -> None:
    """By rooflines too: it changes the batch of those beside it, and so who was beside them."""
    engine = ENGINES["roofline"]
    late = Observation("late", start, start + lasts, start + 1, 0, 5000, 0, 300)
    before = attribute(seen, 0, 200 * SECOND, engine)
    after = attribute([*seen, late], 0, 200 * SECOND, engine)

    def beside(one: Observation, other: Observation) -> bool:
        return one.start_ns < other.end_ns and other.start_ns < one.end_ns

    near = [one for one in seen if beside(one, late)]
    for one in seen:
        if one not in near and not any(beside(one, other) for other in near):
            assert after.shares.get(one.call, 0) == before.shares.get(one.call, 0)
            assert after.keys.get(one.call) == before.keys.get(one.call)


def test_a_prompt_costs_more_of_its_time_than_an_answer() -> None:
    """Beside a call that is being answered, one that reads 40,000 tokens takes most of a step."""
    answering = Observation("answering", 0, 10 * SECOND, SECOND // 10, 0, 500, 0, 1000)
    reading = Observation("reading", 4 * SECOND, 5 * SECOND, 5 * SECOND - 1, 0, 40_000, 0, 1)
    dealt = attribute([answering, reading], 0, 10 * SECOND, Engine(1, LLAMA, H100))
    assert dealt.key == "roofline_sliced"
    alone = 9 * SECOND
    assert dealt.shares["answering"] - alone < dealt.shares["reading"]


def test_a_pool_of_replicas_is_as_many_engines() -> None:
    """One call keeps one of eight busy; of more calls than replicas each has one at most."""
    engine = Engine(8, LLAMA, H100, replicas=8)
    one = Observation("a", 0, 10 * SECOND, SECOND, 0, 1000, 0, 200)
    dealt = attribute([one], 0, 600 * SECOND, engine)
    assert (dealt.shares["a"], dealt.idle_ns) == (10 * SECOND, 4790 * SECOND)
    seven = [Observation(f"y{i}", 0, 100 * SECOND, SECOND, 0, 1000, 0, 7000) for i in range(7)]
    prompt = Observation("x", 10 * SECOND, 13 * SECOND, 13 * SECOND - 1, 0, 32_000, 0, 2)
    dealt = attribute([*seven, prompt], 0, 100 * SECOND, engine)
    assert dealt.shares == dict.fromkeys((f"y{i}" for i in range(7)), 100 * SECOND) | {
        "x": 3 * SECOND
    }
    assert dealt.idle_ns == 97 * SECOND
    two = attribute([*seven, prompt], 0, 100 * SECOND, Engine(2, LLAMA, H100, replicas=2))
    assert SECOND < two.shares["x"] <= 3 * SECOND, "at most one replica's"
    with pytest.raises(ValueError, match="3 replicas"):
        Engine(8, replicas=3)


def test_the_key_degrades_with_what_is_known() -> None:
    """No first token: one weight a call. No model or GPU: alike."""
    told = Observation("a", 0, SECOND, SECOND // 2, 0, 10, 0, 10)
    silent = Observation("b", 0, SECOND, 0, 0, 10, 0, 10)
    engine = Engine(1, LLAMA, H100)
    assert attribute([told], 0, SECOND, engine).key == "roofline_sliced"
    dealt = attribute([told, silent], 0, SECOND, engine)
    assert (dealt.key, dealt.keys["a"]) == ("roofline_global", "roofline_global")
    assert attribute([told], 0, SECOND, Engine(1, LLAMA, None)).key == "wall_over_n"
    closed = ModelArchitecture.from_catalogue("gpt-4o")
    assert attribute([told], 0, SECOND, Engine(1, closed, H100)).key == "wall_over_n"


def test_a_hybrid_is_shared_by_what_is_known_of_it() -> None:
    """Twice the answer, side by side, is more than half; attention of its few layers counts."""
    config = {
        "model_type": "qwen3_next", "hidden_size": 2048, "num_hidden_layers": 48,
        "num_attention_heads": 16, "num_key_value_heads": 2, "head_dim": 256,
        "intermediate_size": 5120, "vocab_size": 151936, "full_attention_interval": 4,
    }  # fmt: skip
    hybrid = ModelArchitecture.from_hf_config(config, name="hybrid")
    assert not hybrid.groups
    seen = [
        Observation(name, 0, 10 * SECOND, SECOND, prompt_tokens=9000, output_tokens=made)
        for name, made in (("short", 200), ("long", 400))
    ]
    dealt = attribute(seen, 0, 10 * SECOND, Engine(1, hybrid, H100))
    assert dealt.key == "roofline_sliced"
    assert dealt.shares["long"] > 1.5 * dealt.shares["short"]


def test_a_call_whose_tokens_nobody_knows_costs_what_those_beside_it_do() -> None:
    """Cancelled after a minute, without usage: half of the minute is its, and nobody else's."""
    served = Observation("served", 0, 60 * SECOND, SECOND, 0, 1000, 0, 4000)
    later = Observation("later", 70 * SECOND, 80 * SECOND, 71 * SECOND, 0, 1000, 0, 500)
    for cancelled in (
        Observation("cancelled", 0, 60 * SECOND),
        Observation("cancelled", 0, 60 * SECOND, SECOND, output_tokens=None),
        Observation("cancelled", 0, 60 * SECOND, 0, 0, 1000, 0, None),
    ):
        dealt = attribute([served, cancelled, later], 0, 100 * SECOND, Engine(1, LLAMA, H100))
        seconds = {call: share / SECOND for call, share in dealt.shares.items()}
        assert seconds == pytest.approx({"served": 30, "cancelled": 30, "later": 10})
        assert dealt.key == "wall_over_n"
        assert dealt.keys == {
            "served": "wall_over_n", "cancelled": "wall_over_n", "later": "roofline_sliced",
        }  # fmt: skip


def test_of_a_call_that_broke_off_the_prompt_is_weighed() -> None:
    """What is known counts: a long prompt beside an answer takes most, however it went on."""
    answering = Observation("answering", 0, 10 * SECOND, SECOND // 10, 0, 500, 0, 1000)
    broken = Observation("broken", 4 * SECOND, 6 * SECOND, 5 * SECOND, 0, 40_000, 0, None)
    whole = Observation("broken", 4 * SECOND, 5 * SECOND, 5 * SECOND - 1, 0, 40_000, 0, 1)
    engine = Engine(1, LLAMA, H100)
    told = attribute([answering, broken], 0, 10 * SECOND, engine).shares["broken"]
    prompt = attribute([answering, whole], 0, 10 * SECOND, engine).shares["broken"]
    assert told == pytest.approx(prompt + SECOND / 2, rel=0.02)
    # An answer that went on after its first token was not empty, whatever was counted.
    empty = Observation("broken", 4 * SECOND, 6 * SECOND, 5 * SECOND, 0, 40_000, 0, 0)
    assert attribute([answering, empty], 0, 10 * SECOND, engine).shares["broken"] == told


def test_what_is_impossible_is_refused() -> None:
    one = Observation("a", 0, 1)
    with pytest.raises(ValueError, match="need a window"):
        attribute([one], 5, 5, Engine())
    with pytest.raises(ValueError, match="name of one call"):
        attribute([one, one], 0, 5, Engine())


def test_energy_and_carbon() -> None:
    """An H100 held for an hour: 0.08 to 1.1 kWh with the data centre; carbon by the grid."""
    energy = energy_kwh(H100, 3600)
    assert (energy.low, energy.high) == pytest.approx((0.7 * 0.1 * 1.09, 0.7 * 1.56))
    grid = Estimate(380, 300, 450, "gCO2e/kWh", "measured", "grid operator", "2026-11-01")
    carbon = carbon_kg(energy, grid)
    assert carbon.value == pytest.approx(energy.value * 0.38)
    assert carbon.method == "assumed"
    with pytest.raises(ValueError, match="power"):
        energy_kwh(gpu("inferentia2"), 1)
    with pytest.raises(ValueError, match="in kWh"):
        carbon_kg(grid, grid)
