"""``spanledger agent``: one agent, whole."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, cast, get_args

import typer
from rich.console import Console

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.query import AgentEconomics, AgentReport, AgentSums, GroupBy

from .break_even import break_even_table, payback_table
from .figures import Show, figures_table, interval, latency, money, percent, value
from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, connect, utc
from .output import console, cost, count, counted, coverage, print_json, share, text, usd

_SHOWN: Sequence[tuple[str, str, Show]] = (
    ("variable cost a run", "cost_per_run", money),
    ("with sub-agents", "inclusive_cost_per_run", money),
    ("total cost a run", "total_cost_per_run", money),
    ("total cost a success", "cost_per_success", money),
    ("value a run", "value_per_run", money),
    ("margin a run", "margin_per_run", money),
    ("success rate", "success_rate", percent),
    ("wasted of variable cost", "rework_share", percent),
    ("mean latency", "mean_latency", latency),
    ("median latency", "p50_latency", latency),
    ("95th percentile", "p95_latency", latency),
)


def agent(
    name: Annotated[str, typer.Argument(help="The agent.")],
    by: Annotated[
        str, typer.Option("--by", help="Its groups: version, tenant or model.")
    ] = "version",
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """One agent, whole: where its cost goes, what it earns, per run and how sure that is.

    Example: spanledger agent researcher --by tenant --since 2026-11-01
    """
    if by not in get_args(GroupBy):
        raise ConfigurationError(f"--by {by!r} is none of {', '.join(get_args(GroupBy))}")
    with connect(url, workspace) as ledger:
        report = ledger.agent(name, utc(since), utc(until), by=cast("GroupBy", by))
    if as_json:
        print_json(report)
        return
    show(report, console())


def show(report: AgentReport, out: Console) -> None:
    """The report as people read it."""
    sums = report.total.sums
    out.print(
        f"[bold]{text(report.agent_name)}[/]  {counted(sums.runs, 'run')}, "
        f"{sums.successful_runs:,} successful, {sums.valued_runs:,} with a value, "
        f"cost known of {coverage(sums.attempts - sums.unpriced_attempts, sums.attempts)}"
    )
    left_out = sums.runs - sums.costed_runs
    if left_out:
        out.print(
            f"[yellow]{counted(left_out, 'run')} with a cost not wholly known: in the sums as far "
            "as known, in no mean or interval of money[/]"
        )
    out.print(Grid("\nWhere it goes", ("", ">USD", ">of total cost"), _waterfall(sums)))
    lines = [(title, getattr(report.total, field), how) for title, field, how in _SHOWN]
    out.print(figures_table("\nA run", lines))
    out.print(_groups(report))
    if report.break_evens:
        out.print("")
        out.print(break_even_table(report.break_evens))
    if report.paybacks:
        out.print("")
        out.print(payback_table(report.paybacks))


def _waterfall(sums: AgentSums) -> Iterator[Sequence[str]]:
    """From what a run uses to what it leaves, indented by what is part of what."""
    parts = (
        ("  model calls", sums.model_cost_usd),
        ("  tools", sums.tool_cost_usd),
        ("  people", sums.effort_cost_usd),
        ("  expenses", sums.expense_cost_usd),
        ("variable cost", sums.cost_usd),
        ("  of which rework", sums.rework_cost_usd),
        ("  of which judging answers", sums.appraisal_cost_usd),
        ("  of which prevention", sums.prevention_cost_usd),
        ("amortized cost", sums.amortized_cost_usd),
        ("total cost", sums.total_cost_usd),
    )
    for title, amount in parts:
        shown = _amount(sums, title, amount)
        yield title, shown, share(amount, sums.total_cost_usd)
    yield "value", _signed(sums.value_usd), ""
    yield "margin", _signed(sums.margin_usd), ""


def _amount(sums: AgentSums, title: str, amount: Decimal | None) -> str:
    """A part that is not there is nothing; a sum that is not known says so."""
    if amount is None and title not in ("variable cost", "total cost", "  model calls"):
        return "-"
    if title in ("variable cost", "total cost", "  model calls"):
        return cost(amount, attempts=max(sums.attempts, 1), unpriced=sums.unpriced_attempts)
    return usd(amount)


def _signed(amount: Decimal | None) -> str:
    return usd(None) if amount is None else money(amount)


def _groups(report: AgentReport) -> Grid:
    columns = (
        report.by, ">runs", ">success rate", ">total cost a run", ">95% interval", ">a success",
        ">95% interval", ">margin a run", ">95% interval", ">p95",
    )  # fmt: skip
    return Grid(f"\nBy {report.by}", columns, (_group(group) for group in report.groups))


def _group(group: AgentEconomics) -> Sequence[str]:
    return (
        text(group.key), count(group.sums.runs),
        value(group.success_rate, percent),
        value(group.total_cost_per_run, money), interval(group.total_cost_per_run, money),
        value(group.cost_per_success, money), interval(group.cost_per_success, money),
        value(group.margin_per_run, money), interval(group.margin_per_run, money),
        value(group.p95_latency, latency),
    )  # fmt: skip
