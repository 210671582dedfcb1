"""Intervals survive arithmetic, and the weakest method wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.compute.estimate import METHODS, Estimate, Method, weakest


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    low, value, high = sorted(draw(st.tuples(*[st.integers(-(10**9), 10**9)] * 3)))
    method: Method = draw(st.sampled_from(METHODS))
    return Estimate(value, low, high, "FLOP", method, draw(st.sampled_from(["a", "b", ""])))


@given(estimates(), estimates())
def test_sums_and_products_hold_every_combination(left: Estimate, right: Estimate) -> None:
    """Whatever the truth inside the inputs' intervals, it is inside the result's."""
    total, product = left + right, left * right
    for a in (left.low, left.value, left.high):
        for b in (right.low, right.value, right.high):
            assert total.low <= a + b <= total.high
            assert product.low <= a * b <= product.high
    assert total.method == product.method == weakest(left.method, right.method)
    assert product.unit == "FLOP*FLOP"


@given(estimates(), st.integers(-1000, 1000))
def test_scaling_keeps_the_unit(estimate: Estimate, factor: int) -> None:
    """A negative factor turns the interval around."""
    scaled = factor * estimate
    assert scaled == estimate * factor
    assert scaled.value == estimate.value * factor
    assert {scaled.low, scaled.high} == {estimate.low * factor, estimate.high * factor}
    assert scaled.unit == estimate.unit


def test_a_value_outside_its_interval_is_refused() -> None:
    """So is one that is not a number; the message names the numbers."""
    with pytest.raises(ValueError, match="2 <= 1 <= 3"):
        Estimate(1, 2, 3, "FLOP", "exact", "here")
    with pytest.raises(ValueError, match="nan"):
        Estimate(float("nan"), 0, 1, "FLOP", "exact", "here")


def test_units_do_not_mix() -> None:
    """Bytes are not FLOPs."""
    flops = Estimate(1, 1, 1, "FLOP", "exact", "")
    memory = Estimate(1, 1, 1, "byte", "exact", "")
    with pytest.raises(ValueError, match="'byte'"):
        _ = flops + memory


def test_sources_are_joined_once_and_the_older_date_stays() -> None:
    """A total is as stale as its stalest part."""
    one = Estimate(1, 1, 1, "FLOP", "exact", "card", "2025-01-02")
    two = Estimate(1, 1, 1, "FLOP", "assumed", "paper; card", "2024-01-02")
    undated = Estimate(1, 1, 1, "FLOP", "measured", "")
    total = one + two + undated
    assert (total.source, total.as_of, total.method) == ("card; paper", "2024-01-02", "assumed")


def test_the_order_of_methods() -> None:
    """Measured beats exact beats approximate beats assumed."""
    assert weakest("measured", "exact") == "exact"
    assert weakest("approx", "exact") == "approx"
    assert weakest("approx", "assumed") == "assumed"
    assert weakest() == "measured"
