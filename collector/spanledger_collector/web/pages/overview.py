"""Overview: what everything cost and earned, by day, agent, model and tenant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from spanledger_collector.query import EconomicsRow, Ledger
from spanledger_collector.query.sustainability import gaps
from spanledger_collector.web import figures
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Figure, Figures, Note, Page, Part, Tabled
from spanledger_collector.web.table import Column, Table

from .columns import (
    NO_TENANT,
    OUTSIDE,
    economics,
    is_lower_bound,
    is_rework_lower_bound,
    is_untold,
    models,
    runs_of,
)

#: Agents, and tenants, that are shown: what stands below them must be found.
_SHOWN: Final = 50
_QUIET = Note(
    "No runs in this period",
    [
        "A run appears about three seconds after its last span arrives.",
        "Choose a longer period above, or start an application with spanledger.init().",
    ],
)


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    part = asked.part()
    runs = ledger.overview(part)
    total = runs["total"]
    of_agents = bool(part.agent_name or part.agent_version)
    quiet = [] if asked.is_backwards else [_QUIET]
    top: Sequence[Part] = [figures_of(total[0], asked), *_untold(total[0])] if total else quiet
    by_day = Table(
        "by-day", "Runs by day of their start (UTC)",
        economics(Column("Day", "key", link=lambda row: _day(asked, row)),
                  lambda row: _day(asked, row), of_agents=of_agents),
        runs["day"], query="economics_by", link=lambda row: _day(asked, row),
        plot=("Total cost", "Value", "Margin"),
    )  # fmt: skip
    by_agent = Table(
        "by-agent", "Runs by agent",
        economics(Column("Agent", "key", link=lambda row: _agent(asked, row), name=OUTSIDE),
                  lambda row: runs_of(asked, "agent", row.key), of_agents=True),
        runs["agent"][:_SHOWN], query="economics_by",
        link=lambda row: runs_of(asked, "agent", row.key),
        from_offset=lambda offset: runs["agent"][offset:],
    )  # fmt: skip
    by_model = Table(
        "by-model", "Counted attempts of model calls, by model",
        models(asked),
        ledger.attempts_by("model", part), query="attempts_by",
    )  # fmt: skip
    by_tenant = Table(
        "by-tenant", "Runs by tenant",
        economics(Column("Tenant", "key", link=lambda row: _tenant(asked, row), name=NO_TENANT),
                  lambda row: runs_of(asked, "tenant", row.key),
                  of_agents=of_agents),
        runs["tenant"][:_SHOWN], query="economics_by",
        link=lambda row: runs_of(asked, "tenant", row.key),
        from_offset=lambda offset: runs["tenant"][offset:],
    )  # fmt: skip
    return Page(
        "Overview",
        [
            *top,
            Tabled("By day", by_day),
            Tabled("By agent", by_agent),
            *_others("agents", len(runs["agent"]), asked.link("agents")),
            Tabled("By model", by_model),
            Tabled("By tenant", by_tenant),
            *_others("tenants", len(runs["tenant"]), asked.link("agents", by="tenant")),
        ],
        "What all runs cost, what they earned, and how much of it is known.",
    )


def _untold(row: EconomicsRow) -> Sequence[Part]:
    """Why there is no value, where some was told."""
    unknown = gaps(row.runs, 0, row.unconverted_records)
    return [Note("", [f"Value and margin are not known: {unknown}."], "warn")] if unknown else []


def _others(what: str, there: int, href: str) -> Sequence[Part]:
    """That there are more than are shown, and where they all are."""
    if there <= _SHOWN:
        return []
    told = f"The dearest {_SHOWN} of {there:,} {what}; the CSV has them all."
    return [Note("", [told], links=[(f"All {what}", href)])]


def figures_of(row: EconomicsRow, asked: Asked) -> Figures:
    """The figures of a sum of runs."""
    bound = is_lower_bound(row)

    def money(
        title: str, amount: Any, note: str, href: str, bound: str = "", *, is_none: bool = False
    ) -> Figure:
        text = figures.NOTHING if is_none and amount is None else figures.usd(amount)
        text = f"{bound} {text}" if bound and amount is not None else text
        return Figure(title, text, figures.exact(amount), note, href)

    least, most = (
        ("\N{GREATER-THAN OR EQUAL TO}", "\N{LESS-THAN OR EQUAL TO}") if bound else ("", "")
    )
    untold = is_untold(row)
    margin = money("Margin", row.margin_usd, _margin_note(row), asked.link("runs"), most,
                   is_none=untold)  # fmt: skip
    if row.margin_usd is not None:
        margin = replace(margin, tone="bad" if row.margin_usd < 0 else "good")
    # Where the cost of work is known and none of it is told as wasted, none was.
    wasted = None if row.work_cost_usd is None else row.rework_cost_usd or Decimal(0)
    some = is_rework_lower_bound(row)
    rework = (
        f"{figures.usd(wasted, at_least=some)} of "
        f"{figures.usd(row.work_cost_usd, at_least=is_lower_bound(row))} of work"
    )
    # Of waste of unknown cost alone no share is known.
    is_unknown = some and not row.rework_cost_usd
    share = None if is_unknown else row.rework_cost_ratio
    known = f"{figures.counted(row.attempts, 'attempt')}, {row.unpriced_attempts:,} of unknown cost"
    runs = f"{row.successes:,} succeeded, {row.failures:,} did not{_of_asked(row)}"
    return Figures(
        [
            money("Total cost", row.total_cost_usd, "variable and amortized",
                  asked.link("runs"), least),
            money("Value", row.value_usd, f"of {figures.counted(row.valued_runs, 'run')}",
                  asked.link("runs"), is_none=untold),
            margin,
            Figure("Runs", figures.count(row.runs), str(row.runs), runs, asked.link("runs")),
            money("Cost a success", row.inclusive_cost_per_success_usd, _successes(row),
                  _of_successes(asked), least, is_none=not row.successes),
            Figure("Rework", figures.UNKNOWN if is_unknown else figures.ratio(share),
                   figures.exact(share), rework, asked.link("rework")),
            money("Amortized", row.amortized_cost_usd, "shares of assets"
                  if row.amortized_cost_usd is not None else "no shares of assets",
                  asked.link("runs"), is_none=True),
            Figure("Cost known", figures.ratio(row.known_cost_ratio),
                   figures.exact(row.known_cost_ratio), known, asked.link("prices")),
        ]
    )  # fmt: skip


def _margin_note(row: EconomicsRow) -> str:
    """What it is, and why it is less than the margins of the runs that have one."""
    if row.margin_usd is None or row.valued_runs == row.runs:
        return "value less total cost"
    have = "has" if row.valued_runs == 1 else "have"
    told = f"{row.valued_runs:,} of {figures.counted(row.runs, 'run')} {have} a value"
    return f"value less total cost; {told}, the others only a cost"


def _successes(row: EconomicsRow) -> str:
    """What the cost of a success is divided by."""
    told = figures.counted(row.successes, "success", "successes")
    return f"total cost, with sub-agents / {told}{_of_asked(row)}"


def _of_asked(row: EconomicsRow) -> str:
    """Said where successes and failures are not those of all runs."""
    runs = (row.successful_runs, row.failed_runs)
    return "" if (row.successes, row.failures) == runs else " of agents that no agent called"


def _of_successes(asked: Asked) -> str:
    """The page that has the cost of a success of the same runs, with its interval."""
    return asked.link("agent") if asked.text("agent") else asked.link("agents", by="total")


def _day(asked: Asked, row: EconomicsRow) -> str:
    return asked.link("runs", **asked.of_day(row.key))


def _agent(asked: Asked, row: EconomicsRow) -> str:
    return asked.link("agent", agent=row.key) if row.key else ""


def _tenant(asked: Asked, row: EconomicsRow) -> str:
    return asked.link("overview", tenant=row.key) if row.key else ""
