"""Rework: what was paid for and not used: how much of the work, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast, get_args

from spanledger_collector.query import Ledger
from spanledger_collector.query.rework import ReworkBy, ReworkReport
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Choice, Note, Page, Tabled
from spanledger_collector.web.table import Column, Table, estimate

from .columns import is_lower_bound, is_share_at_least, is_share_at_most

_KINDS = get_args(ReworkBy)
_EMPTY = "(none)"
_WHAT = "Rework is a part of the variable cost and never added to it."
_WHEN = "An attempt is of the period that its call began in, a run of that of its own start."
_BY_TRACES = "Of such intervals 95% hold the truth; reckoned by traces."


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    by = asked.choice("by", _KINDS, "agent")
    part = asked.part()

    def wasted(row: Any) -> str:
        return _behind(asked, only="rework", reason=row.key)

    report = ledger.rework(
        part.since, part.until, by=cast("ReworkBy", by), agent_name=part.agent_name,
        agent_version=part.agent_version, tenant=part.tenant,
    )  # fmt: skip
    all_reasons = Table(
        "all-reasons", "Wasted attempts by reason",
        [
            Column("Reason", "key"),
            Column("Attempts", "attempts", "count", link=wasted),
            Column("Cost", "cost_usd", "usd", at_least=is_lower_bound, link=wasted),
            Column("Share", "cost_ratio", "ratio", "Of the cost of all rework.", link=wasted),
            Column("Unknown cost", "unpriced_attempts", "count",
                   "Attempts whose cost is not known: a timed-out one may have been billed.",
                   link=wasted),
            Column("Waited", "wait_seconds", "seconds", "Before trying again.", link=wasted),
        ],
        ledger.attempts_by("rework", part), empty="No rework in this period.", query="attempts_by",
    )  # fmt: skip
    return Page(
        "Rework",
        [
            Note("", [_WHAT, _WHEN]),
            Tabled("By reason", all_reasons),
            Choice("Divide by", [(one, asked.again(by=one), one == by) for one in _KINDS]),
            Tabled(f"How much of the work, by {by}", _rates(report, asked)),
            Tabled(f"Why, by {by}", _reasons(report, asked)),
        ],
        "What was paid for and not used: failed attempts, retries, answers made again or wrong.",
        kept=("by",),
    )


def _key(report: ReworkReport, asked: Asked | None = None) -> Column:
    def agent(row: Any) -> str:
        return asked.link("agent", agent=row.key) if asked is not None and row.key else ""

    link = agent if report.by == "agent" and asked is not None else None
    return Column(report.by.capitalize(), "key", link=link, name=_EMPTY)


def _behind(asked: Asked, **changed: str) -> str:
    """The attempts that a figure of this page sums."""
    return asked.link("attempts", **changed)


def _rates(report: ReworkReport, asked: Asked) -> Table:
    def behind(only: str) -> Callable[[Any], str]:
        return lambda row: _behind(asked, by=report.by, key=row.key, only=only)

    work, wasted = behind("work"), behind("work,rework")
    columns: Sequence[Column] = [
        _key(report, asked),
        Column("Attempts", "attempts", "count", "Of work: what judges or guards is none.",
               link=work),
        Column("Wasted", "rework_attempts", "count", link=wasted),
        *estimate("Rate", "rework_rate", "ratio", "Wasted attempts / attempts."),
        Column("Cost", "cost_usd", "usd", link=work,
               at_least=lambda row: bool(row.unknown_cost_attempts)),
        Column("Rework", "rework_cost_usd", "usd", "Cost of the wasted attempts.",
               at_least=lambda row: bool(row.unknown_rework_attempts), link=wasted,
               blank=lambda row: not row.rework_attempts),
        Column("Of the cost", "rework_cost_ratio", "ratio", "As far as costs are known.",
               at_least=is_share_at_least, at_most=is_share_at_most, link=wasted),
        Column("95% interval", "rework_share", "interval ratio", _BY_TRACES),
        Column("Multiplier", "rework_multiplier", "factor",
               "Paid for a dollar of work that was used; 1 = nothing was wasted.",
               at_least=is_share_at_least, at_most=is_share_at_most),
        Column("95% interval", "multiplier", "interval factor", _BY_TRACES),
    ]  # fmt: skip
    return Table(
        "rates", "Work and what of it was wasted, most wasted first", columns,
        report.rates, query="rework_rates", link=wasted,
    )  # fmt: skip


def _reasons(report: ReworkReport, asked: Asked) -> Table:
    def wasted(row: Any) -> str:
        return _behind(
            asked, by=report.by, key=row.key, only="rework", reason=row.rework_reason
        )  # fmt: skip

    columns = [
        _key(report),
        Column("Reason", "rework_reason"),
        Column("Attempts", "attempts", "count", link=wasted),
        Column("Cost", "cost_usd", "usd", link=wasted,
               at_least=lambda row: bool(row.unknown_cost_attempts)),
        Column("Unknown cost", "unknown_cost_attempts", "count", link=wasted),
        Column("Input tokens", "input_tokens", "count", link=wasted),
        Column("Output tokens", "output_tokens", "count", link=wasted),
        Column("Waited", "wait_seconds", "seconds", "Before trying again.", link=wasted),
    ]  # fmt: skip
    return Table(
        "reasons", "Wasted attempts, dearest first", columns, report.reasons,
        empty="No rework in this period.", query="rework_reasons",
    )  # fmt: skip
