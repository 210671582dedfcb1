"""Columns that several tables of the pages have: their titles, and the fields that they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

#: Of a column: the field of a row, a path of them, or what it is computed by of a row.
Field = str | Callable[[Any], Any]

ECONOMICS: Final[Mapping[str, Field]] = {
    "Day": "key", "Agent": "key", "Tenant": "key", "Agent and version": "key", "Runs": "runs",
    "Success": "success_ratio", "Total cost": "total_cost_usd", "Rework": "rework_cost_usd",
    "Amortized": "amortized_cost_usd", "Value": "value_usd", "Margin": "margin_usd",
    "A run": "total_cost_per_run_usd", "A success": "total_cost_per_success_usd",
    "Total with sub-agents": "inclusive_total_cost_usd",
    "A success, with sub-agents": "inclusive_cost_per_success_usd",
    "Margin with sub-agents": "inclusive_margin_usd", "Known": "known_cost_ratio",
    "p50": "p50_duration_ns", "p95": "p95_duration_ns",
}  # fmt: skip
MODELS: Final[Mapping[str, Field]] = {
    "Model": "key", "Provider": "provider", "Attempts": "attempts", "Cost": "cost_usd",
    "Share": "cost_ratio", "Rework": "rework_cost_usd", "Estimated": "estimated_cost_usd",
    "Known": "known_cost_ratio", "Input tokens": "input_tokens", "Output tokens": "output_tokens",
}  # fmt: skip
RUNS: Final[Mapping[str, Field]] = {
    "Started (UTC)": "started_at", "Agent": "agent_name", "Version": "agent_version",
    "Latency": "duration_ns", "Total cost": "total_cost_usd", "Value": "value_usd",
    "Margin": "margin_usd", "Variable cost": "cost_usd",
    "With sub-agents": "inclusive_total_cost_usd", "Margin with sub-agents": "inclusive_margin_usd",
    "Rework": "rework_cost_usd", "Amortized": "amortized_cost_usd", "Calls": "calls",
    "Retries": "retries", "Tenant": "tenant", "Status": "status", "Error": "error_type",
}  # fmt: skip
AGENTS: Final[Mapping[str, Field]] = {
    "Agent": "agent_name", "Version": "agent_version", "Runs": "runs", "Failed": "failed_runs",
    "Variable cost": "cost_usd", "Rework": "rework_cost_usd", "Amortized": "amortized_cost_usd",
    "Total cost": "total_cost_usd", "Value": "value_usd", "Margin": "margin_usd",
    "Total with sub-agents": "inclusive_total_cost_usd",
    "A success, with sub-agents": "inclusive_cost_per_success_usd",
    "Margin with sub-agents": "inclusive_margin_usd",
    "Margin a run, with sub-agents": "inclusive_margin_per_run.value",
    "Sustainable": "verdict.sustainable", "Why": "verdict.reason",
    "Wasted of work": "rework_share.value", "Multiplier": "rework_multiplier.value",
    "Retries": "retries", "Known": "known_cost_ratio", "p50": "p50_duration_ns",
    "p95": "p95_duration_ns",
}  # fmt: skip
#: Beside what the economics have.
SUMS: Final[Mapping[str, Field]] = {
    "Total": "key", "Traces": "traces", "Margin a trace": "margin_per_trace.value",
    "Sustainable": "verdict.sustainable", "Why": "verdict.reason",
    "Wasted of work": "rework_share.value", "Multiplier": "multiplier.value",
}  # fmt: skip
QUALITY: Final[Mapping[str, Field]] = {
    "Agent": "key", "Version": "key", "Tenant": "key", "Total": "key", "Cost": "cost_usd",
    "Prevention": "prevention_cost_usd", "Appraisal": "appraisal_cost_usd",
    "Failure": "failure_cost_usd", "Used": "good_cost_usd",
    "Amortized appraisal": "amortized_appraisal_usd", "Quality": "quality_cost_usd",
    "Of all that was paid": "quality_cost_ratio", "Unknown cost": "unknown_cost_attempts",
}  # fmt: skip
BREAK_EVEN: Final[Mapping[str, Field]] = {
    "Agent": "agent_name", "Version": "agent_version", "Capital": "capital_usd",
    "Runs so far": "runs", "Left out": "left_out_runs", "Recovered": "recovered_usd",
    "To recover": "unrecovered_usd",
    "Contribution a run": "contribution_per_run.value", "Break-even runs": "break_even_runs.value",
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
