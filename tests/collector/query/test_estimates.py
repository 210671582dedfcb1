"""Figures hold the truth as often as they say where one kind of run was hardly seen yet."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from spanledger_collector.estimate import Joint, Sample, is_seldom
from spanledger_collector.query import Estimate, estimates

ROUNDS = 500


def _per_success(costs: Sequence[float], won: Sequence[float]) -> estimates.Figure:
    """As the engine sums it."""
    joint, successes = Joint.of(costs, won), int(sum(won))
    value = estimates.decimal(math.fsum(costs) / successes) if successes else None
    return estimates.per_success(value, joint, successes, Sample.of(costs).skewness)


def _held(estimate: Estimate, truth: float) -> bool:
    assert estimate.low is not None, estimate.reason
    return not estimate.interval.excludes(truth)


#: Spread of the logarithm of costs, and how often the truth is held at least.
_SPREADS = [(0.1, 0.95), (0.3, 0.95), (1.0, 0.93)]


@pytest.mark.parametrize("success", [0.8, 0.9, 0.95, 0.98])
@pytest.mark.parametrize(("spread", "least"), _SPREADS)
def test_a_cost_per_success_is_held_where_few_fail(
    success: float, spread: float, least: float
) -> None:
    """No failure among 10 to 30 runs is no certainty, costs being alike or very skewed."""
    rng = random.Random(31)  # noqa: S311 - a simulation, the same each time
    truth = math.exp(spread**2 / 2) / success
    for n in (10, 12, 20, 30):
        held = 0
        for _ in range(ROUNDS):
            costs = [rng.lognormvariate(0, spread) for _ in range(n)]
            won = [float(rng.random() < success) for _ in costs]
            held += _held(_per_success(costs, won).estimate, truth)
        assert held / ROUNDS >= least, n


@pytest.mark.parametrize("failed", [0.5, 2.0])
def test_it_is_held_where_what_fails_costs_less_or_more(failed: float) -> None:
    rng = random.Random(32)  # noqa: S311 - a simulation, the same each time
    for n, success in ((12, 0.95), (20, 0.9), (30, 0.9)):
        truth, held = (success + failed * (1 - success)) / success, 0
        for _ in range(ROUNDS):
            won = [float(rng.random() < success) for _ in range(n)]
            costs = [rng.gauss(1, 0.1) * (1 if one else failed) for one in won]
            held += _held(_per_success(costs, won).estimate, truth)
        assert held / ROUNDS >= 0.93, (n, success)


def test_with_five_of_both_kinds_it_is_the_ratio() -> None:
    costs = [1.0 + place % 3 / 10 for place in range(40)]
    for failures, method in ((4, "mean over wilson"), (5, "fieller"), (36, "mean over wilson")):
        figure = _per_success(costs, [0.0] * failures + [1.0] * (40 - failures))
        assert figure.estimate.method == method
        assert figure.is_bounded == (method != "fieller")
        assert figure.measured is not None
    assert [is_seldom(part, 20) for part in (0, 4, 5, 15, 16, 20)] == [
        True, True, False, False, True, True,
    ]  # fmt: skip
