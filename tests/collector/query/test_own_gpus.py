"""Agents on GPUs of their operator: other formats and GPUs are tried by themselves, with intervals.

Also what GPUs in parallel buy, where a pool tells how many they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from tests.collector.gpu.pools import MODEL, POOLS, Scene
from tests.collector.settle import scene

from spanledger.compute import ModelArchitecture, break_even, gpu, weight_bytes
from spanledger_collector.estimate import Sample, mean_interval
from spanledger_collector.query import DirectReader, Ledger, WhatIf
from spanledger_collector.store import Store

ARCH = ModelArchitecture.from_catalogue("llama-3.1-8b")
#: GPU-seconds of the calls of ``local``: one a run, on one L4 of 3.60 USD an hour.
SECONDS = [float(10 + number % 5) for number in range(12)]
KINDS = ("quantization", "gpu", "parallel", "batch")
RATE_USD = Decimal("0.001")


def _local(number: int) -> list[scene.Row]:
    """A run whose only call measured its own time, with weights of sixteen bits."""
    seconds, trace = SECONDS[number], 500 + number
    card = {"gpu_seconds": seconds, "gpu_model": "NVIDIA L4", "gpu_count": 1}
    return [
        scene.span(1, 0, "agent", trace=trace, agent_name="local", run_id=f"l{number}"),
        scene.call(2, 1, (1000, 100), trace=trace, lasts=seconds, request_model=MODEL,
                   vram_weights_bytes=weight_bytes(ARCH), **card),
        # Of a model that no catalogue knows.
        scene.span(1, 0, "agent", trace=600 + number, agent_name="odd", run_id=f"o{number}"),
        scene.call(2, 1, (1000, 100), trace=600 + number, lasts=seconds, request_model="mine",
                   **card),
    ]  # fmt: skip


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """``local`` on a device, ``wide`` on a pool of two times four H100s, ``small`` on one."""
    folder = tmp_path_factory.mktemp("pools")
    prices = [
        scene.price(device, "gpu", units={"gpu_seconds": (usd, 3600)})
        for device, usd in (("NVIDIA L4", "3.60"), ("NVIDIA H100 80GB HBM3", "3.60"),
                            ("Tesla T4", "0.36"), ("wide", "2"), ("small", "2"))
    ]  # fmt: skip
    with module_store.connect() as connection:
        scene.publish(connection, prices)
        scene.load(connection, [row for number in range(12) for row in _local(number)])
        scene.settle(module_store, [*range(500, 512), *range(600, 612)])
        for name, gpus, weights, lasts in (("wide", 8, "fp8", 5), ("small", 1, "bf16", 15)):
            pool = Scene(module_store, connection, folder, name)
            told = f"gpus: {gpus}\n    replicas: {max(1, gpus // 4)}\n    weight_format: {weights}"
            pool.write(POOLS.format(name=name).replace("gpus: 2", told))
            for number in range(12):
                pool.served(number, number * 20, lasts + number % 3)
            pool.close()
    with Ledger(DirectReader(module_store)) as found:
        yield found


def _tried(ledger: Ledger, agent: str, **given: Sequence[str]) -> Mapping[str, WhatIf]:
    report = ledger.what_if(agent, models=[], tiers=(), cache_shares=(), **given)  # type: ignore[arg-type] -- formats alone
    return {one.name: one for one in report.scenarios if one.kind in KINDS}


def _gpu_seconds(
    card: str, weight_format: str, gpus: int = 1, batch: int = 1
) -> tuple[float, float, float]:
    """Of one such call, answered alone: as assumed, at its fastest, at its slowest."""
    capacity = break_even(
        ARCH, gpu(card), usd_per_gpu_hour=1, api_usd_per_call=1, prompt_tokens=1000,
        output_tokens=100, gpus=gpus, batch=batch, weight_format=weight_format,
    ).capacity_per_hour  # fmt: skip
    hour = gpus * 3600
    return hour / capacity.value, hour / capacity.high, hour / capacity.low


@pytest.mark.parametrize(
    ("name", "plan", "dearer"),
    [
        ("llama-3.1-8b in fp8 instead of bf16", ("l4", "fp8"), 1),
        ("llama-3.1-8b in awq instead of bf16", ("l4", "awq"), 1),
        ("llama-3.1-8b on 1 x h100-sxm5-80gb instead of l4", ("h100-sxm5-80gb", "bf16"), 2 / 3.6),
        ("llama-3.1-8b on 4 instead of 1 x l4", ("l4", "bf16", 4), 1),
        ("llama-3.1-8b with 4 instead of 1 answered at once", ("l4", "bf16", 1, 4), 1),
    ],
)
def test_a_change_is_a_ratio_of_rooflines(
    ledger: Ledger, name: str, plan: tuple[Any, ...], dearer: float
) -> None:
    """What was billed, times the part of it that the change leaves out; so are both ends.

    Of the H100 the cheapest rate is that of the pools.
    """
    found = _tried(ledger, "local")[name]
    now = _gpu_seconds("l4", "bf16")[0]
    saves, at_most, at_least = (1 - s / now * dearer for s in _gpu_seconds(*plan))
    costs = [second * float(RATE_USD) for second in SECONDS]
    for usd, share in (
        (found.saved_usd, saves), (found.saved_low_usd, at_least), (found.saved_high_usd, at_most),
    ):  # fmt: skip
        assert float(usd or 0) == pytest.approx(sum(costs) * share, rel=1e-9)
    cost = mean_interval(Sample.of(costs), floor=0)
    assert cost.low is not None
    assert cost.high is not None
    ends = [end * share for end in (cost.low, cost.high) for share in (at_least, at_most)]
    run = found.saving_per_run
    assert float(run.value or 0) == pytest.approx(sum(costs) / 12 * saves, rel=1e-9)
    assert (float(run.low or 0), float(run.high or 0)) == pytest.approx((min(ends), max(ends)))
    assert (run.n, run.method) == (12, "student t x range of the roofline")


def test_what_is_not_known_is_said_aloud(ledger: Ledger) -> None:
    tried = _tried(ledger, "local")
    told = " ".join(tried["llama-3.1-8b in fp8 instead of bf16"].unknown)
    assert "quality: whether llama-3.1-8b in fp8 succeeds as often" in told
    assert "GPUs are paid busy or not" in told
    assert "taken as bf16" not in told
    (odd,) = _tried(ledger, "odd").values()
    assert odd.saved_usd is None
    assert odd.missing == ("architecture of mine (no model of the catalogue)",)
    assert (odd.attempts, odd.compared_attempts) == (12, 0)


@pytest.mark.slow
def test_it_is_ranked_among_all_changes(ledger: Ledger) -> None:
    """Nobody has to ask for it."""
    scenarios = ledger.what_if("local").scenarios
    saved = [one.saved_usd for one in scenarios if one.saved_usd is not None]
    assert saved == sorted(saved, reverse=True)
    assert {"quantization", "gpu", "rework"} <= {one.kind for one in scenarios}


def test_a_pool_says_its_format(ledger: Ledger) -> None:
    """What is in fp8 already saves nothing by fp8; formats may be named."""
    assert "llama-3.1-8b in awq instead of fp8" in _tried(ledger, "wide")
    assert any(" on 4 x l4 " in name for name in _tried(ledger, "wide"))
    assert not any(" in fp8 instead" in name for name in _tried(ledger, "wide"))
    named = _tried(ledger, "small", weight_formats=["int8"])
    assert [name for name in named if " in " in name] == ["llama-3.1-8b in int8 instead of bf16"]


@pytest.mark.slow
def test_what_does_not_fit_is_told(ledger: Ledger) -> None:
    """Sixteen bits of eight billion weights are more than 16 GB; a replica of four may be one."""
    assert "llama-3.1-8b on 1 instead of 4 x h100-sxm5-80gb" in _tried(ledger, "wide")
    (found,) = (one for name, one in _tried(ledger, "local").items() if "1 x t4" in name)
    assert found.saved_usd is None
    assert found.missing == ("memory: does not fit into 1 x t4",)


@pytest.mark.slow
def test_gpus_of_a_pool_are_gpus_in_parallel(ledger: Ledger) -> None:
    """Those that a call has: the four of a replica, not all eight."""
    (wide,) = ledger.frontier("wide")
    (small,) = ledger.frontier("small")
    assert (wide.gpu_count, small.gpu_count) == (4, 1)
    (local,) = ledger.frontier("local")
    assert local.gpu_count == 1
