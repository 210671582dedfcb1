"""``spanledger demo``: the whole line once, on real client libraries and a simulated provider."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from spanledger_collector.errors import ConfigurationError

from .agents import agents_table
from .options import Json
from .output import console, print_json, text
from .trace import trace_view


def demo(
    tickets: Annotated[int, typer.Option(min=1, max=100, help="Tickets the agents handle.")] = 3,
    protocol: Annotated[
        Literal["http/protobuf", "grpc"], typer.Option(help="How spans travel.")
    ] = "http/protobuf",
    data_dir: Annotated[Path, typer.Option(help="Where the demo's ledger is kept.")] = Path(
        ".spanledger/demo"
    ),
    as_json: Json = False,
) -> None:
    """Run agents against a simulated provider and print what each trace and agent cost.

    Everything happens on this machine; the answers of the provider say that they are simulated.

    Example: spanledger demo --tickets 2
    """
    try:
        from spanledger_collector.demo.show import show
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the demo needs the client libraries ({error.name} is not installed): "
            "pip install 'spanledger[demo]'"
        ) from error
    progress = Console(stderr=True)
    shown = asyncio.run(
        show(
            data_dir.resolve(),
            tickets=tickets,
            protocol=protocol,
            step=lambda what: progress.print(f"[dim]… {what}[/]"),
        )
    )
    if as_json:
        print_json(shown)
        return
    out = console()
    for report in shown.traces:
        out.print(trace_view(report))
    out.print(agents_table(shown.agents))
    out.print(
        "The provider was simulated; the clients, the collector and the prices are real.\n"
        f"Look again: spanledger trace {shown.traces[0].summary.trace_id} "
        f"--url {text(shown.database)}"
    )
