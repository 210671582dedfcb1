"""Runs of one trace are no draws of their own: intervals are by traces where runs share them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pytest
from tests.collector.settle import scene

from spanledger_collector.estimate import (
    Interval,
    Joint,
    RankGrid,
    Sample,
    Traces,
    mean_interval,
    part_interval,
    percentile_interval,
    ratio_interval,
    share_interval,
)
from spanledger_collector.query import DirectReader, Estimate, Ledger
from spanledger_collector.store import Connection, Store

TRACES = 24
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Drawn:
    """A run: what it cost, what of that was wasted and what judged, in cents."""

    agent: str
    trace: int
    version: str
    cost: int
    wasted: int
    judged: int
    earned: int
    succeeded: bool
    duration_ns: int


def _drawn(agent: str, traces: range, most: int) -> Sequence[Drawn]:
    """One run or several in each trace, which go dear or cheap, well or ill together."""
    rng = random.Random(71)  # noqa: S311 - test data
    found: list[Drawn] = []
    for trace in traces:
        level, fails = rng.randrange(20, 200), rng.random() < 0.3
        for _ in range(rng.randrange(1, most + 1)):
            cost = level + rng.randrange(10)
            wasted = cost // 2 if fails and rng.random() < 0.8 else 0
            succeeded = rng.random() < (0.2 if fails else 0.9)
            found.append(
                Drawn(
                    agent, trace, str(trace % 2), cost, wasted, rng.randrange(1, 5),
                    rng.randrange(100, 300), succeeded, (level + rng.randrange(40)) * 10**8,
                )
            )  # fmt: skip
    return found


RUNS = _drawn("sub", range(1, TRACES + 1), 6)
#: Each in a trace of its own.
ALONE = _drawn("alone", range(101, 141), 1)
#: Twenty in each of three traces a version, of a cost that differs by trace: 3 draws a side.
FEW = [
    Drawn("few", trace, str(version), cents, 0, 1, 140, True, 10**9)
    for version, costs in ((1, (100, 130, 170)), (2, (90, 100, 110)))
    for trace, cents in enumerate(costs, 200 + 10 * version)
    for _ in range(20)
]


def _usd(cents: int) -> str:
    return str(cents * CENT)


def insert(connection: Connection, runs: Sequence[Drawn]) -> None:
    """The runs and their attempts, as the settler leaves them."""
    rows: list[scene.Row] = []
    attempts: list[scene.Row] = []
    for number, run in enumerate(runs):
        key = {
            "workspace": "default", "trace_id": scene.hex32(run.trace), "run_id": f"r{number}",
            "agent_name": run.agent, "agent_version": run.version, "version": 1,
            "started_at": scene.moment(scene.START),
        }  # fmt: skip
        cost = {"cost_usd": _usd(run.cost + run.judged), "attempts": 3}
        rows.append(
            {
                **key, **cost, "inclusive_cost_usd": cost["cost_usd"], "inclusive_attempts": 3,
                "rework_cost_usd": _usd(run.wasted), "appraisal_cost_usd": _usd(run.judged),
                "revenue_usd": _usd(run.earned), "duration_ns": run.duration_ns,
                "outcome": "success" if run.succeeded else "failure",
            }
        )  # fmt: skip
        parts = [
            ("work", run.cost - run.wasted, ""), ("work", run.wasted, "regenerated"),
            ("appraisal", run.judged, ""),
        ]  # fmt: skip
        attempts += [
            {
                **key, "span_id": scene.hex16(3 * number + place), "counted": True,
                "request_model": "m1", "price_status": "priced", "purpose": purpose,
                "cost_usd": _usd(cents), "rework_reason": reason,
            }
            for place, (purpose, cents, reason) in enumerate(parts)
        ]  # fmt: skip
    for table, written in (("runs", rows), ("attempts", attempts)):
        connection.insert_bytes(table, "\n".join(map(json.dumps, written)).encode(), "JSONEachRow")


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    with module_store.connect() as connection:
        insert(connection, [*RUNS, *ALONE, *FEW])
    with Ledger(DirectReader(module_store)) as found:
        yield found


def test_shares_of_money_are_reckoned_by_traces(ledger: Ledger) -> None:
    """Waste and quality of a trace, over its work and cost: a trace is what is drawn."""
    (rate,) = ledger.rework(by="agent", agent_name="sub").rates
    (quality,) = ledger.quality(by="agent", agent_name="sub")
    traces = [[run for run in RUNS if run.trace == trace] for trace in range(1, TRACES + 1)]
    wasted, judged, work = (
        [sum(getattr(run, name) for run in trace) / 100 for trace in traces]
        for name in ("wasted", "judged", "cost")
    )
    for share, joint in (
        (rate.rework_share, Joint.of(wasted, work)),
        (
            quality.quality_share,
            Joint.of(
                [a + b for a, b in zip(wasted, judged, strict=True)],
                [a + b for a, b in zip(work, judged, strict=True)],
            ),
        ),
    ):
        expected = part_interval(joint)
        assert share.n == TRACES < len(RUNS)
        assert (float(share.low or 0), float(share.high or 0)) == pytest.approx(
            (expected.low, expected.high), rel=1e-9
        )


def _apart(runs: Sequence[Drawn], values: Sequence[float]) -> tuple[float, list[float]]:
    """The mean of the runs, and how far each trace is apart: the jackknife of traces."""
    mean, n = sum(values) / len(values), len({run.trace for run in runs})
    by_trace: dict[int, list[float]] = {}
    for run, value in zip(runs, values, strict=True):
        by_trace.setdefault(run.trace, []).append(value)
    return mean, [
        (sum(one) - mean * len(one)) * (n - 1) / (len(runs) - len(one)) for one in by_trace.values()
    ]


def _mean(runs: Sequence[Drawn], values: Sequence[float], floor: float | None) -> Interval:
    mean, apart = _apart(runs, values)
    shape = Sample.of(apart)
    return mean_interval(Sample(shape.n, mean, shape.variance, shape.skewness), floor=floor)


def _share(runs: Sequence[Drawn], holds: Sequence[bool]) -> Traces:
    _, apart = _apart(runs, [float(one) for one in holds])
    sizes = [sum(run.trace == trace for run in runs) for trace in {run.trace for run in runs}]
    effective = sum(sizes) ** 2 / sum(size**2 for size in sizes)
    return Traces(len(sizes), effective, Sample.of(apart).variance)


def _cost_per_success(runs: Sequence[Drawn]) -> Interval:
    cost, apart = _apart(runs, [_cost(run) for run in runs])
    rate, won = _apart(runs, [float(run.succeeded) for run in runs])
    both = Joint.of(apart, won)
    spread = both.over_variance, both.under_variance, both.covariance
    return ratio_interval(Joint(both.n, cost, rate, *spread), floor=0)


def _cost(run: Drawn) -> float:
    return (run.cost + run.judged) / 100


def _is(told: Estimate, expected: Interval) -> None:
    assert told.is_by_trace
    assert (told.n, told.method) == (expected.n, f"{expected.method} by trace")
    ends = (float(told.low or 0), float(told.high or 0))
    assert ends == pytest.approx((expected.low or 0, expected.high or 0), rel=1e-9)


def test_figures_of_an_agent_are_reckoned_by_traces(ledger: Ledger) -> None:
    """The value is that of the runs; the doubt that of so many traces."""
    report = ledger.agent("sub")
    sides = [(report.total, RUNS)]
    sides += [(one, [run for run in RUNS if run.version == one.key]) for one in report.groups]
    assert len(sides) == 3
    for group, runs in sides:
        costs = [_cost(run) for run in runs]
        margins = [run.earned / 100 - _cost(run) for run in runs]
        assert float(group.cost_per_run.value or 0) == pytest.approx(sum(costs) / len(costs))
        _is(group.inclusive_cost_per_run, _mean(runs, costs, 0))
        if group is report.total:  # in a version too few traces' worth of runs earned nothing
            _is(group.inclusive_margin_per_run, _mean(runs, margins, None))
        assert group.inclusive_margin_per_run.is_by_trace
        lasted = [run.duration_ns for run in runs]
        mean = _mean(runs, lasted, 0)
        assert float(group.mean_latency.high or 0) == pytest.approx(mean.high, abs=1)
        won = [run.succeeded for run in runs]
        _is(group.success_rate, share_interval(sum(won), len(won), traces=_share(runs, won)))
        median = group.p50_latency.value or 0
        traces = _share(runs, [one <= median for one in lasted])
        _is(
            group.p50_latency,
            percentile_interval(RankGrid(len(runs), sorted(lasted)), 0.5, traces=traces),
        )
        assert "traces: too few" in group.p95_latency.reason
    total = report.total
    _is(total.cost_per_success, _cost_per_success(RUNS))
    (rate,) = ledger.rework(by="agent", agent_name="sub").rates
    assert rate.rework_share.low == pytest.approx(total.rework_share.low, rel=Decimal("1e-9"))
    assert "traces)" in total.verdict.reason


def test_every_screen_has_the_same_interval(ledger: Ledger) -> None:
    """The table of agents and the frontier say of the runs what the page of the agent says."""
    groups = {one.key: one for one in ledger.agent("sub").groups}
    rows = [row for row in ledger.agents() if row.agent_name == "sub"]
    assert {row.agent_version for row in rows} == set(groups)
    for row in rows:
        group = groups[row.agent_version]
        for name in (
            "inclusive_cost_per_success", "inclusive_margin_per_run", "rework_share",
            "rework_multiplier",
        ):  # fmt: skip
            _alike(getattr(row, name), getattr(group, name))
        assert row.verdict == group.verdict
    total = ledger.agent("sub", by="model").total
    (point,) = ledger.frontier("sub")
    for name in (
        "inclusive_cost_per_success", "cost_per_success", "inclusive_margin_per_run",
        "p50_latency", "p95_latency",
    ):  # fmt: skip
        _alike(getattr(point, name), getattr(total, name))


def _alike(one: Estimate, other: Estimate) -> None:
    assert (one.n, one.method, one.reason) == (other.n, other.method, other.reason)
    assert one.is_by_trace
    for mine, its in ((one.low, other.low), (one.high, other.high)):
        assert mine == (None if its is None else pytest.approx(its, rel=Decimal("1e-9")))


def test_runs_in_traces_of_their_own_are_the_draws(ledger: Ledger) -> None:
    """Then the moments by traces are those by runs, and nothing is said of traces."""
    for by in ("total", "version_and_total", "model"):
        found = ledger.query("agent_statistics", agent_name="alone", by=by)
        traces = ledger.query("agent_traces", agent_name="alone", by=by)
        told = {(row["kind"], row["key"]): row for row in traces}
        for row in found:
            shape = told[row["kind"], row["key"]]
            assert row["runs"] == row["traces"] == shape["traces"] == shape["effective_traces"]
            assert row["costed_runs"] == shape["costed_traces"]
            shared = [
                name for name in shape if name in row and ("variance" in name or "skewness" in name)
            ]
            assert len(shared) == 31
            for name in shared:
                assert shape[name] == pytest.approx(row[name], rel=1e-7, abs=1e-12), name
    (row,) = ledger.query("frontier", agent_name="alone")
    (shape,) = ledger.query("frontier_traces", agent_name="alone")
    shared = [name for name in shape if name in row and isinstance(shape[name], float)]
    assert len(shared) == 10
    for name in shared:
        assert shape[name] == pytest.approx(row[name], rel=1e-7, abs=1e-12), name
    group = ledger.agent("alone").total
    assert group.success_rate.method == "wilson"
    assert (group.cost_per_run.n, group.cost_per_run.is_by_trace) == (40, False)
    assert "trace" not in group.verdict.reason


def test_three_traces_a_side_say_nothing(ledger: Ledger) -> None:
    """60 and 60 runs: cheaper by 33 cents of 133, if they were draws."""
    report = ledger.compare("few", "1", "2")
    assert (report.runs_old, report.runs_new) == (60, 60)
    for figure in report.figures:
        assert figure.verdict in ("too few data", "no difference shown")
        assert (figure.difference.low, figure.difference.high) == (None, None)
    told = {figure.name: figure for figure in report.figures}
    assert told["cost_per_run"].difference.reason.startswith("3 of at least 10 traces")
    # More runs at as many a trace: twenty for each further trace.
    assert (told["cost_per_run"].more_runs_old or 0) % 20 == 0
    for group in ledger.agent("few").groups:
        assert group.verdict.sustainable == "too few data"
        assert group.verdict.reason.startswith("3 of at least 10 traces: too few to tell a spread")
        assert (group.verdict.runs_needed or 0) % 20 == 0
