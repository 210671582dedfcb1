"""What the instrumentation stamps on a span."""

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.compute import CallEstimate, ModelArchitecture, estimate_call, estimate_flops
from spanledger.compute.call import _REMEMBERED_IDS, _prepare, call_figures
from spanledger.compute.catalogue import names


def known(model: str, *counts: int) -> CallEstimate:
    estimate = estimate_call(model, *counts)
    assert estimate is not None
    return estimate


def test_an_open_model_by_hand() -> None:
    """Llama 3.1 8B, 3 prompt tokens of which 1 cached, 2 output tokens: on paper.

    Per token 32 layers x 218,103,808 weights x 2; a pair costs 32 layers x 2 x 32 heads x 256;
    the head is 2 x 4096 x 128,256. Prefill: tokens 2 and 3 see 2 + 3 pairs; decode: token 4 sees 4.
    """
    token, pair, head = 32 * 218_103_808 * 2, 32 * 2 * 32 * 256, 2 * 4096 * 128_256
    estimate = known("llama-3.1-8b", 3, 1, 2)
    assert estimate.flops_prefill == 2 * token + 5 * pair + head
    assert estimate.flops_decode == token + 4 * pair + head
    assert estimate.flops_total == estimate.flops_prefill + estimate.flops_decode
    assert estimate.flops_low == estimate.flops_high == estimate.flops_total
    assert estimate.method == "exact"
    assert estimate.source == "https://huggingface.co/meta-llama/Llama-3.1-8B"
    assert estimate.weights_bytes == 2 * 8_030_261_248
    assert estimate.kv_bytes == 4 * 131_072
    assert estimate.vram_source == "estimated:bf16"


def test_what_nobody_told_of_a_cache_may_have_been_all_of_the_prompt() -> None:
    """Its low end is that of a prompt found there, and it is not exact; a token cannot be."""
    full, least = known("llama-3.1-8b", 1000, 0, 20), known("llama-3.1-8b", 1000, 999, 20)
    told = call_figures("llama-3.1-8b", 1000, 0, 20, cache_told=False)
    assert told is not None
    assert told[2:6] == (full.flops_total, least.flops_total, full.flops_total, "approx")
    closed, low = known("gpt-4o", 1000, 0, 20), known("gpt-4o", 1000, 999, 20)
    told = call_figures("gpt-4o", 1000, 0, 20, cache_told=False)
    assert told is not None
    assert told[2:6] == (closed.flops_total, low.flops_low, closed.flops_high, "assumed")
    single = call_figures("llama-3.1-8b", 1, 0, 20, cache_told=False)
    assert single == call_figures("llama-3.1-8b", 1, 0, 20)


def test_a_closed_model_has_bounds_and_no_memory() -> None:
    """Nobody knows its layers, so nobody knows its cache."""
    estimate = known("gpt-4o-2024-08-06", 1000, 0, 1)
    assert (estimate.flops_low, estimate.flops_high) == (88 * 10**12, 264 * 10**12)
    assert estimate.flops_low < estimate.flops_total < estimate.flops_high
    assert estimate.method == "assumed"
    assert (estimate.weights_bytes, estimate.kv_bytes, estimate.vram_source) == (0, 0, "")


def test_a_quantised_model_keeps_its_flops() -> None:
    """Only the bytes change, and the source says for which format."""
    full = known("llama-3.1-8b", 100, 0, 10)
    small = known("llama3.1:8b-instruct-q4_K_M", 100, 0, 10)
    assert small.flops_total == full.flops_total
    assert small.weights_bytes < full.weights_bytes / 3
    assert small.vram_source == "estimated:q4_k_m"


@pytest.mark.parametrize("counts", [(-1, 0, 0), (1, -1, 0), (1, 0, -1), (10**12, 0, 10**12)])
def test_impossible_counts_have_no_estimate(counts: tuple[int, int, int]) -> None:
    """Negative, or more FLOPs than an OTLP integer holds."""
    assert estimate_call("llama-3.1-8b", *counts) is None


def test_an_unknown_model_has_no_estimate() -> None:
    """None, never zero."""
    assert estimate_call("nobody-knows", 10, 0, 10) is None


@given(
    st.sampled_from(sorted(names())),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 10**5),
)
def test_it_agrees_with_the_full_estimate(
    model: str, prompt: int, cached: int, output: int
) -> None:
    """The short way and the long way give the same integers."""
    estimate = known(model, prompt, cached, output)
    full = estimate_flops(ModelArchitecture.from_catalogue(model), prompt, cached, output)
    assert estimate.flops_prefill == full.prefill.value
    assert estimate.flops_decode == full.decode.value
    assert (estimate.flops_low, estimate.flops_high) == (full.total.low, full.total.high)
    assert estimate.flops_low <= estimate.flops_total <= estimate.flops_high


def test_hostile_ids_do_not_grow_the_memory() -> None:
    """The table of remembered ids is bounded."""
    for number in range(3 * _REMEMBERED_IDS):
        estimate_call(f"hostile-{number}", 1, 0, 1)
    assert _prepare.cache_info().currsize <= _REMEMBERED_IDS


def test_a_known_model_takes_microseconds() -> None:
    """A few on an idle core; the bound leaves room for a slow machine that is busy."""
    estimate_call("deepseek-v3", 1, 0, 1)
    best = min(_seconds_for_hundred() for _ in range(20))
    assert best / 100 < 200e-6


def _seconds_for_hundred() -> float:
    start = time.thread_time()
    for _ in range(100):
        estimate_call("deepseek-v3", 16_000, 15_000, 500)
    return time.thread_time() - start


def test_importing_reads_no_catalogue() -> None:
    """The JSON waits for the first call."""
    check = (
        "import spanledger.compute.catalogue as c; "
        "assert c.open_entries.cache_info().currsize == 0; "
        "assert c.names.cache_info().currsize == 0"
    )
    done = subprocess.run(
        [sys.executable, "-c", check],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
