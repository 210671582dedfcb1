"""Rework: what was paid for and not used: why, and of which agents and models."""

from __future__ import annotations

from spanledger_collector.query import Ledger
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Note, Page, Tabled
from spanledger_collector.web.table import Column, Table

from .columns import OUTSIDE, economics, is_lower_bound, models


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    part = asked.part()
    reasons = Table(
        "reasons", "Wasted attempts by reason",
        [
            Column("Reason", "key"),
            Column("Attempts", "attempts", "count"),
            Column("Cost", "cost_usd", "usd", "NULL where none of it is known.",
                   at_least=is_lower_bound),
            Column("Share", "cost_ratio", "ratio", "Of the cost of all rework."),
            Column("Unknown cost", "unpriced_attempts", "count",
                   "Attempts whose cost is not known: a timed-out one may have been billed."),
            Column("Waited", "wait_seconds", "seconds", "Before trying again."),
        ],
        ledger.attempts_by("rework", part), empty="No rework in this period.", query="attempts_by",
    )  # fmt: skip
    by_agent = Table(
        "by-agent", "Runs by agent, with what of their cost was rework",
        economics(Column("Agent", "key", link=lambda row: asked.link("agent", agent=row.key)
                         if row.key else "", name=OUTSIDE)),
        ledger.economics_by("agent", part), query="economics_by",
    )  # fmt: skip
    by_model = Table(
        "by-model", "Attempts by model, with what of their cost was rework", models(),
        ledger.attempts_by("model", part), query="attempts_by",
    )  # fmt: skip
    return Page(
        "Rework",
        [
            Note("", ["Rework is a part of the variable cost and never added to it."]),
            Tabled("By reason", reasons),
            Tabled("By agent", by_agent),
            Tabled("By model", by_model),
        ],
        "What was paid for and not used: failed attempts, retries, answers made again or wrong.",
    )
