"""Intervals: they hold the truth as often as they say, and obey the laws of what they measure."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger_collector.estimate import (
    FEWEST,
    Interval,
    Joint,
    RankGrid,
    Sample,
    mean_interval,
    part_interval,
    percentile_interval,
    ratio_interval,
    seldom_interval,
    share_interval,
    student_t_quantile,
)
from spanledger_collector.estimate.distributions import binomial_cdf

VALUES = st.lists(st.floats(0.001, 1000), min_size=FEWEST, max_size=60)
ROUNDS = 800
#: Ways to draw a value, with the mean of such values.
DRAWS: dict[str, tuple[Callable[[random.Random], float], float]] = {
    "normal": (lambda rng: rng.gauss(3, 2), 3.0),
    "exponential": (lambda rng: rng.expovariate(1), 1.0),
    "lognormal": (lambda rng: rng.lognormvariate(0, 1), math.exp(0.5)),
}


def _ends(interval: Interval) -> tuple[float, float]:
    assert interval.low is not None, interval.reason
    assert interval.high is not None
    return interval.low, interval.high


def _coverage(draw: Callable[[], Interval], truth: float) -> float:
    return sum(not draw().excludes(truth) for _ in range(ROUNDS)) / ROUNDS


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [(1, 12.70620), (2, 4.30265), (5, 2.57058), (10, 2.22814), (30, 2.04227), (100, 1.98397)],
)
def test_quantiles_of_t_are_those_of_the_tables(degrees: int, quantile: float) -> None:
    assert student_t_quantile(0.975, degrees) == pytest.approx(quantile, abs=5e-6)
    opposite = -student_t_quantile(0.025, degrees)
    assert opposite == pytest.approx(student_t_quantile(0.975, degrees), rel=1e-12)


def test_binomial_probabilities_are_those_of_the_definition() -> None:
    for n, p in ((7, 0.5), (20, 0.95), (60, 0.1)):
        total = 0.0
        for k in range(n + 1):
            total += math.comb(n, k) * p**k * (1 - p) ** (n - k)
            assert binomial_cdf(k, n, p) == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize(
    ("kind", "n", "least"),
    [
        ("normal", 10, 0.93),
        ("exponential", 20, 0.92),
        # Very skewed: Student's t holds the mean 87 % of the time here.
        ("lognormal", 20, 0.88),
        ("lognormal", 100, 0.89),
    ],
)
def test_a_mean_is_held_as_often_as_said(kind: str, n: int, least: float) -> None:
    rng = random.Random(11)  # noqa: S311 - a simulation, the same each time
    draw, truth = DRAWS[kind]
    share = _coverage(lambda: mean_interval(Sample.of([draw(rng) for _ in range(n)])), truth)
    assert least <= share <= 0.98


@pytest.mark.parametrize(("n", "success"), [(20, 0.7), (60, 0.4), (200, 0.9)])
def test_a_cost_per_success_is_held_as_often_as_said(n: int, success: float) -> None:
    """Costs are skewed, and failed runs cost less."""
    rng = random.Random(12)  # noqa: S311 - a simulation, the same each time
    mean = math.exp(0.125)
    truth = mean * (success + 0.5 * (1 - success)) / success

    def draw() -> Interval:
        won = [float(rng.random() < success) for _ in range(n)]
        spent = [rng.lognormvariate(0, 0.5) * (1 if one else 0.5) for one in won]
        return ratio_interval(Joint.of(spent, won))

    assert 0.92 <= _coverage(draw, truth) <= 0.98


@pytest.mark.parametrize(
    ("n", "often", "wasted"), [(15, 0.25, 0.3), (30, 0.1, 1.0), (30, 0.9, 1.0), (100, 0.25, 0.3)]
)
def test_a_share_of_money_is_held_as_often_as_said(n: int, often: float, wasted: float) -> None:
    """Seldom wasted, nearly always, all of a run or a part: Fieller holds 77 to 94 % here."""
    rng = random.Random(14)  # noqa: S311 - a simulation, the same each time

    def draw() -> Interval:
        spent = [rng.lognormvariate(0, 0.5) for _ in range(n)]
        return part_interval(
            Joint.of([one * wasted if rng.random() < often else 0.0 for one in spent], spent)
        )

    assert 0.92 <= _coverage(draw, often * wasted) <= 0.98


@given(st.lists(st.tuples(st.floats(0.001, 1000), st.floats(0, 1)), min_size=FEWEST, max_size=60))
def test_both_ends_of_a_share_of_money_are_shares(runs: list[tuple[float, float]]) -> None:
    joint = Joint.of([spent * wasted for spent, wasted in runs], [spent for spent, _ in runs])
    low, high = _ends(part_interval(joint))
    share = joint.over_mean / joint.under_mean
    assert 0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1


def test_a_share_of_money_of_runs_that_weigh_alike_is_that_of_runs() -> None:
    """Nothing wasted in 30 runs is no certainty; t for z is all that differs from Wilson's own."""
    for part in (0, 3, 30):
        joint = Joint.of([1.0] * part + [0.0] * (30 - part), [1.0] * 30)
        told, wilson = _ends(part_interval(joint)), _ends(share_interval(part, 30))
        assert told == pytest.approx(wilson, abs=0.02)
    assert _ends(part_interval(Joint.of([0.5] * 20, [1.0] * 20))) == (0.5, 0.5)
    assert "nothing stands below" in part_interval(Joint.of([0.0] * 20, [0.0] * 20)).reason
    assert "9 of at least 10" in part_interval(Joint.of([1.0] * 9, [1.0] * 9)).reason


