"""The headline figures that each page has to show, asked of the Python API, by title."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.support.page_asked import Asked, behind, report

from spanledger_collector.query.titles import in_full, worth_showing


def _overview(asked: Asked) -> Mapping[str, Any]:
    (row,) = asked.ledger.economics_by("total", asked.part)
    return {
        "Total cost": row.total_cost_usd, "Value": row.value_usd, "Margin": row.margin_usd,
        "Runs": row.runs, "Cost a success": row.inclusive_cost_per_success_usd,
        "Rework": row.rework_cost_ratio, "Amortized": row.amortized_cost_usd,
        "Cost known": row.known_cost_ratio,
    }  # fmt: skip


def _agent(asked: Asked) -> Mapping[str, Any]:
    total = report(asked).total
    kinds = ("total_cost_per_run", "cost_per_success", "value_per_run", "margin_per_run")
    money = [f"{which}{kind}" for kind in kinds for which in ("", "inclusive_")]
    return {
        "Sustainable": total.verdict.sustainable, "Runs": total.sums.runs,
        "Success rate": total.success_rate.value, "Median latency": total.p50_latency.value,
        "Wasted of the work": total.rework_share.value,
        **{in_full(name): getattr(total, name).value
           for name in worth_showing(money, lambda name: getattr(total, name))},
    }  # fmt: skip


def _trace(asked: Asked) -> Mapping[str, Any]:
    row = asked.ledger.trace(asked.given["id"]).summary
    return {
        "Variable cost": row.cost_usd, "Rework": row.rework_cost_usd, "Duration": row.duration_ns,
        "Status": row.status, "Runs": row.runs, "Attempts": row.attempts,
    }  # fmt: skip


def _attempts(asked: Asked) -> Mapping[str, Any]:
    row = asked.ledger.models_behind(behind(asked))[0]
    return {"Cost": row.all_cost_usd, "Attempts": row.all_attempts, "Tokens": row.all_tokens}


def _asset(asked: Asked) -> Mapping[str, Any]:
    (row,) = [one for one in asked.ledger.assets() if one.asset_id == asked.given["id"]]
    return {
        "Capital": row.capital_usd, "Charged": row.charged_usd, "Left": row.net_book_value_usd,
        "A unit carries": row.rate_usd, "Units charged": row.charged_units,
        "State": row.state.replace("_", " "),
    }  # fmt: skip


#: By page: its headline figures, by title.
FIGURES: Final[Mapping[str, Callable[[Asked], Mapping[str, Any]]]] = {
    "overview": _overview,
    "agent": _agent,
    "trace": _trace,
    "attempts": _attempts,
    "asset": _asset,
}
