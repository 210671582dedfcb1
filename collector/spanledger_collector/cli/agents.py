"""``spanledger agents``: unit economics per agent, or of all agents by tenant or day."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, cast, get_args

import typer
from rich.console import Group

from spanledger_collector.query import AgentFigures, AgentRow, Slice, SumFigures
from spanledger_collector.query.breakdowns import SumsBy

from .figures import factor, mean, money, part, percent, shown
from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, check_by, connect, utc
from .output import (
    answer,
    cost,
    count,
    coverage,
    margin,
    rework,
    seconds,
    share,
    text,
    usd_if_any,
)

_COLUMNS = (
    "agent", "version", ">runs", ">failed", ">cost", ">known", ">estimated", ">rework", ">retries",
    ">inclusive a run", ">inclusive a success", ">inclusive value", ">inclusive margin", ">p50",
    ">p95",
)  # fmt: skip
#: Beside each figure of a decision its interval; all of why, the verb ``agent`` says.
_VERDICTS = (
    "agent", "version", ">a success", ">95% interval", ">margin a run", ">95% interval",
    ">wasted", ">95% interval", ">multiplier", "sustainable",
)  # fmt: skip
#: Of all agents together; their sub-agents' runs are among the runs.
_SUMS = (
    "{by}", ">runs", ">success", ">cost", ">known", ">amortized", ">total cost", ">wasted of work",
    ">value", ">margin", ">a run", ">a success", ">p50", ">p95",
)  # fmt: skip


_OF_TRACES = " Of the traces whose cost is known wholly (wasted: as known of all)"
#: The same of all agents together, by trace.
_SUM_VERDICTS = (
    "{by}", ">traces", ">a success", ">95% interval", ">margin a trace", ">95% interval",
    ">wasted", ">95% interval", ">multiplier", "sustainable",
)  # fmt: skip


def agents(
    by: Annotated[
        str,
        typer.Option("--by", help="A row is: agent (and version), or total, day, tenant, of all."),
    ] = "agent",
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """What each agent costs and earns: per run, per success, value, margin, rework.

    The cost is of the agent's own work and sums to the ledger; what is inclusive is the total cost
    with sub-agents, which are lines of their own too: not to be summed.

    Whether an agent is sustainable is said of the margin a run with sub-agents: yes where its 95%
    interval is above 0 (by both ends of what is estimated), no where it is below; no value told
    where no run has a value; else the data are too few.

    By total, day or tenant the runs of all agents are summed, and the success rate and the cost per
    success are of what was asked for: runs of agents that no agent called. Intervals are by trace:
    something asked for, with all that it set off.

    Example: spanledger agents --since 2026-11-01 --by tenant
    """
    check_by(by, ["agent", *get_args(SumsBy)])
    with connect(url, workspace) as ledger:
        if by == "agent":
            answer(ledger.agents(utc(since), utc(until)), tables, as_json=as_json)
            return
        part = Slice(since=utc(since), until=utc(until))
        sums = ledger.sums_by(cast("SumsBy", by), part)
    answer(sums, lambda rows: _sums_tables(rows, by), as_json=as_json)


def _sums_tables(rows: Sequence[SumFigures], by: str) -> Group:
    columns, verdicts = ([name.format(by=by) for name in names] for names in (_SUMS, _SUM_VERDICTS))
    uncosted = any(row.unpriced_attempts for row in rows)
    worth = "\nIs it worth it?" + (_OF_TRACES if uncosted else "")
    return Group(
        Grid(f"All agents by {by}", columns, map(_sums, rows)),
        Grid(worth, verdicts, map(_sum_verdict, rows)),
        Grid("\nWhy", (by, "sustainable", "why"), map(_sum_why, rows)),
    )


def _sum_verdict(row: SumFigures) -> Sequence[str]:
    return (
        text(row.key), count(row.traces), *shown(row.cost_per_success, money),
        *shown(row.margin_per_trace, money),
        *shown(row.rework_share, percent, row.share_bound),
        shown(row.multiplier, factor, row.share_bound)[0], row.verdict.sustainable,
    )  # fmt: skip


def _sum_why(row: SumFigures) -> Sequence[str]:
    return text(row.key), row.verdict.sustainable, row.verdict.why


def _sums(row: SumFigures) -> Sequence[str]:
    def spent(amount: Decimal | None) -> str:
        attempts = row.attempts or bool(amount)
        return cost(amount, attempts=attempts, unpriced=row.unpriced_attempts)

    return (
        text(row.key), count(row.runs), _ratio(row.success_ratio), spent(row.cost_usd),
        coverage(row.attempts - row.unpriced_attempts, row.attempts),
        usd_if_any(row.amortized_cost_usd), spent(row.total_cost_usd),
        part(row.rework_cost_ratio, row.share_bound), usd_if_any(row.value_usd),
        margin(row.margin_usd, unpriced=row.unpriced_attempts),
        spent(mean(row.total_cost_per_run_usd)),
        spent(mean(row.total_cost_per_success_usd)) if row.successes else "-",
        seconds(row.p50_duration_ns), seconds(row.p95_duration_ns),
    )  # fmt: skip


def _ratio(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def agents_table(rows: Sequence[AgentRow]) -> Grid:
    """The rows as people read them."""
    return Grid(
        "Agents",
        _COLUMNS,
        (
            (
                *_name(row), count(row.runs), count(row.failed_runs),
                cost(row.cost_usd, attempts=row.attempts, unpriced=row.unpriced_attempts),
                coverage(row.attempts - row.unpriced_attempts, row.attempts),
                share(row.estimated_cost_usd, row.cost_usd),
                rework(row.rework_cost_usd, unknown=row.unknown_rework_attempts),
                count(row.retries),
                _inclusive(row, mean(row.inclusive_cost_per_run_usd)),
                _inclusive(row, mean(row.inclusive_cost_per_success_usd))
                if row.successful_runs else "-",
                usd_if_any(row.inclusive_value_usd),
                margin(row.inclusive_margin_usd, unpriced=row.inclusive_unpriced_attempts),
                seconds(row.p50_duration_ns), seconds(row.p95_duration_ns),
            )
            for row in rows
        ),
    )  # fmt: skip


def tables(rows: Sequence[AgentFigures]) -> Group:
    """The rows, the verdict on each, and why."""
    return Group(agents_table(rows), _verdicts_table(rows), _whys_table(rows))


def _verdicts_table(rows: Sequence[AgentFigures]) -> Grid:
    uncosted = any(row.inclusive_unpriced_attempts for row in rows)
    of = ", of the runs whose cost is known wholly (wasted: as known of all)" if uncosted else ""
    return Grid(f"\nIs it worth it? With sub-agents{of}", _VERDICTS, map(_verdict, rows))


def _whys_table(rows: Sequence[AgentFigures]) -> Grid:
    """In a table of its own: beside the figures it had three letters a line."""
    columns = "agent", "version", "sustainable", "why"
    return Grid("\nWhy", columns, map(_why, rows))


def _why(row: AgentFigures) -> Sequence[str]:
    return *_name(row), row.verdict.sustainable, row.verdict.why


def _name(row: AgentRow) -> tuple[str, str]:
    return text(row.agent_name or "(outside any agent)"), text(row.agent_version)


def _verdict(row: AgentFigures) -> Sequence[str]:
    return (
        *_name(row), *shown(row.inclusive_cost_per_success, money),
        *shown(row.inclusive_margin_per_run, money),
        *shown(row.rework_share, percent, row.share_bound),
        shown(row.rework_multiplier, factor, row.share_bound)[0],
        row.verdict.sustainable,
    )  # fmt: skip


def _inclusive(row: AgentRow, amount: Decimal | None) -> str:
    unpriced = row.inclusive_unpriced_attempts
    return cost(amount, attempts=row.attempts or unpriced or bool(amount), unpriced=unpriced)
