"""What calls drew and emitted: the rows that the command line shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EnergyRow:
    """An agent over a period (query ``energy``); kWh and kg CO2e of what is known, None = nothing.

    The sums are of the calls that are not in ``unknown_energy_calls`` and ``unknown_co2e_calls``.
    """

    agent_name: str
    agent_version: str
    runs: int
    calls: int
    unknown_energy_calls: int
    unknown_co2e_calls: int
    gpu_seconds: float
    energy_kwh_low: float | None
    energy_kwh_high: float | None
    co2e_kg_low: float | None
    co2e_kg_high: float | None
