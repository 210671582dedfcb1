"""The headline figures that each page has to show, asked of the Python API, by title."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.support.page_asked import Asked, behind, report
from tests.support.page_fields import Usd, mean

from spanledger_collector.query import AgentEconomics
from spanledger_collector.query.titles import in_full, worth_showing


def _overview(asked: Asked) -> Mapping[str, Any]:
    (row,) = asked.ledger.economics_by("total", asked.part)
    return {
        "Total cost": Usd(row.total_cost_usd), "Value": Usd(row.value_usd, row.valued_runs > 0),
        "Margin": Usd(row.margin_usd, row.valued_runs > 0), "Runs": row.runs,
        "Cost a success": Usd(row.inclusive_cost_per_success_usd, row.successes > 0),
        "Rework": row.rework_cost_ratio
        if row.rework_cost_usd or not row.unknown_rework_attempts else Usd(None),
        "Amortized": Usd(row.amortized_cost_usd, is_told=False),
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
        **{in_full(name): _mean(total, name)
           for name in worth_showing(money, lambda name: getattr(total, name))},
    }  # fmt: skip


def _mean(total: AgentEconomics, name: str) -> Any:
    told = mean(name)
    assert callable(told)
    return told(total)


def _trace(asked: Asked) -> Mapping[str, Any]:
    row = asked.ledger.trace(asked.given["id"]).summary
    return {
        "Variable cost": Usd(row.cost_usd), "Duration": row.duration_ns,
        "Rework": Usd(None if row.cost_usd is None else row.rework_cost_usd),
        "Status": row.status, "Runs": row.runs, "Attempts": row.attempts,
    }  # fmt: skip


def _explained(asked: Asked) -> Mapping[str, Any]:
    return {"Variable cost": Usd(asked.ledger.trace(asked.given["id"]).summary.cost_usd)}


def _attempts(asked: Asked) -> Mapping[str, Any]:
    row = asked.ledger.models_behind(behind(asked))[0]
    return {"Cost": Usd(row.all_cost_usd), "Attempts": row.all_attempts, "Tokens": row.all_tokens}


def _asset(asked: Asked) -> Mapping[str, Any]:
    (row,) = [one for one in asked.ledger.assets() if one.asset_id == asked.given["id"]]
    return {
        "Capital": Usd(row.capital_usd), "Charged": Usd(row.charged_usd),
        "Left": Usd(row.net_book_value_usd), "A unit carries": Usd(row.rate_usd),
        "Units charged": row.charged_units,
        "State": row.state.replace("_", " "),
    }  # fmt: skip


#: By page: its headline figures, by title.
FIGURES: Final[Mapping[str, Callable[[Asked], Mapping[str, Any]]]] = {
    "overview": _overview,
    "agent": _agent,
    "trace": _trace,
    "explain": _explained,
    "attempts": _attempts,
    "asset": _asset,
}
