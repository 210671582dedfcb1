"""Calls on GPUs of one's own: the physics' figures, and honest about what is assumed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.collector.settle import scene
from tests.support.writer_ledger import RUNS

from spanledger.compute import ModelArchitecture, break_even, gpu
from spanledger_collector.errors import PermanentError
from spanledger_collector.estimate import Sample, mean_interval
from spanledger_collector.query import DirectReader, Hosting, Ledger, WhatIf
from spanledger_collector.store import Store

PLAN = Hosting("llama-3.1-8b", "h100-sxm5-80gb", 3.0)


@pytest.fixture
def ledger(written: Store) -> Iterator[Ledger]:
    with Ledger(DirectReader(written)) as found:
        yield found


def _hosted(ledger: Ledger, plan: Hosting) -> WhatIf:
    report = ledger.what_if("writer", models=[], tiers=(), cache_shares=(), hostings=[plan])
    (found,) = [scenario for scenario in report.scenarios if scenario.kind == "hosting"]
    return found


def test_a_call_costs_its_share_of_a_busy_hour(ledger: Ledger) -> None:
    sums = ledger.agent("writer").total.sums
    assert sums.model_cost_usd is not None
    found = _hosted(ledger, PLAN)
    point = break_even(
        ModelArchitecture.from_catalogue(PLAN.model), gpu(PLAN.gpu), usd_per_gpu_hour=3.0,
        api_usd_per_call=float(sums.model_cost_usd) / sums.calls,
        prompt_tokens=sums.input_tokens // sums.calls, output_tokens=1,
    )  # fmt: skip
    capacity = point.capacity_per_hour
    for saved, calls in (
        (found.saved_usd, capacity.value),
        (found.saved_low_usd, capacity.low),
        (found.saved_high_usd, capacity.high),
    ):
        expected = float(sums.model_cost_usd) - sums.calls * 3.0 / calls
        assert float(saved or 0) == pytest.approx(expected, rel=1e-9)
    # By run: what it was billed less its calls, of which the regenerated answers are further ones.
    calls = [1 + (run.wasted_tokens > 0) for run in RUNS]
    ends = [
        mean_interval(
            replace(
                Sample.of(
                    [
                        float(run.cost) - n * 3.0 / per_hour
                        for run, n in zip(RUNS, calls, strict=True)
                    ]
                ),
                skewness=0.0,
            )
        )
        for per_hour in (capacity.low, capacity.high)
    ]
    told = found.saving_per_run
    assert float(told.low or 0) == pytest.approx(ends[0].low, rel=1e-6)
    assert float(told.high or 0) == pytest.approx(ends[1].high, rel=1e-6)
    assert (told.method, told.n) == ("student t x range of the roofline", len(RUNS))
    told = " ".join(found.unknown)
    assert "quality" in told
    assert f"pays from {point.calls_per_hour:,.0f} such calls an hour" in told


def test_both_sides_are_of_the_same_calls(store: Store) -> None:
    """Of three calls one has no price, and one is billed by the image: what GPUs save is of one.

    The run with all three is no run that can be compared wholly, the one with the one is.
    """
    rows = [
        scene.span(1, 0, "agent", agent_name="mixed"),
        scene.call(2, 1, (1000, 100)),
        scene.call(3, 1, (90_000, 9_000), request_model="unknown-x", at=1),
        scene.call(4, 1, (0, 0), request_model="image-x", units={"images": 1}, at=2),
        scene.span(1, 0, "agent", agent_name="mixed", trace=2),
        scene.call(2, 1, (1000, 100), trace=2),
    ]
    with store.connect() as connection:
        prices = [
            scene.price("m1", input="0.01", output="0.02"),
            scene.price("image-x", units={"images": ("0.5", 1)}),
        ]
        scene.publish(connection, prices)
        scene.load(connection, rows)
    scene.settle(store, [1, 2])
    with Ledger(DirectReader(store)) as ledger:
        asked = {"models": [], "tiers": (), "cache_shares": (), "hostings": [PLAN]}
        report = ledger.what_if("mixed", **asked)  # type: ignore[arg-type] -- as they are
    (found,) = [scenario for scenario in report.scenarios if scenario.kind == "hosting"]
    point = break_even(
        ModelArchitecture.from_catalogue(PLAN.model), gpu(PLAN.gpu), usd_per_gpu_hour=3.0,
        api_usd_per_call=12.0, prompt_tokens=1000, output_tokens=100,
    )  # fmt: skip
    a_call = 12.0 - 3.0 / point.capacity_per_hour.value
    assert float(found.saved_usd or 0) == pytest.approx(2 * a_call)
    assert float(found.saving_per_run.value or 0) == pytest.approx(a_call)
    assert (found.attempts, found.compared_attempts, found.saving_per_run.n) == (4, 2, 1)
    assert any(told.startswith("2 of 4 model calls and retries") for told in found.unknown)


def test_smaller_weights_and_cheaper_gpus_save_more(ledger: Ledger) -> None:
    """Never less: the arithmetic is faster in fp8, and the rate is a factor."""
    saved = [
        _hosted(ledger, plan).saved_usd or Decimal(0)
        for plan in (replace(PLAN, usd_per_gpu_hour=6), PLAN, replace(PLAN, weight_format="fp8"))
    ]
    assert saved == sorted(saved)
    assert len(set(saved)) == 3


def test_what_does_not_fit_saves_nothing(ledger: Ledger) -> None:
    found = _hosted(ledger, replace(PLAN, model="llama-3.1-70b"))
    assert found.saved_usd is None
    assert found.missing == ("does not fit into 1 x h100-sxm5-80gb",)
    assert found.compared_attempts == 0
    assert _hosted(ledger, replace(PLAN, model="llama-3.1-70b", gpus=4)).saved_usd is not None


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (replace(PLAN, model="gpt-4o"), "gpt-4o is closed"),
        (replace(PLAN, model="my-model"), "no model 'my-model'"),
        (replace(PLAN, gpu="h9000"), "no accelerator 'h9000'"),
        (replace(PLAN, weight_format="int1"), "cannot be"),
    ],
)
def test_what_cannot_be_hosted_is_told(ledger: Ledger, plan: Hosting, told: str) -> None:
    with pytest.raises(PermanentError, match=told):
        _hosted(ledger, plan)
