"""One agent, whole: where its cost goes, figures with intervals, its versions held together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast, get_args

from spanledger_collector.errors import NotFoundError, PermanentError
from spanledger_collector.query import AgentEconomics, AgentReport, AgentSums, GroupBy, Ledger
from spanledger_collector.query.sustainability import gaps
from spanledger_collector.query.titles import in_full, worth_showing
from spanledger_collector.web import figures
from spanledger_collector.web.asked import KEPT, Asked
from spanledger_collector.web.charts.waterfall import COSTS, MARGIN, REWORK, has_none, waterfall
from spanledger_collector.web.parts import (
    Choice,
    Drawing,
    Figure,
    Figures,
    Note,
    Page,
    Part,
    Pick,
    Tabled,
)  # fmt: skip
from spanledger_collector.web.table import Column, Table, estimate

from .break_even import break_even
from .columns import (
    is_cost_unknown,
    is_inclusive_lower_bound,
    is_inclusive_untold,
    is_lower_bound,
    is_rework_lower_bound,
    is_untold,
    is_untold_estimate,
)
from .comparison import parts as comparison_parts

_MONEY: Final = (
    "total_cost_per_run",
    "inclusive_total_cost_per_run",
    "cost_per_success",
    "inclusive_cost_per_success",
    "value_per_run",
    "inclusive_value_per_run",
    "margin_per_run",
    "inclusive_margin_per_run",
)


#: How a verdict looks; what the data do not tell is neither.
_MARKS: Final = {"at least": figures.AT_LEAST, "at most": figures.AT_MOST, "": ""}
_TONES: Final = {"yes": "good", "no": "bad"}


@dataclass(frozen=True, slots=True)
class OwnAndInclusive:
    """A sum of the agent's own work, and with all that it hands on; USD."""

    title: str
    own: Decimal | None
    inclusive: Decimal | None


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    name = asked.text("agent")
    if not name:
        raise PermanentError("this page is about one agent: choose one on the page Agents")
    by = asked.choice("by", get_args(GroupBy), "version")
    ledger = ledger.remembering()  # what is compared is what the report divides by
    try:
        report = ledger.agent(
            name, *asked.period(), by=cast("GroupBy", by), agent_version=asked.text("version"),
            tenant=asked.text("tenant"),
        )  # fmt: skip
    except NotFoundError as error:  # no fault of the reader's: another period may have some
        return _page(
            name, [Note("No runs in this period", [str(error), "Choose another period above."])]
        )
    sums = report.total.sums
    parts: list[Part] = [
        _figures(report, asked),
        *_left_out(report),
        Drawing("Where the cost goes and what is left", waterfall(sums)),
        Tabled("The same in figures", _steps(sums, asked)),
        *_with_sub_agents(sums, asked),
        Choice("Divide by", [(one, asked.again(by=one, old="", new=""), one == by)
                             for one in get_args(GroupBy)]),
        Tabled(f"By {by}", _groups(report, asked)),
        *_compared(ledger, asked, report),
        *_break_evens(report, asked),
    ]  # fmt: skip
    return _page(name, parts)


def _page(name: str, parts: Sequence[Part]) -> Page:
    return Page(
        "Agent", parts, "One agent over the period: sums, and figures with their intervals.",
        name=name, at="agents", kept=("old", "new"),
    )  # fmt: skip


