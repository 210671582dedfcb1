"""The part of the worked example on what is paid once: a measured training, setting up, hosting."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.collector.settle import scene
from tests.collector.settle.test_training import as_row

import spanledger
from spanledger import assets
from spanledger.compute import gpus
from spanledger.testing import capture_spans
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store

PAGE = (Path(__file__).parents[2] / "docs" / "worked-example.md").read_text()
SECTION = PAGE.partition("## What was trained, set up and hosted")[2].partition("\n## ")[0]
TRAINING = {
    what: Decimal(figure)
    for what, figure in re.findall(
        r"^\| ([A-Za-z -]+) \| ([0-9.]+) \| [^|]+\|$", SECTION, re.MULTILINE
    )
}
#: Asset -> kind, capital, expected runs, a run, of four runs, left.
ASSETS = {
    row[0]: (row[1], *map(Decimal, row[2:]))
    for row in re.findall(
        r"^\| ([a-z]+) \| ([a-z]+) " + r"\| ([0-9.]+) " * 5 + r"\| [^|]+\|$", SECTION, re.MULTILINE
    )
}
RUNS = range(1, 5)


def _told() -> list[scene.Row]:
    """What the SDK tells of the training, the bills and the plans; an hour passes on its clock."""
    clock = iter((0.0, 3600.0))
    with capture_spans() as captured:
        with pytest.MonkeyPatch.context() as patched:
            fake = SimpleNamespace(perf_counter=lambda: next(clock))
            patched.setattr("spanledger.training.time", fake)
            with spanledger.training_run(
                "tuning", usd_per_gpu_hour="3", gpus=2, gpu="NVIDIA L4"
            ) as run:
                run.step(
                    tokens=10**7, flops=6 * 3_630_000_000 * 10**7, stalled_seconds=360,
                    moved_bytes=1.08e15,
                )  # fmt: skip
        assets.book_cost("machines", "4", kind="provisioning")
        assets.book_cost("hosting", "2", kind="hosting")
        assets.plan("tuning", expected_executions=60, agent="tuned")
        assets.plan("machines", expected_executions=40, agent="tuned")
        assets.plan("hosting", life_days=2, executions_per_day=5, agent="tuned")
    return [
        as_row(100 + number, span.name, span.attributes or {})
        for number, span in enumerate(captured.spans)
    ]


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    rows = _told()
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.00001")])
        scene.load(connection, rows)
        scene.settle(module_store, range(100, 100 + len(rows)))
        for number in RUNS:
            agent = {"trace": number, "agent_name": "tuned", "run_id": f"t{number}"}
            call = scene.call(2, 1, (1000, 0), trace=number)
            scene.load(connection, [scene.span(1, 0, "agent", **agent), call])
        scene.settle(module_store, RUNS)
    with Ledger(DirectReader(module_store)) as found:
        yield found


def test_the_training_is_measured_as_the_page_says(ledger: Ledger) -> None:
    [run] = ledger.query("view:training_runs")
    [cost] = [row for row in ledger.query("asset_entries", asset_id="tuning")
              if row["entry"] == "cost"]  # fmt: skip
    found: Mapping[str, Any] = {
        "GPU-hours": run["gpu_hours"],
        "cost in USD": cost["capital_usd"],
        "model FLOPs": run["flops"],
        "share of the peak": run["mfu"],
        "share of the bandwidth": run["mbu"],
        "share without data": run["stall_share"],
    }
    assert found.keys() == TRAINING.keys()
    for what, figure in found.items():
        assert float(figure) == pytest.approx(float(TRAINING[what])), what


def test_runs_carry_what_the_page_says(ledger: Ledger) -> None:
    plans = {"tuning": 60, "machines": 40, "hosting": 10}
    found = {
        row.asset_id: (
            row.kind, row.capital_usd, Decimal(plans[row.asset_id]), row.rate_usd,
            row.charged_usd, row.net_book_value_usd,
        )
        for row in ledger.assets()
    }  # fmt: skip
    assert found == ASSETS
    carried = [run.amortized_cost_usd for run in ledger.runs(agent_name="tuned")]
    assert carried == [Decimal("0.4")] * 4
    (hosting,) = (row for row in ledger.assets() if row.asset_id == "hosting")
    assert hosting.unabsorbed_usd == Decimal("1.2")
    assert hosting.state == "ended"
    assert "| all | | 12 | | 0.40 | 1.60 | 10.40 | |" in SECTION


def test_a_pencil_says_the_same() -> None:
    l4 = gpus()["l4"]
    time, work = 2 * 3600, 6 * Decimal("3.63e9") * 10**7
    assert {
        "GPU-hours": 2 * 1,
        "cost in USD": 2 * 1 * 3,
        "model FLOPs": work,
        "share of the peak": work / (time * Decimal(121) * 10**12),
        "share of the bandwidth": Decimal("1.08e15") / (time * Decimal(300) * 10**9),
        "share without data": Decimal(360) / 3600,
    } == TRAINING
    assert (l4.peak(), l4.bandwidth) == (121 * 10**12, 300 * 10**9)
    for capital, expected, name in ((6, 60, "tuning"), (4, 40, "machines"), (2, 10, "hosting")):
        share = Decimal(capital) / expected
        assert ASSETS[name][1:] == (capital, expected, share, 4 * share, capital - 4 * share)
