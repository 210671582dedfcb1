"""``spanledger rework``: what was paid twice, and why."""

from collections.abc import Sequence
from typing import Annotated, cast, get_args

import typer
from rich.console import Console

from spanledger_collector.query import ReworkBy, ReworkRate, ReworkReasonRow, ReworkReport

from .figures import BOUNDS, factor, interval, part, percent, value
from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, check_by, connect, utc
from .output import NOTHING_FOUND, console, cost, count, print_json, text

_RATES = (
    "{by}", ">attempts", ">wasted", ">rate", ">95% interval", ">cost", ">wasted", ">of cost",
    ">95% interval", ">multiplier", ">95% interval",
)  # fmt: skip
_REASONS = ("{by}", "reason", ">attempts", ">input", ">output", ">cost", ">waited")


def rework(
    by: Annotated[
        str, typer.Option("--by", help=f"A row is: {', '.join(get_args(ReworkBy))}.")
    ] = "agent",
    agent: Annotated[str, typer.Option("--agent", help="Only work of this agent.")] = "",
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """What was paid twice: retries, answers made again, judged wrong or built on those; and why.

    Example: spanledger rework --by model --agent researcher
    """
    check_by(by, get_args(ReworkBy))
    with connect(url, workspace) as ledger:
        report = ledger.rework(utc(since), utc(until), by=cast("ReworkBy", by), agent_name=agent)
    if as_json:
        print_json(report)
        return
    show(report, console())


def show(report: ReworkReport, out: Console) -> None:
    """How much was wasted, and why."""
    if not report.rates:
        out.print(NOTHING_FOUND)
        return
    rates, reasons = ([name.format(by=report.by) for name in names] for names in (_RATES, _REASONS))
    out.print(Grid("How much of the work was wasted", rates, map(_rate, report.rates)))
    if report.reasons:
        out.print(Grid("\nWhy", reasons, map(_reason, report.reasons)))


def _rate(row: ReworkRate) -> Sequence[str]:
    unknown, wasted = row.unknown_cost_attempts, row.unknown_rework_attempts
    bound = BOUNDS[row.share_bound]
    multiplier = "-" if row.rework_multiplier is None else f"{bound}{row.rework_multiplier:.3f}"
    return (
        text(row.key), count(row.attempts), count(row.rework_attempts),
        value(row.rework_rate, percent), interval(row.rework_rate, percent),
        cost(row.cost_usd, attempts=row.attempts, unpriced=unknown),
        cost(row.rework_cost_usd, attempts=row.rework_attempts, unpriced=wasted),
        part(row.rework_cost_ratio, row.share_bound), interval(row.rework_share, percent),
        multiplier, interval(row.multiplier, factor),
    )  # fmt: skip


def _reason(row: ReworkReasonRow) -> Sequence[str]:
    waited = f"{row.wait_seconds:,.1f} s" if row.wait_seconds else "-"
    return (
        text(row.key), text(row.rework_reason), count(row.attempts), count(row.input_tokens),
        count(row.output_tokens),
        cost(row.cost_usd, attempts=row.attempts, unpriced=row.unknown_cost_attempts), waited,
    )  # fmt: skip
