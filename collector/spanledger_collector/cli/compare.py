"""``spanledger compare``: is one version cheaper per success than the other?"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.query import Compared, ComparisonReport, Ledger
from spanledger_collector.query.comparison import MATTERS
from spanledger_collector.query.named import parse_moment
from spanledger_collector.query.titles import worth_showing

from .figures import Show, interval, percent, titled, value
from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, connect, utc
from .output import console, count, print_json, printable, text


def compare(
    name: Annotated[str, typer.Argument(help="The agent.")],
    version: Annotated[
        tuple[str, str] | None, typer.Option("--version", help="Two versions: old and new.")
    ] = None,
    model: Annotated[
        tuple[str, str] | None,
        typer.Option("--model", help="Two models that most of a run's money went to."),
    ] = None,
    tenant: Annotated[tuple[str, str] | None, typer.Option("--tenant", help="Two tenants.")] = None,
    period: Annotated[
        tuple[str, str] | None,
        typer.Option("--period", help="Two periods, each FROM/UNTIL: 2026-10-01/2026-11-01."),
    ] = None,
    matters: Annotated[
        float,
        typer.Option("--matters", help="Part of the old figure below which no difference matters."),
    ] = MATTERS,
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """Two versions of an agent: is the new one cheaper per success, and do the data say so?

    Asked with all that runs hand on to sub-agents (inclusive): what delegates more is not cheaper
    for that.

    Example: spanledger compare researcher --version 1 2
    """
    asked = {"version": version, "model": model, "tenant": tenant, "period": period}
    chosen = [(by, pair) for by, pair in asked.items() if pair]
    if len(chosen) != 1:
        raise ConfigurationError("say what to compare: --version, --model, --tenant or --period")
    [(by, pair)] = chosen
    with connect(url, workspace) as ledger:
        report = _ask(ledger, name, by, pair, utc(since), utc(until), matters)
    if as_json:
        print_json(report)
        return
    show(report, console())


def _ask(
    ledger: Ledger,
    name: str,
    by: str,
    pair: tuple[str, str],
    since: datetime | None,
    until: datetime | None,
    matters: float,
) -> ComparisonReport:
    if by == "version":
        return ledger.compare(name, *pair, since, until, by="version", matters=matters)
    if by == "model":
        return ledger.compare(name, *pair, since, until, by="model", matters=matters)
    if by == "tenant":
        return ledger.compare(name, *pair, since, until, by="tenant", matters=matters)
    if since or until:
        raise ConfigurationError("--period says since when and until when; leave the others out")
    old, new = (_period(told) for told in pair)
    return ledger.compare_periods(name, old, new, matters=matters)


def _period(told: str) -> tuple[datetime, datetime]:
    start, slash, end = told.partition("/")
    try:
        if slash:
            return parse_moment(start), parse_moment(end)
    except ValueError as error:
        raise ConfigurationError(f"--period {told!r} cannot be used: {error}") from error
    raise ConfigurationError(f"--period {told!r} has no end; give FROM/UNTIL")


def show(report: ComparisonReport, out: Console) -> None:
    """The comparison as people read it: the answer first."""
    old, new = text(report.old), text(report.new)
    out.print(
        f"[bold]{text(report.agent_name)}[/]  is {report.by} {new} ({report.runs_new:,} runs) "
        f"cheaper per success than {old} ({report.runs_old:,} runs)?  "
        f"[bold]{_answer(report.figures[0])}[/]"
    )
    figures = {figure.name: figure for figure in report.figures}
    columns = (
        "", f">{old}", f">{new}", ">difference", ">95% interval", ">ratio", ">95% interval",
        "verdict", ">more runs needed",
    )  # fmt: skip
    shown = worth_showing(figures, lambda name: (figures[name].old, figures[name].new))
    lines = [_line(*titled(name), figures[name]) for name in shown]
    out.print(Grid("", columns, lines))
    for caveat in report.caveats:
        out.print(f"[yellow]{printable(caveat)}[/]")


def _answer(figure: Compared) -> str:
    """The verdict, and how many more runs it would take where there is none."""
    more = figure.more_runs_old, figure.more_runs_new
    if None in more:
        reason = figure.difference.reason
        shown = interval(figure.difference, titled(figure.name)[1])
        by = f", by {shown} a success" if reason and shown != "-" else ""
        return f"{figure.verdict}{by}{': ' if reason else ''}{printable(reason)}"
    old, new = more
    return (
        f"{figure.verdict}: the difference seen, if true, would be shown four times of five with "
        f"{old:,} and {new:,} more runs"
    )


def _line(title: str, how: Show, figure: Compared) -> Sequence[str]:
    return (
        title,
        value(figure.old, how),
        value(figure.new, how),
        value(figure.difference, how),
        interval(figure.difference, how),
        value(figure.ratio, percent),
        interval(figure.ratio, percent),
        text(figure.verdict),
        " + ".join(_more(figure)),
    )


def _more(figure: Compared) -> Iterator[str]:
    for more in (figure.more_runs_old, figure.more_runs_new):
        if more is not None:
            yield count(more) if more else "0"
