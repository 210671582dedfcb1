"""``spanledger trace ID``: what one trace cost and why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Group, RenderableType

from spanledger_collector.query import OTHER_TIER, AttemptRow, RunRow, TraceReport, TraceRow

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Url, Workspace, connect
from .output import (
    console,
    cost,
    count,
    counted,
    coverage,
    plain_decimal,
    print_json,
    rework,
    seconds,
    share,
    text,
    usd,
)
from .run_tree import run_tree
from .runs import run_cost, run_inclusive_cost

_RUN_COLUMNS = (
    "run of", "status", ">own cost", ">with sub-agents", ">rework", ">calls", ">retries", ">tools",
    ">latency",
)  # fmt: skip
_ATTEMPT_COLUMNS = (
    ">#", "agent", "model", ">try", "outcome", "rework", ">input", ">cache read",
    ">cache write", ">output", "units", ">cost", "price", ">FLOPs", ">latency",
)  # fmt: skip
#: Levels that are indented; below it a tree would leave no room for its figures.
_DEEPEST = 12


def trace(
    trace_id: Annotated[str, typer.Argument(help="32 hex digits.")],
    url: Url = DEFAULT_ADDRESS,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """What one trace cost and why: its runs and every attempt of a model call.

    Example: spanledger trace 4bf92f3577b34da6a3ce929d0e0e4736
    """
    with connect(url, workspace) as ledger:
        report = ledger.trace(trace_id)
    if as_json:
        print_json(report)
        return
    console().print(trace_view(report))


def trace_view(report: TraceReport) -> Group:
    """A trace as people read it."""
    parts: list[RenderableType] = [
        _headline(report.summary, sum(_stands_in(a) for a in report.attempts if a.counted)),
        Grid("Runs", _RUN_COLUMNS, _run_rows(report.runs)),
        _attempt_table(report.attempts),
        *_notes(report),
        "",
    ]
    return Group(*parts)


def _headline(row: TraceRow, stand_in: int) -> str:
    told = cost(
        row.cost_usd, attempts=row.attempts, unpriced=row.unpriced_attempts, stand_in=stand_in
    )
    wasted = rework(row.rework_cost_usd, unknown=row.unknown_rework_attempts)
    return (
        f"[bold]trace {text(row.trace_id)}[/]  {text(row.name)}  "
        f"{row.started_at:%Y-%m-%d %H:%M:%S} UTC  {seconds(row.duration_ns)}\n"
        f"cost [bold]{told}[/]"
        + ("" if wasted == "-" else f"  of which rework {wasted}")
        + _known(row)
    )


def _known(row: TraceRow) -> str:
    """How far the total can be trusted; nothing where there was nothing to pay."""
    if not row.attempts:
        return ""
    parts = [f"known {coverage(row.attempts - row.unpriced_attempts, row.attempts)}"]
    if row.estimated_cost_usd:
        parts.append(f"estimated {share(row.estimated_cost_usd, row.cost_usd)}")
    known = f"  [dim]{', '.join(parts)}[/]"
    if not row.unpriced_attempts:
        return known
    return f"{known}  [yellow]({counted(row.unpriced_attempts, 'attempt')} of unknown cost)[/]"


def _run_rows(runs: Sequence[RunRow]) -> Iterator[Sequence[str]]:
    for branch in run_tree(runs):
        run, depth = branch.run, min(branch.depth, _DEEPEST)
        name = run.agent_name or f"({run.kind}) {run.workflow_name}".strip()
        yield (
            "  " * depth + ("└ " if depth else "") + text(name), text(run.status),
            run_cost(run), run_inclusive_cost(run),
            rework(run.rework_cost_usd, unknown=run.unknown_rework_attempts), count(run.calls),
            count(run.retries), count(run.tool_calls), seconds(run.duration_ns),
        )  # fmt: skip


def _attempt_table(attempts: Sequence[AttemptRow]) -> Grid:
    rows = [a for a in attempts if a.counted]
    places = {a.span_id: str(place) for place, a in enumerate(rows, 1)}
    linked = any(a.retry_of or a.rework_of for a in rows)
    return Grid(
        "Attempts",
        _ATTEMPT_COLUMNS,
        (
            (str(place) if linked else "", *_attempt_row(a, places))
            for place, a in enumerate(rows, 1)
        ),
    )


def _units(a: AttemptRow) -> str:
    """What is billed apart from the token buckets: ``2 web_searches, 12.5 audio_seconds``."""
    listed = (f"{plain_decimal(amount)} {text(unit)}" for unit, amount in a.units.items())
    return ", ".join(listed) or "-"


def _attempt_row(a: AttemptRow, places: Mapping[str, str]) -> Sequence[str]:
    return (
        text(a.agent_name), text(a.response_model or a.request_model), str(a.attempt_number),
        text(a.outcome) + (f" ({text(a.error_type)})" if a.error_type else ""),
        _rework(a, places),
        count(a.input_uncached_tokens), count(a.cache_read_tokens),
        count(a.cache_write_5m_tokens + a.cache_write_1h_tokens),
        ("≈" if a.usage_source == "estimated" else "") + count(a.output_tokens),
        _units(a), ("~" if _stands_in(a) else "") + usd(a.cost_usd), _price(a), _flops(a),
        seconds(a.duration_ns),
    )  # fmt: skip


def _stands_in(a: AttemptRow) -> bool:
    """Whether standard rates stand in for those of its tier."""
    return a.cost_usd is not None and any(one.startswith(OTHER_TIER) for one in a.unpriced_units)


def _rework(a: AttemptRow, places: Mapping[str, str]) -> str:
    """Why this attempt was wasted beyond what its outcome says, and the row it does again."""
    wasted = "" if a.rework_reason in ("transport_retry", "failed") else text(a.rework_reason)
    earlier = a.retry_of or a.rework_of
    if not earlier or a.outcome == "retried":
        return wasted
    again = f"again of {places.get(earlier, text(earlier))}"
    return f"{wasted}, {again}" if wasted else again


def _price(a: AttemptRow) -> str:
    units = f": {', '.join(map(text, a.unpriced_units))}" if a.unpriced_units else ""
    return f"{text(a.price_status)}{units}"


def _flops(a: AttemptRow) -> str:
    """FLOPs of a call; an assumed figure shows as its range."""
    if not a.flops_total:
        return "-"
    if a.flops_method in ("exact", "measured"):
        return f"{a.flops_total:.2e}"
    return f"{a.flops_low:.0e}..{a.flops_high:.0e}"


def _notes(report: TraceReport) -> Iterator[str]:
    here = {run.run_id for run in report.runs}
    lost = [run for run in report.runs if run.caller_missing and run.parent_run_id not in here]
    if lost:
        runs = counted(len(lost), "run")
        yield f"[dim]called by a run that is not in this trace, whose cost has them not: {runs}[/]"
    left_out = [a for a in report.attempts if not a.counted]
    if left_out:
        reasons = ", ".join(sorted({a.excluded_reason for a in left_out}))
        rows = counted(len(left_out), "further row")
        yield f"[dim]{rows} of these calls not counted: {text(reasons)}[/]"
    if any(_stands_in(a) for a in report.attempts):
        yield "[dim]~ standard rates stand in for a service tier without rates: it may cost less[/]"
    if any(a.usage_source == "estimated" for a in report.attempts):
        yield "[dim]≈ tokens were estimated: the provider sent no usage[/]"