def _figures(report: AgentReport, asked: Asked) -> Figures:
    total = report.total
    runs = asked.link("runs", agent=report.agent_name)
    verdict = total.verdict
    shown = [
        Figure("Sustainable", verdict.sustainable, verdict.sustainable, verdict.reason,
               tone=_TONES.get(verdict.sustainable, "")),
        Figure("Runs", figures.count(total.sums.runs), str(total.sums.runs),
               f"{total.sums.successful_runs:,} succeeded", runs),
        Figure("Success rate", figures.ratio(total.success_rate.value),
               figures.exact(total.success_rate.value), _between(total.success_rate, figures.ratio),
               runs),
    ]  # fmt: skip
    for field in worth_showing(_MONEY, lambda name: getattr(total, name)):
        told = getattr(total, field)
        text = figures.NOTHING if is_untold_estimate(told) else figures.usd(told.value)
        shown.append(
            Figure(in_full(field), text, figures.exact(told.value), _between(told, figures.usd),
                   runs)
        )  # fmt: skip
    mark = "" if total.rework_share.value is None else _MARKS[total.sums.waste.bound]
    shown.append(
        Figure("Wasted of the work", f"{mark}{figures.ratio(total.rework_share.value)}",
               figures.exact(total.rework_share.value), _between(total.rework_share, figures.ratio),
               asked.link("rework"))
    )  # fmt: skip
    shown.append(
        Figure("Median latency", figures.duration(total.p50_latency.value),
               figures.exact(total.p50_latency.value),
               _between(total.p50_latency, figures.duration), asked.link("latency"))
    )  # fmt: skip
    return Figures(shown)


def _between(told: Any, show: Any) -> str:
    return figures.between(told.low, told.high, show) or told.reason or "no interval"


def _left_out(report: AgentReport) -> Sequence[Part]:
    sums, elsewhere = report.total.sums, report.elsewhere
    told: list[str] = []
    if sums.inclusive_uncosted_runs:
        told.append(
            f"The cost of {sums.inclusive_uncosted_runs:,} of {sums.runs:,} runs is not wholly "
            "known: they are in the sums as far as it is, and in no mean or interval of money."
        )
    if sums.inclusive_unconverted_records:
        unknown = gaps(sums.runs, 0, sums.inclusive_unconverted_records)
        told.append(f"Value and margin are not known: {unknown}.")
    if elsewhere.runs:
        spent = figures.usd(elsewhere.cost_usd)
        told.append(
            f"It called {elsewhere.runs:,} runs in other traces ({spent}): in none of its figures "
            "with sub-agents."
        )
    return [Note("", told, "warn")] if told else []


#: Where amounts are explained: what runs have sums to them there; others by what runs called.
_EXPLAINED: Final = {
    REWORK: "rework",
    **dict.fromkeys((*COSTS, "Amortized cost", "Value", MARGIN), "runs"),
}


def _steps(sums: AgentSums, asked: Asked) -> Table:
    return Table(
        "steps", "Cost, value and margin of all its runs",
        [
            Column("Part", "title"),
            Column("USD", "amount", "usd", blank=lambda step: step.is_untold,
                   at_least=lambda step: step.bound == figures.AT_LEAST,
                   at_most=lambda step: step.bound == figures.AT_MOST,
                   link=lambda step: asked.link(_EXPLAINED.get(step.title, "flame"))),
        ],
        waterfall(sums).steps, query="agent_statistics",
    )  # fmt: skip


def _with_sub_agents(sums: AgentSums, asked: Asked) -> Sequence[Part]:
    """The same with all that the runs hand on, where they hand anything on."""
    rows = [
        ("Variable cost", sums.cost_usd, sums.inclusive_cost_usd),
        (
            REWORK,
            None if is_cost_unknown(sums) else sums.rework_cost_usd,
            None if sums.inclusive_cost_usd is None else sums.inclusive_rework_cost_usd,
        ),
        ("Amortized cost", sums.amortized_cost_usd, sums.inclusive_amortized_cost_usd),
        ("Total cost", sums.total_cost_usd, sums.inclusive_total_cost_usd),
        ("Value", sums.value_usd, sums.inclusive_value_usd),
        ("Margin", sums.margin_usd, sums.inclusive_margin_usd),
    ]
    if all(own == inclusive for _, own, inclusive in rows):
        return []
    untold, untold_below = is_untold(sums), is_inclusive_untold(sums)
    below = is_inclusive_lower_bound(sums)
    table = Table(
        "with-sub-agents", "Its own work, and with the runs of its sub-agents",
        [
            Column("Part", "title"),
            Column("Own", "own", "usd",
                   blank=lambda row: has_none(row.title, row.own, is_untold=untold),
                   at_least=lambda row: (is_lower_bound(sums) and row.title in COSTS)
                   or (is_rework_lower_bound(sums) and row.title == REWORK),
                   at_most=lambda row: is_lower_bound(sums) and row.title == MARGIN),
            Column("With sub-agents", "inclusive", "usd",
                   "What calling the agent costs and brings; not to be summed over agents.",
                   blank=lambda row: has_none(row.title, row.inclusive, is_untold=untold_below),
                   at_least=lambda row: (below and row.title in COSTS)
                   or (bool(sums.inclusive_unknown_rework_attempts) and row.title == REWORK),
                   at_most=lambda row: below and row.title == MARGIN),
        ],
        [OwnAndInclusive(*row) for row in rows], query="agent_statistics",
        link=lambda _: asked.link("runs"),
    )  # fmt: skip
    return [Tabled("With sub-agents", table)]


