"""Runs of training: what they took, as spans and as measured costs of assets."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.environments import ENVIRONMENTS
from tests.support.torch_python import torch_python

import spanledger
from spanledger import semconv
from spanledger.compute import (
    ModelArchitecture,
    recognise_gpu,
    training_flops,
    training_traffic,
)
from spanledger.testing import capture_spans

PROGRAM = Path(__file__).parents[1] / "environments" / "torch_programs" / "train.py"

#: What launchers tell a process of its place.
PLACES = (
    "RANK", "LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
    "SLURM_PROCID", "SLURM_NTASKS", "SLURM_STEP_NUM_TASKS",
)  # fmt: skip

Told = Mapping[str, Any]


def told_by(captured: Any) -> list[Told]:
    return [{"name": span.name, **(span.attributes or {})} for span in captured.spans]


def test_what_a_run_took_and_what_it_cost() -> None:
    """GPU-hours x rate, exactly; FLOPs by the architecture; utilisation by the device."""
    with (
        capture_spans() as captured,
        spanledger.training_run(
            "ft", usd_per_gpu_hour="2.95", gpus=8, gpu="NVIDIA H100 80GB HBM3",
            model="llama-3.1-8b", checkpointing=True, record_id="job-7",
        ) as run,
    ):  # fmt: skip
        run.step(tokens=4096, stalled_seconds=1e-9, moved_bytes=1e6)
        run.step(tokens=4096)
        run.checkpoint(16_000)
    trained, cost = told_by(captured)
    flops = training_flops(
        ModelArchitecture.from_catalogue("llama-3.1-8b"), 8192, checkpointing=True
    )
    assert trained["name"] == "train ft"
    assert trained[semconv.TRAINING_TOKENS] == 8192
    assert trained[semconv.TRAINING_FLOPS] == str(flops.model.value)
    assert trained[semconv.FLOPS_TOTAL] == flops.model.value
    assert trained[semconv.TRAINING_HARDWARE_FLOPS] == str(flops.hardware.value)
    assert trained[semconv.TRAINING_HFU] > trained[semconv.TRAINING_MFU] > 0
    assert trained[semconv.TRAINING_MBU] > 0
    assert trained[semconv.TRAINING_MBU_METHOD] == "measured"
    assert semconv.TRAINING_MBU_LOW not in trained
    assert 0 < trained[semconv.TRAINING_STALL_SHARE] < 1
    assert (trained[semconv.TRAINING_CHECKPOINTS], trained[semconv.GPU_COUNT]) == (1, 8)
    hours = Decimal(trained[semconv.TRAINING_GPU_HOURS])
    assert float(hours) * 3600 == pytest.approx(trained[semconv.GPU_SECONDS], abs=1e-5)
    amount = Decimal(cost[semconv.ASSET_AMOUNT])
    assert amount == (hours * Decimal("2.95")).quantize(Decimal("1E-12"))
    assert cost[semconv.ASSET_MEASURED] is True
    assert cost[semconv.RECORD_ID] == "job-7"
    assert cost[semconv.TRAINING_GPU_HOURS] == trained[semconv.TRAINING_GPU_HOURS]
    assert semconv.GPU_SECONDS not in cost, "GPU time stands in one place"


def test_bandwidth_is_estimated_where_nobody_measured_it_and_what_must_move_is_known() -> None:
    """By device, model, passes and updates, with ends; cut off at all that the device can move."""
    names = (semconv.TRAINING_MBU_LOW, semconv.TRAINING_MBU, semconv.TRAINING_MBU_HIGH)

    def told(model: str, gpu: str, tokens: int, **given: Any) -> tuple[list[Any], str]:
        with (
            capture_spans() as captured,
            spanledger.training_run("ft", model=model, gpus=1, gpu=gpu, **given) as run,
        ):
            run.step(tokens=tokens, passes=4)
        trained = told_by(captured)[0]
        method = str(trained.get(semconv.TRAINING_MBU_METHOD, ""))
        shares = [trained.get(name) for name in names]
        if None not in shares:
            moved = training_traffic(
                ModelArchitecture.from_catalogue(model), tokens, passes=4, updates=1
            )
            device, seconds = recognise_gpu(gpu), trained[semconv.GPU_SECONDS]
            assert moved is not None
            assert device is not None
            sums = [moved.low, moved.value, moved.high]
            expected = [min(1.0, end / seconds / device.bandwidth) for end in sums]
            assert shares == pytest.approx(expected)
        return shares, method

    shares, method = told("smollm2-135m", "NVIDIA H100 80GB HBM3", 16)
    assert shares == sorted(shares)
    assert method == "approx"
    assert told("llama-3.1-70b", "NVIDIA H100 80GB HBM3", 10**9)[0] == [1.0, 1.0, 1.0]
    unknown = ([None] * 3, "")
    assert told("smollm2-135m", "cpu", 16) == unknown
    assert told("nobody-knows", "NVIDIA H100 80GB HBM3", 16) == unknown
    assert told("smollm2-135m", "NVIDIA H100 80GB HBM3", 0) == unknown
    assert told("smollm2-135m", "NVIDIA H100 80GB HBM3", 16, method="partial") == unknown


def test_a_run_that_fails_was_paid_all_the_same() -> None:
    """The error goes on; the span is an error, the cost says why."""
    with (
        capture_spans() as captured,
        pytest.raises(ZeroDivisionError),
        spanledger.training_run("ft", usd_per_gpu_hour=1),
    ):
        _ = 1 / 0
    trained, cost = told_by(captured)
    assert trained[semconv.TRAINING_FAILED] is True
    assert trained[semconv.ERROR_TYPE] == "ZeroDivisionError"
    assert cost[semconv.RECORD_REASON] == "failed: ZeroDivisionError"
    assert Decimal(cost[semconv.ASSET_AMOUNT]) > 0


def test_without_a_rate_nothing_is_booked(caplog: pytest.LogCaptureFixture) -> None:
    """And the log says what to give; an architecture nobody knows costs the FLOPs only."""
    with capture_spans() as captured, spanledger.training_run("ft", model="nobody-knows") as run:
        run.step(tokens=10)
    (trained,) = told_by(captured)
    assert semconv.FLOPS_TOTAL not in trained
    assert "give usd_per_gpu_hour" in caplog.text


def test_without_a_rate_hours_of_a_gpu_are_booked(caplog: pytest.LogCaptureFixture) -> None:
    """The collector knows what they cost. A rate that is none is still said to be none."""
    with capture_spans() as captured, spanledger.training_run("ft", gpu="NVIDIA L4", gpus=2) as run:
        run.step(tokens=10)
    trained, cost = told_by(captured)
    assert cost[semconv.ASSET_AMOUNT] == trained[semconv.TRAINING_GPU_HOURS]
    assert cost[semconv.ASSET_CURRENCY] == "GPU-HOUR NVIDIA L4"
    assert caplog.text == ""
    with (
        capture_spans() as captured,
        spanledger.training_run("ft", gpu="NVIDIA L4", usd_per_gpu_hour="much"),
    ):
        pass
    assert len(told_by(captured)) == 1
    assert "give usd_per_gpu_hour" in caplog.text


def test_flops_are_as_sure_as_the_lengths_of_sequences() -> None:
    """Told and equal: exact. Told and unlike: a mean, so at least that. Not told: any length."""
    arch = ModelArchitecture.from_catalogue("smollm2-135m")

    def trained(*steps: tuple[int, int], **given: Any) -> Told:
        with capture_spans() as captured, spanledger.training_run("ft", model=arch, **given) as run:
            for tokens, sequences in steps:
                run.step(tokens=tokens, sequences=sequences)
        return told_by(captured)[0]

    def of_length(length: int, tokens: int = 65_536) -> int:
        return int(training_flops(arch, tokens, sequence_tokens=length).model.value)

    bounds = (semconv.FLOPS_METHOD, semconv.FLOPS_LOW, semconv.FLOPS_HIGH)
    unknown = trained((65_536, 0))
    assert unknown[bounds[0]] == "assumed"
    for length in (1, 256, 8192, 32_768):
        assert unknown[bounds[1]] <= of_length(length) <= unknown[bounds[2]]
    equal = trained((32_768, 4), (24_576, 4), (8192, 1))  # the second batch is not full
    assert [equal[name] for name in bounds] == ["exact", of_length(8192), of_length(8192)]
    given = trained((65_536, 0), sequence_tokens=256)
    assert [given[name] for name in bounds] == ["exact", of_length(256), of_length(256)]
    unlike = trained((32_768, 128), (32_768, 3))
    assert unlike[bounds[0]] == "approx"
    one, other = of_length(256, 32_768), of_length(20_000, 20_000) + of_length(6384, 12_768)
    assert unlike[bounds[1]] <= one + other <= unlike[bounds[2]]
    assert unlike[semconv.FLOPS_TOTAL] == one + of_length(10_922, 32_768)


def test_flops_of_the_application_are_measured() -> None:
    """It may know better than the formula."""
    with capture_spans() as captured, spanledger.training_run("ft", usd_per_gpu_hour=1) as run:
        run.step(flops=5)
        run.step(flops=7)
    trained, _ = told_by(captured)
    assert (trained[semconv.FLOPS_TOTAL], trained[semconv.FLOPS_METHOD]) == (12, "measured")


def test_a_long_run_has_more_flops_than_an_integer_holds() -> None:
    """They stand in a text then."""
    model = ModelArchitecture.from_catalogue("llama-3.1-70b")
    with (
        capture_spans() as captured,
        spanledger.training_run("ft", usd_per_gpu_hour=1, model=model) as run,
    ):
        run.step(tokens=15 * 10**12)
    trained, _ = told_by(captured)
    assert semconv.FLOPS_TOTAL not in trained
    assert int(trained[semconv.TRAINING_FLOPS]) > 2**63


@pytest.mark.parametrize(
    ("told", "gpus"),
    [
        ({"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "16"}, 16),
        ({"RANK": "3", "LOCAL_RANK": "3", "WORLD_SIZE": "16"}, None),
        ({"RANK": "8", "LOCAL_RANK": "0", "WORLD_SIZE": "16"}, None),
        ({"LOCAL_RANK": "1", "NODE_RANK": "0", "WORLD_SIZE": "2"}, None),
        ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, None),
        ({"LOCAL_RANK": "0", "NODE_RANK": "0", "WORLD_SIZE": "1"}, 1),
        ({"RANK": "", "WORLD_SIZE": "many"}, 1),
        ({}, 1),
        ({"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "8"}, 8),
        ({"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "8"}, None),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, 1),  # a batch script of its own
        ({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "4"}, 4),
        ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4"}, None),
        ({"RANK": "0", "WORLD_SIZE": "16", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2"}, 16),
    ],
)
def test_processes_that_train_together_are_one_run(
    told: Mapping[str, str], gpus: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every launcher runs the program once a GPU: the first process tells and books all of them."""
    for name in PLACES:
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    with capture_spans() as captured, spanledger.training_run("ft", usd_per_gpu_hour=1) as run:
        run.step(tokens=16)
    if gpus is None:
        assert told_by(captured) == []
        return
    trained, cost = told_by(captured)
    assert trained[semconv.GPU_COUNT] == gpus
    assert Decimal(cost[semconv.ASSET_AMOUNT]) == Decimal(trained[semconv.TRAINING_GPU_HOURS])


