"""What GPUs of one's own were billed: the rows that the command line shows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PoolRow:
    """The bill of a pool over a period or on a day of it (query ``pools``).

    ``attributed_usd + load_usd + idle_usd = billed_usd``, exactly; ``waste_usd`` is a part of
    ``attributed_usd``. None = no rate, or nothing of the energy or of the work, is known. MFU and
    MBU are of the time of calls whose work is known, not of idle time.
    """

    pool: str
    day: str
    gpu_model: str
    gpus: int
    calls_in_windows: int
    billed_gpu_seconds: Decimal
    attributed_gpu_seconds: Decimal
    load_gpu_seconds: Decimal
    idle_gpu_seconds: Decimal
    billed_usd: Decimal | None
    attributed_usd: Decimal | None
    waste_usd: Decimal | None
    load_usd: Decimal | None
    idle_usd: Decimal | None
    utilisation: float
    fully_loaded_factor: float | None
    unpriced_gpu_seconds: Decimal
    energy_kwh_low: float | None
    energy_kwh_high: float | None
    unknown_energy_gpu_seconds: Decimal
    co2e_kg_low: float | None
    co2e_kg_high: float | None
    unknown_co2e_gpu_seconds: Decimal
    flops_total: Decimal
    unknown_work_gpu_seconds: Decimal
    peak_format: str
    mfu_low: float | None
    mfu_high: float | None
    mbu_low: float | None
    mbu_high: float | None
