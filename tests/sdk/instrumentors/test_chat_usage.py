"""The laws of a chat completion's usage, over counts that any server may send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger import semconv
from spanledger._calls.answer import Record
from spanledger._calls.facts import Attributes, add_compute, add_usage
from spanledger._formats.chat_usage import usage_of

COUNTS = st.integers(0, 10**7)
CACHED = st.sampled_from(("cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens"))


def _buckets(usage: Mapping[str, Any]) -> Attributes:
    attributes: Attributes = {}
    add_usage(attributes, usage_of(usage))
    return attributes


def _sum(told: Attributes, *names: str) -> int:
    return sum(int(str(told.get(name, 0))) for name in names)


@pytest.mark.parametrize(
    ("further", "is_told"),
    [
        ({}, False),
        ({"prompt_tokens_details": None}, False),  # vLLM without --enable-prompt-tokens-details
        ({"prompt_tokens_details": {"cached_tokens": None}}, False),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, True),
        ({"prompt_tokens_details": {"cached_tokens": 7}}, True),
        ({"prompt_cache_hit_tokens": 0}, True),
    ],
)
def test_no_word_of_a_cache_is_not_an_empty_cache(
    further: Mapping[str, Any], is_told: bool
) -> None:
    """The FLOPs of the call are exact only where it is told what of the prompt was cached."""
    counts = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    usage = usage_of({**counts, **further})
    attributes: Attributes = {}
    add_compute(attributes, "llama-3.1-8b", "", usage)
    assert attributes.get(semconv.SERVER_CACHE_UNTOLD, False) is not is_told
    assert attributes[semconv.FLOPS_METHOD] == ("exact" if is_told else "approx")
    low, point = (int(str(attributes[key])) for key in (semconv.FLOPS_LOW, semconv.FLOPS_TOTAL))
    assert (low == point) is is_told


@given(COUNTS, COUNTS, COUNTS, st.data())
def test_the_buckets_sum_to_the_providers_total(
    prompt: int, completion: int, beyond: int, data: st.DataObject
) -> None:
    """Whatever the total has beyond both sides is in one bucket, and nothing is in two."""
    read = data.draw(st.integers(0, prompt))
    written = data.draw(st.integers(0, prompt - read))
    total = prompt + completion + beyond
    told = _buckets(
        {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": total,
            data.draw(CACHED): read,
            "cache_creation_input_tokens": written,
        }
    )
    buckets = (
        semconv.USAGE_INPUT_UNCACHED_TOKENS,
        semconv.USAGE_CACHE_READ_TOKENS,
        semconv.USAGE_CACHE_WRITE_5M_TOKENS,
        semconv.USAGE_CACHE_WRITE_1H_TOKENS,
        semconv.USAGE_BILLED_OUTPUT_TOKENS,
    )
    assert _sum(told, *buckets) == (total if prompt or completion else 0)
    sides = (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS)
    assert _sum(told, *sides) == (total if prompt or completion else 0)


@pytest.mark.parametrize("total", [None, 15, 45])
def test_more_cached_than_the_prompt_is_beside_it(total: int | None) -> None:
    """No part is more than its whole, whatever the total says of it."""
    told = _buckets(
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": total,
            "prompt_tokens_details": {"cached_tokens": 30},
        }
    )
    assert told[semconv.USAGE_INPUT_TOKENS] == 40
    assert told[semconv.USAGE_INPUT_UNCACHED_TOKENS] == 10


@pytest.mark.parametrize("total", [None, 15, 115])
def test_more_reasoning_than_the_output_is_beside_it(total: int | None) -> None:
    told = _buckets(
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": total,
            "completion_tokens_details": {"reasoning_tokens": 100},
        }
    )
    assert (told[semconv.USAGE_INPUT_TOKENS], told[semconv.USAGE_OUTPUT_TOKENS]) == (10, 105)


@given(COUNTS, COUNTS, COUNTS)
def test_a_total_that_is_less_than_its_parts_changes_nothing(
    prompt: int, completion: int, total: int
) -> None:
    sides = {"prompt_tokens": prompt, "completion_tokens": completion}
    if total <= prompt + completion:
        assert usage_of({**sides, "total_tokens": total}) == usage_of(sides)


@given(
    st.dictionaries(
        st.sampled_from(
            (
                *("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cost"),
                *(
                    "prompt_tokens_details",
                    "completion_tokens_details",
                    "cache_creation_input_tokens",
                ),
            )
        ),
        st.none()
        | st.booleans()
        | st.integers(-5, 10**6)
        | st.floats()
        | st.text(max_size=3)
        | st.lists(st.integers(), max_size=2)
        | st.dictionaries(
            st.sampled_from(("cached_tokens", "reasoning_tokens")), st.none() | COUNTS
        ),
    )
)
def test_nothing_that_a_server_sends_breaks_the_reading(usage: dict[str, Any]) -> None:
    """The clients check nothing; objects and plain JSON are read alike."""
    told = usage_of(usage)
    again = usage_of(Record(usage))
    assert str(again) == str(told)  # not a number is unequal to itself
    for count in (told.input_tokens, told.output_tokens):
        assert count is None or count >= 0
