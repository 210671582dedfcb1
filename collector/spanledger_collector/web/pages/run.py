"""One run: how its cost, its value and its margin came about, part by part, record by record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from spanledger_collector.errors import NotFoundError, PermanentError
from spanledger_collector.query import AttemptRow, Ledger, RecordRow, RunRow, ValueRuleRow
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Note, Page, Part, Tabled
from spanledger_collector.web.table import Column, Table

from .columns import (
    is_cost_unknown,
    is_inclusive_lower_bound,
    is_lower_bound,
    is_rework_lower_bound,
)
from .paging import paging
from .runs import columns as run_columns
from .runs import is_inclusive_untold, is_untold

_SHOWN: Final = 100
_SOURCES: Final = {
    "recorded": "Its value is what was recorded of it: revenue, and what outcomes are worth.",
    "rule": "No amount was recorded of it: its value is by the value rules below.",
    "": "Nobody said what it is worth: no amount was recorded, and no value rule fits.",
}
_MISSING: Final = (
    "It, or a run above it, was called by one that is not in this trace: lost, not there yet, or "
    "in another trace. The figures of that one with sub-agents do not hold it, and value rules of "
    "no agent do not pay it."
)


@dataclass(frozen=True, slots=True)
class Share:
    """One part of what a run cost or earned.

    Attributes:
        title: what it is.
        amount: USD; None = unknown, or (``is_untold``) there is none.
        how: where it comes from.
        href: where that is shown.
        at_least: it is a lower bound.
        at_most: it is an upper bound.
        is_untold: without an amount there is none to be known.
    """

    title: str
    amount: Decimal | None
    how: str
    href: str = ""
    at_least: bool = False
    at_most: bool = False
    is_untold: bool = False


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    trace_id, run_id = asked.text("trace"), asked.text("id")
    if not trace_id or not run_id:
        raise PermanentError("this page is about one run: choose an amount on the page Runs")
    report = ledger.trace(trace_id)
    found = [run for run in report.runs if run.run_id == run_id]
    if not found:
        raise NotFoundError(f"the trace {trace_id!r} has no run {run_id!r}")
    run, offset = found[0], asked.offset()
    mine = [one for one in report.attempts if one.run_id == run_id and one.counted]
    shown = mine if asked.text("csv") else mine[offset : offset + _SHOWN]
    below = [one for one in report.runs if one.parent_run_id == run_id]
    records = [one for one in ledger.records(trace_id=trace_id) if one.run_id == run_id]
    parts: list[Part] = [
        Tabled("How it came about", _shares(run, asked)),
        Note("", [_SOURCES[run.value_source], *([_MISSING] if run.caller_missing else [])]),
        Tabled("Records", _records(records)),
        *_rules(ledger, run),
        Tabled("Attempts", _attempts(shown, asked)),
        *paging(asked, mine[offset:], _SHOWN, "attempts", ("Earlier", "Later")),
        Tabled("Sub-agents", _below(below, asked)),
        Note("", [], links=[("The trace", asked.link("trace", id=trace_id))]),
    ]
    return Page(
        "Run", parts, "What one run cost and earned, and how each of its amounts came about.",
        name=run.agent_name or run.workflow_name or run_id, at="runs", filters=frozenset(),
    )  # fmt: skip


def _shares(run: RunRow, asked: Asked) -> Table:
    bound, below = is_lower_bound(run), is_inclusive_lower_bound(run)
    wasted = None if is_cost_unknown(run) else run.rework_cost_usd
    untold, untold_below = is_untold(run), is_inclusive_untold(run)
    books = asked.link("asset", trace=run.trace_id, run=run.run_id)
    rows = [
        Share("Variable cost", run.cost_usd, "sum of its attempts", "#attempts", bound),
        Share("of which rework", wasted, "attempts with a reason", "#attempts",
              is_rework_lower_bound(run)),
        Share("Amortized cost", run.amortized_cost_usd, "its shares of assets", books,
              is_untold=True),
        Share("Total cost", run.total_cost_usd, "variable and amortized", "#shares", bound),
        Share("Revenue", run.revenue_usd, "sum of its records", "#records", is_untold=True),
        Share("Value of outcomes", run.outcome_value_usd, "sum of its records", "#records",
              is_untold=True),
        Share("Worth by rules", run.rule_value_usd, "only where nothing was recorded", "#rules",
              is_untold=True),
        Share("Value", run.value_usd, run.value_source or "nobody said", "#records",
              is_untold=untold),
        Share("Margin", run.margin_usd, "value less total cost", "#shares", at_most=bound,
              is_untold=untold),
        Share("Total cost, with sub-agents", run.inclusive_total_cost_usd,
              "its own and that of the runs below it", "#below", below),
        Share("Value, with sub-agents", run.inclusive_value_usd,
              "its own and what was recorded below it", "#below", is_untold=untold_below),
        Share("Margin, with sub-agents", run.inclusive_margin_usd, "that value less that cost",
              "#shares", at_most=below, is_untold=untold_below),
    ]  # fmt: skip
    return Table(
        "shares", "Parts of its cost and of its value, and what they add up to",
        [
            Column("Part", "title"),
            Column("USD", "amount", "usd", at_least=lambda row: row.at_least,
                   at_most=lambda row: row.at_most, link=lambda row: row.href,
                   blank=lambda row: row.amount is None and row.is_untold),
            Column("How", "how", is_prose=True),
        ],
        rows, query="trace_runs",
    )  # fmt: skip


def _records(rows: Sequence[RecordRow]) -> Table:
    return Table(
        "records", "What was recorded of the run, every telling; those that count make its value",
        [
            Column("Happened (UTC)", "occurred_at", "moment"),
            Column("Kind", "kind"),
            Column("Record", "record_id"),
            Column("Name", "name"),
            Column("Verdict", "verdict"),
            Column("Amount", "amount", "exact", "As told, in the currency told."),
            Column("Currency", "currency"),
            Column("USD", "amount_usd", "usd", "Of the telling that counts.",
                   blank=lambda row: row.amount is None or not row.counts),
            Column("Quantity", "quantity", "exact", "Minutes of effort, units of an outcome."),
            Column("Counts", "counts", "yes", "The last telling of a record counts."),
            Column("Telling", "telling", "count"),
            Column("Why", "reason", is_prose=True),
        ],
        rows, empty="Nothing was recorded of this run.", query="records",
    )  # fmt: skip


def _rules(ledger: Ledger, run: RunRow) -> Iterator[Part]:
    """The rules whose scope it is in, where there are any; they count where nothing is recorded."""
    if run.rule_value_usd is None:
        return
    rows = [rule for rule in ledger.value_rules() if _fits(rule, run)]
    table = Table(
        "rules", "Value rules in whose scope it is; of each kind the most particular counts",
        [
            Column("Per", "per"),
            Column("Amount", "amount", "exact"),
            Column("Currency", "currency"),
            Column("Agent", "agent_name", name="(all)"),
            Column("Version", "agent_version", name="(all)"),
            Column("Tenant", "tenant", name="(all)"),
            Column("From (UTC)", "valid_from", "moment"),
            Column("Full until", "grace_seconds", "seconds", "Latency that costs nothing."),
            Column("Halves in", "half_life_seconds", "seconds", "Of further latency."),
            Column("Nothing from", "zero_after_seconds", "seconds", "Latency."),
            Column("Why", "why", is_prose=True),
        ],
        rows, query="value_rules",
    )  # fmt: skip
    yield Tabled("Value rules", table)


def _fits(rule: ValueRuleRow, run: RunRow) -> bool:
    scope = zip(
        (rule.agent_name, rule.agent_version, rule.tenant),
        (run.agent_name, run.agent_version, run.tenant),
        strict=True,
    )
    named = all(wanted in ("", there) for wanted, there in scope)
    return named and rule.valid_from <= run.started_at < rule.valid_to


def _attempts(rows: Sequence[AttemptRow], asked: Asked) -> Table:
    def explained(row: AttemptRow) -> str:
        return asked.link("explain", id=row.span_id, trace=row.trace_id)

    return Table(
        "attempts", "Its counted attempts in the order they started: their costs are its own",
        [
            Column("Started (UTC)", "started_at", "moment"),
            Column("Cost", "cost_usd", "usd", link=explained),
            Column("Operation", "operation"),
            Column("Model", "request_model", name="(no model)"),
            Column("Tool", "tool_name"),
            Column("Price", "price_status", help="Whether the cost is known.", link=explained),
            Column("Output tokens", "output_tokens", "count", link=explained),
            Column("Rework", "rework_reason", help="Why it was wasted."),
            Column("Outcome", "outcome"),
            Column("Error", "error_type"),
        ],
        rows, empty="It made no attempt itself.", query="trace_attempts",
    )  # fmt: skip


def _below(rows: Sequence[RunRow], asked: Asked) -> Table:
    named = {column.field: column for column in run_columns(asked)}
    shown = ("started_at", "agent_name", "agent_version", "succeeded", "duration_ns")
    money = ("total_cost_usd", "value_usd", "inclusive_total_cost_usd", "inclusive_margin_usd")
    return Table(
        "below", "The runs that it called, each with all that is below it",
        [named[field] for field in (*shown, *money)], rows, empty="It called no other run.",
        query="trace_runs", link=lambda row: asked.link("run", trace=row.trace_id, id=row.run_id),
    )  # fmt: skip
