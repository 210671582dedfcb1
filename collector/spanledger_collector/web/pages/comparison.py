"""Two groups of an agent's runs, figure by figure, with a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spanledger_collector.query import Compared, ComparisonReport
from spanledger_collector.query.titles import TITLES, in_full, worth_showing
from spanledger_collector.web import figures
from spanledger_collector.web.parts import Note, Part, Tabled
from spanledger_collector.web.table import Column, Table

from .columns import is_untold_estimate


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of both groups, in its own unit."""

    title: str
    unit: str
    told: Compared


def parts(report: ComparisonReport, runs: str) -> Sequence[Part]:
    """The table, and what else is to be known; its figures lead to ``runs``."""

    def unit(line: Line) -> str:
        return line.unit

    columns = [
        Column("Figure", "title"),
        Column(report.old or "(none)", "told.old.value", "", unit=unit,
               blank=lambda line: is_untold_estimate(line.told.old)),
        Column(report.new or "(none)", "told.new.value", "", unit=unit,
               blank=lambda line: is_untold_estimate(line.told.new)),
        Column("Difference", "told.difference.value", "signed ", unit=unit,
               blank=lambda line: is_untold_estimate(line.told.old)
               or is_untold_estimate(line.told.new)),
        Column("95% interval", "told.difference", "interval signed ",
               "Of such intervals 95% hold the truth.", unit=unit),
        Column("Verdict", "told.verdict", is_prose=True),
        Column("More runs of the old", "told.more_runs_old", "count",
               "Further runs with which the difference seen would be shown."),
        Column("And of the new", "told.more_runs_new", "count"),
    ]  # fmt: skip
    table = Table(
        "compared",
        f"{figures.counted(report.runs_old, 'run')} of {figures.printable(report.old) or '(none)'} "
        f"beside {report.runs_new:,} of {figures.printable(report.new) or '(none)'}",
        columns,
        _lines(report),
        link=lambda _: runs,
    )
    question = report.figures[0]
    without = question.difference.reason
    answer = [Note(question.verdict.capitalize(), [without], "warn")] if without else []
    notes = [Note("To be known", report.caveats, "warn")] if report.caveats else []
    return [*answer, Tabled(f"Compared by {report.by}", table), *notes]


def _lines(report: ComparisonReport) -> Sequence[Line]:
    told = {one.name: one for one in report.figures}
    shown = worth_showing(told, lambda name: (told[name].old, told[name].new))
    return [Line(in_full(name), TITLES[name][1], told[name]) for name in shown]
