"""A run of training, as the SDK tells it, becomes capital that later runs carry."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import spanledger
from spanledger import assets
from spanledger.testing import capture_spans
from spanledger_collector.price import PriceBook, publish
from spanledger_collector.store import Store

from . import scene


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_row(number: int, name: str, attributes: Mapping[str, Any]) -> scene.Row:
    """A span of the SDK as the loader would write it."""
    told = {key: _text(value) for key, value in attributes.items()}
    role = "record" if name.startswith("record") else "other"
    gpu: dict[str, Any] = {
        "gpu_model": str(attributes.get("spanledger.gpu.model", "")),
        "gpu_count": attributes.get("spanledger.gpu.count", 0),
    }
    return scene.span(
        number, role=role, trace=number, attributes=told,
        received_at=scene.moment(scene.START), **gpu,
    )  # fmt: skip


def test_it_is_a_measured_cost_that_amortizes(module_store: Store) -> None:
    """Two runs, one of which failed: both were paid; over ten runs each carries a tenth."""
    with capture_spans() as captured:
        for fails in (False, True):
            with (
                suppress(ZeroDivisionError),
                spanledger.training_run("ft", usd_per_gpu_hour="3600", gpus=2, model="gpt2") as run,
            ):
                run.step(tokens=1000)
                _ = 1 / (not fails)
        assets.plan("ft", expected_executions=10)
    rows = [as_row(n, s.name, s.attributes or {}) for n, s in enumerate(captured.spans, 1)]
    with module_store.connect() as connection:
        scene.load(connection, rows)
        scene.settle(module_store, range(1, 6))
        [asset] = connection.rows("SELECT * FROM amortization")
        trained = connection.rows("SELECT * FROM training_runs ORDER BY span_id")
        amounts = [Decimal(row["attributes"]["spanledger.asset.amount"]) for row in rows[1:4:2]]
        assert asset["capital_usd"] == sum(amounts)
        measured = connection.rows("SELECT DISTINCT measured FROM asset_entries WHERE entry='cost'")
        assert measured == [{"measured": True}]
        for row, amount in zip(trained, amounts, strict=True):
            one: dict[str, Any] = dict(row)
            assert (one["asset_id"], one["tokens"], one["gpu_count"]) == ("ft", 1000, 2)
            # an hour costs 3600 USD, so that GPU-seconds and USD are one number
            assert one["gpu_hours"] * 3600 == amount
            assert one["flops"] > 6 * 1000 * 85_000_000
        scene.load(
            connection,
            [scene.span(1, 0, "agent", trace=9, agent_name="a", run_id="r")],
        )
        scene.settle(module_store, [9])
        carried = scene.runs(connection, 9)["r"]["amortized_cost_usd"]
        assert abs(carried - sum(amounts) / 10) < Decimal("1E-11")


def test_hours_of_a_gpu_cost_what_the_price_file_says_of_their_day(
    store: Store, tmp_path: Path
) -> None:
    """Booked in hours where the application named no rate; of an unknown device in no sum."""
    prices = tmp_path / "prices.yaml"
    prices.write_text(
        "gpu_hours:\n"
        '  - { gpu: NVIDIA L4, usd_per_hour: "3600", valid_from: 2026-11-01, why: first }\n'
        '  - { gpu: NVIDIA L4, usd_per_hour: "7200", valid_from: 2026-11-03, why: later }\n'
    )
    with capture_spans() as captured:
        for gpu in ("NVIDIA L4", "NVIDIA L40S"):
            with spanledger.training_run(f"on {gpu}", gpu=gpu, gpus=1) as run:
                run.step(tokens=10)
    rows = [as_row(n, s.name, s.attributes or {}) for n, s in enumerate(captured.spans, 61)]
    hours = Decimal(rows[1]["attributes"]["spanledger.asset.amount"])
    with store.connect() as connection:
        publish(connection, PriceBook.shipped(prices))
        scene.load(connection, rows)  # of 2 November
        books = {
            str(row["asset_id"]): row
            for row in connection.rows("SELECT * FROM amortization WHERE asset_id LIKE 'on %'")
        }
    assert books["on NVIDIA L4"]["capital_usd"] == hours * 3600
    assert books["on NVIDIA L4"]["unconverted_entries"] == 0
    assert books["on NVIDIA L40S"]["capital_usd"] == 0
    assert books["on NVIDIA L40S"]["unconverted_entries"] == 1
