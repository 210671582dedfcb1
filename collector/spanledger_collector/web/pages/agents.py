"""Agents: unit economics of each agent and version, or of all agents by tenant or day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast, get_args

from spanledger_collector.query import AgentRow, Ledger, SumFigures
from spanledger_collector.query.breakdowns import SumsBy
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Choice, Page, Tabled
from spanledger_collector.web.table import Column, Table, estimate

from .columns import (
    NO_TENANT,
    OUTSIDE,
    VALUELESS,
    economics,
    is_cost_unknown,
    is_inclusive_lower_bound,
    is_inclusive_untold,
    is_lower_bound,
    is_rework_lower_bound,
    is_share_at_least,
    is_share_at_most,
    is_untold,
    is_untold_estimate,
    runs_of,
    runs_of_version,
)

_KINDS: Final = ("agent", *get_args(SumsBy))


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    by = asked.choice("by", _KINDS, "agent")
    of_all = by != "agent"
    table = _sums(ledger, asked, cast("SumsBy", by)) if of_all else _agents(ledger, asked)
    return Page(
        "Agents",
        [
            Choice("Divide by", [(one, asked.again(by=one), one == by) for one in _KINDS]),
            Tabled(f"All agents, by {by}" if of_all else "Agents", table),
        ],
        "What each agent costs and earns.",
        kept=("by",),
    )


def _agents(ledger: Ledger, asked: Asked) -> Table:
    return Table(
        "agents", "Agents by version, most expensive first",
        [
            Column("Agent", "agent_name", link=lambda row: _agent(asked, row), name=OUTSIDE),
            Column("Version", "agent_version", link=lambda row: _runs(asked, row)),
            Column("Runs", "runs", "count", link=lambda row: _runs(asked, row)),
            Column("Failed", "failed_runs", "count"),
            Column("Variable cost", "cost_usd", "usd", "Of the runs themselves, without "
                   "sub-agents: sums to the ledger.", at_least=is_lower_bound),
            Column("Rework", "rework_cost_usd", "usd", "Part of the variable cost.",
                   unknown=is_cost_unknown, at_least=is_rework_lower_bound),
            Column("Amortized", "amortized_cost_usd", "usd_if_told", "Shares of assets."),
            Column("Total cost", "total_cost_usd", "usd", "Variable and amortized cost.",
                   at_least=is_lower_bound),
            Column("Value", "value_usd", "usd", blank=is_untold),
            Column("Margin", "margin_usd", "usd",
                   f"Value less total cost, of the agent's own work. {VALUELESS}",
                   at_most=is_lower_bound, blank=is_untold),
            Column("Total with sub-agents", "inclusive_total_cost_usd", "usd",
                   "What calling this agent costs; not to be summed over agents.",
                   at_least=is_inclusive_lower_bound),
            Column("A success, with sub-agents", "inclusive_cost_per_success_usd", "usd",
                   "That of all runs / runs that succeeded.", at_least=is_inclusive_lower_bound,
                   blank=lambda row: not row.successful_runs),
            Column("95% interval", "inclusive_cost_per_success", "interval usd",
                   "Of a success; of the runs whose cost is known wholly."),
            Column("Margin with sub-agents", "inclusive_margin_usd", "usd",
                   "Value of its runs, and what was recorded below them, less the total with "
                   f"sub-agents; not to be summed over agents. {VALUELESS}",
                   at_most=is_inclusive_lower_bound, blank=is_inclusive_untold),
            *estimate("Margin a run, with sub-agents", "inclusive_margin_per_run", "usd",
                      f"Of the runs whose cost is known wholly. {VALUELESS}",
                      blank=lambda row: is_untold_estimate(row.inclusive_margin_per_run)),
            *_verdict("a run"),
            *_wasted("rework_multiplier"),
            Column("Retries", "retries", "count"),
            Column("Known", "known_cost_ratio", "ratio",
                   "Attempts whose cost is known / counted attempts."),
            Column("p50", "p50_duration_ns", "duration"),
            Column("p95", "p95_duration_ns", "duration"),
        ],
        ledger.agents_of(asked.part()), query="agents", link=lambda row: _runs(asked, row),
    )  # fmt: skip


def _verdict(margin: str) -> Sequence[Column]:
    """Whether it is worth it, and why."""
    return [
        Column("Sustainable", "verdict.sustainable", help="Whether runs earn what they cost: yes "
               f"or no where the interval of the margin {margin} leaves 0 out, by both ends of "
               "what is estimated."),
        Column("Why", "verdict.reason", brief="verdict.why", is_prose=True),
    ]  # fmt: skip


def _sums(ledger: Ledger, asked: Asked, by: SumsBy) -> Table:
    """What is drawn anew is a trace: something asked for, with all that it set off."""

    def runs(row: SumFigures) -> str:
        if by == "day":
            return asked.link("runs", **asked.of_day(row.key))
        return runs_of(asked, "tenant", row.key) if by == "tenant" else asked.link("runs")

    return Table(
        "sums", f"All agents by {by}; intervals by trace: something asked for, with all it set off",
        [
            *economics(
                Column(by.capitalize(), "key", link=runs, name=NO_TENANT), runs,
                of_success=[Column("95% interval", "cost_per_success", "interval usd",
                                   "Of the traces whose cost is known wholly.")],
            ),
            Column("Traces", "traces", "count", link=runs),
            *estimate("Margin a trace", "margin_per_trace", "usd",
                      "Of the traces whose cost is known and whose value has rates.",
                      blank=lambda row: is_untold_estimate(row.margin_per_trace)),
            *_verdict("a trace"),
            *_wasted("multiplier"),
        ],
        ledger.sums_by(by, asked.part()), query="traces_by", link=runs,
    )  # fmt: skip


def _wasted(multiplier: str) -> Sequence[Column]:
    return [
        *estimate("Wasted of work", "rework_share", "ratio",
                  "Cost of rework / cost of work, as far as it is known.",
                  at_least=is_share_at_least, at_most=is_share_at_most),
        *estimate("Multiplier", multiplier, "factor",
                  "Paid for a dollar of work that was used.",
                  at_least=is_share_at_least, at_most=is_share_at_most),
    ]  # fmt: skip


def _agent(asked: Asked, row: AgentRow) -> str:
    if not row.agent_name:
        return ""
    return asked.link("agent", agent=row.agent_name)


def _runs(asked: Asked, row: AgentRow) -> str:
    return runs_of_version(asked, row.agent_name, row.agent_version)
