"""``spanledger agents``: unit economics per agent."""

from collections.abc import Sequence
from decimal import Decimal

from spanledger_collector.query import AgentRow

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, connect, utc
from .output import (
    answer,
    cost,
    count,
    coverage,
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


def agents(
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """What each agent costs and earns: per run, per success, value, margin, rework.

    The cost is of the agent's own work and sums to the ledger; what is inclusive is the total cost
    with sub-agents, which are lines of their own too: not to be summed.

    Example: spanledger agents --since 2026-11-01
    """
    with connect(url, workspace) as ledger:
        rows = ledger.agents(utc(since), utc(until))
    answer(rows, agents_table, as_json=as_json)


def agents_table(rows: Sequence[AgentRow]) -> Grid:
    """The rows as people read them."""
    return Grid(
        "Agents",
        _COLUMNS,
        (
            (
                text(row.agent_name or "(outside any agent)"), text(row.agent_version),
                count(row.runs), count(row.failed_runs),
                cost(row.cost_usd, attempts=row.attempts, unpriced=row.unpriced_attempts),
                coverage(row.attempts - row.unpriced_attempts, row.attempts),
                share(row.estimated_cost_usd, row.cost_usd),
                usd_if_any(row.rework_cost_usd), count(row.retries),
                _inclusive(row, row.inclusive_cost_per_run_usd),
                _inclusive(row, row.inclusive_cost_per_success_usd)
                if row.successful_runs else "-",
                usd_if_any(row.inclusive_value_usd), usd_if_any(row.inclusive_margin_usd),
                seconds(row.p50_duration_ns), seconds(row.p95_duration_ns),
            )
            for row in rows
        ),
    )  # fmt: skip


def _inclusive(row: AgentRow, amount: Decimal | None) -> str:
    unpriced = row.inclusive_unpriced_attempts
    return cost(amount, attempts=row.attempts or unpriced or bool(amount), unpriced=unpriced)
