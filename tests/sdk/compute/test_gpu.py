"""The catalogue of accelerators."""

import subprocess
import sys
from pathlib import Path

import pytest

from spanledger.compute import ArchitectureError, gpu, gpus, recognise_gpu


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "h100-sxm5-80gb"),
        ("NVIDIA H100 PCIe", "h100-pcie-80gb"),
        ("NVIDIA GH200 480GB", "gh200-96gb"),
        ("NVIDIA H200", "h200-sxm-141gb"),
        ("NVIDIA A10G", "a10g"),
        ("NVIDIA A10", "a10"),
        ("NVIDIA L40S", "l40s"),
        ("NVIDIA L40", "l40"),
        ("NVIDIA L4", "l4"),
        ("NVIDIA A100-SXM4-80GB", "a100-sxm4-80gb"),
        ("NVIDIA GeForce RTX 4090", "rtx-4090"),
        ("AMD Instinct MI300X", "mi300x"),
        ("Tesla V100-SXM2-16GB", "v100-sxm2-16gb"),
        ("Tesla V100-SXM2-32GB", "v100-sxm2-32gb"),
        ("h100-sxm5-80gb", "h100-sxm5-80gb"),
    ],
)
def test_names_of_drivers(told: str, name: str) -> None:
    """An A10G is no A10, a GH200 no H200."""
    assert gpu(told).name == name


@pytest.mark.parametrize(
    "told",
    [
        "", "NVIDIA A100-SXM-64GB", "Intel UHD Graphics", "L40Super",
        "NVIDIA A100-SXM4-80GB MIG 1g.10gb", "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        "NVIDIA GeForce RTX 4090 D", "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA GeForce RTX 3090 Ti",
        "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition",
    ],
)  # fmt: skip
def test_strangers_stay_unknown(told: str) -> None:
    """A wrong rate is worse than none."""
    assert recognise_gpu(told) is None
    with pytest.raises(ArchitectureError, match=r"no accelerator.*it has a10"):
        gpu(told)


def test_rates_are_dense() -> None:
    """The H100's ridge is 295 operations a byte; with sparse rates it would be 591."""
    h100 = gpu("h100-sxm5-80gb")
    assert h100.peak("bf16") == 989_400_000_000_000
    assert round(h100.ridge()) == 295
    assert h100.memory_bytes == 80 * 10**9


def test_a_missing_rate_is_the_next_wider_ones() -> None:
    """An A100 multiplies fp8 weights in bf16; a V100 has no bf16 but fp16."""
    a100 = gpu("a100-sxm4-80gb")
    assert a100.peak("fp8") == a100.peak("bf16")
    assert gpu("v100-sxm2-32gb").peak("bf16") == 125 * 10**12
    with pytest.raises(ArchitectureError, match="fp32"):
        gpu("tpu-v5e").peak("fp32")


def test_every_entry_is_whole() -> None:
    """Each has a source, a date and rates that make sense together."""
    for one in gpus().values():
        assert one.source
        assert one.as_of
        assert one.confidence in {"high", "medium", "low"}
        assert 10**13 < one.peak("bf16") < 10**16
        assert 10**11 < one.bandwidth < 10**13
        assert one.peak("fp8") >= one.peak("bf16")


def test_the_benchmark_says_so_where_there_is_nothing_to_measure() -> None:
    """Also in a Python that has none of our dependencies: it needs torch alone."""
    script = Path(__file__).parents[3] / "benchmarks" / "gpu.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("nothing measured: torch")


def test_the_benchmark_of_a_model_says_so_too() -> None:
    """Before it imports anything of ours."""
    script = Path(__file__).parents[3] / "benchmarks" / "gpu_model.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("nothing measured: torch")


def test_four_bit_weights_are_widened_where_nothing_multiplies_them() -> None:
    """To bf16, not to fp8: activations are not quantised for them."""
    h100 = gpu("h100-sxm5-80gb")
    assert h100.peak("fp4") == h100.peak("bf16") < h100.peak("fp8")
    blackwell = next(one for one in gpus().values() if "fp4" in one.peaks)
    assert blackwell.peak("fp4") > blackwell.peak("bf16")
