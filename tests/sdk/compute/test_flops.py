"""Laws of a served call's FLOPs, over every kind of architecture that ships."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.compute import ModelArchitecture, estimate_flops, forward_flops
from spanledger.compute.catalogue import closed_entries, open_entries

DECODERS = sorted(set(open_entries()) - {"bert-base"})
NAMES = [*DECODERS, "gpt-4o", "gpt-4o-mini"]
models = st.sampled_from(NAMES).map(ModelArchitecture.from_catalogue)
decoders = st.sampled_from(DECODERS).map(ModelArchitecture.from_catalogue)
tokens = st.integers(0, 200_000)


@given(models, tokens, tokens, tokens)
def test_both_cuts_add_up(arch: ModelArchitecture, prompt: int, cached: int, output: int) -> None:
    """Prefill + decode = linear + attention + head = total, inside the interval, as integers."""
    flops = estimate_flops(arch, prompt, cached, output)
    assert flops.prefill.value + flops.decode.value == flops.total.value
    parts = flops.linear.value + flops.attention.value + flops.head.value
    assert parts == flops.total.value
    assert isinstance(flops.total.value, int)
    assert 0 <= flops.total.low <= flops.total.value <= flops.total.high


@given(models, tokens, tokens, tokens, st.integers(1, 1000))
def test_more_tokens_cost_more(
    arch: ModelArchitecture, prompt: int, cached: int, output: int, more: int
) -> None:
    """Monotone in the prompt and in the output."""
    cached = min(cached, max(prompt - 1, 0))
    base = estimate_flops(arch, prompt, cached, output).total.value
    assert estimate_flops(arch, prompt + more, cached, output).total.value > base
    assert estimate_flops(arch, prompt, cached, output + more).total.value >= base
    assert (
        estimate_flops(arch, prompt, 0, output + more + 1).total.value
        > estimate_flops(arch, prompt, 0, output + more).total.value
    )


@given(decoders, tokens, tokens, st.integers(1, 1000))
def test_a_longer_past_costs_no_less(
    arch: ModelArchitecture, new: int, past: int, more: int
) -> None:
    """Attention grows with what is cached, except where a chunk begins anew."""
    if any(group.layer.attention.scope == "chunk" for group in arch.groups):
        return
    longer = forward_flops(arch, new, past + more).total
    assert longer >= forward_flops(arch, new, past).total


@given(models, st.integers(2, 200_000), tokens, tokens)
def test_a_cache_hit_saves(arch: ModelArchitecture, prompt: int, cached: int, output: int) -> None:
    """Any cached token makes the call cheaper, and the saving is all in the prefill."""
    cached = min(cached, prompt - 1)
    cold = estimate_flops(arch, prompt, 0, output)
    warm = estimate_flops(arch, prompt, cached, output)
    assert warm.decode == cold.decode
    if cached:
        assert warm.prefill.value < cold.prefill.value


@given(models, st.integers(1, 10_000), st.integers(0, 10_000))
def test_the_last_prompt_token_is_always_computed(
    arch: ModelArchitecture, prompt: int, beyond: int
) -> None:
    """A provider that reports the whole prompt as cached still computed one token."""
    everything = estimate_flops(arch, prompt, prompt + beyond)
    assert everything == estimate_flops(arch, prompt, prompt - 1)
    assert everything.total.value > 0


@given(decoders, st.integers(1, 20_000))
def test_served_work_is_at_most_what_a_dense_kernel_computes(
    arch: ModelArchitecture, prompt: int
) -> None:
    """Masks and the single logit only ever save."""
    dense = forward_flops(arch, prompt, logits=prompt, pairs="rectangle")
    assert forward_flops(arch, prompt).total <= dense.total


@given(decoders, st.integers(0, 10**5), st.lists(st.integers(1, 10**4), min_size=1, max_size=5))
def test_chunked_prefill_costs_the_same(
    arch: ModelArchitecture, past: int, chunks: list[int]
) -> None:
    """The scheduler's chunking is invisible, but for latents that must be expanded again."""
    done, total = past, 0
    for chunk in chunks:
        total += forward_flops(arch, chunk, done, logits=0).total
        done += chunk
    again = sum(
        group.count * group.layer.attention.expand_flops * sum(chunks[:end])
        for group in arch.groups
        for end in range(1, len(chunks))
    ) + sum(
        group.count * group.layer.attention.expand_flops * past * (len(chunks) - 1)
        for group in arch.groups
    )
    assert total == forward_flops(arch, sum(chunks), past, logits=0).total + again


@given(st.integers(1, 50_000), st.integers(1, 500))
def test_decoding_is_the_sum_of_its_steps(prompt: int, output: int) -> None:
    """The closed form equals one pass per token."""
    arch = ModelArchitecture.from_catalogue("gpt-oss-20b")
    steps = sum(
        forward_flops(arch, 1, prompt + done, latent="absorbed").total for done in range(output - 1)
    )
    assert estimate_flops(arch, prompt, 0, output).decode.value == steps


def test_closed_models_are_two_flops_per_assumed_weight() -> None:
    """``2 * active * (computed prompt + decoded)``, with both bounds, marked assumed."""
    arch = ModelArchitecture.from_catalogue("gpt-4o")
    total = estimate_flops(arch, 1000, 400, 101).total
    assert total.value == 2 * arch.params.active * (600 + 100)
    assert total.method == "assumed"
    assert (total.low, total.high) == (2 * 44 * 10**9 * 700, 2 * 132 * 10**9 * 700)
    assert "epoch.ai" in total.source
    assert total.as_of


@pytest.mark.parametrize("counts", [(-1, 0, 0), (1, -1, 0), (1, 0, -1)])
def test_negative_counts_are_refused(counts: tuple[int, int, int]) -> None:
    """The message names all three."""
    with pytest.raises(ValueError, match=r"prompt=.*cached=.*output="):
        estimate_flops(ModelArchitecture.from_catalogue("gpt2"), *counts)


def test_every_closed_entry_has_a_range() -> None:
    """No closed model pretends to be known."""
    for name in closed_entries():
        total = estimate_flops(ModelArchitecture.from_catalogue(name), 10, 0, 10).total
        assert total.low < total.value < total.high, name


@given(st.sampled_from(sorted(open_entries())), st.integers(0, 9), st.integers(0, 5000))
def test_calls_alike_cost_as_many_times_as_much(name: str, batch: int, prompt: int) -> None:
    """They share a step, and no FLOP."""
    arch = ModelArchitecture.from_catalogue(name)
    one, many = (
        estimate_flops(arch, prompt, 7, 40),
        estimate_flops(arch, prompt, 7, 40, batch=batch),
    )
    assert many.total.value == batch * one.total.value
    assert many.decode.value == batch * one.decode.value
