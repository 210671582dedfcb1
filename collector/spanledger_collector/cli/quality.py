"""``spanledger quality``: what preventing, judging and repeating bad work took."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, cast, get_args

import typer

from spanledger_collector.query import QualityBy, QualityCost

from .figures import BOUNDS, interval, percent
from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, check_by, connect, utc
from .output import answer, cost, text, usd

_COLUMNS = (
    ">cost", ">prevention", ">appraisal", ">failure", ">used", ">amortized appraisal", ">quality",
    ">of all", ">95% interval",
)  # fmt: skip


def quality(
    by: Annotated[
        str, typer.Option("--by", help=f"A row is: {', '.join(get_args(QualityBy))}.")
    ] = "agent",
    agent: Annotated[str, typer.Option("--agent", help="Only what this agent did.")] = "",
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """Cost of quality: guarding against bad answers, judging them, and work that was wasted.

    Whole days (UTC). What of the cost is not known is in none of its parts: amounts are then told
    as lower bounds, and the share is of what is known.

    Example: spanledger quality --by version --agent researcher
    """
    check_by(by, get_args(QualityBy))
    with connect(url, workspace) as ledger:
        rows = ledger.quality(utc(since), utc(until), by=cast("QualityBy", by), agent_name=agent)

    answer(rows, lambda found: table(found, by), as_json=as_json)


def table(rows: Sequence[QualityCost], by: str) -> Grid:
    """The rows as people read them."""
    return Grid("Cost of quality", (by, *_COLUMNS), map(_cells, rows))


def _cells(row: QualityCost) -> Sequence[str]:
    def spent(amount: Decimal | None) -> str:
        return cost(amount, attempts=1, unpriced=row.unknown_cost_attempts)

    ratio = row.quality_cost_ratio
    return (
        text(row.key), spent(row.cost_usd), spent(row.prevention_cost_usd),
        spent(row.appraisal_cost_usd), spent(row.failure_cost_usd), spent(row.good_cost_usd),
        usd(row.amortized_appraisal_usd), spent(row.quality_cost_usd),
        "-" if ratio is None else f"{BOUNDS[row.share_bound]}{ratio:.1%}",
        interval(row.quality_share, percent),
    )  # fmt: skip
