"""Columns that several tables of the pages have: their titles, and the fields that they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Any, Final

#: Of a column: the field of a row, a path of them, or what it is computed by of a row.
Field = str | Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Usd:
    """An amount of money.

    Attributes:
        amount: 0 = known to be nothing; None = unknown, or (``is_told`` is False) there is none.
        is_told: whether there is such an amount.
    """

    amount: Decimal | None
    is_told: bool = True


def at(row: Any, path: str) -> Any:
    """The value at a path of attributes."""
    return reduce(getattr, path.split("."), row)


def usd(path: str, is_told: Callable[[Any], object] = lambda _: True) -> Field:
    """An amount; without one it is unknown if it was to be told, else there is none."""
    return lambda row: Usd(at(row, path), bool(is_told(row)))


def if_any(path: str) -> Field:
    """An amount that is known wherever there is one."""
    return usd(path, lambda _: False)


def wasted(path: str, of: str = "cost_usd") -> Field:
    """Part of a cost: of one that is unknown it is so too."""
    return lambda row: Usd(None if at(row, of) is None else at(row, path))


def mean(path: str) -> Field:
    """A mean of money: unknown, but for a margin of what nobody told a value of."""
    return usd(f"{path}.value", lambda row: at(row, path).reason != "no run has a value")


def in_unit(path: str) -> Field:
    """A figure in the unit that the row says."""
    return lambda row: Usd(at(row, path)) if row.unit == "usd" else at(row, path)


def _is_valued(row: Any) -> bool:
    return row.valued_runs > 0


def _is_run_valued(run: Any) -> bool:
    return run.value_source != "" or run.unconverted_records > 0


ECONOMICS: Final[Mapping[str, Field]] = {
    "Day": "key", "Agent": "key", "Tenant": "key", "Agent and version": "key", "Runs": "runs",
    "Success": "success_ratio", "Total cost": "total_cost_usd",
    "Rework": wasted("rework_cost_usd"), "Amortized": if_any("amortized_cost_usd"),
    "Value": usd("value_usd", _is_valued), "Margin": usd("margin_usd", _is_valued),
    "A run": "total_cost_per_run_usd",
    "A success": usd("total_cost_per_success_usd", lambda row: row.successes),
    "Total with sub-agents": "inclusive_total_cost_usd",
    "A success, with sub-agents": usd(
        "inclusive_cost_per_success_usd", lambda row: row.successes
    ),
    "Margin with sub-agents": usd("inclusive_margin_usd", _is_valued),
    "Known": "known_cost_ratio",
    "p50": "p50_duration_ns", "p95": "p95_duration_ns",
}  # fmt: skip
MODELS: Final[Mapping[str, Field]] = {
    "Model": "key", "Provider": "provider", "Attempts": "attempts", "Cost": "cost_usd",
    "Share": "cost_ratio", "Rework": usd("rework_cost_usd"),
    "Estimated": usd("estimated_cost_usd"),
    "Known": "known_cost_ratio", "Input tokens": "input_tokens", "Output tokens": "output_tokens",
}  # fmt: skip
RUNS: Final[Mapping[str, Field]] = {
    "Started (UTC)": "started_at", "Agent": "agent_name", "Version": "agent_version",
    "Succeeded": lambda run: run.succeeded if run.agent_name or run.outcome else None,
    "Latency": "duration_ns", "Total cost": "total_cost_usd",
    "Value": usd("value_usd", _is_run_valued), "Margin": usd("margin_usd", _is_run_valued),
    "Variable cost": "cost_usd", "With sub-agents": "inclusive_total_cost_usd",
    "Margin with sub-agents": usd("inclusive_margin_usd", _is_run_valued),
    "Rework": wasted("rework_cost_usd"), "Amortized": if_any("amortized_cost_usd"),
    "Calls": "calls",
    "Retries": "retries", "Tenant": "tenant", "Status": "status", "Error": "error_type",
}  # fmt: skip
AGENTS: Final[Mapping[str, Field]] = {
    "Agent": "agent_name", "Version": "agent_version", "Runs": "runs", "Failed": "failed_runs",
    "Variable cost": "cost_usd", "Rework": wasted("rework_cost_usd"),
    "Amortized": if_any("amortized_cost_usd"), "Total cost": "total_cost_usd",
    "Value": usd("value_usd", _is_valued), "Margin": usd("margin_usd", _is_valued),
    "Total with sub-agents": "inclusive_total_cost_usd",
    "A success, with sub-agents": usd(
        "inclusive_cost_per_success_usd", lambda row: row.successful_runs
    ),
    "Margin with sub-agents": usd("inclusive_margin_usd", _is_valued),
    "Margin a run, with sub-agents": mean("inclusive_margin_per_run"),
    "Sustainable": "verdict.sustainable", "Why": "verdict.reason",
    "Wasted of work": "rework_share.value", "Multiplier": "rework_multiplier.value",
    "Retries": "retries", "Known": "known_cost_ratio", "p50": "p50_duration_ns",
    "p95": "p95_duration_ns",
}  # fmt: skip
#: Beside what the economics have.
SUMS: Final[Mapping[str, Field]] = {
    "Total": "key", "Traces": "traces", "Margin a trace": mean("margin_per_trace"),
    "Sustainable": "verdict.sustainable", "Why": "verdict.reason",
    "Wasted of work": "rework_share.value", "Multiplier": "multiplier.value",
}  # fmt: skip
QUALITY: Final[Mapping[str, Field]] = {
    "Agent": "key", "Version": "key", "Tenant": "key", "Total": "key", "Cost": "cost_usd",
    "Prevention": "prevention_cost_usd", "Appraisal": "appraisal_cost_usd",
    "Failure": "failure_cost_usd", "Used": "good_cost_usd",
    "Amortized appraisal": if_any("amortized_appraisal_usd"), "Quality": "quality_cost_usd",
    "Of all that was paid": "quality_cost_ratio", "Unknown cost": "unknown_cost_attempts",
}  # fmt: skip
BREAK_EVEN: Final[Mapping[str, Field]] = {
    "Agent": "agent_name", "Version": "agent_version", "Capital": "capital_usd",
    "Since (UTC)": "booked_at", "Runs so far": "runs", "Left out": "left_out_runs",
    "Recovered": "recovered_usd", "To recover": "unrecovered_usd",
    "Why not": "break_even_runs.reason",
    "Contribution a run": usd("contribution_per_run.value"),
    "Break-even runs": "break_even_runs.value",
    "Runs to go": "runs_to_go.value",
}  # fmt: skip
POOLS: Final[Mapping[str, Field]] = {
    "Day": "day", "Pool": "pool", "GPU": "gpu_model", "GPUs": "gpus", "Billed": "billed_usd",
    "Calls": "attributed_usd", "of which twice": "waste_usd", "Loading": "load_usd",
    "Idle": "idle_usd", "GPU time": "billed_gpu_seconds", "Rate not known": "unpriced_gpu_seconds",
    "Used": "utilisation", "Fully loaded": "fully_loaded_factor", "MFU": "mfu_low",
    "MFU, at most": "mfu_high", "Peak of": "peak_format", "MBU": "mbu_low",
    "MBU, at most": "mbu_high", "Work not known": "unknown_work_gpu_seconds",
    "kWh": "energy_kwh_low", "kWh, at most": "energy_kwh_high", "kg CO2e": "co2e_kg_low",
    "kg CO2e, at most": "co2e_kg_high",
}  # fmt: skip
