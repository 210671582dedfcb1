"""The second part of the worked example: GPU time, latency, another currency, how sure it is."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from pathlib import Path

import pytest
from tests.collector.settle import scene

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store

PAGE = (Path(__file__).parents[2] / "docs" / "worked-example.md").read_text()
SECTION = PAGE.partition("## The same on a GPU of one's own")[2].partition("\n## ")[0]
RUNS = range(1, 12)
#: Student's t of 10 degrees of freedom, both sides of 95 %: from any printed table.
T10 = 2.228138852
#: The same at half the doubt, 97.5 %, and the least share that earns where all eleven did.
T10_HALF, LEAST = 2.633766915, 11 / (11 + 2.241402728**2)
_NUMBER = r"(-?[0-9.]+)"
#: What is asked -> the figure, and the ends of its interval where the page has one.
ROWS = {
    row[0]: tuple(Decimal(figure) for figure in row[1:] if figure)
    for row in re.findall(
        rf"^\| ([a-z ,-]+) \| \$?{_NUMBER}(?: s)? \| (?:{_NUMBER} to {_NUMBER})? ?\|", SECTION,
        re.MULTILINE,
    )
}  # fmt: skip


def _run(number: int) -> list[scene.Row]:
    """One run and its one call, as many seconds long as its number; four euro cents a run's pay."""
    gpu = {"gpu_seconds": number, "gpu_model": "NVIDIA L4"}
    earned = {"spanledger.revenue.amount": "0.04", "spanledger.revenue.currency": "EUR"}
    ttft_ns = number * 100_000_000
    agent = {"agent_name": "local", "run_id": f"run-{number}", "at": 0, "lasts": number}
    return [
        scene.span(1, 0, "agent", trace=number, **agent),
        scene.call(2, 1, (1000, 100), trace=number, at=0, lasts=number, ttft_ns=ttft_ns, **gpu),
        scene.span(3, 1, "record", trace=number, lasts=0, attributes=earned),
    ]


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Ledger:
    with module_store.connect() as connection:
        hour = scene.price("NVIDIA L4", "gpu", units={"gpu_seconds": ("3.60", 3600)})
        scene.publish(connection, [hour])
        rate = {
            "currency": "EUR", "valid_from": "2026-01-01 00:00:00", "usd": "1.25",
            "valid_to": "2299-12-31 00:00:00", "known_from": "2026-01-01 00:00:00",
        }  # fmt: skip
        connection.insert_rows("fx", tuple(rate), [tuple(rate.values())])
        scene.load(connection, [row for number in RUNS for row in _run(number)])
        scene.settle(module_store, RUNS)
    return Ledger(DirectReader(module_store))


def test_the_ledger_says_what_the_page_says(ledger: Ledger) -> None:
    """Each figure and each end of an interval, as the page prints it."""
    report = ledger.agent("local").total
    (took,) = ledger.sql(
        "SELECT p50_duration_ns, p50_ttft_ns FROM agent_unit_economics"
    ).to_pylist()
    (gpu,) = ledger.sql("SELECT sum(gpu_seconds) AS seconds FROM attempts FINAL").to_pylist()
    second = Decimal(10**9)
    estimates = {
        "cost per run": report.cost_per_run,
        "margin per run": report.margin_per_run,
    }
    found = {
        name: (one.value, *(end.quantize(Decimal("1e-6")) for end in (one.low, one.high) if end))
        for name, one in estimates.items()
    }
    found["gpu time of all runs"] = (Decimal(gpu["seconds"]),)
    found["value per run"] = (report.value_per_run.value,)
    found["median latency"] = (Decimal(took["p50_duration_ns"]) / second,)
    found["median time to the first token"] = (Decimal(took["p50_ttft_ns"]) / second,)
    assert found == ROWS
    (report_of_one,) = (row for row in ledger.runs() if row.run_id == "run-7")
    assert report_of_one.cost_usd == Decimal("0.007")


def test_a_pencil_says_the_same() -> None:
    """Seconds x rate, euros x rate, and Student's interval around the mean of eleven runs."""
    costs = [number * 3.60 / 3600 for number in RUNS]
    mean = sum(costs) / 11
    off = math.sqrt(sum((cost - mean) ** 2 for cost in costs) / 10 / 11)
    error, wider = T10 * off, T10_HALF * off
    value = 0.04 * 1.25
    pencil = {
        "gpu time of all runs": (sum(RUNS),),
        "cost per run": (mean, mean - error, mean + error),
        "value per run": (value,),
        "margin per run": (
            value - mean,
            value - mean - wider - (1 - LEAST) * value,
            value - mean + wider,
        ),
        "median latency": (sorted(RUNS)[5],),
        "median time to the first token": (sorted(RUNS)[5] / 10,),
    }
    assert pencil.keys() == ROWS.keys()
    for name, figures in pencil.items():
        assert [float(one) for one in ROWS[name]] == pytest.approx(figures, abs=1e-6), name
