"""``spanledger explain ID``: how a number came about, so that it can be redone on paper."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import RenderableType

from spanledger_collector.query import ChargeLineRow, Explanation

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Url, Workspace, connect
from .output import console, plain_decimal, print_json, text, usd

_COLUMNS = ("unit", ">quantity", ">x rate (USD)", ">= cost (USD)")


def explain(
    identifier: Annotated[
        str, typer.Argument(metavar="ID", help="A trace (32 hex digits) or a span (16).")
    ],
    trace_id: Annotated[
        str, typer.Option("--trace", help="Trace of the span, where several have such a span.")
    ] = "",
    url: Url = DEFAULT_ADDRESS,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """How the cost of a trace or span came about, attempt by attempt.

    Example: spanledger explain 00f067aa0ba902b7
    """
    with connect(url, workspace) as ledger:
        explanations = ledger.explain(identifier, trace_id=trace_id)
    if as_json:
        print_json(explanations)
        return
    for one in explanations:
        for part in _view(one):
            console().print(part)


def _view(one: Explanation) -> Iterator[RenderableType]:
    a = one.attempt
    yield (
        f"\n[bold]span {text(a.span_id)}[/] attempt {a.attempt_number}  "
        f"{text(a.operation)} {text(a.response_model or a.request_model)}  "
        f"{text(a.agent_name)}  {text(a.outcome)}  [bold]{usd(a.cost_usd)}[/]"
        + (f"  [yellow]{text(a.price_status)}[/]" if a.price_status != "priced" else "")
    )
    if one.lines:
        yield Grid("", _COLUMNS, (_cells(line) for line in one.lines))
    if one.exact_usd is not None:
        exact = plain_decimal(one.exact_usd)
        yield f"sum {exact}, rounded half even to 12 decimals: {_result(one)}"
    for reason in one.reasons:
        yield f"· {text(reason)}"


def _cells(line: ChargeLineRow) -> Sequence[str]:
    return (
        text(line.unit),
        f"{line.quantity.normalize():,f}",
        _rate(line),
        _digits(line.cost_usd),
    )


def _rate(line: ChargeLineRow) -> str:
    per = f" / {line.rate_per:,}" if line.rate_per > 1 else ""
    return _digits(line.rate_usd) + per


def _digits(amount: Decimal | None) -> str:
    return "[yellow]no rate[/]" if amount is None else plain_decimal(amount)


def _result(one: Explanation) -> str:
    if one.adds_up:
        return usd(one.attempt.cost_usd)
    return (
        f"{usd(one.attempt.cost_usd)} [red]does not add up[/]: the price row or the schema "
        "changed under it; settle the trace again"
    )