@pytest.mark.slow
def test_torch_knows_best_which_process_this_is(tmp_path: Path) -> None:
    """Processes that joined by themselves (``mp.spawn``, a meeting in a file) set no variable."""
    variables = {k: v for k, v in ENVIRONMENTS.variables().items() if k not in PLACES}
    done = subprocess.run(
        [torch_python(), PROGRAM.with_name("ranks.py"), tmp_path / "meeting"],
        check=True, capture_output=True, text=True, env=variables,
    )  # fmt: skip
    assert sorted(done.stdout.splitlines()) == [
        "0 (True, None) (True, 2)", "1 (True, None) (False, 2)",
    ]  # fmt: skip


@pytest.mark.parametrize("callback", ["transformers_callback", "lightning_callback"])
def test_callbacks_need_the_library_that_the_application_has(callback: str) -> None:
    """Nothing is imported behind its back."""
    with (
        capture_spans(),
        spanledger.training_run("ft") as run,
        pytest.raises(RuntimeError, match="import"),
    ):
        getattr(run, callback)()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_real_trainers_tell_their_steps(tmp_path: Path) -> None:
    """A small model on the CPU: transformers' Trainer (3 steps of 2), Lightning's (4 of 3).

    They tell how long sequences are. A run that goes on with another counts its own steps; what
    evaluating it took is no wait for data, and what it trains and computes again is looked up.
    """
    done = subprocess.run(
        [torch_python(), PROGRAM, tmp_path],
        check=True, capture_output=True, text=True, env=ENVIRONMENTS.variables(),
    )  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    arch = ModelArchitecture.from_hf_config(told["config"])
    trained = {one["name"]: one for one in told["spans"] if one["name"].startswith("train")}
    for name, steps, tokens in (("train ft", 3, 3 * 2 * 16), ("train ft-2", 4, 4 * 3 * 16)):
        one = trained[name]
        assert (one[semconv.TRAINING_STEPS], one[semconv.TRAINING_TOKENS]) == (steps, tokens)
        flops = training_flops(arch, tokens, sequence_tokens=16)
        assert one[semconv.FLOPS_TOTAL] == flops.model.value
        assert one[semconv.FLOPS_METHOD] == "exact"
        assert one[semconv.TRAINING_CHECKPOINTS] >= 1
        assert one[semconv.GPU_SECONDS] == pytest.approx(one["seconds"], rel=0.1)
        assert 0 <= one[semconv.TRAINING_STALL_SHARE] < 1
        moved, device = (
            training_traffic(arch, tokens, passes=steps, updates=steps),
            recognise_gpu("NVIDIA H100 80GB HBM3"),
        )
        assert moved is not None
        assert device is not None
        share = moved.value / one[semconv.GPU_SECONDS] / device.bandwidth
        assert one[semconv.TRAINING_MBU] == pytest.approx(share)
    assert trained["train ft"][semconv.TRAINING_CHECKPOINT_BYTES] > 100_000
    further = trained["train ft-4"]
    assert (further[semconv.TRAINING_STEPS], further[semconv.TRAINING_TOKENS]) == (2, 2 * 2 * 16)
    assert further[semconv.TRAINING_STALL_SHARE] * further["seconds"] < 3, "one evaluation between"
    again = training_flops(arch, 64, sequence_tokens=16, checkpointing=True)
    assert further[semconv.TRAINING_HARDWARE_FLOPS] == str(int(again.hardware.value))
    assert further[semconv.FLOPS_METHOD] == "exact"
    frozen = training_flops(arch, 32, sequence_tokens=16, method="partial").model
    assert trained["train ft-5"][semconv.FLOPS_LOW] == frozen.low
    assert trained["train ft-5"][semconv.FLOPS_METHOD] == "assumed"
    uncounted = trained["train ft-3"]
    assert (uncounted[semconv.TRAINING_STEPS], uncounted[semconv.TRAINING_TOKENS]) == (1, 0)
    assert semconv.FLOPS_TOTAL not in uncounted
    assert "include_num_input_tokens_seen='all'" in "".join(told["said"])
    costs = [one for one in told["spans"] if one["name"] == "record asset cost"]
    for cost in costs:
        assert float(cost[semconv.ASSET_AMOUNT]) == pytest.approx(
            float(cost[semconv.TRAINING_GPU_HOURS]) * 3.6
        )
