"""Runs that share traces: intervals hold the truth as often as said, and need no luck for it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest

from spanledger_collector.estimate import (
    RankGrid,
    Sample,
    Traces,
    is_seldom,
    mean_interval,
    percentile_interval,
    runs_worth,
    share_interval,
)

TRACES = 20
_Drawn = Sequence[Sequence[float]]


def _drawn(rng: random.Random, traces: int, run: Callable[[float], float]) -> _Drawn:
    """1 to 30 runs a trace, which have an effect of their trace in common."""
    return [
        [run(effect) for _ in range(rng.randrange(1, 31))]
        for effect in (rng.gauss(0, 1) for _ in range(traces))
    ]


def _apart(traces: _Drawn) -> tuple[float, list[float]]:
    """The mean of runs, and traces apart, as ``trace_apart.sql`` has them."""
    runs = sum(map(len, traces))
    mean = math.fsum(value for trace in traces for value in trace) / runs
    return mean, [
        (math.fsum(trace) - mean * len(trace)) * (len(traces) - 1) / (runs - len(trace))
        for trace in traces
    ]


def _known(traces: _Drawn) -> Traces:
    sizes = [len(trace) for trace in traces]
    effective = sum(sizes) ** 2 / sum(size**2 for size in sizes)
    return Traces(len(sizes), effective, Sample.of(_apart(traces)[1]).variance)


def test_means_hold_the_truth_as_often_as_said() -> None:
    """Taken as draws of their own, the runs would hold it less than half as often."""
    rng = random.Random(41)  # noqa: S311 - a simulation, the same each time
    held = naive = 0
    for _ in range(1500):
        traces = _drawn(rng, TRACES, lambda effect: 5 + effect + rng.gauss(0, 0.5))
        mean, apart = _apart(traces)
        shape = Sample.of(apart)
        held += not mean_interval(Sample(TRACES, mean, shape.variance, shape.skewness)).excludes(5)
        naive += not mean_interval(Sample.of([x for trace in traces for x in trace])).excludes(5)
    assert 0.925 <= held / 1500 <= 0.965
    assert naive / 1500 < 0.5


@pytest.mark.parametrize(
    ("traces", "rate"), [(10, 0.5), (20, 0.5), (20, 0.8), (40, 0.8), (40, 0.95), (150, 0.95)]
)
def test_shares_hold_the_truth_at_least_as_often_as_said(traces: int, rate: float) -> None:
    """Half of the spread or more is between traces; failures may all be of a few of them."""
    rng = random.Random(42)  # noqa: S311 - a simulation, the same each time
    held = 0
    for _ in range(400):
        drawn = [
            [float(rng.random() < chance) for _ in range(rng.randrange(1, 31))]
            for chance in (rng.betavariate(2 * rate, 2 * (1 - rate)) for _ in range(traces))
        ]
        won = sum(int(sum(trace)) for trace in drawn)
        interval = share_interval(won, sum(map(len, drawn)), traces=_known(drawn))
        held += not interval.excludes(rate)
    assert held / 400 >= 0.93


@pytest.mark.parametrize(("traces", "at", "truth"), [(20, 0.5, 0.0), (150, 0.95, 1.8390)])
def test_percentiles_hold_the_truth_at_least_as_often_as_said(
    traces: int, at: float, truth: float
) -> None:
    """Of runs that spread by 1 between traces and by 0.5 in them."""
    rng = random.Random(43)  # noqa: S311 - a simulation, the same each time
    held = told = 0
    for _ in range(200):
        drawn = _drawn(rng, traces, lambda effect: effect + rng.gauss(0, 0.5))
        values = sorted(value for trace in drawn for value in trace)
        seen = values[int(at * len(values))]
        below = _known([[float(value <= seen) for value in trace] for trace in drawn])
        interval = percentile_interval(RankGrid(len(values), values), at, traces=below)
        told += interval.low is not None
        held += interval.low is not None and not interval.excludes(truth)
    assert told >= 150
    assert held / told >= 0.93


def test_runs_are_worth_no_more_than_they_are_and_traces_where_little_is_seen() -> None:
    wide = Traces(50, 40.0, 0.25)
    assert runs_worth(0.5, 1000, wide) == pytest.approx(50 * (1.959964 / 2.009575) ** 2, rel=1e-5)
    even = Traces(50, 40.0, 1e-6)
    assert 900 < runs_worth(0.5, 1000, even) < 1000
    # 4 of 100 failed: of 40 traces' worth less than five, so that their spread is not known.
    assert runs_worth(0.96, 1000, even) < 40
    assert runs_worth(0.5, 1000, Traces(50, 40.0, 0.0)) < 40
    assert is_seldom(96, 100, even)
    assert not is_seldom(50, 100, even)


def test_one_trace_tells_nothing() -> None:
    one = Traces(1, 1.0, 0.0)
    interval = share_interval(5, 20, traces=one)
    assert (interval.low, interval.high, interval.n) == (None, None, 1)
    assert "all runs are of one trace" in interval.reason
    latency = percentile_interval(RankGrid(20, range(20)), 0.5, traces=one)
    assert (latency.low, latency.n) == (None, 1)
    with pytest.raises(ValueError, match="1 traces have no spread"):
        runs_worth(0.5, 20, one)
