"""``spanledger deadletters``: requests that were acknowledged and that the database refuses."""

from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanledger_collector.config import CollectorConfig, settings
from spanledger_collector.journal.dead_letters import DeadLetter, DeadLetters

from .grid import Grid
from .options import Json
from .output import answer, console, counted, print_json, text

_NONE = "No dead letters: everything that was acknowledged is loaded, or waits to be."
_COLUMNS = (
    ">number", "=received (UTC)", "workspace", "tenant", "of", ">spans or points", ">bytes",
    "reason",
)  # fmt: skip
_NANOSECONDS = 1_000_000_000
_SHOWN = 100

DataDir = Annotated[Path | None, typer.Option(help="The collector's data directory.")]
Number = Annotated[int, typer.Argument(min=1, help="As `spanledger deadletters list` tells it.")]

deadletters = typer.Typer(
    help="Requests that were acknowledged and that the database refuses.", no_args_is_help=True
)


@deadletters.command("list")
def listed(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Every dead letter with its reason, oldest first.

    Example: spanledger deadletters list
    """
    _, letters = _of(data_dir)
    answer(letters.all(), _table, as_json=as_json, nothing=_NONE)


@deadletters.command("show")
def show(number: Number, data_dir: DataDir = None, as_json: Json = False) -> None:
    """One dead letter: why it is here, and the spans or metrics in it. Attributes are not shown.

    Example: spanledger deadletters show 4711
    """
    _, letters = _of(data_dir)
    letter = letters.one(number)
    metrics = letter.signal == "metrics"
    held = (_metrics if metrics else _spans)(letters.payload(number))
    if as_json:
        print_json({"letter": letter, letter.signal if metrics else "spans": held})
        return
    out = console()
    out.print(_table([letter]))
    if held is None:
        out.print("Its payload is no OTLP request: it was damaged, or written by another version.")
        return
    names = ("metric", "points") if metrics else ("trace_id", "span_id", "name")
    cells = (tuple(text(str(one[name])) for name in names) for one in held)
    titles = names if metrics else ("trace", "span", "name")
    out.print(Grid(counted(len(held), "metric" if metrics else "span"), titles, cells))


@deadletters.command("retry")
def retry(
    number: Annotated[
        list[int] | None, typer.Argument(help="Which; none = all of them.", min=1)
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Give dead letters back to the journal: the collector loads them at its next start.

    The collector must be stopped. What is refused again becomes a dead letter again.

    Example: spanledger deadletters retry 4711
    """
    config, letters = _of(data_dir)
    chosen = [letters.one(one) for one in number] if number else letters.all()
    given = letters.give_back(chosen, max_bytes=config.max_journal_bytes)
    if as_json:
        print_json({"given_back": given})
        return
    console().print(f"{counted(given, 'dead letter')} given back: start the collector.")


def _of(data_dir: Path | None) -> tuple[CollectorConfig, DeadLetters]:
    config = settings({} if data_dir is None else {"data_dir": data_dir})
    return config, DeadLetters(config.journal_dir())


def _spans(payload: bytes) -> list[dict[str, Any]] | None:
    """Ids and names of the first spans; None = the payload cannot be read."""
    try:
        request = ExportTraceServiceRequest.FromString(payload)
    except DecodeError:
        return None
    spans = (
        {"trace_id": span.trace_id.hex(), "span_id": span.span_id.hex(), "name": span.name}
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )
    return list(islice(spans, _SHOWN))


def _metrics(payload: bytes) -> list[dict[str, Any]] | None:
    """Names of the first metrics and how many points they have; None = it cannot be read."""
    try:
        request = ExportMetricsServiceRequest.FromString(payload)
    except DecodeError:
        return None
    metrics = (
        {
            "metric": metric.name,
            "points": len(metric.gauge.data_points) + len(metric.sum.data_points),
        }
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )
    return list(islice(metrics, _SHOWN))


def _table(letters: Sequence[DeadLetter]) -> Grid:
    cells = (
        (
            str(one.sequence), f"{_received(one):%Y-%m-%d %H:%M:%S}", text(one.workspace),
            text(one.tenant), one.signal, str(one.span_count), str(one.payload_bytes),
            text(one.reason),
        )
        for one in letters
    )  # fmt: skip
    return Grid("Dead letters", _COLUMNS, cells)


def _received(letter: DeadLetter) -> datetime:
    return datetime.fromtimestamp(letter.received_at_ns / _NANOSECONDS, timezone.utc)
