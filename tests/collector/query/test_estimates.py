"""Figures hold the truth as often as they say where one kind of run was hardly seen yet."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger_collector.estimate import Joint, Sample, is_seldom
from spanledger_collector.query import Estimate, estimates
from spanledger_collector.query.sustainability import Told, sustainability

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


def _margin(margins: Sequence[float], worth: Sequence[float], *, staked: bool) -> estimates.Figure:
    """As the engine sums it: who earned something is an earning run."""
    n, earned = len(margins), [float(one > 0) for one in worth]
    sample, joint = Sample.of(margins), Joint.of(margins, earned)
    stake = estimates.stake(
        n, int(sum(earned)), n if staked else 0, sum(worth) / n, joint.covariance
    )
    value = estimates.decimal(sample.mean)
    return estimates.mean(value, sample.variance, sample.skewness, n, stake=stake)


def _answer(figure: estimates.Figure, n: int) -> str:
    return sustainability(figure, Told(n, n, judged_runs=n)).sustainable


@pytest.mark.parametrize(
    ("success", "cost", "wrong"),
    [(0.9, 1.85, "yes"), (0.95, 1.95, "yes"), (0.1, 0.15, "no"), (0.05, 0.05, "no")],
)
def test_what_was_hardly_seen_is_no_certainty(success: float, cost: float, wrong: str) -> None:
    """$2 a success. Two lose $0.05 a run and seldom fail, two gain and seldom succeed."""
    rng = random.Random(34)  # noqa: S311 - a simulation, the same each time
    for n in (10, 12, 20, 30, 50):
        said = 0
        for _ in range(ROUNDS):
            worth = [2.0 if rng.random() < success else 0.0 for _ in range(n)]
            margins = [one - rng.gauss(cost, 0.03) for one in worth]
            figure = _margin(margins, worth, staked=True)
            said += _answer(figure, n) == wrong
        assert said / ROUNDS <= 0.025, n


@pytest.mark.parametrize("failed", [-2.0, 0.0, 1.0])
@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_a_margin_is_held_where_few_fail(failed: float, spread: float) -> None:
    """What fails brings a penalty, nothing, or a part; what succeeds the same or not always."""
    rng = random.Random(35)  # noqa: S311 - a simulation, the same each time
    for n, success in ((10, 0.9), (20, 0.95), (30, 0.9)):
        truth, held = 2 * success + failed * (1 - success) - 1, 0
        for _ in range(ROUNDS):
            won = [rng.random() < success for _ in range(n)]
            skew = math.exp(-(spread**2) / 2)
            worth = [2 * skew * rng.lognormvariate(0, spread) if one else 0.0 for one in won]
            margins = [
                a + (0 if one else failed) - rng.gauss(1, 0.1)
                for a, one in zip(worth, won, strict=True)
            ]
            held += _held(_margin(margins, worth, staked=True).estimate, truth)
        # A penalty that was not seen yet is nobody's knowledge: it is taken for 0.
        assert held / ROUNDS >= (0.65 if failed < 0 else 0.94), n


def test_what_does_not_hang_on_success_is_a_mean_like_any_other() -> None:
    """A rule for every run alike; and where both kinds were seen often enough, any value."""
    rng = random.Random(36)  # noqa: S311 - a simulation, the same each time
    costs = [rng.gauss(1.5, 0.1) for _ in range(20)]
    sure = _margin([2 - one for one in costs], [2.0] * 20, staked=False)
    assert (sure.estimate.method, sure.is_bounded, sure.bound) == ("student t", False, "")
    assert _answer(sure, 20) == "yes"
    worth = [2.0] * 15 + [0.0] * 5
    plain = _margin([a - b for a, b in zip(worth, costs, strict=True)], worth, staked=True)
    assert plain.estimate.method in ("student t", "hall t")
    # That those who failed earned as much shows that it does not hang on it.
    margins = [2 - one for one in costs]
    stake = estimates.stake(20, 18, 20, 2.0, Joint.of(margins, [0.0] * 2 + [1.0] * 18).covariance)
    sample = Sample.of(margins)
    like = estimates.mean(
        estimates.decimal(sample.mean), sample.variance, sample.skewness, 20, stake=stake
    )
    assert _answer(like, 20) == "yes"


def test_an_agent_that_never_earned_may_yet() -> None:
    """Of 20 runs 20 % may earn something that nobody has seen: no loss is certain."""
    figure = _margin([-1.0 - place / 100 for place in range(20)], [0.0] * 20, staked=True)
    assert figure.estimate.high is None
    verdict = sustainability(figure, Told(20, 20, judged_runs=20))
    assert verdict.sustainable == "too few data"
    told = "0 of 20 runs earned something: up to 20.1% may, and how much is not known"
    assert verdict.reason.startswith(told)
    assert verdict.runs_needed is None


def test_what_may_come_is_told_by_the_end_that_moves_the_mean() -> None:
    """12 runs that earn $2 and cost nothing: so few of them may, and so many dollars are left."""
    joint = Joint.of([2.0] * 12, [1.0] * 12)
    stake = estimates.stake(12, 12, 12, 2.0, joint.covariance)
    found = estimates.mean(estimates.decimal(2.0), 0.0, 0.0, 12, stake=stake)
    assert found.bound == "12 of 12 runs earned something: as few as 70.5% may"
    assert float(found.estimate.low or 0) == pytest.approx(2 * 0.70489, rel=1e-4)


_MARGINS = st.lists(
    st.tuples(st.floats(-1000, 1000), st.booleans()), min_size=10, max_size=40
)  # fmt: skip


@given(_MARGINS, st.booleans())
def test_an_interval_holds_its_own_figure(runs: list[tuple[float, bool]], staked: bool) -> None:
    """Whatever was lost, credited or earned."""
    margins, won = [one for one, _ in runs], [float(one) for _, one in runs]
    found = [
        _margin(margins, won, staked=staked),
        _per_success(margins, won),
        estimates.mean(
            estimates.decimal(Sample.of(margins).mean), Sample.of(margins).variance, 0.0,
            len(margins), floor=0,
        ),
    ]  # fmt: skip
    for figure in found:
        value, interval = figure.estimate.value, figure.estimate.interval
        if value is None:
            continue
        slack = 1e-6 + 1e-9 * abs(float(value))
        assert interval.low is None or interval.low <= float(value) + slack
        assert interval.high is None or interval.high >= float(value) - slack
