"""``spanledger agent``: one agent, whole."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, cast, get_args

import typer
from rich.console import Console

from spanledger_collector.query import (
    AgentEconomics,
    AgentReport,
    AgentSums,
    Estimate,
    GroupBy,
    Sustainability,
)
from spanledger_collector.query.agent_report import ElsewhereRow
from spanledger_collector.query.sustainability import gaps
from spanledger_collector.query.titles import TITLES, worth_showing
from spanledger_collector.query.waste import Bound

from .break_even import break_even_table, payback_table
from .figures import Show, figures_table, interval, latency, money, percent, titled, value
from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, check_by, connect, utc
from .output import console, cost, count, counted, coverage, margin, print_json, share, text, usd


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
    check_by(by, get_args(GroupBy))
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
        f"{sums.successful_runs:,} successful (outcome told of {sums.judged_runs:,} of "
        f"{sums.runs:,} runs), {sums.valued_runs:,} with a value{_cost_known(sums)}"
    )
    out.print(verdict_line(report.total.verdict))
    uncosted = sums.inclusive_uncosted_runs
    if uncosted:
        out.print(
            f"[yellow]{counted(uncosted, 'run')} with a cost not wholly known: in the sums as far "
            "as known, in no mean or interval of money[/]"
        )
    if sums.inclusive_unconverted_records:
        unknown = gaps(sums.runs, 0, sums.inclusive_unconverted_records)
        out.print(f"[yellow]value and margin are not known: {unknown}[/]")
    if report.elsewhere.runs:
        out.print(f"[yellow]{elsewhere(report.elsewhere)}[/]")
    out.print(Grid("\nWhere it goes", ("", ">USD", ">of total cost"), _waterfall(sums)))
    out.print(figures_table("\nA run", _lines(report.total)))
    out.print(_groups(report))
    if report.break_evens:
        out.print("")
        out.print(break_even_table(report.break_evens))
    if report.paybacks:
        out.print("")
        out.print(payback_table(report.paybacks))


def _cost_known(sums: AgentSums) -> str:
    """Of its own attempts, where it has any: an agent may leave all work to its sub-agents."""
    known = coverage(sums.attempts - sums.unpriced_attempts, sums.attempts)
    return f", cost known of {known}" if sums.attempts else ""


def elsewhere(row: ElsewhereRow) -> str:
    """What the inclusive figures do not hold."""
    spent = "of unknown cost" if row.cost_usd is None else f"{usd(row.cost_usd)}"
    return (
        f"called {counted(row.runs, 'run')} in {counted(row.traces, 'other trace')} ({spent}): in "
        "none of its inclusive figures; hand the trace context on with the work"
    )


def verdict_line(verdict: Sustainability) -> str:
    """The verdict and why."""
    colour = {"yes": "green", "no": "red"}.get(verdict.sustainable, "yellow")
    return f"sustainable: [{colour}]{verdict.sustainable}[/]: {text(verdict.reason)}"


def _lines(total: AgentEconomics) -> list[tuple[str, Estimate, Show, Bound]]:
    def figure(name: str) -> Estimate:
        return cast("Estimate", getattr(total, name))

    told = [(name, *titled(name)) for name in worth_showing(TITLES, figure)]
    wasted: Bound = total.sums.waste.bound
    bounds: dict[str, Bound] = {"rework_share": wasted, "rework_multiplier": wasted}
    return [(title, figure(name), how, bounds.get(name, "")) for name, title, how in told]


def _waterfall(sums: AgentSums) -> Iterator[Sequence[str]]:
    """From what a run uses to what it leaves, indented by what is part of what."""
    unknown = sums.unpriced_attempts
    parts: Sequence[tuple[str, Decimal | None, int | None]] = (
        ("  model calls", sums.model_cost_usd, unknown),
        ("  tools", sums.tool_cost_usd, None),
        ("  people", sums.effort_cost_usd, None),
        ("  expenses", sums.expense_cost_usd, None),
        ("variable cost", sums.cost_usd, unknown),
        ("  of which rework", sums.rework_cost_usd, sums.unknown_rework_attempts),
        ("  of which judging answers", sums.appraisal_cost_usd, None),
        ("  of which prevention", sums.prevention_cost_usd, None),
        ("amortized cost", sums.amortized_cost_usd, None),
        ("total cost", sums.total_cost_usd, unknown),
    )
    for title, amount, unpriced in parts:
        yield title, _amount(amount, unpriced), share(amount, sums.total_cost_usd)
    yield "value", _signed(sums.value_usd), ""
    yield "margin", _margin(sums.margin_usd, sums.unpriced_attempts), ""
    if delegates(sums):
        yield from _with_sub_agents(sums)


def delegates(sums: AgentSums) -> bool:
    """Whether runs below add anything, known or not."""
    return (
        sums.inclusive_total_cost_usd != sums.total_cost_usd
        or sums.inclusive_value_usd != sums.value_usd
        or sums.inclusive_unpriced_attempts != sums.unpriced_attempts
    )


def _with_sub_agents(sums: AgentSums) -> Iterator[Sequence[str]]:
    """The same with all that the runs hand on; no part of the sums above."""
    unknown = sums.inclusive_unpriced_attempts
    parts = (
        ("inclusive variable cost", sums.inclusive_cost_usd, unknown),
        ("  of which rework", sums.inclusive_rework_cost_usd,
         sums.inclusive_unknown_rework_attempts),
        ("inclusive amortized cost", sums.inclusive_amortized_cost_usd, unknown),
        ("inclusive total cost", sums.inclusive_total_cost_usd, unknown),
    )  # fmt: skip
    for title, amount, unpriced in parts:
        shown = _amount(amount, unpriced)
        yield title, "-" if amount is None and "amortized" in title else shown, ""
    yield "inclusive value", _signed(sums.inclusive_value_usd), ""
    yield (
        "inclusive margin",
        _margin(sums.inclusive_margin_usd, sums.inclusive_unpriced_attempts),
        "",
    )


def _amount(amount: Decimal | None, unpriced: int | None) -> str:
    """A sum that is not known says so; a part (``unpriced`` None) that is not there is nothing."""
    if unpriced is None:
        return "-" if amount is None else usd(amount)
    return cost(amount, attempts=1, unpriced=unpriced)


def _signed(amount: Decimal | None) -> str:
    return usd(None) if amount is None else money(amount)


def _margin(amount: Decimal | None, unpriced: int) -> str:
    return usd(None) if amount is None else margin(amount, unpriced=unpriced)


def _groups(report: AgentReport) -> Grid:
    """With sub-agents, where there are any: groups are held together by what calling them costs."""
    said = "inclusive " if delegates(report.total.sums) else ""
    columns = (
        report.by, ">runs", ">success rate", f">{said}total cost a run", ">95% interval",
        ">a success", ">95% interval", ">margin a run", ">95% interval", ">p95", "sustainable",
    )  # fmt: skip
    return Grid(f"\nBy {report.by}", columns, (_group(group) for group in report.groups))


def _group(group: AgentEconomics) -> Sequence[str]:
    return (
        text(group.key), count(group.sums.runs),
        value(group.success_rate, percent),
        *_told(group.inclusive_total_cost_per_run), *_told(group.inclusive_cost_per_success),
        *_told(group.inclusive_margin_per_run),
        value(group.p95_latency, latency), group.verdict.sustainable,
    )  # fmt: skip


def _told(estimate: Estimate) -> tuple[str, str]:
    return value(estimate, money), interval(estimate, money)
