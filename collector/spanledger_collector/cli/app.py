"""The Typer application: every verb registered once, every error turned into one clear line."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from spanledger_collector.errors import CollectorError, ConfigurationError, RetryableError

from .agent import agent
from .agents import agents
from .assets import assets
from .budget import budget
from .compare import compare
from .deadletters import deadletters
from .demo import demo
from .doctor import doctor
from .energy import energy
from .engines import engines
from .explain import explain
from .export import export
from .frontier import frontier
from .health import health
from .keys import keys
from .models import models
from .output import fail
from .pools import pools
from .prices import prices
from .quality import quality
from .reconcile import reconcile
from .records import records
from .reprice import reprice
from .rework import rework
from .run import run
from .runs import runs
from .schema import schema
from .self_host import self_host
from .settle import settle
from .sql import sql
from .trace import trace
from .up import up
from .value import value
from .verify import verify
from .what_if import what_if

app = typer.Typer(
    name="spanledger",
    help="Agent unit economics from OpenTelemetry spans: what each agent run cost, and why.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"spanledger {version('spanledger')}")
        raise typer.Exit


@app.callback()
def _common(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version."),
    ] = False,
) -> None:
    """Options that stand before a verb."""


app.command("up")(up)
app.command("demo")(demo)
app.command("run", context_settings={"ignore_unknown_options": True})(run)
app.command("trace")(trace)
app.command("explain")(explain)
app.command("agents")(agents)
app.command("agent")(agent)
app.command("compare")(compare)
app.command("quality")(quality)
app.command("rework")(rework)
app.command("what-if")(what_if)
app.command("frontier")(frontier)
app.command("self-host")(self_host)
app.command("runs")(runs)
app.command("models")(models)
app.command("pools")(pools)
app.command("engines")(engines)
app.command("energy")(energy)
app.add_typer(assets, name="assets")
app.command("budget")(budget)
app.command("export")(export)
app.command("reconcile")(reconcile)
app.command("reprice")(reprice)
app.command("sql")(sql)
app.command("doctor")(doctor)
app.command("health")(health)
app.command("verify")(verify)
app.command("settle")(settle)
app.command("schema")(schema)
app.add_typer(deadletters, name="deadletters")
app.add_typer(keys, name="keys")
app.add_typer(prices, name="prices")
app.add_typer(value, name="value")
app.add_typer(records, name="records")


def execute(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code."""
    try:
        app(args=list(arguments), prog_name="spanledger")
    except SystemExit as ended:
        # Typer tells wrong usage (2) and interruption (130) by itself.
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except RetryableError as error:
        fail(str(error))
        return 3
    except ConfigurationError as error:
        fail(str(error))
        return 2
    except CollectorError as error:
        fail(str(error))
        return 1
    return 0
