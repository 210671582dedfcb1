"""Savings are drawn by traces, where several runs share one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from tests.collector.gpu.pools import MODEL
from tests.collector.settle import scene

from spanledger.compute import ModelArchitecture, weight_bytes
from spanledger_collector.estimate import Interval, Sample, mean_interval
from spanledger_collector.query import DirectReader, Estimate, Hosting, Ledger, WhatIf
from spanledger_collector.store import Store

TRACES = 20
#: USD a token by m1 and m2.
RATES = (Decimal("0.01"), Decimal("0.004"))
ARCH = ModelArchitecture.from_catalogue("llama-3.1-8b")
CARD = {"gpu_model": "NVIDIA L4", "gpu_count": 1}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A run: tokens of its calls, of one that was made again, and seconds of one on a GPU."""

    trace: int
    tokens: int
    wasted: int
    calls: int
    seconds: int


def _drawn(first: int, most: int) -> Sequence[Drawn]:
    """One run or several in each trace, which go dear or cheap together."""
    rng = random.Random(first)  # noqa: S311 - test data
    found: list[Drawn] = []
    for trace in range(first, first + TRACES):
        level = rng.randrange(10, 200)
        for _ in range(rng.randrange(1, most + 1)):
            wasted = level // 4 if rng.random() < 0.6 else 0
            tokens = level + rng.randrange(20)
            found.append(Drawn(trace, tokens, wasted, rng.randrange(1, 4), level + 1))
    return found


RUNS: Mapping[str, Sequence[Drawn]] = {"shares": _drawn(100, 5), "alone": _drawn(200, 1)}


def _rows(agent: str, runs: Sequence[Drawn]) -> Iterator[scene.Row]:
    for trace in {run.trace for run in runs}:
        yield scene.span(1, 0, "workflow", trace=trace, lasts=900)
        for place, run in enumerate(one for one in runs if one.trace == trace):
            yield from _run(agent, run, 100 * (place + 1))


def _run(agent: str, run: Drawn, first: int) -> Iterator[scene.Row]:
    """A run by m1, and one of the agent with the same name on GPUs of its operator."""
    where: dict[str, Any] = {"trace": run.trace, "operation": "chat"}
    yield scene.span(first, 1, "agent", trace=run.trace, agent_name=agent, lasts=60)
    for call in range(run.calls):
        tokens = run.tokens if call == 0 else 10
        yield scene.call(first + 1 + call, first, (tokens, 0), **where)
    if run.wasted:
        yield scene.call(first + 8, first, (run.wasted, 0), **where)
        yield scene.call(first + 9, first, (1, 0), rework_of=first + 8,
                         rework_reason="regenerated", **where)  # fmt: skip
    yield scene.span(first + 20, 1, "agent", trace=run.trace, agent_name=f"{agent} own", lasts=60)
    yield scene.call(first + 21, first + 20, (1000, 100), lasts=run.seconds, request_model=MODEL,
                     gpu_seconds=float(run.seconds), **CARD, **where,
                     vram_weights_bytes=weight_bytes(ARCH))  # fmt: skip


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    with module_store.connect() as connection:
        prices = [scene.price(f"m{n}", input=str(rate)) for n, rate in enumerate(RATES, 1)]
        card = scene.price("NVIDIA L4", "gpu", units={"gpu_seconds": ("3.60", 3600)})
        scene.publish(connection, [*prices, card])
        scene.load(connection, [row for agent, runs in RUNS.items() for row in _rows(agent, runs)])
    scene.settle(module_store, [run.trace for runs in RUNS.values() for run in runs])
    with Ledger(DirectReader(module_store)) as found:
        yield found


