"""Comparing two groups: how often a difference is found that is not there, and one that is."""

from __future__ import annotations

import math
import random

import pytest

from spanledger_collector.estimate import (
    Interval,
    Joint,
    Measured,
    Sample,
    bounded_difference,
    difference,
    quotient,
    ratio_interval,
    ratio_variance,
    runs_needed,
    share_difference,
    share_interval,
    share_quotient,
)

ROUNDS = 800


def _costs(rng: random.Random, n: int, scale: float = 1.0) -> Measured:
    sample = Sample.of([scale * rng.lognormvariate(0, 0.5) for _ in range(n)])
    return Measured(n, sample.mean, sample.variance)


def _per_success(rng: random.Random, n: int, success: float) -> Measured:
    won = [float(rng.random() < success) for _ in range(n)]
    joint = Joint.of([rng.lognormvariate(0, 0.5) for _ in won], won)
    return Measured(n, joint.over_mean / joint.under_mean, ratio_variance(joint))


def _share(part: int, n: int) -> tuple[float, Interval]:
    return part / n, share_interval(part, n)


def test_two_groups_that_are_alike_are_seldom_told_apart() -> None:
    """In about one of twenty comparisons, as the level says; groups of unequal size."""
    rng = random.Random(21)  # noqa: S311 - a simulation, the same each time
    wrong = {"difference": 0, "quotient": 0}
    for _ in range(ROUNDS):
        old, new = _costs(rng, 25), _costs(rng, 60)
        wrong["difference"] += difference(old, new).excludes(0)
        wrong["quotient"] += quotient(old, new).excludes(1)
    for found in wrong.values():
        assert 0.02 <= found / ROUNDS <= 0.08


def test_without_a_correction_very_skewed_costs_are_held_about_as_often() -> None:
    """Groups of 20 runs, lognormal with sigma 1: what Hall's correction of one mean gives too."""
    rng = random.Random(25)  # noqa: S311 - a simulation, the same each time
    mean, held = math.exp(0.5), {"difference": 0, "quotient": 0, "ratio": 0}
    for _ in range(ROUNDS):
        costs, dearer = ([k * rng.lognormvariate(0, 1) for _ in range(20)] for k in (1, 2))
        old, new = (Measured(20, s.mean, s.variance) for s in map(Sample.of, (costs, dearer)))
        held["difference"] += not difference(old, new).excludes(mean)
        held["quotient"] += not quotient(old, new).excludes(2)
        joint = Joint.of(costs, [float(rng.random() < 0.6) for _ in costs])
        held["ratio"] += not ratio_interval(joint, floor=0).excludes(mean / 0.6)
    assert all(0.89 <= often / ROUNDS <= 0.98 for often in held.values()), held


def test_costs_per_success_that_are_alike_are_seldom_told_apart() -> None:
    rng = random.Random(22)  # noqa: S311 - a simulation, the same each time
    found = sum(
        difference(_per_success(rng, 80, 0.6), _per_success(rng, 80, 0.6)).excludes(0)
        for _ in range(ROUNDS)
    )
    assert 0.02 <= found / ROUNDS <= 0.08


@pytest.mark.parametrize(("p", "q", "n", "m"), [(0.6, 0.8, 40, 70), (0.95, 0.9, 100, 30)])
def test_a_difference_of_shares_is_held_as_often_as_said(
    p: float, q: float, n: int, m: int
) -> None:
    rng = random.Random(23)  # noqa: S311 - a simulation, the same each time
    held = 0
    for _ in range(ROUNDS):
        a = sum(rng.random() < p for _ in range(n))
        b = sum(rng.random() < q for _ in range(m))
        held += not share_difference(_share(a, n), _share(b, m)).excludes(q - p)
    assert 0.92 <= held / ROUNDS <= 0.98


@pytest.mark.parametrize(
    ("p", "q", "n", "m", "most"),
    [(0.6, 0.8, 40, 70, 0.98), (0.4, 0.6, 20, 25, 0.98), (0.99, 0.9, 12, 12, 1.0),
     (0.95, 0.9, 20, 20, 1.0), (0.99, 0.95, 30, 30, 1.0)],
)  # fmt: skip
def test_a_ratio_of_shares_is_held_as_often_as_said(
    p: float, q: float, n: int, m: int, most: float
) -> None:
    """Oftener where few fail: Wilson's ends are far then. Never of no width."""
    rng = random.Random(26)  # noqa: S311 - a simulation, the same each time
    held = 0
    for _ in range(ROUNDS):
        a = sum(rng.random() < p for _ in range(n))
        b = sum(rng.random() < q for _ in range(m))
        told = share_quotient(_share(a, n), _share(b, m))
        assert told.low is not None
        assert told.high is None or told.low < told.high
        held += not told.excludes(q / p)
    assert 0.93 <= held / ROUNDS <= most


