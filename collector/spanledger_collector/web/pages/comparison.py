"""Two groups of an agent's runs, figure by figure, with a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from spanledger_collector.query import Compared, ComparisonReport
from spanledger_collector.web import figures
from spanledger_collector.web.parts import Note, Part, Tabled
from spanledger_collector.web.table import Column, Table

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
    """One figure of both groups, in its own unit."""

    title: str
    unit: str
    told: Compared


def parts(report: ComparisonReport) -> Sequence[Part]:
    """The table, and what else is to be known."""

    def unit(line: Line) -> str:
        return line.unit

    columns = [
        Column("Figure", "title"),
        Column(report.old or "(none)", "told.old.value", "", unit=unit),
        Column(report.new or "(none)", "told.new.value", "", unit=unit),
        Column("Difference", "told.difference.value", "signed ", unit=unit),
        Column("95% interval", "told.difference", "interval signed ",
               "Of such intervals 95% hold the truth.", unit=unit),
        Column("Verdict", "told.verdict"),
        Column("More runs of the old", "told.more_runs_old", "count",
               "Further runs with which the difference seen would be shown."),
        Column("And of the new", "told.more_runs_new", "count"),
    ]  # fmt: skip
    table = Table(
        "compared",
        f"{figures.counted(report.runs_old, 'run')} of {figures.printable(report.old) or '(none)'} "
        f"beside {report.runs_new:,} of {figures.printable(report.new) or '(none)'}",
        columns,
        [Line(*_named(one.name), one) for one in report.figures],
    )
    notes = [Note("To be known", report.caveats, "warn")] if report.caveats else []
    return [Tabled(f"Compared by {report.by}", table), *notes]


def _named(name: str) -> tuple[str, str]:
    return _TITLES.get(name, (name.replace("_", " "), "usd"))
