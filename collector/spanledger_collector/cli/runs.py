"""``spanledger runs``: the newest runs."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import Group

from spanledger_collector.query import RunRow

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, connect, utc
from .output import (
    answer,
    cost,
    count,
    counted,
    coverage,
    margin,
    seconds,
    share,
    text,
    usd,
    usd_if_any,
)

_COLUMNS = (
    "=started (UTC)", "agent", "=trace", "status", ">cost", ">with sub-agents", ">value", ">margin",
    ">retries", ">latency",
)  # fmt: skip


def runs(
    url: Url = DEFAULT_ADDRESS,
    agent: Annotated[str, typer.Option("--agent", help="Only runs of this agent.")] = "",
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 20,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """The newest runs: cost, attempts, latency; where it is known, what each earned and left.

    Value and margin are with sub-agents and shares of assets: what calling the run left.

    Example: spanledger runs --agent researcher --limit 5
    """
    with connect(url, workspace) as ledger:
        rows = ledger.runs(utc(since), utc(until), agent_name=agent, limit=limit)
    answer(rows, _table, as_json=as_json)


def _table(rows: Sequence[RunRow]) -> Group:
    """The rows as people read them, and how far their costs can be trusted."""
    grid = Grid(
        "Runs",
        _COLUMNS,
        (
            (
                f"{row.started_at:%Y-%m-%d %H:%M}", text(row.agent_name or f"({row.kind})"),
                text(row.trace_id), text(row.status), run_cost(row), run_inclusive_cost(row),
                usd_if_any(row.inclusive_value_usd),
                margin(row.inclusive_margin_usd, unpriced=row.inclusive_unpriced_attempts),
                count(row.retries), seconds(row.duration_ns),
            )
            for row in rows
        ),
    )  # fmt: skip
    return Group(grid, _known(rows))


def _known(rows: Sequence[RunRow]) -> str:
    """How far the costs above can be trusted, as a whole."""
    attempts = sum(row.attempts for row in rows)
    known = attempts - sum(row.unpriced_attempts for row in rows)
    costs = sum((row.cost_usd or Decimal(0) for row in rows), Decimal(0))
    estimated = sum((row.estimated_cost_usd or Decimal(0) for row in rows), Decimal(0))
    return (
        f"[dim]{coverage(known, attempts)} of {counted(attempts, 'attempt')} have a known cost; "
        f"{share(estimated, costs)} of the cost rests on estimated usage[/]"
    )


def run_cost(row: RunRow) -> str:
    """The run's own cost."""
    return cost(row.cost_usd, attempts=row.attempts, unpriced=row.unpriced_attempts)


def run_inclusive_cost(row: RunRow) -> str:
    """With its sub-agents; a dash when that adds nothing to its own."""
    if row.inclusive_cost_usd == row.cost_usd:
        return "-"
    return ("≥" if row.inclusive_unpriced_attempts else "") + usd(row.inclusive_cost_usd)
