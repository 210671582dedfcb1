"""What each table of the pages has to show, asked of the Python API.

``TABLES`` names every column by its title, with the field of the typed row that it is. A table or
a column that does not stand here fails the test of its page (``tests/collector/web``), so that
nothing is shown unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
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
    mean,
    usd,
)

from spanledger_collector.query import QualityBy
from spanledger_collector.query.breakdowns import SumsBy
from spanledger_collector.query.titles import TITLES, in_full, worth_showing


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


def _named(*rows: tuple[Any, ...]) -> Sequence[Any]:
    return [SimpleNamespace(name=row[0], own=row[1], inclusive=row[-1]) for row in rows]


def _part(title: str, amount: Any, cost: Any, *, is_valued: bool) -> Usd:
    """A part of what an agent costs and earns, as it is told."""
    if title == "of which rework" and cost is None:
        return Usd(None)
    is_none = title == "Amortized cost" or (not is_valued and title in ("Value", "Margin"))
    return Usd(amount, not is_none)


def _steps(asked: Asked) -> Sequence[Any]:
    sums = report(asked).total.sums
    parts = [
        ("Model calls", sums.model_cost_usd), ("Tools", sums.tool_cost_usd),
        ("People", sums.effort_cost_usd), ("Expenses", sums.expense_cost_usd),
    ]  # fmt: skip
    told = [
        *(part for part in parts if part[1] is not None), ("Variable cost", sums.cost_usd),
        ("of which rework", sums.rework_cost_usd), ("Amortized cost", sums.amortized_cost_usd),
        ("Total cost", sums.total_cost_usd), ("Value", sums.value_usd),
        ("Margin", sums.margin_usd),
    ]  # fmt: skip
    valued = sums.valued_runs > 0
    return _named(
        *((title, _part(title, usd, sums.cost_usd, is_valued=valued)) for title, usd in told)
    )


def _with_sub_agents(asked: Asked) -> Sequence[Any]:
    sums = report(asked).total.sums
    names = ("cost", "rework_cost", "amortized_cost", "total_cost", "value", "margin")
    titles = ("Variable cost", "of which rework", "Amortized cost", "Total cost", "Value", "Margin")
    valued = sums.valued_runs > 0
    return _named(
        *(
            (
                title,
                _part(title, getattr(sums, f"{name}_usd"), sums.cost_usd, is_valued=valued),
                _part(
                    title, getattr(sums, f"inclusive_{name}_usd"), sums.inclusive_cost_usd,
                    is_valued=valued or sums.inclusive_value_usd is not None,
                ),
            )
            for title, name in zip(titles, names, strict=True)
        )
    )  # fmt: skip


def _compared(asked: Asked) -> Sequence[Any]:
    """The two sides stand in the titles of the columns."""
    part = asked.part
    by: Any = asked.given.get("by", "version")
    told = asked.ledger.compare(
        part.agent_name, asked.titles[1], asked.titles[2], part.since, part.until, by=by
    )
    figures = {one.name: one for one in told.figures}
    shown = worth_showing(figures, lambda name: (figures[name].old, figures[name].new))
    return [
        SimpleNamespace(title=in_full(name), told=figures[name], is_usd=TITLES[name][1] == "usd")
        for name in shown
    ]


def _side(*sides: str) -> Callable[[Any], Any]:
    """A figure of a side, or (of both) the difference: of what nobody told there is none."""

    def told(line: Any) -> Any:
        reasons = {getattr(line.told, side).reason for side in sides}
        value = getattr(line.told, sides[0] if len(sides) == 1 else "difference").value
        return Usd(value, "no run has a value" not in reasons) if line.is_usd else value

    return told


def _shares(asked: Asked) -> Sequence[Any]:
    """Parts of a run, and how each of them is made."""
    (run,) = [
        one for one in asked.ledger.trace(asked.given["trace"]).runs
        if one.run_id == asked.given["id"]
    ]  # fmt: skip
    told = [
        ("Variable cost", run.cost_usd, "sum of its attempts"),
        ("of which rework", None if run.cost_usd is None else run.rework_cost_usd,
         "attempts with a reason"),
        ("Amortized cost", run.amortized_cost_usd, "its shares of assets"),
        ("Total cost", run.total_cost_usd, "variable and amortized"),
        ("Revenue", run.revenue_usd, "sum of its records"),
        ("Value of outcomes", run.outcome_value_usd, "sum of its records"),
        ("Worth by rules", run.rule_value_usd, "only where nothing was recorded"),
        ("Value", run.value_usd, run.value_source or "nobody said"),
        ("Margin", run.margin_usd, "value less total cost"),
        ("Total cost, with sub-agents", run.inclusive_total_cost_usd,
         "its own and that of the runs below it"),
        ("Value, with sub-agents", run.inclusive_value_usd,
         "its own and what was recorded below it"),
        ("Margin, with sub-agents", run.inclusive_margin_usd, "that value less that cost"),
    ]  # fmt: skip
    valued = run.value_source != "" or run.unconverted_records > 0
    own_alone = ("Amortized cost", "Revenue", "Value of outcomes", "Worth by rules")
    untold = own_alone if valued else (*own_alone, "Value", "Margin")
    if not valued and run.inclusive_value_usd is None:
        untold = (*untold, "Value, with sub-agents", "Margin, with sub-agents")
    return [
        SimpleNamespace(name=name, own=Usd(own, name not in untold), how=how)
        for name, own, how in told
    ]


def _spans(asked: Asked) -> Sequence[Any]:
    return asked.ledger.trace(asked.given["id"]).spans


def _own(field: str) -> Callable[[Any], Any]:
    return lambda span: getattr(span, field) if span.attempts and span.counted else None


def _own_usd(field: str) -> Callable[[Any], Usd]:
    return lambda span: Usd(getattr(span, field), bool(span.attempts and span.counted))


def _wasted(span: Any) -> Usd:
    """Of a span with attempts that were wasted."""
    is_wasted = span.rework_cost_usd is not None or span.rework_reason or span.retries
    return Usd(span.rework_cost_usd, bool(span.attempts and span.counted and is_wasted))


def _change(row: Any) -> Usd:
    """Open where both costs have unknown attempts, or one of them is wholly unknown."""
    sides = (
        (row.attempts, row.unpriced_attempts, row.cost_usd),
        (row.before_attempts, row.before_unpriced_attempts, row.before_cost_usd),
    )
    is_open = all(unpriced for _, unpriced, _ in sides) or any(
        attempts and cost is None for attempts, _, cost in sides
    )
    return Usd(None if is_open else row.change_usd)


def _last(row: Any) -> str:
    nameless = {"agent": "(outside any agent)", "model": "(no model)"}
    nameless |= {"tool_price": "(price of the tool)"}
    return row.names[-1] or nameless[row.kinds[-1]] if row.depth else "all"


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
    ("agent", "steps"): Shown(_steps, {"Part": "name", "USD": "own"}),
    ("agent", "with-sub-agents"): Shown(
        _with_sub_agents, {"Part": "name", "Own": "own", "With sub-agents": "inclusive"}
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
        _compared,
        {
            "Figure": "title", "column 1": _side("old"), "column 2": _side("new"),
            "Difference": _side("old", "new"), "Verdict": "told.verdict",
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
        _spans,
        {
            "Span": "name", "Took": "duration_ns", "Cost": _own_usd("cost_usd"),
            "Input": _own("input_tokens"), "Output": _own("output_tokens"), "Retries": "retries",
            "Rework": _wasted, "Why": "rework_reason", "Model": "model",
            "Agent": "agent_name", "Price": "price_status", "Not counted": "excluded_reason",
            "Error": "error_type", "Role": "role",
        },
        key=("Span", "Role", "Took"),
    ),
    ("run", "shares"): Shown(_shares, {"Part": "name", "USD": "own", "How": "how"}),
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
            "Path": _last,
            "Kind": lambda row: row.kinds[-1].replace("_", " ") if row.depth else "",
            "Attempts": "attempts", "Cost": usd("cost_usd", lambda row: row.attempts),
            "Share": "cost_ratio",
            "Before": usd("before_cost_usd", lambda row: row.before_attempts),
            "Change": _change,
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
            "Efficient": "is_efficient", "Why unknown": "why",
            "A second less": if_any("usd_per_second.value"),
        },
        {
            "p50": "p50_latency", "A success, with sub-agents": "inclusive_cost_per_success",
            "Margin a run, with sub-agents": "inclusive_margin_per_run",
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
            "Rule": "rule", "Per": "per", "Of": "key", "Metric": "metric",
            "Threshold": "threshold", "Value": "value", "Firing since": "firing_since",
        },
    ),
}  # fmt: skip


def table_of(page: str, table_id: str) -> tuple[Shown, int]:
    """What is to be shown in a table, and its number among those of its kind."""
    found = re.fullmatch(r"(.*?)(?:-(\d+))?", table_id)
    assert found is not None
    return TABLES[page, found[1]], int(found[2] or 0)
