"""All agents together, by tenant: the same sums, and intervals by trace, from what was drawn."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from tests.support.writer_ledger import RUNS, Drawn

from spanledger_collector.errors import PermanentError
from spanledger_collector.estimate import Joint, Sample, mean_interval, ratio_interval
from spanledger_collector.query import DirectReader, Ledger, Slice, SumFigures
from spanledger_collector.store import Store

#: What the agent ``tiny`` adds: three traces of no tenant, a success each, that nobody paid for.
TINY = [0.045, 0.0455, 0.046]


def _close(one: Decimal | None, other: float | None) -> bool:
    assert one is not None
    return float(one) == pytest.approx(other, rel=1e-9)


def _holds(row: SumFigures, runs: Sequence[Drawn], others: Sequence[float] = ()) -> None:
    successes = [float(run.succeeded) for run in runs] + [1.0] * len(others)
    costs = [*(float(run.total) for run in runs), *others]
    told = row.cost_per_success
    truth = ratio_interval(Joint.of(costs, successes), floor=0)
    assert (told.method, told.n, told.reason) == ("fieller", len(costs), "")
    assert _close(told.low, truth.low)
    assert _close(told.high, truth.high)
    margins = [float(run.value - run.total) for run in runs] + [-cost for cost in others]
    margin = mean_interval(Sample.of(margins))
    assert _close(row.margin_per_trace.low, margin.low)
    assert _close(row.margin_per_trace.high, margin.high)


def test_intervals_of_tenants_are_those_of_their_traces(written: Store) -> None:
    with Ledger(DirectReader(written)) as ledger:
        by_tenant = {row.key: row for row in ledger.sums_by("tenant")}
        (total,) = ledger.sums_by()
        assert list(by_tenant) == [row.key for row in ledger.economics_by("tenant")]
        assert sum(row.traces for row in ledger.sums_by("day")) == total.traces
        (acme_alone,) = ledger.sums_by("tenant", Slice(tenant="acme"))
        with pytest.raises(PermanentError, match="by 'agent' is none of total, day, tenant"):
            ledger.sums_by("agent")  # type: ignore[arg-type]
    assert acme_alone == by_tenant["acme"]
    for tenant in ("acme", "beta"):
        runs = [run for run in RUNS if run.tenant == tenant]
        _holds(by_tenant[tenant], runs)
    _holds(total, RUNS, TINY)
    # Three are too few, and nobody told a value of them.
    tiny = by_tenant[""]
    assert tiny.cost_per_success.reason.startswith("3 of at least 10 traces: too few")
    assert tiny.verdict.sustainable == "no value told"
    assert tiny.rework_share.value == 0
    assert total.verdict.sustainable == "too few data"
    assert total.verdict.reason.startswith("margin a trace -$")
    assert float(total.multiplier.low or 0) > 1
