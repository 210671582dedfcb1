"""Two groups of an agent's runs, figure by figure, with a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from spanledger_collector.query import Compared, ComparisonReport, Estimate
from spanledger_collector.web import figures
from spanledger_collector.web.parts import Note, Part, Tabled
from spanledger_collector.web.table import KINDS, Column, Show, Table

_TITLES: Final = {
    "cost_per_success": ("Total cost a success", "usd"),
    "total_cost_per_run": ("Total cost a run", "usd"),
    "cost_per_run": ("Variable cost a run", "usd"),
    "inclusive_cost_per_run": ("With sub-agents", "usd"),
    "success_rate": ("Success rate", "ratio"),
    "value_per_run": ("Value a run", "usd"),
    "margin_per_run": ("Margin a run", "usd"),
    "rework_share": ("Wasted of variable cost", "ratio"),
    "mean_latency": ("Mean latency", "duration"),
    "p50_latency": ("Median latency", "duration"),
    "p95_latency": ("95th percentile", "duration"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of both groups as people read it: each line has its own unit."""

    title: str
    old: str
    new: str
    difference: str
    interval: str
    verdict: str
    more: str


def parts(report: ComparisonReport) -> Sequence[Part]:
    """The table, and what else is to be known."""
    columns = [
        Column("Figure", "title"),
        Column(report.old or "(none)", "old"),
        Column(report.new or "(none)", "new"),
        Column("Difference", "difference"),
        Column("95% interval", "interval", "text", "Of such intervals 95% hold the truth."),
        Column("Verdict", "verdict"),
        Column("More runs needed", "more", "text",
               "Further runs of each with which the difference seen would be shown."),
    ]  # fmt: skip
    table = Table(
        "compared",
        f"{report.runs_old:,} runs of {figures.printable(report.old) or '(none)'} beside "
        f"{report.runs_new:,} of {figures.printable(report.new) or '(none)'}",
        columns,
        [_line(one) for one in report.figures],
    )
    notes = [Note("To be known", report.caveats, "warn")] if report.caveats else []
    return [Tabled(f"Compared by {report.by}", table), *notes]


def _line(one: Compared) -> Line:
    title, kind = _TITLES.get(one.name, (one.name.replace("_", " "), "usd"))
    show = KINDS[kind]

    def shown(told: Estimate) -> str:
        return figures.NOTHING if told.value is None else show(told.value)

    def ends(told: Estimate) -> str:
        if told.low is None or told.high is None:
            return figures.NOTHING
        return f"{_signed(told.low, show)} to {_signed(told.high, show)}"

    more = ""
    if one.more_runs_old is not None and one.more_runs_new is not None:
        more = f"{one.more_runs_old:,} and {one.more_runs_new:,}"
    difference = one.difference.value
    told = figures.NOTHING if difference is None else _signed(difference, show)
    return Line(
        title, shown(one.old), shown(one.new), told, ends(one.difference), one.verdict, more
    )


def _signed(value: Decimal, show: Show) -> str:
    """With its sign, also where the unit knows none below 0."""
    return f"{figures.MINUS if value < 0 else '+'}{show(abs(value))}" if value else show(value)
