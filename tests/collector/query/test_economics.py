"""One agent, whole: sums and intervals are those of the runs themselves, by any group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from decimal import Decimal
from fractions import Fraction

import httpx
import orjson
import pytest
from tests.support.served_ledger import served
from tests.support.writer_ledger import RUNS, Drawn

from spanledger_collector.errors import NotFoundError, PermanentError
from spanledger_collector.estimate import (
    Joint,
    Sample,
    mean_interval,
    part_interval,
    ratio_interval,
)
from spanledger_collector.query import (
    AgentEconomics,
    DirectReader,
    Estimate,
    GroupBy,
    Ledger,
    Slice,
)
from spanledger_collector.store import Store


@pytest.fixture
def ledger(written: Store) -> Iterator[Ledger]:
    with Ledger(DirectReader(written)) as found:
        yield found


def _mean(values: Sequence[Decimal]) -> Decimal:
    return (sum(values, Decimal(0)) / len(values)).quantize(Decimal("1e-12"))


def _ends(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None, estimate.reason
    assert estimate.high is not None
    return float(estimate.low), float(estimate.high)


def _check_mean(
    estimate: Estimate, values: Sequence[Decimal], *, floor: float | None, places: str = "1e-12"
) -> None:
    """Value and interval are those of the values themselves, to the engine's float error."""
    expected = mean_interval(Sample.of([float(value) for value in values]), floor=floor)
    assert estimate.value == _mean(values).quantize(Decimal(places))
    assert (estimate.n, estimate.method) == (len(values), expected.method)
    assert _ends(estimate) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-9)


def _check(found: AgentEconomics, runs: Sequence[Drawn]) -> None:
    won = sum(run.succeeded for run in runs)
    sums = found.sums
    assert (sums.runs, sums.successful_runs, sums.costed_runs) == (len(runs), won, len(runs))
    assert sums.cost_usd == sum(run.cost for run in runs)
    assert sums.total_cost_usd == sum(run.total for run in runs)
    assert sums.rework_cost_usd == sum(run.wasted for run in runs)
    assert sums.margin_usd == sum(run.value - run.total for run in runs)
    _check_mean(found.cost_per_run, [run.cost for run in runs], floor=0)
    for own in ("cost_per_run", "total_cost_per_run", "cost_per_success", "value_per_run",
                "margin_per_run", "contribution_per_run"):  # fmt: skip
        # It has no sub-agents.
        assert getattr(found, f"inclusive_{own}") == getattr(found, own), own
    _check_mean(found.total_cost_per_run, [run.total for run in runs], floor=0)
    _check_mean(found.value_per_run, [run.value for run in runs], floor=None)
    _check_mean(found.margin_per_run, [run.value - run.total for run in runs], floor=None)
    _check_mean(found.contribution_per_run, [run.value - run.cost for run in runs], floor=None)
    latencies = [Decimal(run.seconds * 10**9) for run in runs]
    _check_mean(found.mean_latency, latencies, floor=0, places="1")
    joint = Joint.of([float(r.total) for r in runs], [float(r.succeeded) for r in runs])
    expected = ratio_interval(joint)
    assert found.cost_per_success.value is not None
    exact = Fraction(sum((run.total for run in runs), Decimal(0))) / won
    assert found.cost_per_success.value == pytest.approx(
        Decimal(float(exact)), abs=Decimal("1e-11")
    )
    assert _ends(found.cost_per_success) == pytest.approx((expected.low, expected.high), rel=1e-9)
    joint = Joint.of([float(r.wasted) for r in runs], [float(r.cost) for r in runs])
    expected = part_interval(joint)
    assert _ends(found.rework_share) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_every_figure_is_that_of_the_runs(ledger: Ledger) -> None:
    report = ledger.agent("writer")
    _check(report.total, RUNS)
    assert [group.key for group in report.groups] == ["1", "2"]
    for group in report.groups:
        _check(group, [run for run in RUNS if run.version == group.key])


