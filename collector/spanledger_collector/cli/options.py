"""Options that several verbs share, declared once."""

import logging
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Annotated

import typer

from spanledger_collector.errors import ConfigurationError, PermanentError
from spanledger_collector.query import DEFAULT_ADDRESS, Guard, Ledger
from spanledger_collector.query.named import check_period


def _end(
    context: typer.Context, option: typer.CallbackParam, told: datetime | None
) -> datetime | None:
    """One end of the period, held against the other by whichever is read last.

    Raises:
        ConfigurationError: the period ends before it starts.
    """
    ends = {**context.params, option.name: told}
    since, until = (utc(ends.get(name)) for name in ("since", "until"))
    try:
        check_period(since, until, ("--since", "--until"))
    except PermanentError as error:
        raise ConfigurationError(str(error)) from error
    return told


Url = Annotated[
    str,
    typer.Option(
        "--url",
        envvar="SPANLEDGER_URL",
        help="The ledger: spanledger://host:port (a running collector), chdb:///path (embedded, "
        "no collector running) or http(s)://user:password@host:port (a ClickHouse server).",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        "--since", "--from", help="From this time (UTC), such as 2026-11-01.", callback=_end
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", "--to", help="Before this time (UTC).", callback=_end),
]
Workspace = Annotated[
    str, typer.Option("--workspace", help="Whose ledger to read; without it the API key's own.")
]


def connect(url: str, workspace: str = "", *, guard: Guard | None = None) -> Ledger:
    """Open the ledger an option names; see :meth:`Ledger.connect`."""
    # What the driver would say above an error that we say better.
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
    return Ledger.connect(url, workspace=workspace, guard=guard)


def utc(moment: datetime | None) -> datetime | None:
    """A time from the command line, which is UTC unless it says otherwise."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=timezone.utc)


def check_by(by: str, known: Sequence[str]) -> None:
    """Refuse a ``--by`` that is none of these.

    Raises:
        ConfigurationError: it is none.
    """
    if by not in known:
        raise ConfigurationError(f"--by {by!r} is none of {', '.join(known)}")


__all__ = [
    "DEFAULT_ADDRESS", "Json", "Since", "Until", "Url", "Workspace", "check_by", "connect", "utc",
]  # fmt: skip
