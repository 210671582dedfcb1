"""Runs: the newest first, a page of them at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, cast, get_args

from spanledger_collector.query import Ledger, RunRow, Slice
from spanledger_collector.query.breakdowns import RunsOf
from spanledger_collector.web import figures
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Note, Page, Part, Tabled
from spanledger_collector.web.table import Column, Table

from .columns import (
    NO_TENANT,
    is_cost_unknown,
    is_inclusive_lower_bound,
    is_lower_bound,
    is_rework_lower_bound,
)
from .paging import AT_ONCE, paging

SHOWN: Final = 100
_IN_SUMS: Final = "In sums a run without a value counts with its cost."
#: Words of the URL: runs of one group, or that an asset counts.
_GROUP: Final = ("by", "key", "entered_since")
_MAIN_MODEL: Final = ": the model that most of the money of a run went to"


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    by = cast("RunsOf", asked.choice("by", get_args(RunsOf), "total"))
    key = asked.text("key")
    entered = asked.moment("entered_since")

    def read(part: Slice, limit: int, offset: int) -> Sequence[RunRow]:
        return ledger.runs_of(
            part, by=by, key=key, entered_since=entered, limit=limit, offset=offset
        )

    def further(offset: int) -> Sequence[RunRow]:
        return read(asked.frozen(), AT_ONCE, offset)

    found = read(asked.part(), SHOWN + 1, asked.offset())

    table = Table(
        "runs", "Runs, newest first", columns(asked), found[:SHOWN], query="runs",
        from_offset=further,
    )  # fmt: skip
    parts = [
        *_which(asked, by, key, entered),
        Tabled("Runs", table),
        *paging(asked, found, SHOWN, "runs", ("Newer", "Older")),
    ]
    return Page(
        "Runs", parts, "Each execution of an agent: what it cost, earned and took.", kept=_GROUP
    )


def _which(asked: Asked, by: str, key: str, entered: datetime | None) -> Iterator[Part]:
    """The group that they are, and the way to all."""
    told: list[str] = []
    if by != "total":
        told.append(f"{by}: {key or '(none)'}" + (_MAIN_MODEL if by == "model" else ""))
    if entered is not None:
        told.append(f"entered the books from {figures.moment(entered)} UTC on")
    if told:
        yield Note(
            "",
            [" \N{MIDDLE DOT} ".join(told)],
            links=[("All runs of the period", asked.link("runs"))],
        )


def is_untold(run: RunRow) -> bool:
    """Whether nobody said what it is worth; of a currency without a rate it is unknown."""
    return run.value_usd is None and not run.unconverted_records


def is_inclusive_untold(run: RunRow) -> bool:
    """The same of the value with sub-agents."""
    return run.inclusive_value_usd is None and is_untold(run)


def is_unjudged(run: RunRow) -> bool:
    """Whether it ran outside any agent, and nobody said that it succeeded or did not."""
    return run.succeeded and not run.agent_name and not run.outcome


def columns(asked: Asked) -> Sequence[Column]:
    """Of rows of ``run_economics``."""

    def explained(row: RunRow) -> str:
        return asked.link("run", trace=row.trace_id, id=row.run_id)

    return [
        Column("Started (UTC)", "started_at", "moment", link=lambda row: _trace(asked, row)),
        Column("Agent", "agent_name", link=lambda row: _agent(asked, row), name="(no agent)"),
        Column("Version", "agent_version"),
        Column("Succeeded", "succeeded", "yes", "As recorded; where no outcome was recorded, that "
               "no error ended it and nobody judged it wrong as a whole.",
               unknown=is_unjudged, blank=is_unjudged),
        Column("Latency", "duration_ns", "duration", link=lambda row: _trace(asked, row)),
        Column("Total cost", "total_cost_usd", "usd", "Variable cost and its share of assets.",
               at_least=is_lower_bound, link=explained),
        Column("Value", "value_usd", "usd", "As recorded, else by value rules.",
               link=explained, blank=is_untold),
        Column("Margin", "margin_usd", "usd", f"Value less total cost. {_IN_SUMS}",
               at_most=is_lower_bound, link=explained, blank=is_untold),
        Column("Variable cost", "cost_usd", "usd", "Of the run itself.", at_least=is_lower_bound,
               link=explained),
        Column("With sub-agents", "inclusive_total_cost_usd", "usd",
               "Total cost of the run and of all runs below it.",
               at_least=is_inclusive_lower_bound, link=explained),
        Column("Margin with sub-agents", "inclusive_margin_usd", "usd",
               f"Value of the run, and what was recorded below it, less that. {_IN_SUMS}",
               at_most=is_inclusive_lower_bound, link=explained, blank=is_inclusive_untold),
        Column("Rework", "rework_cost_usd", "usd", "Part of the variable cost.",
               link=explained, unknown=is_cost_unknown, at_least=is_rework_lower_bound),
        Column("Amortized", "amortized_cost_usd", "usd_if_told", "Its share of assets.",
               link=lambda row: asked.link("asset", trace=row.trace_id, run=row.run_id)),
        Column("Calls", "calls", "count", link=explained),
        Column("Retries", "retries", "count", link=explained),
        Column("Tenant", "tenant", name=NO_TENANT),
        Column("Status", "status"),
        Column("Error", "error_type"),
    ]  # fmt: skip


def _trace(asked: Asked, row: RunRow) -> str:
    return asked.link("trace", id=row.trace_id)


def _agent(asked: Asked, row: RunRow) -> str:
    return asked.link("agent", agent=row.agent_name, version="") if row.agent_name else ""
