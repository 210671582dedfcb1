"""``spanledger export``: a period of the ledger as a file."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import Progress

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.export import export as write

from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, connect, utc
from .output import console, counted, print_json, text

_STREAM = "-"


@dataclass(frozen=True, slots=True)
class _Written:
    """What ``--json`` prints."""

    file: str
    format: str
    rows: int
    unknown_cost_attempts: int


def export(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The file; it is replaced. - = standard output."),
    ],
    format_: Annotated[
        Literal["csv", "parquet", "focus"],
        typer.Option("--format", help="focus: FOCUS 1.2, as Parquet where the file says .parquet."),
    ] = "csv",
    grain: Annotated[
        Literal["run", "agent", "attempt", "day"] | None,
        typer.Option(
            "--grain",
            help="What a row is; default run, of FOCUS day. day: of an agent, version and tenant.",
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    url: Url = DEFAULT_ADDRESS,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """Write a period of the ledger to a CSV, Parquet or FOCUS file, piece by piece.

    -o - writes to standard output, and nothing else goes there.

    Example: spanledger export --format focus --from 2026-11-01 --to 2026-12-01 -o november.csv
    """
    out = console(stderr=True)
    is_stream = str(output) == _STREAM
    if is_stream:
        _check_stream(format_, as_json=as_json)
    with (
        Progress(console=out, transient=True, disable=not out.is_terminal) as progress,
        connect(url, workspace) as ledger,
    ):
        task = progress.add_task(output.name, total=None)
        exported = write(
            ledger, sys.stdout.buffer if is_stream else output, format_, grain=grain,
            since=utc(since), until=utc(until),
            on_piece=lambda done, pieces: progress.update(task, completed=done, total=pieces),
        )  # fmt: skip
    if as_json:
        print_json(_Written(str(output), format_, exported.rows, exported.unknown_cost_attempts))
        return
    said = out if is_stream else console()
    if not is_stream:
        said.print(f"{counted(exported.rows, 'row')} in {text(str(output))}")
    if format_ == "focus" and exported.unknown_cost_attempts:
        said.print(
            f"{counted(exported.unknown_cost_attempts, 'attempt')} of unknown cost left out: "
            "FOCUS has no word for it"
        )


def _check_stream(format_: str, *, as_json: bool) -> None:
    """Standard output can take it.

    Raises:
        ConfigurationError: it is a terminal and the format no text, or JSON would go there too.
    """
    if as_json:
        raise ConfigurationError("-o - and --json both write to standard output: leave one out")
    if format_ == "parquet" and sys.stdout.isatty():
        raise ConfigurationError(
            "Parquet is no text for a terminal: give a file with -o, or send the output on with > "
            "or |"
        )
