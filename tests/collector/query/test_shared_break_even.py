"""Break-even of runs that share traces: how often it says that a losing agent pays back."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from datetime import datetime, timezone
from decimal import Decimal

import pytest

from spanledger_collector.estimate import Joint, Sample
from spanledger_collector.query.payback import ContributionRow, break_even

#: A success is worth so much, and a run costs so much that 95 % successes lose 0.05 a run.
WORTH, COST, RATE = 2.0, 1.95, 0.95


def _row(
    traces: Sequence[Sequence[bool]], cost: float = COST, failed: float | None = None
) -> ContributionRow:
    """As the ledger sums traces of runs that earned something, or nothing, and what each cost."""
    won = [sum(runs) for runs in traces]
    lost = cost if failed is None else failed
    left = [
        (WORTH - cost) * wins - lost * (len(runs) - wins)
        for wins, runs in zip(won, traces, strict=True)
    ]
    shape = Joint.of(left, [float(len(runs)) for runs in traces])
    earns = Joint.of(left, [float(wins > 0) for wins in won])
    n = sum(map(len, traces))
    usd = Decimal(str(round(sum(left), 9)))
    return ContributionRow(
        agent_name="a", agent_version="", is_planned=True, asset_ids=("x",),
        capital_usd=Decimal(10), charged_usd=Decimal(0), unconverted_entries=0,
        booked_at=datetime(2026, 11, 1, tzinfo=timezone.utc), runs=n,
        costed_runs=n, valued_runs=n, contribution_usd=usd,
        contribution_mean_usd=Decimal(str(round(sum(left) / n, 9))),
        contribution_variance=shape.over_variance, contribution_skewness=Sample.of(left).skewness,
        costed_traces=len(traces), contribution_trace_mean_usd=shape.over_mean,
        runs_variance=shape.under_variance, contribution_runs_covariance=shape.covariance,
        left_out_runs=0, uncosted_runs=0, unconverted_records=0,
        earning_traces=sum(wins > 0 for wins in won), staked_traces=len(traces),
        value_trace_mean_usd=statistics.fmean(WORTH * wins for wins in won),
        contribution_earning_covariance=earns.covariance, cheaper_usd=Decimal(0),
        dearer_usd=Decimal(0), earning_runs=sum(won), earning_value_usd=WORTH * sum(won),
        earning_cost_usd=cost * sum(won),
    )  # fmt: skip


@pytest.mark.parametrize("traces", [12, 20, 40, 80])
@pytest.mark.parametrize("gathers", [0.0, 0.5, 1.0])
def test_a_losing_agent_is_seldom_said_to_pay_back(traces: int, gathers: float) -> None:
    """Promised are 2.5 %: failures that come each for itself, or by whole traces."""
    rng = random.Random(traces)  # noqa: S311 - a simulation, the same each time
    said = 0
    for _ in range(1000):
        drawn: list[list[bool]] = []
        for _ in range(traces):
            size, goes = rng.randrange(1, 5), rng.random() < RATE
            drawn.append(
                [goes if rng.random() < gathers else rng.random() < RATE for _ in range(size)]
            )
        low = break_even(_row(drawn)).contribution_per_run.low
        said += low is not None and low > 0
    assert said / 1000 <= 0.03


def test_an_agent_that_earns_enough_is_said_to() -> None:
    """The bound does not hang over what is plain: $2 a success and $0.50 a run."""
    drawn = [[True] * (1 + place % 3) for place in range(60)]
    found = break_even(_row(drawn, 0.5)).contribution_per_run
    assert found.low is not None
    assert 1 < found.low < Decimal("1.5")
    assert found.high == Decimal("1.5")


def _drawn(rng: random.Random, traces: int, rate: float) -> list[list[bool]]:
    """Traces of one to four runs that go well or ill together."""
    return [[rng.random() < rate] * rng.randrange(1, 5) for _ in range(traces)]


@pytest.mark.parametrize(("dearer", "most"), [(0.1, 0.2), (3.0, 2.5), (10.0, 5.0)])
def test_runs_that_fail_cost_what_they_were_seen_to(dearer: float, most: float) -> None:
    """A failure that costs a tenth, or many times, of a success: 40 traces that lose 0.05 a run.

    Where a failure was seen the truth is held, by an interval that is not wider than need be.
    """
    rng, rate = random.Random(int(dearer)), 0.9  # noqa: S311 - a simulation, always the same
    cost = (rate * WORTH + 0.05) / (rate + (1 - rate) * dearer)
    held: list[bool] = []
    widths: list[float] = []
    for _ in range(1000):
        drawn = _drawn(rng, 40, rate)
        if all(map(all, drawn)):
            continue  # nobody knows what a failure costs
        found = break_even(_row(drawn, cost, dearer * cost)).contribution_per_run
        assert found.low is not None
        assert found.high is not None
        held.append(found.low <= Decimal("-0.05") <= found.high)
        widths.append(float(found.high - found.low))
    assert statistics.fmean(held) >= 0.98
    assert statistics.median(widths) < most
