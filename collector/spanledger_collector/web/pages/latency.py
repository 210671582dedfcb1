"""Latency against cost: is what is dearer also faster?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from spanledger_collector.query import EconomicsRow, Ledger, RunRow
from spanledger_collector.web import figures
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.charts.scatter import Measured, scatter
from spanledger_collector.web.parts import Drawing, Note, Page, Part, Tabled
from spanledger_collector.web.table import Column, Table, estimate

from .columns import (
    OUTSIDE,
    economics,
    is_inclusive_lower_bound,
    is_untold_estimate,
    runs_of,
    runs_of_version,
)
from .runs import columns as run_columns
from .runs import is_unjudged

_POINTS: Final = 500
#: Tones of points, and what each says in words.
_OUTCOMES: Final = {
    "ok": "succeeded",
    "bad": "failed",
    "unjudged": "nobody said whether it succeeded",
}


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    part = asked.part()
    found = ledger.runs_of(part, limit=_POINTS + 1)
    runs = found[:_POINTS]
    drawn = scatter(
        f"The newest {_POINTS} runs: latency across, inclusive total cost up, both logarithmic",
        "Each point is a run with its sub-agents. The last table has the same runs.",
        [_point(asked, run) for run in runs if run.inclusive_total_cost_usd is not None],
    )
    sums = (
        {"version": ledger.economics_by("version", part)}
        if part.agent_name
        else ledger.agents_and_versions(part)
    )

    def behind(row: EconomicsRow) -> str:
        return runs_of_version(asked, row.agent_name, row.agent_version)

    by_version = Table(
        "by-version", "Runs by version of agents",
        economics(Column("Agent and version", "key", name=OUTSIDE), behind, of_agents=True),
        sums["version"], query="economics_by", link=behind,
    )  # fmt: skip
    return Page(
        "Latency against cost",
        [
            Drawing("Runs", drawn),
            *_older(asked, found),
            *_undrawn(runs),
            *(_options(ledger, asked) if part.agent_name else _agents(asked, sums["agent"])),
            Tabled("By version", by_version),
            Tabled("The runs of the chart",
                   Table("runs", "Newest runs", _drawn(asked), runs, query="runs")),
        ],
        "What runs took, beside what they cost.",
    )  # fmt: skip


def _older(asked: Asked, found: Sequence[RunRow]) -> Sequence[Part]:
    """That there are more runs than points, and where they all are."""
    if len(found) <= _POINTS:
        return []
    told = f"The newest {_POINTS:,} runs are drawn, and listed below with their CSV."
    return [Note("", [told], links=[("All runs of the period", asked.link("runs"))])]


def _undrawn(runs: Sequence[RunRow]) -> Sequence[Part]:
    """How many runs have no point, and why."""
    costs = [(run, run.inclusive_total_cost_usd) for run in runs]
    unknown = [run for run, cost in costs if cost is None]
    free = [run for run, cost in costs if cost is not None and cost <= 0]
    instant = [run for run, cost in costs if cost is not None and cost > 0 and run.duration_ns <= 0]
    if not (left := [*unknown, *free, *instant]):
        return []
    reasons = {
        "of unknown cost": unknown, "that cost nothing or less": free, "that took no time": instant,
    }  # fmt: skip
    are = "is" if len(left) == 1 else "are"
    why = ", ".join(f"{len(those):,} {what}" for what, those in reasons.items() if those)
    told = (
        f"{len(left):,} of {figures.counted(len(runs), 'run')} {are} in no chart, whose "
        f"scales begin above 0: {why}. The table below has them."
    )
    return [Note("", [told])]


def _drawn(asked: Asked) -> Sequence[Column]:
    """What a run is, and what the chart shows of it."""
    named = {column.field: column for column in run_columns(asked)}
    shown = (
        "started_at",
        "agent_name",
        "agent_version",
        "succeeded",
        "duration_ns",
        "inclusive_total_cost_usd",
        "total_cost_usd",
        "value_usd",
        "inclusive_margin_usd",
    )
    return [named[field] for field in shown]


def _agents(asked: Asked, rows: Sequence[EconomicsRow]) -> Sequence[Part]:
    """Agents, of which one is to be chosen: of all the ways to serve them would be a long read."""
    by_agent = Table(
        "by-agent", "Runs by agent: choose one to see the ways to serve it",
        economics(Column("Agent", "key", name=OUTSIDE, link=lambda row: asked.link(
            "latency", agent=row.key) if row.key else ""), of_agents=True),
        rows, query="economics_by", link=lambda row: runs_of(asked, "agent", row.key),
    )  # fmt: skip
    return [Tabled("By agent", by_agent)]


def _options(ledger: Ledger, asked: Asked) -> Sequence[Part]:
    """The ways to serve an agent, which are read of all its runs."""
    part = asked.part()
    whole = ", of all its versions and tenants" if part.agent_version or part.tenant else ""
    table = Table(
        "frontier",
        f"Ways to serve an agent{whole}: the model most of a run's money goes to, and GPUs",
        [
            Column("Model", "model", name="(no model)"),
            Column("GPUs", "gpu_count", "count", "In parallel, where spans tell them.",
                   blank=lambda row: not row.gpu_count),
            Column("Runs", "runs", "count"),
            Column("Left out", "left_out_runs", "count", "Runs whose cost, with sub-agents, is not "
                   "wholly known: in no cost, which may be too low."),
            *estimate("p50", "p50_latency", "duration"),
            Column("p95", "p95_latency.value", "duration"),
            Column("A run", "cost_per_run_usd", "usd", "Total cost of the runs themselves / runs."),
            *estimate("A success, with sub-agents", "inclusive_cost_per_success", "usd",
                      "Inclusive total cost of runs / successes."),
            Column("A run, with sub-agents", "inclusive_cost_per_run_usd", "usd"),
            *estimate("Margin a run, with sub-agents", "inclusive_margin_per_run", "usd",
                      blank=lambda row: is_untold_estimate(row.inclusive_margin_per_run)),
            Column("Efficient", "is_efficient", "yes",
                   "No other option of the agent is as fast and cheaper, or as cheap and faster, "
                   "with sub-agents; unknown where costs are, or estimates could turn it, or no "
                   "run succeeded."),
            Column("Why unknown", "why", is_prose=True),
            Column("A second less", "usd_per_second.value", "usd_if_told",
                   "What it costs a success, against the next slower efficient option."),
            Column("95% interval", "usd_per_second", "interval usd",
                   "By both ends of what is estimated, at worst."),
        ],
        ledger.frontier(part.agent_name, part.since, part.until), query="frontier",
        link=lambda _: asked.link("runs", version="", tenant=""),
    )  # fmt: skip
    return [Tabled("Which options are worth a look", table)]


def _point(asked: Asked, run: RunRow) -> Measured:
    name = figures.named(run.agent_name) or "(no agent)"
    cost = run.inclusive_total_cost_usd
    told = figures.usd(cost, at_least=is_inclusive_lower_bound(run))
    tone = "unjudged" if is_unjudged(run) else "ok" if run.succeeded else "bad"
    title = f"{name}: {figures.duration(run.duration_ns)}, {told}, {_OUTCOMES[tone]}"
    link = asked.link("trace", id=run.trace_id)
    return Measured(run.duration_ns, float(cost or 0), title, link, tone)
