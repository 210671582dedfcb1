"""One trace: its spans on the axis of time, with cost, tokens, retries and rework of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from spanledger_collector.errors import PermanentError
from spanledger_collector.query import Ledger, TraceReport, TraceRow
from spanledger_collector.web import figures
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.charts.spans import Placed, tree
from spanledger_collector.web.parts import Figure, Figures, Page, Part, Tabled
from spanledger_collector.web.table import Column, Table

from .columns import is_cost_unknown, is_lower_bound, is_rework_lower_bound
from .paging import paging
from .runs import columns as run_columns

#: More on a page would be more than a browser scrolls; the CSV has all.
_SHOWN: Final = 1000


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    trace_id = asked.text("id")
    if not trace_id:
        raise PermanentError("this page is about one trace: choose a run on the page Runs")
    report = ledger.trace(trace_id, with_attempts=False)
    placed = tree(report.spans)
    offset = asked.offset()
    found = placed if asked.text("csv") else placed[offset : offset + _SHOWN + 1]
    shown = found if asked.text("csv") else found[:_SHOWN]
    parts: list[Part] = [
        _figures(report.summary, asked),
        Tabled("Spans", _spans(report, shown, asked)),
        *paging(asked, found, _SHOWN, "spans", ("Earlier", "Later")),
    ]
    runs = Table("runs", "Runs of this trace", run_columns(asked), report.runs, query="trace_runs")
    return Page(
        "Trace", [*parts, Tabled("Runs", runs)], "What one trace cost, span by span.",
        name=report.summary.name, at="runs", filters=frozenset(),
    )  # fmt: skip


def _figures(row: TraceRow, asked: Asked) -> Figures:
    explained = asked.link("explain", id=row.trace_id) if row.attempts else ""
    cost = figures.usd(row.cost_usd, at_least=is_lower_bound(row))
    rework = None if is_cost_unknown(row) else row.rework_cost_usd
    retries = figures.counted(row.retries, "retry", "retries")
    return Figures(
        [
            Figure("Variable cost", cost, figures.exact(row.cost_usd),
                   _known(row), explained),
            Figure("Rework", figures.usd(rework, at_least=is_rework_lower_bound(row)),
                   figures.exact(rework), "part of the cost", explained),
            Figure("Duration", figures.duration(row.duration_ns), str(row.duration_ns),
                   figures.moment(row.started_at), "#spans"),
            Figure("Status", row.status, "", figures.counted(row.span_count, "span"),
                   tone="bad" if row.status == "error" else ""),
            Figure("Runs", figures.count(row.runs), str(row.runs),
                   figures.counted(row.agents, "agent"), "#runs"),
            Figure("Attempts", figures.count(row.attempts), str(row.attempts),
                   f"{retries}, {row.failed_attempts:,} failed", explained),
        ]
    )  # fmt: skip


def _known(row: TraceRow) -> str:
    if not row.unpriced_attempts:
        return "all of it known"
    return f"{figures.counted(row.unpriced_attempts, 'attempt')} of unknown cost"


def _spans(report: TraceReport, placed: Sequence[Placed], asked: Asked) -> Table:
    trace_id = report.summary.trace_id

    def is_blank(one: Placed) -> bool:
        return not one.span.attempts or not one.span.counted

    def is_used(one: Placed) -> bool:
        wasted = one.span.rework_cost_usd is not None or one.span.rework_reason or one.span.retries
        return is_blank(one) or not wasted

    def explained(one: Placed) -> str:
        return asked.link("explain", id=one.span.span_id, trace=trace_id)

    return Table(
        "spans", "Spans of the trace, each below the one that called it",
        [
            Column("Span", "span.name"),
            Column("Took", "span.duration_ns", "duration"),
            Column("Cost", "span.cost_usd", "usd", "Own counted attempts.",
                   link=explained, blank=is_blank),
            Column("Input", "span.input_tokens", "count", "Tokens, cached ones included.",
                   link=explained, blank=is_blank),
            Column("Output", "span.output_tokens", "count", "Tokens.",
                   link=explained, blank=is_blank),
            Column("Retries", "span.retries", "count", link=explained,
                   blank=lambda one: not one.span.retries),
            Column("Rework", "span.rework_cost_usd", "usd", "Part of the cost.",
                   link=explained, blank=is_used),
            Column("Why", "span.rework_reason", "text", "Why it is rework."),
            Column("Model", "span.model"),
            Column("Agent", "span.agent_name"),
            Column("Price", "span.price_status", "text", "Whether the cost is known."),
            Column("Not counted", "span.excluded_reason", "text", "Why it is in no sum."),
            Column("Error", "span.error_type"),
            Column("Role", "span.role"),
        ],
        placed, query="trace_spans", indent=lambda one: one.depth,
        bars=[one.bar for one in placed], drawn="When",
    )  # fmt: skip