def _groups(report: AgentReport, asked: Asked) -> Table:
    def runs(group: AgentEconomics) -> str:
        return asked.link("runs", by=report.by, key=group.key)

    columns = [
        Column(report.by.capitalize(), "key", name="(none)", link=runs),
        Column("Runs", "sums.runs", "count"),
        *estimate("Success", "success_rate", "ratio"),
        *estimate("A run", "inclusive_total_cost_per_run", "usd",
                  "Total cost of a run, with sub-agents."),
        *estimate("A success", "inclusive_cost_per_success", "usd",
                  "Total cost of all runs, with sub-agents / successes.",
                  blank=lambda group: not group.sums.successful_runs),
        *estimate("Margin a run", "inclusive_margin_per_run", "usd",
                  "Value less total cost, with sub-agents.",
                  blank=lambda group: is_untold_estimate(group.inclusive_margin_per_run)),
        *estimate("p50", "p50_latency", "duration"),
        Column("Sustainable", "verdict.sustainable",
               help="yes or no where the interval of the margin a run leaves 0 out, by both "
                    "ends of what is estimated."),
        Column("Why", "verdict.why", is_prose=True),
    ]  # fmt: skip
    return Table(
        "groups", f"Its runs by {report.by}", columns, report.groups,
        link=runs,
    )  # fmt: skip


def _compared(ledger: Ledger, asked: Asked, report: AgentReport) -> Sequence[Part]:
    keys = [group.key for group in report.groups]
    if len(keys) < 2:  # noqa: PLR2004 - one is compared with nothing
        return []
    starts: Mapping[str, datetime] = {}
    if report.by == "version":
        starts = ledger.version_starts(report.agent_name)
    newest = sorted(
        report.groups,
        key=lambda group: (starts.get(group.key, group.sums.first_started_at), group.key),
    )
    latest = [group.key for group in newest]
    wanted = [asked.text("old", latest[-2]), asked.text("new", latest[-1])]
    notes = [
        Note("", [f"{report.by} {key or '(none)'} has no runs in this period."], "warn")
        for key in wanted
        if key not in keys
    ]
    old, new = wanted if not notes else latest[-2:]
    if old == new:
        notes.append(Note("", [f"Choose two that are not the same {report.by}."], "warn"))
    kept = [(key, asked.text(key)) for key in (*KEPT, "by")]
    pick = Pick(
        f"Compare two by {report.by}", "agent", keys, old, new, [(k, v) for k, v in kept if v]
    )
    if old == new:
        return [pick, *notes]
    told = ledger.compare(
        report.agent_name, old, new, *asked.period(), by=cast("GroupBy", report.by),
        agent_version=asked.text("version"), tenant=asked.text("tenant"),
    )  # fmt: skip
    return [pick, *notes, *comparison_parts(told, asked.link("runs"))]


def _break_evens(report: AgentReport, asked: Asked) -> Sequence[Part]:
    if not report.break_evens:
        return []
    caption = (
        "Assets that serve this agent, and the runs of all times and tenants since they were "
        "booked that earn them back"
    )
    table = break_even(asked, caption, report.break_evens, of_one_agent=True)
    return [Tabled("Break-even", table)]