def test_a_ratio_of_shares_of_all_has_the_doubt_of_both() -> None:
    """Of 40 of 40 beside 40 of 40 the difference is -8.8 % to 8.8 %, the ratio no surer."""
    all_of = _share(40, 40)
    told, apart = share_quotient(all_of, all_of), share_difference(all_of, all_of)
    assert all_of[1].low is not None
    assert told.low == pytest.approx(all_of[1].low)
    assert told.high == pytest.approx(1 / all_of[1].low)
    assert apart.low == pytest.approx(all_of[1].low - 1)
    there, back = (
        share_quotient(*pair) for pair in ((_share(9, 40), all_of), (all_of, _share(9, 40)))
    )
    assert (there.low, there.high) == pytest.approx((1 / (back.high or 0), 1 / (back.low or 0)))
    assert "above 0" in share_quotient(_share(0, 40), all_of).reason
    assert "of at least 10 runs" in share_quotient(_share(3, 9), all_of).reason
    least = 0.1, Interval(0.0, 0.3, 0.95, 20, "x")
    assert share_quotient(least, all_of).high is None
    assert "may be 0" in share_quotient(least, all_of).reason


def test_with_the_runs_it_asks_for_a_difference_is_found_four_times_of_five() -> None:
    rng = random.Random(24)  # noqa: S311 - a simulation, the same each time
    mean, variance = math.exp(0.125), math.exp(0.25) * (math.exp(0.25) - 1)
    old = Measured(10, mean, variance)
    new = Measured(10, mean * 0.8, variance * 0.64)
    needed = runs_needed(old, new)
    # 0.3647 x 1.64 x (1.960 + 0.842)^2 / 0.2266^2, rounded up.
    assert needed == 92
    found = sum(
        difference(_costs(rng, needed), _costs(rng, needed, 0.8)).excludes(0) for _ in range(ROUNDS)
    )
    assert 0.75 <= found / ROUNDS <= 0.86


def test_what_cannot_be_compared_says_why() -> None:
    nine, ten, loss = Measured(9, 1, 1), Measured(10, 2, 1), Measured(10, -1, 1)
    assert "9 of at least 10 runs" in difference(nine, ten).reason
    assert "9 of at least 10 runs" in quotient(ten, nine).reason
    assert "9 of at least 10 runs" in share_difference(_share(3, 9), _share(3, 20)).reason
    assert "two figures above 0" in quotient(loss, ten).reason
    assert runs_needed(ten, ten) is None
    assert runs_needed(Measured(10, 1, 0), Measured(10, 2, 0)) is None


def test_a_difference_turns_its_sign_and_a_ratio_its_inverse() -> None:
    old, new = Measured(30, 2.0, 0.5), Measured(12, 3.0, 0.2)
    there, back = difference(old, new), difference(new, old)
    assert (there.low, there.high) == (-(back.high or 0), -(back.low or 0))
    there, back = quotient(old, new), quotient(new, old)
    assert there.low == pytest.approx(1 / (back.high or 0))
    assert runs_needed(old, new) == runs_needed(new, old)


def test_of_two_that_lie_apart_the_ends_are_what_is_known() -> None:
    """Also where one has no upper end; where neither has, nothing is known of the difference."""
    near, far = Interval(1.0, 2.0, 0.95, 30, "x"), Interval(5.0, None, 0.95, 20, "x", "no end")
    apart = bounded_difference(near, far)
    assert (apart.low, apart.high, apart.n, apart.reason) == (3.0, None, 50, "no end")
    assert apart.excludes(0)
    assert not apart.excludes(4)
    back = bounded_difference(far, near)
    assert (back.low, back.high) == (None, -3.0)
    assert back.excludes(0)
    neither = bounded_difference(far, far)
    assert (neither.low, neither.high, neither.reason) == (None, None, "no end; no end")
    assert not neither.excludes(0)
    assert not bounded_difference(near, Interval(1.5, 9.0, 0.95, 9, "x")).excludes(0)
