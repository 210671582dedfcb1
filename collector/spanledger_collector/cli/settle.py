"""``spanledger settle``: have traces settled again."""

from typing import Annotated

import typer

from spanledger_collector.errors import ConfigurationError, NotFoundError

from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, connect, utc
from .output import console, counted, print_json


def settle(
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    trace: Annotated[str, typer.Option("--trace", help="Only this trace.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every trace of the ledger.")] = False,
    workspace: Annotated[
        str, typer.Option("--workspace", help="Only of this workspace; default every one.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Writes attempts and runs again from what was received: after rows were lost, or an upgrade.

    Marks the traces due, by whole days (UTC), and returns. The collector that runs over the ledger
    settles them beside what arrives, else the next one that is started; `spanledger health` and
    the metric spanledger_settle_requested_traces tell how many are left. Figures stay as they were.

    Example: spanledger settle --since 2026-11-01 --until 2026-11-08
    """
    if not (since or until or trace or everything):
        raise ConfigurationError("say what to settle again: --since, --until, --trace or --all")
    if everything and (since or until or trace):
        raise ConfigurationError("--all is every trace: leave --since, --until and --trace out")
    with connect(url, workspace) as ledger:
        asked = ledger.settle_again(utc(since), utc(until), trace_id=trace)
    if not asked.traces:
        raise NotFoundError("no such trace in the ledger" if trace else "no traces in this period")
    if as_json:
        print_json(asked)
        return
    due = f"{counted(asked.traces, 'trace')} {'is' if asked.traces == 1 else 'are'} due"
    console().print(f"{due}: a running collector settles them, else the next one at its start")
