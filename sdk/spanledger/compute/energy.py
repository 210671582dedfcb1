"""Energy and carbon of GPU time, as intervals.

A board under load draws between a third of its power limit and all of it; a data centre adds its
cooling and conversion (PUE). Measured energy, where a meter gave it, is always better than this.
"""

from __future__ import annotations

from typing import Final

from spanledger.compute.estimate import Estimate
from spanledger.compute.gpu import Gpu

_JOULES_A_KWH: Final = 3_600_000
_AS_OF: Final = "2026-11-24"
#: Share of the power limit that is drawn under load.
LOAD: Final = Estimate(
    0.7, 0.3, 1.0, "share", "assumed", "share of the power limit under load; judgement", _AS_OF
)
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
