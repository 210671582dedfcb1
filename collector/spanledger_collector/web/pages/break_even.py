"""The table of break-even: of all assets, or of those that serve one agent."""

from __future__ import annotations

from collections.abc import Sequence

from spanledger_collector.query import BreakEven
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.table import Column, Table, estimate

from .columns import leaves_out

#: Names of agents are on the page of all assets alone.
_AGENT = Column("Agent", "agent_name", name="(all)")


def break_even(
    asked: Asked, caption: str, rows: Sequence[BreakEven], *, of_one_agent: bool = False
) -> Table:
    """The table; figures of runs lead to the runs that count, those of capital to the books."""

    def runs(row: BreakEven) -> str:
        scope = {"agent": row.agent_name, "version": row.agent_version, "tenant": ""}
        whole = {"range": "all", "since": "", "until": ""}
        entered = {"entered_since": row.booked_at.isoformat()} if row.is_planned else {}
        return asked.link("runs", **whole, **scope, **entered)

    def books(row: BreakEven) -> str:
        alone = len(row.asset_ids) == 1
        return asked.link("asset", id=row.asset_ids[0]) if alone else asked.link("assets")

    return Table(
        "break-even", caption,
        [
            *([] if of_one_agent else [_AGENT]),
            Column("Version", "agent_version", name="(all)"),
            Column("Capital", "capital_usd", "usd",
                   "What was paid, less what was written off or moved and what will be left.",
                   link=books),
            Column("Since (UTC)", "booked_at", "moment",
                   "When the first of the assets entered the books: runs from then on count."),
            Column("Runs so far", "runs", "count",
                   "Since then; what another of them called is part of that one."),
            Column("Left out", "left_out_runs", "count",
                   "Runs so far whose cost or value is not wholly known: with any, no number of "
                   "runs is told."),
            Column("Recovered", "recovered_usd", "usd",
                   "Value less variable cost of these runs, with sub-agents: these assets' part.",
                   at_most=leaves_out, blank=_serves_nobody),
            Column("To recover", "unrecovered_usd", "usd", "Capital less that.",
                   at_least=leaves_out, link=books, blank=_serves_nobody),
            *estimate("Contribution a run", "contribution_per_run", "usd",
                      "Value less variable cost, with sub-agents: these assets' part of it.",
                      blank=lambda row: not row.runs),
            *estimate("Break-even runs", "break_even_runs", "count"),
            *estimate("Runs to go", "runs_to_go", "count"),
            Column("Why not", "break_even_runs.reason", is_prose=True,
                   help="Why there is no such number, or no end of it."),
        ],
        rows, empty="No asset serves runs.", query="asset_contributions", link=runs,
    )  # fmt: skip


def _serves_nobody(row: BreakEven) -> bool:
    """Whether no plan says whose runs it serves: there is nothing that could be recovered."""
    return not row.is_planned
