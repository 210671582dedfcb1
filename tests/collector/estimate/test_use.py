"""What a thing is used a day, and over days to come."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanledger_collector.estimate import use_to_come, weighted_use


def test_a_day_counts_half_as_much_for_every_half_life_that_it_is_old() -> None:
    use = weighted_use([100, 0, 40], half_life_days=1)
    assert use.mean == pytest.approx((100 / 4 + 40) / 1.75)
    assert (use.days, use.effective_days) == (3, pytest.approx(1.75**2 / (1 + 1 / 4 + 1 / 16)))


def test_equal_days_are_certain_and_few_days_have_no_interval() -> None:
    told = use_to_come(weighted_use([7.0] * 30, half_life_days=14), 10)
    assert (told.low, told.high) == (pytest.approx(70), pytest.approx(70))
    few = use_to_come(weighted_use([7.0, 8.0, 9.0], half_life_days=14), 10)
    assert (few.low, few.high) == (None, None)
    assert few.reason == "3 days of use: too few to tell how they differ"
    for daily, half_life in (([], 1.0), ([1.0], 0.0)):
        with pytest.raises(ValueError, match="half-life above 0"):
            weighted_use(daily, half_life_days=half_life)


def test_what_comes_is_within_the_interval_about_as_often_as_it_says() -> None:
    """Of 400 pasts of 60 days and futures of 30 days of the same spread, 95 % give or take 4."""
    random = Random(7)  # noqa: S311 -- a simulation
    held = 0
    for _ in range(400):
        days = [random.gammavariate(4, 25) for _ in range(90)]
        told = use_to_come(weighted_use(days[:60], half_life_days=14), 30)
        assert told.low is not None
        assert told.high is not None
        held += told.low <= sum(days[60:]) <= told.high
    assert 0.91 < held / 400 < 0.99


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=80),
    st.floats(0.5, 365),
    st.floats(0.1, 1000),
    st.floats(0.001, 1000),
)
def test_a_mean_is_between_its_days_and_scales_with_the_unit(
    daily: list[float], half_life_days: float, days: float, scale: float
) -> None:
    use = weighted_use(daily, half_life_days=half_life_days)
    assert min(daily) - 1e-6 <= use.mean <= max(daily) + 1e-6
    assert 1 <= use.effective_days + 1e-9 <= len(daily) + 1e-6
    told = use_to_come(use, days)
    other = use_to_come(
        weighted_use([one * scale for one in daily], half_life_days=half_life_days), days
    )
    if told.low is not None and told.high is not None and other.high is not None:
        assert 0 <= told.low <= use.mean * days * (1 + 1e-9) + 1e-9 <= told.high + 1e-6
        assert other.high == pytest.approx(told.high * scale, rel=1e-6, abs=1e-3)
