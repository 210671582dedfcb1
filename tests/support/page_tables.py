"""What each table of the pages has to show, asked of the Python API.

``TABLES`` names every column by its title, with the field of the typed row that it is. A table or
a column that does not stand here fails the test of its page (``tests/collector/web``), so that
nothing is shown unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from tests.support.page_asked import Asked, behind, pools, report, rework
from tests.support.page_fields import (
    AGENTS,
    BREAK_EVEN,
    ECONOMICS,
    MODELS,
    POOLS,
    QUALITY,
    RUNS,
    SUMS,
    Field,
    Usd,
    if_any,
    in_unit,
    mean,
    usd,
)
from tests.support.page_rows import (
    change,
    compared,
    last,
    own,
    own_usd,
    shares,
    side,
    spans,
    steps,
    wasted,
    with_sub_agents,
)

from spanledger_collector.query import QualityBy
from spanledger_collector.query.breakdowns import SumsBy
from spanledger_collector.web.figures import UNKNOWN


@dataclass(frozen=True, slots=True)
class Shown:
    """A table.

    Attributes:
        rows: typed rows of the Python API, in the order shown, but where ``key`` says otherwise.
        fields: by title of the column.
        intervals: by title of the column before it.
        key: titles by which rows are found, where the page has an order of its own.
    """

    rows: Callable[[Asked], Sequence[Any]]
    fields: Mapping[str, Field]
    intervals: Mapping[str, str] | None = None
    key: Sequence[str] = ()


#: By page and id of the table; numbers at the end of an id are left out.
TABLES: Final[Mapping[tuple[str, str], Shown]] = {
    **{
        ("overview", f"by-{by}"): Shown(
            lambda asked, by=by: asked.ledger.economics_by(by, asked.part), ECONOMICS
        )
        for by in ("day", "agent", "tenant")
    },
    **{
        ("latency", f"by-{by}"): Shown(
            lambda asked, by=by: asked.ledger.economics_by(by, asked.part), ECONOMICS
        )
        for by in ("agent", "version")
    },
    **{
        (page, "by-model"): Shown(
            lambda asked: asked.ledger.attempts_by("model", asked.part), MODELS
        )
        for page in ("overview", "prices")
    },
    ("agents", "agents"): Shown(
        lambda asked: asked.ledger.agents_of(asked.part), AGENTS,
        {
            "A success, with sub-agents": "inclusive_cost_per_success",
            "Margin a run, with sub-agents": "inclusive_margin_per_run",
            "Wasted of work": "rework_share", "Multiplier": "rework_multiplier",
        },
    ),
    ("agents", "sums"): Shown(
        lambda asked: asked.ledger.sums_by(
            cast("SumsBy", asked.given["by"]), asked.part
        ),
        {**ECONOMICS, **SUMS},
        {
            "A success": "cost_per_success", "Margin a trace": "margin_per_trace",
            "Wasted of work": "rework_share", "Multiplier": "multiplier",
        },
    ),
    ("quality", "quality"): Shown(
        lambda asked: asked.ledger.quality(
            asked.part.since, asked.part.until,
            by=cast("QualityBy", asked.given.get("by", "agent")),
            agent_name=asked.part.agent_name, agent_version=asked.part.agent_version,
            tenant=asked.part.tenant,
        ),
        QUALITY,
        {"Of all that was paid": "quality_share"},
    ),
    ("agent", "steps"): Shown(steps, {"Part": "name", "USD": "own"}),
    ("agent", "with-sub-agents"): Shown(
        with_sub_agents, {"Part": "name", "Own": "own", "With sub-agents": "inclusive"}
    ),
    ("agent", "groups"): Shown(
        lambda asked: report(asked).groups,
        {
            "Version": "key", "Tenant": "key", "Model": "key", "Runs": "sums.runs",
            "Success": "success_rate.value", "A run": usd("inclusive_total_cost_per_run.value"),
            "A success": usd(
                "inclusive_cost_per_success.value", lambda row: row.sums.successful_runs
            ),
            "Margin a run": mean("inclusive_margin_per_run"), "p50": "p50_latency.value",
            "Sustainable": "verdict.sustainable", "Why": "verdict.why",
        },
        {
            "Success": "success_rate", "A run": "inclusive_total_cost_per_run",
            "A success": "inclusive_cost_per_success", "Margin a run": "inclusive_margin_per_run",
            "p50": "p50_latency",
        },
    ),
    ("agent", "compared"): Shown(
        compared,
        {
            "Figure": "title", "column 1": side("old"), "column 2": side("new"),
            "Difference": side("old", "new"), "Verdict": "told.verdict",
            "More runs of the old": "told.more_runs_old", "And of the new": "told.more_runs_new",
        },
        {"Difference": "told.difference"},
    ),
    **{
        (page, "break-even"): Shown(
            lambda asked: asked.ledger.break_even(asked.given.get("agent", "")), BREAK_EVEN,
            {
                "Contribution a run": "contribution_per_run",
                "Break-even runs": "break_even_runs", "Runs to go": "runs_to_go",
            },
        )
        for page in ("agent", "assets")
    },
    ("runs", "runs"): Shown(lambda asked: asked.ledger.runs_of(asked.part), RUNS),
    ("latency", "runs"): Shown(lambda asked: asked.ledger.runs_of(asked.part, limit=500), RUNS),
    ("trace", "runs"): Shown(lambda asked: asked.ledger.trace(asked.given["id"]).runs, RUNS),
    ("trace", "spans"): Shown(
        spans,
        {
            "Span": "name", "Took": "duration_ns", "Cost": own_usd("cost_usd"),
            "Input": own("input_tokens"), "Output": own("output_tokens"), "Retries": "retries",
            "Rework": wasted, "Why": "rework_reason", "Model": "model",
            "Agent": "agent_name", "Price": "price_status", "Not counted": "excluded_reason",
            "Error": "error_type", "Role": "role",
        },
        key=("Span", "Role", "Took"),
    ),
    ("run", "shares"): Shown(shares, {"Part": "name", "USD": "own", "How": "how"}),
    ("run", "records"): Shown(
        lambda asked: [
            one for one in asked.ledger.records(trace_id=asked.given["trace"])
            if one.run_id == asked.given["id"]
        ],
        {
            "Happened (UTC)": "occurred_at", "Kind": "kind", "Record": "record_id", "Name": "name",
            "Verdict": "verdict", "Amount": "amount", "Currency": "currency",
            "USD": usd("amount_usd", lambda row: row.counts and row.amount is not None),
            "Quantity": "quantity", "Counts": "counts", "Telling": "telling", "Why": "reason",
        },
    ),
    ("run", "attempts"): Shown(
        lambda asked: [
            one for one in asked.ledger.trace(asked.given["trace"]).attempts
            if one.run_id == asked.given["id"] and one.counted
        ],
        {
            "Started (UTC)": "started_at", "Cost": "cost_usd", "Operation": "operation",
            "Model": "request_model", "Tool": "tool_name", "Price": "price_status",
            "Output tokens": "output_tokens", "Rework": "rework_reason", "Outcome": "outcome",
            "Error": "error_type",
        },
    ),
    ("run", "below"): Shown(
        lambda asked: [
            one for one in asked.ledger.trace(asked.given["trace"]).runs
            if one.parent_run_id == asked.given["id"]
        ],
        RUNS,
    ),
    ("explain", "lines"): Shown(
        lambda asked: asked.ledger.explain(asked.given["id"])[asked.place - 1].lines,
        {
            "Unit": "unit", "Quantity": "quantity", "Rate (USD)": "rate_usd", "For": "rate_per",
            "Cost (USD)": "cost_usd",
        },
    ),
    ("flame", "paths"): Shown(
        lambda asked: asked.ledger.cost_paths(asked.part, asked.before),
        {
            "Path": last,
            "Kind": lambda row: row.kinds[-1].replace("_", " ") if row.depth else "",
            "Attempts": "attempts", "Cost": usd("cost_usd", lambda row: row.attempts),
            "Share": "cost_ratio",
            "Before": usd("before_cost_usd", lambda row: row.before_attempts),
            "Change": change,
            "Called by": lambda row: " > ".join(row.names[:-1]),
        },
        key=("Called by", "Path", "Kind"),
    ),
    ("rework", "all-reasons"): Shown(
        lambda asked: asked.ledger.attempts_by("rework", asked.part),
        {
            "Reason": "key", "Attempts": "attempts", "Cost": "cost_usd", "Share": "cost_ratio",
            "Unknown cost": "unpriced_attempts", "Waited": "wait_seconds",
        },
    ),
    ("rework", "rates"): Shown(
        lambda asked: rework(asked).rates,
        {
            "Agent": "key", "Model": "key", "Tenant": "key", "Attempts": "attempts",
            "Wasted": "rework_attempts", "Rate": "rework_rate.value", "Cost": "cost_usd",
            "Rework": lambda row: Usd(
                row.rework_cost_usd if row.rework_attempts else None, row.rework_attempts > 0
            ),
            "Of the cost": "rework_cost_ratio", "Multiplier": "rework_multiplier",
        },
        {"Rate": "rework_rate", "Of the cost": "rework_share", "Multiplier": "multiplier"},
    ),
    ("rework", "reasons"): Shown(
        lambda asked: rework(asked).reasons,
        {
            "Agent": "key", "Model": "key", "Tenant": "key", "Reason": "rework_reason",
            "Attempts": "attempts", "Cost": "cost_usd", "Unknown cost": "unknown_cost_attempts",
            "Input tokens": "input_tokens", "Output tokens": "output_tokens",
            "Waited": "wait_seconds",
        },
    ),
    ("latency", "frontier"): Shown(
        lambda asked: asked.ledger.frontier(
            asked.part.agent_name, asked.part.since, asked.part.until
        ),
        {
            "Model": "model", "GPUs": "gpu_count", "Runs": "runs",
            "Left out": "left_out_runs", "p50": "p50_latency.value",
            "p95": "p95_latency.value", "A run": "cost_per_run_usd",
            "A success, with sub-agents": usd("inclusive_cost_per_success.value"),
            "A run, with sub-agents": "inclusive_cost_per_run_usd",
            "Margin a run, with sub-agents": mean("inclusive_margin_per_run"),
            "Efficient": lambda row: UNKNOWN if row.is_efficient is None else row.is_efficient,
            "Why unknown": "why",
            "A second less": if_any("usd_per_second.value"),
        },
        {
            "p50": "p50_latency", "A success, with sub-agents": "inclusive_cost_per_success",
            "Margin a run, with sub-agents": "inclusive_margin_per_run",
            "A second less": "usd_per_second",
        },
    ),
    ("attempts", "models"): Shown(
        lambda asked: asked.ledger.models_behind(behind(asked)),
        {
            "Asked for": "request_model", "Cost": "cost_usd", "Attempts": "attempts",
            "Tokens": "tokens", "Price": "price_status", "Usage": "usage_source",
            "Answered": "response_model", "Provider": "provider", "Priced as": "priced_model",
            "Price of": "priced_provider",
        },
    ),
    ("attempts", "attempts"): Shown(
        lambda asked: asked.ledger.attempts_behind(behind(asked)),
        {
            "Started (UTC)": "started_at", "Cost": "cost_usd", "Agent": "agent_name",
            "Version": "agent_version", "Operation": "operation", "Asked for": "request_model",
            "Answered": "response_model", "Price": "price_status", "Usage": "usage_source",
            "Input tokens": "input_tokens", "Output tokens": "output_tokens",
            "Rework": "rework_reason", "Waited": "wait_seconds", "Outcome": "outcome",
            "Error": "error_type", "Tenant": "tenant",
        },
    ),
    ("pools", "pools"): Shown(lambda asked: pools(asked, "total"), POOLS),
    ("pools", "days"): Shown(lambda asked: pools(asked, "day"), POOLS),
    ("assets", "assets"): Shown(
        lambda asked: asked.ledger.assets(),
        {
            "Asset": "asset_id", "Kind": "kind", "Agent": "agent_name", "Version": "agent_version",
            "Method": "method", "Unit": "unit", "Capital": "capital_usd", "Charged": "charged_usd",
            "Left": "net_book_value_usd", "Written off": "written_off_usd",
            "Refused": "refused_usd", "A unit carries": "rate_usd",
            "A unit, at least": if_any("rate_low_usd"), "A unit, at most": if_any("rate_high_usd"),
            "Days end (UTC)": "ends_at",
            "Units charged": "charged_units", "Units left": "remaining_units",
            "Unabsorbed": if_any("unabsorbed_usd"), "State": "state", "Estimates": "estimates",
            "Unconverted": "unconverted_entries",
        },
    ),
    ("assets", "shares"): Shown(
        lambda asked: asked.ledger.asset_shares(),
        {
            "Asset": "asset_id", "Agent": "agent_name", "Version": "agent_version",
            "Runs charged": "runs", "Carried": "charged_usd",
            "Carried, at least": if_any("charged_low_usd"),
            "Carried, at most": if_any("charged_high_usd"), "A run": "per_run_usd",
            "A run, at least": if_any("per_run_low_usd"),
            "A run, at most": if_any("per_run_high_usd"),
        },
    ),
    ("asset", "entries"): Shown(
        lambda asked: asked.ledger.asset_entries(asked.given["id"]),
        {
            "In the books (UTC)": "received_at", "Entry": "entry", "Name": "entry_id",
            "Capital": lambda row: Usd(
                None if row.entry == "plan" else row.capital_usd, row.entry != "plan"
            ),
            "Amount": "amount", "Currency": "currency", "Expected units": "expected_units",
            "To asset": "to_asset_id", "Why": "reason", "Happened (UTC)": "occurred_at",
        },
    ),
    ("asset", "charges"): Shown(
        lambda asked: asked.ledger.asset_charges(
            asked.given.get("id", ""), trace_id=asked.given.get("trace", "")
        ),
        {
            "Posted (UTC)": "posted_at", "Asset": "asset_id", "Agent": "agent_name",
            "Version": "agent_version", "Units": "units", "Rate (USD)": "rate_usd",
            "Charge": "amount_usd", "Charge, at least": if_any("amount_low_usd"),
            "Charge, at most": if_any("amount_high_usd"), "Plan": "plan_id",
            "Newest entry": "basis_id",
            "Run": "run_id",
        },
    ),
    ("prices", "coverage"): Shown(
        lambda asked: asked.ledger.coverage_of(asked.part),
        {
            "Price": "price_status", "Usage": "usage_source", "Attempts": "attempts",
            "Of attempts": "attempts_ratio", "Tokens": "tokens", "Of tokens": "tokens_ratio",
            "Cost": "cost_usd",
        },
    ),
    ("prices", "prices"): Shown(
        lambda asked: asked.ledger.prices_used(asked.part),
        {
            "Model": "model", "Provider": "provider", "Tier": "service_tier", "Region": "region",
            "Currency": "currency", "Input": "input_per_million",
            "Cache read": "cache_read_per_million", "Output": "output_per_million",
            "Valid from": "valid_from", "Known from": "known_from", "Attempts": "attempts",
            "Cost": "cost_usd", "Source": "upstream", "Published at": "source_url",
        },
    ),
    ("budgets", "budgets"): Shown(
        lambda asked: asked.picture.budgets,
        {
            "Budget": "name", "Per": "per", "Of": "key", "Window": "window", "Since": "since",
            "Limit": "limit_usd", "Spent": "spent_usd", "Left": "left_usd",
            "Projected": if_any("projected_usd"), "Unknown": "unknown_attempts", "State": "state",
        },
    ),
    ("budgets", "alerts"): Shown(
        lambda asked: asked.picture.alerts,
        {
            "Rule": "rule", "Per": "per", "Of": "key", "Window": "window",
            "Metric": "metric", "Fires": "direction", "Threshold": in_unit("threshold"),
            "Value": in_unit("value"), "Firing since": "firing_since",
        },
    ),
}  # fmt: skip


def table_of(page: str, table_id: str) -> tuple[Shown, int]:
    """What is to be shown in a table, and its number among those of its kind."""
    found = re.fullmatch(r"(.*?)(?:-(\d+))?", table_id)
    assert found is not None
    return TABLES[page, found[1]], int(found[2] or 0)