def test_without_a_success_it_costs_at_least_so_much() -> None:
    """Of 30 runs at most 14.3 % succeed, at half the doubt: a cost of 1 is 7 a success."""
    none = seldom_interval(Sample(30, 1.0, 0.0), 0)
    assert none.low == pytest.approx(1 / 0.1434, rel=1e-3)
    assert none.high is None
    assert none.reason == "no success in 30 runs: at most 14.3% of such runs succeed"
    low, high = _ends(seldom_interval(Sample(30, 1.0, 0.0), 3))
    assert low < 10 < high
    assert "9 of at least 10" in seldom_interval(Sample(9, 1.0, 0.1), 0).reason


@pytest.mark.parametrize(("n", "success"), [(20, 0.05), (60, 0.03)])
def test_a_cost_of_rare_successes_is_held_at_least_as_often_as_said(n: int, success: float) -> None:
    rng = random.Random(15)  # noqa: S311 - a simulation, the same each time

    def draw() -> Interval:
        won = sum(rng.random() < success for _ in range(n))
        return seldom_interval(Sample.of([rng.lognormvariate(0, 0.5) for _ in range(n)]), won)

    assert _coverage(draw, math.exp(0.125) / success) >= 0.95


@pytest.mark.parametrize(("n", "share"), [(10, 0.5), (30, 0.9), (200, 0.03)])
def test_a_success_rate_is_held_as_often_as_said(n: int, share: float) -> None:
    """Exactly, by the binomial: Wilson's interval is near its level for every n."""
    held = math.fsum(
        math.comb(n, k) * share**k * (1 - share) ** (n - k)
        for k in range(n + 1)
        if not share_interval(k, n).excludes(share)
    )
    assert 0.92 <= held <= 0.99