def _expected(
    runs: Sequence[Drawn], values: Sequence[float], floor: float | None, *, is_skewed: bool = True
) -> Interval:
    """Of the mean of the runs: by the jackknife of traces, which of lone runs is the runs."""
    mean, n = sum(values) / len(values), len({run.trace for run in runs})
    by_trace: dict[int, list[float]] = {}
    for run, value in zip(runs, values, strict=True):
        by_trace.setdefault(run.trace, []).append(value)
    shape = Sample.of(
        [
            (sum(one) - mean * len(one)) * (n - 1) / (len(runs) - len(one))
            for one in by_trace.values()
        ]
    )
    skewness = shape.skewness if is_skewed else 0.0
    return mean_interval(Sample(n, mean, shape.variance, skewness), floor=floor)


def _is(
    told: Estimate, runs: Sequence[Drawn], values: Sequence[float], floor: float | None
) -> None:
    expected = _expected(runs, values, floor)
    assert float(told.value or 0) == pytest.approx(sum(values) / len(values))
    assert (told.n, told.is_by_trace) == (TRACES, len(runs) > TRACES)
    ends = (float(told.low or 0), float(told.high or 0))
    assert ends == pytest.approx((expected.low, expected.high), rel=1e-6)


def _tokens(run: Drawn) -> int:
    return run.tokens + 10 * (run.calls - 1) + (run.wasted + 1 if run.wasted else 0)


def _tried(ledger: Ledger, agent: str, **asked: Any) -> dict[str, WhatIf]:
    asked = {"models": [("acme", "m2")], "tiers": (), "cache_shares": (), **asked}
    return {one.kind: one for one in ledger.what_if(agent, **asked).scenarios}


@pytest.mark.parametrize("agent", list(RUNS))
def test_savings_of_runs_that_share_traces_are_drawn_by_these(ledger: Ledger, agent: str) -> None:
    runs, found = RUNS[agent], _tried(ledger, agent)
    apart = float(RATES[0] - RATES[1])
    _is(found["model"].saving_per_run, runs, [apart * _tokens(run) for run in runs], None)
    _is(found["rework"].saving_per_run, runs, [float(RATES[0]) * run.wasted for run in runs], 0)


@pytest.mark.parametrize("agent", list(RUNS))
def test_so_are_those_of_gpus(ledger: Ledger, agent: str) -> None:
    """What runs on GPUs of one's own cost, times the share saved; and what bought calls do."""
    runs = RUNS[agent]
    found = _tried(ledger, f"{agent} own", weight_formats=("fp8",))["quantization"]
    told = found.saving_per_run
    assert found.saved_ratio is not None
    costs = [run.seconds / 1000 for run in runs]
    cost = _expected(runs, costs, 0)
    assert (told.n, told.is_by_trace) == (TRACES, len(runs) > TRACES)
    assert None not in (told.low, cost.low, found.saved_usd, found.saved_low_usd)
    at_least = float(found.saved_low_usd or 0) / sum(costs)
    assert float(told.low or 0) == pytest.approx((cost.low or 0) * at_least, rel=1e-6)


@pytest.mark.parametrize("agent", list(RUNS))
def test_so_is_that_of_hosting(ledger: Ledger, agent: str) -> None:
    """What a run was billed less its calls on GPUs: both by trace."""
    runs = RUNS[agent]
    plan = Hosting("llama-3.1-8b", "l4", Decimal("3.60"))
    found = _tried(ledger, agent, hostings=(plan,))["hosting"]
    told = found.saving_per_run
    calls = [run.calls + (2 if run.wasted else 0) for run in runs]
    billed = [float(RATES[0]) * _tokens(run) for run in runs]
    assert (told.n, told.is_by_trace) == (TRACES, len(runs) > TRACES)
    for end, whole, place in (
        (told.low, found.saved_low_usd, 0), (told.high, found.saved_high_usd, 1),
    ):  # fmt: skip
        a_call = (sum(billed) - float(whole or 0)) / sum(calls)
        saved = [usd - a_call * n for usd, n in zip(billed, calls, strict=True)]
        shape = _expected(runs, saved, None, is_skewed=False)
        assert float(end or 0) == pytest.approx((shape.low, shape.high)[place], rel=1e-6)