@pytest.mark.parametrize("by", ["tenant", "model"])
def test_groups_are_parts_of_the_whole(ledger: Ledger, by: str) -> None:
    """By tenant and by the model that most of a run's money went to."""
    report = ledger.agent("writer", by=by)  # type: ignore[arg-type] -- both are
    assert {group.key for group in report.groups} == {getattr(run, by) for run in RUNS}
    for group in report.groups:
        _check(group, [run for run in RUNS if getattr(run, by) == group.key])


def test_three_runs_give_sums_and_no_interval(ledger: Ledger) -> None:
    """Each figure says why; nothing recorded is nothing known, not 0."""
    total = ledger.agent("tiny").total
    assert total.sums.value_usd is None
    assert total.margin_per_run.value is None
    assert total.margin_per_run.reason == "no run has a value"
    assert total.cost_per_run.value == Decimal("0.0455")
    for name in ("cost_per_run", "cost_per_success", "mean_latency", "p50_latency"):
        estimate: Estimate = getattr(total, name)
        assert (estimate.low, estimate.high) == (None, None), name
        assert "too few" in estimate.reason, name


def test_runs_of_unknown_cost_are_in_no_mean(filled: Store) -> None:
    """The planner's one run has a call whose cost is unknown: a lower bound is no mean."""
    with Ledger(DirectReader(filled)) as ledger:
        total = ledger.agent("planner").total
    assert (total.sums.runs, total.sums.costed_runs) == (1, 0)
    assert total.sums.cost_usd is not None
    assert total.cost_per_run.value is None
    assert total.success_rate.value == 1


def test_an_agent_that_is_not_there_is_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match=r"no runs of an agent 'wrter'.*tiny, writer"):
        ledger.agent("wrter")
    with pytest.raises(NotFoundError, match="there are no runs of any agent"):
        ledger.agent("writer", until=datetime(2020, 1, 1, tzinfo=timezone.utc))
    with pytest.raises(PermanentError, match="by 'colour' is none of version, tenant, model"):
        ledger.agent("writer", by="colour")  # type: ignore[arg-type] -- that is the test


def test_the_api_gives_the_same(written: Store, ledger: Ledger) -> None:
    """As JSON, money with every digit; what it does not understand is refused."""
    with served(written) as api, httpx.Client(base_url=api.url, timeout=300) as client:
        answer = client.get("/v1/agents/writer", params={"by": "model"})
        expected = orjson.dumps(asdict(ledger.agent("writer", by="model")), default="{:f}".format)
        assert answer.json() == orjson.loads(expected)
        expected = orjson.dumps([asdict(row) for row in ledger.agents()], default="{:f}".format)
        assert client.get("/v1/agents").json() == orjson.loads(expected)
        assert client.get("/v1/agents/wrter").status_code == 404
        refused = client.get("/v1/agents/writer", params={"form": "x", "since": "2026-01-01"})
        assert refused.status_code == 400
        assert "no parameter form here" in refused.json()["error"]
        assert client.get("/v1/agents/writer", params={"since": "soon"}).status_code == 400
        assert client.get("/v1/agents/writer", params={"workspace": "other"}).status_code == 404


@pytest.mark.parametrize("by", ["version", "tenant", "model"])
def test_the_only_group_is_all_the_runs(ledger: Ledger, by: GroupBy) -> None:
    """An agent of one version, tenant or model has the same sums and figures in all as in it."""
    report = ledger.agent("tiny", by=by)
    (group,) = report.groups
    assert report.total == replace(group, key="total")
    (row,) = ledger.economics_by("total", Slice(agent_name="tiny"))
    assert report.total.sums.runs == row.runs == 3
    assert report.total.sums.total_cost_usd == row.total_cost_usd
    (told,) = ledger.query("agent_statistics", agent_name="tiny")
    assert told["key"] == "total"
    assert report.total.total_cost_per_run.value == told["total_cost_mean_usd"]
