"""Energy and carbon of GPU time, as intervals.

A board that is held may idle, at a tenth of its power limit, or draw all of it: how much it has to
do is not known from its time alone. A data centre adds its cooling and conversion (PUE). Measured
energy, where a meter gave it, is always better than this; so is a load that you know.
"""

from __future__ import annotations

from typing import Final

from spanledger.compute.estimate import Estimate
from spanledger.compute.gpu import Gpu

_JOULES_A_KWH: Final = 3_600_000
_AS_OF: Final = "2026-11-27"
#: Share of the power limit that a board draws while it is held.
LOAD: Final = Estimate(
    0.7, 0.1, 1.0, "share", "assumed",
    "judgement under load; at least idle power: an H200 drew 11 % of its limit idle and 24 % while "
    "a small model was launched from Python (benchmarks/gpu_model.py, 2026-11-27)", _AS_OF,
)  # fmt: skip
#: 1.09 (large clouds) to 1.56 (the mean of the industry's survey, Uptime Institute 2024).
PUE: Final = Estimate(
    1.2, 1.09, 1.56, "ratio", "assumed", "cloud providers' and Uptime Institute's figures", _AS_OF
)


def energy_kwh(
    gpu: Gpu, gpu_seconds: float, *, load: Estimate = LOAD, pue: Estimate = PUE
) -> Estimate:
    """Energy of so many GPU seconds, cooling included.

    Args:
        gpu: The accelerator.
        gpu_seconds: Seconds x GPUs.
        load: Share of the board's power limit that it draws.
        pue: What a data centre draws for each kWh of its machines.

    Raises:
        ValueError: The time is negative, or the board's power is not known.
    """
    if gpu_seconds < 0 or not gpu.watts:
        raise ValueError(f"need time from 0 on and a known power, got {gpu_seconds} and {gpu.name}")
    kwh = gpu.watts * gpu_seconds / _JOULES_A_KWH
    product = load * pue
    return Estimate(
        kwh * product.value, kwh * product.low, kwh * product.high, "kWh",
        product.method, f"{gpu.source}; {product.source}", gpu.as_of,
    )  # fmt: skip


def carbon_kg(energy: Estimate, grams_per_kwh: Estimate) -> Estimate:
    """CO2 equivalents of energy; what making the hardware emitted is not in it.

    Args:
        energy: In kWh.
        grams_per_kwh: Of the grid, by region and time.

    Raises:
        ValueError: The energy is in another unit.
    """
    if energy.unit != "kWh":
        raise ValueError(f"need energy in kWh, not in {energy.unit}")
    grams = energy * grams_per_kwh
    return Estimate(
        grams.value / 1000, grams.low / 1000, grams.high / 1000, "kg CO2e",
        grams.method, grams.source, grams.as_of,
    )  # fmt: skip
