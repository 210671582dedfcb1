"""Closed forms against a walk over the mask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.compute.attention import Attention, Scope

SCOPES: list[Scope] = ["causal", "window", "chunk", "full"]
counts = st.integers(0, 60)
spans = st.integers(1, 40)


def attention(scope: Scope, span: int) -> Attention:
    return Attention(4, 2, 8, 8, scope, span if scope in ("window", "chunk") else 0)


def walk(spec: Attention, new: int, past: int) -> int:
    """Count the pairs one by one, as the masks are defined."""
    seen = 0
    for query in range(past, past + new):
        for key in range(past + new):
            seen += {
                "full": True,
                "causal": key <= query,
                "window": query - spec.span < key <= query,
                "chunk": key <= query and key // max(spec.span, 1) == query // max(spec.span, 1),
            }[spec.scope]
    return seen


@given(scope=st.sampled_from(SCOPES), span=spans, new=counts, past=counts)
def test_pairs_equal_the_walk(scope: Scope, span: int, new: int, past: int) -> None:
    """The formula counts exactly the mask's ones."""
    spec = attention(scope, span)
    assert spec.pairs(new, past) == walk(spec, new, past)


@given(
    scope=st.sampled_from(SCOPES[:3]),
    span=spans,
    past=st.integers(0, 10**6),
    chunks=st.lists(st.integers(0, 10**5), max_size=6),
)
def test_chunked_prefill_sums_right(scope: Scope, span: int, past: int, chunks: list[int]) -> None:
    """Prefilling in pieces costs the same pairs as at once."""
    spec = attention(scope, span)
    done, total = past, 0
    for chunk in chunks:
        total += spec.pairs(chunk, done)
        done += chunk
    assert total == spec.pairs(sum(chunks), past)


@given(span=spans, new=counts, past=counts)
def test_a_span_never_adds_pairs(span: int, new: int, past: int) -> None:
    """A window or chunk is at most causal, and at most ``span`` a token."""
    causal = attention("causal", 0).pairs(new, past)
    for scope in ("window", "chunk"):
        assert attention(scope, span).pairs(new, past) <= min(causal, new * span)


@given(scope=st.sampled_from(SCOPES[:3]), span=spans, new=counts, past=counts)
def test_a_useful_pair_is_one_of_the_rectangle(
    scope: Scope, span: int, new: int, past: int
) -> None:
    """A kernel without shortcuts never computes less than what is needed."""
    spec = attention(scope, span)
    assert spec.pairs(new, past) <= spec.rectangle(new, past)


@given(span=spans, tokens=st.integers(0, 10**6))
def test_the_cache_stops_at_the_window(span: int, tokens: int) -> None:
    """A windowed layer never holds more than its window."""
    assert attention("window", span).held_tokens(tokens) == min(tokens, span)
    assert attention("causal", 0).held_tokens(tokens) == tokens


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_sharing_key_value_heads_saves_cache_not_flops(kv_heads: int) -> None:
    """Grouped and multi-query attention compute as many pairs as full attention."""
    spec = Attention(4, kv_heads, 8, 8)
    assert spec.pair_flops == 2 * 4 * 16
    assert spec.cache_elements == kv_heads * 16
