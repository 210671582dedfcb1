"""The part of the worked example on GPUs in parallel: the ledger, and a pencil."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from tests.collector.settle import scene

from spanledger_collector.query import DirectReader, Estimate, FrontierPoint, Ledger
from spanledger_collector.store import Store

PAGE = (Path(__file__).parents[2] / "docs" / "worked-example.md").read_text()
SECTION = PAGE.partition("## GPUs in parallel, and what a second costs")[2].partition("\n## ")[0]
#: GPUs -> the shortest of its eleven runs, seconds.
SHORTEST = {1: 15, 2: 7, 4: 3}
WORTH, RATE = Decimal("0.05"), Decimal("0.001")
#: Student's t of 10 degrees of freedom and the normal quantile, from any printed table.
Z = 1.959963985
#: The same at half the doubt, 97.5 %, and the least share that succeeds where all eleven did.
T10_HALF, Z_HALF = 2.633766915, 2.241402728
LEAST = 11 / (11 + Z_HALF**2)
#: GPUs -> the cells of its line.
TOLD = {
    int(line[0]): list(line[1:])
    for line in (
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in re.findall(r"^\| \d .*\|$", SECTION, re.MULTILINE)
    )
}


def _shown(value: Decimal | float | None, *, unit: str = "", dollars: bool = False) -> str:
    if value is None:
        return "-"
    digits = f"{Decimal(value).quantize(Decimal('1e-6')):f}".rstrip("0").rstrip(".")
    return f"{'$' if dollars else ''}{digits}{unit}"


def _between(low: Decimal | float | None, high: Decimal | float | None) -> str:
    return "-" if low is None or high is None else f"{_shown(low)} to {_shown(high)}"


def _run(gpus: int, number: int) -> list[scene.Row]:
    seconds, trace = SHORTEST[gpus] + number, gpus * 100 + number
    card = {"gpu_seconds": gpus * seconds, "gpu_model": "NVIDIA L4", "gpu_count": gpus}
    earned = {"spanledger.revenue.amount": str(WORTH)}
    agent = {"agent_name": "solver", "run_id": f"s{trace}", "at": 0, "lasts": seconds}
    return [
        scene.span(1, 0, "agent", trace=trace, attributes=earned, **agent),
        scene.call(2, 1, (1000, 100), trace=trace, at=0, lasts=seconds, **card),
    ]


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    pairs = [(gpus, number) for gpus in SHORTEST for number in range(11)]
    with module_store.connect() as connection:
        hour = scene.price("NVIDIA L4", "gpu", units={"gpu_seconds": ("3.60", 3600)})
        scene.publish(connection, [hour])
        scene.load(connection, [row for pair in pairs for row in _run(*pair)])
        scene.settle(module_store, [gpus * 100 + number for gpus, number in pairs])
    with Ledger(DirectReader(module_store)) as found:
        yield found


def _ends(estimate: Estimate, unit: int = 1) -> str:
    low, high = (None if end is None else end / unit for end in (estimate.low, estimate.high))
    return _between(low, high)


def _line(point: FrontierPoint) -> list[str]:
    second = 10**9
    median, cost = point.p50_latency, point.inclusive_cost_per_success
    margin, price = point.inclusive_margin_per_run, point.usd_per_second
    return [
        _shown((median.value or 0) / second, unit=" s"), _ends(median, second),
        _shown(cost.value, dollars=True), _ends(cost),
        _shown(margin.value, dollars=True), _ends(margin),
        _shown(price.value, dollars=True), _ends(price),
        _shown(point.speedup_over_fewer), _shown(point.usd_over_fewer, dollars=True),
    ]  # fmt: skip


def test_the_ledger_says_what_the_page_says(ledger: Ledger) -> None:
    found = {point.gpu_count: _line(point) for point in ledger.frontier("solver")}
    assert found == TOLD
    assert all(point.is_efficient for point in ledger.frontier("solver"))
    total = ledger.agent("solver").total
    assert total.verdict.sustainable == "yes"
    assert f"${_shown(total.margin_per_run.value)} on average" in SECTION
    assert total.sums.runs == 33


def test_a_pencil_says_the_same() -> None:
    """Seconds x GPUs x rate, ranks of the binomial, and Fieller's formula written out."""
    assert 2 * 12 / 2**11 < 0.05 < 2 * 67 / 2**11
    found: dict[int, list[str]] = {}
    slower: tuple[float, float, float, float] | None = None
    for gpus, shortest in SHORTEST.items():
        times = [shortest + number for number in range(11)]
        costs = [second * gpus * float(RATE) for second in times]
        mean = sum(costs) / 11
        error = math.sqrt(sum((cost - mean) ** 2 for cost in costs) / 10 / 11)
        median, low, high = times[5], times[1], times[9]
        doubt = (high - low) / (2 * Z)
        least, most = mean - T10_HALF * error, (mean + T10_HALF * error) / LEAST
        found[gpus] = [
            _shown(median, unit=" s"), _between(low, high),
            _shown(mean, dollars=True), _between(least, most),
            _shown(float(WORTH) - mean, dollars=True),
            _between(
                float(WORTH) - mean - T10_HALF * error - (1 - LEAST) * float(WORTH),
                float(WORTH) - mean + T10_HALF * error,
            ),
            *_second(slower, (mean, (most - mean) / Z, median, doubt)),
        ]  # fmt: skip
        slower = mean, (most - mean) / Z, median, doubt
    assert found == TOLD


def _second(
    slower: tuple[float, float, float, float] | None, faster: tuple[float, float, float, float]
) -> list[str]:
    """Price of a second, its interval, speedup, and what more it costs."""
    if slower is None:
        return ["-"] * 4
    dearer, sooner = faster[0] - slower[0], slower[2] - faster[2]
    usd, seconds = math.hypot(slower[1], faster[1]), math.hypot(slower[3], faster[3])
    price, g = dearer / sooner, (Z * seconds / sooner) ** 2
    between = "-"
    if g < 1:
        half = Z / sooner * math.sqrt(usd**2 * (1 - g) + (price * seconds) ** 2)
        between = _between((price - half) / (1 - g), (price + half) / (1 - g))
    return [
        _shown(price, dollars=True), between, _shown(slower[2] / faster[2]),
        _shown(dearer, dollars=True),
    ]  # fmt: skip
