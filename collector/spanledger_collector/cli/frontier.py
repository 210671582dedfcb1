"""``spanledger frontier``: cost beside the latency it buys."""

from collections.abc import Sequence
from typing import Annotated

import typer

from spanledger_collector.query import FrontierPoint

from .figures import factor, interval, latency, money, value
from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, connect, utc
from .output import NOTHING_FOUND, console, count, print_json, text, usd

_EFFICIENT = {True: "yes", False: "no", None: "unknown"}


def frontier(
    agent: Annotated[str, typer.Argument(help="The agent; without it, all.")] = "",
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """What each model (and number of GPUs) costs an agent beside the latency that it buys.

    Costs are inclusive: with all that runs hand on to sub-agents, whose time is in the latency too.
    Left out of them are runs whose cost is not wholly known: with any, costs may be too low, and
    whether an option is efficient is told only where what is known of it says that it is not.

    Example: spanledger frontier researcher --since 2026-11-01
    """
    with connect(url, workspace) as ledger:
        points = ledger.frontier(agent, utc(since), utc(until))
    if as_json:
        print_json(points)
        return
    if not points:
        console().print(NOTHING_FOUND)
        return
    console().print(Grid("Frontier", columns(points), map(cells, points)))


def columns(points: Sequence[FrontierPoint]) -> Sequence[str]:
    """Titles; costs are said to be inclusive where sub-agents move any."""
    delegates = any(
        point.inclusive_cost_per_success != point.cost_per_success
        or point.inclusive_margin_per_run.value != point.margin_per_run_usd
        for point in points
    )
    said = "inclusive " if delegates else ""
    return (
        "agent", "model", ">GPUs", ">runs", ">left out", ">p50", ">95% interval", ">p95",
        f">{said}cost a success", ">95% interval", f">{said}margin a run", ">95% interval",
        "efficient",
        ">a second costs", ">95% interval", ">than fewer GPUs", "why unknown",
    )  # fmt: skip


def cells(point: FrontierPoint) -> Sequence[str]:
    """One line an option."""
    margin = point.inclusive_margin_per_run
    cost = point.inclusive_cost_per_success
    return (
        text(point.agent_name), text(point.model), count(point.gpu_count), count(point.runs),
        count(point.left_out_runs), value(point.p50_latency, latency),
        interval(point.p50_latency, latency), value(point.p95_latency, latency),
        value(cost, money), interval(cost, money),
        "-" if margin.value is None else value(margin, money), interval(margin, money),
        _EFFICIENT[point.is_efficient],
        "-" if point.usd_per_second.value is None else value(point.usd_per_second, money),
        interval(point.usd_per_second, money), _gpus(point), text(point.why),
    )  # fmt: skip


def _gpus(point: FrontierPoint) -> str:
    """What more GPUs buy and cost, against the next fewer of the same model."""
    if not point.fewer_gpus or point.speedup_over_fewer is None:
        return "-"
    more = usd(None) if point.usd_over_fewer is None else money(point.usd_over_fewer)
    faster, dearer = interval(point.speedup, factor), interval(point.dearer, money)
    told = f"{point.speedup_over_fewer:.2f}x as fast as {point.fewer_gpus}"
    told += "" if faster == "-" else f" ({faster})"
    return f"{told}, {more} more" + ("" if dearer == "-" else f" ({dearer})")