@pytest.mark.parametrize(("n", "share"), [(10, 0.5), (101, 0.95), (2500, 0.95)])
def test_a_percentile_is_held_as_often_as_said(n: int, share: float) -> None:
    rng = random.Random(13)  # noqa: S311 - a simulation, the same each time
    places = [i * (n - 1) // (min(n, 1001) - 1) for i in range(min(n, 1001))]

    def draw() -> Interval:
        values = sorted(rng.random() for _ in range(n))
        return percentile_interval(RankGrid(n, [values[place] for place in places]), share)

    assert 0.935 <= _coverage(draw, share) <= 0.995


def test_too_few_runs_give_a_reason_and_no_number() -> None:
    """Each refusal says what is missing."""
    nine = [1.0, 2, 3, 4, 5, 6, 7, 8, 9]
    won = [0.0] * 19 + [1.0]
    refused = [
        (mean_interval(Sample.of(nine)), "9 of at least 10 runs"),
        (mean_interval(Sample.of([])), "0 of at least 10 runs"),
        (ratio_interval(Joint.of(nine, nine)), "9 of at least 10 runs"),
        (ratio_interval(Joint.of(won, [0.0] * 20)), "nothing stands below the line"),
        (ratio_interval(Joint.of([1.0] * 20, won)), "may as well be nothing"),
        (share_interval(0, 0), "no runs"),
        (percentile_interval(RankGrid(71, range(71)), 0.95), "71 runs: too few"),
        (percentile_interval(RankGrid(0, []), 0.5), "0 runs: too few"),
        (percentile_interval(RankGrid(1, range(1)), 0.5), "1 run: too few"),
    ]
    for interval, reason in refused:
        assert (interval.low, interval.high) == (None, None)
        assert reason in interval.reason
        assert not interval.excludes(0)
        assert not interval.within(-1e9, 1e9)


def test_no_failure_seen_is_no_certainty() -> None:
    """All of 20 runs succeeded: up to 16 % may still fail."""
    low, high = _ends(share_interval(20, 20))
    assert low == pytest.approx(0.8389, abs=1e-4)
    assert high == 1


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_runs_does_not_matter(values: list[float], rng: random.Random) -> None:
    shuffled = values[:]
    rng.shuffle(shuffled)
    one, other = (mean_interval(Sample.of(each)) for each in (values, shuffled))
    assert _ends(one) == pytest.approx(_ends(other), rel=1e-6, abs=1e-9)


@given(VALUES, st.floats(0.01, 100))
def test_in_another_currency_everything_scales(values: list[float], factor: float) -> None:
    """Means and ratios are the same money in another unit."""
    scaled = [value * factor for value in values]
    won = [1.0 if place % 3 else 0.0 for place in range(len(values))]
    for one, other in (
        (mean_interval(Sample.of(values)), mean_interval(Sample.of(scaled))),
        (ratio_interval(Joint.of(values, won)), ratio_interval(Joint.of(scaled, won))),
    ):
        ends = [end * factor for end in _ends(one)]
        assert _ends(other) == pytest.approx(ends, rel=1e-6, abs=1e-6 * factor)


@given(VALUES)
def test_an_interval_holds_its_own_figure(values: list[float]) -> None:
    """Also where all are alike; a certain success makes cost per success the cost per run."""
    sample = Sample.of(values)
    low, high = _ends(mean_interval(sample, floor=0))
    assert 0 <= low <= sample.mean * (1 + 1e-9)
    assert sample.mean <= high * (1 + 1e-9)
    certain = ratio_interval(Joint.of(values, [1.0] * len(values)))
    t = student_t_quantile(0.975, sample.n - 1) * math.sqrt(sample.variance / sample.n)
    assert _ends(certain) == pytest.approx((sample.mean - t, sample.mean + t), rel=1e-6, abs=1e-6)


@given(st.integers(1, 300), st.floats(0.05, 0.95))
def test_a_grid_never_makes_a_percentile_narrower(n: int, share: float) -> None:
    """Of all values and of 21 of them: the second interval holds the first."""
    whole = percentile_interval(RankGrid(n, range(1, n + 1)), share)
    kept = min(n, 21)
    places = [1 + place * (n - 1) // max(kept - 1, 1) for place in range(kept)]
    rough = percentile_interval(RankGrid(n, places), share)
    assert whole.reason == rough.reason
    if whole.low is not None:
        low, high = _ends(rough)
        assert whole.within(low, high)


def test_more_runs_make_it_narrower() -> None:
    widths = [
        high - low
        for low, high in (
            _ends(mean_interval(Sample(n, 5.0, 2.0, 1.0))) for n in (10, 30, 100, 1000, 10**6)
        )
    ]
    assert all(one > other for one, other in pairwise(widths))
