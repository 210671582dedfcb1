"""``spanledger budget``: what is spent of each budget, and what is left."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import typer

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.query import Ledger, RemoteReader, parse_rows
from spanledger_collector.watch import BudgetRow, Rules, budgets_of, read_rules

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Url, connect
from .output import console, count, print_json, text, usd

_COLUMNS = (
    "budget", "per", "of", "window", ">limit", ">spent", ">used", ">left", ">projected", ">unknown",
    "state",
)  # fmt: skip
_COLOURS = {"ok": "green", "warning": "yellow", "exceeded": "red"}


def budget(
    url: Url = DEFAULT_ADDRESS,
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules",
            envvar="SPANLEDGER_ALERTS_FILE",
            help="The file of budgets; left out: those that the collector watches.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """What is spent of each budget, what is left, and where it goes until the window ends.

    Example: spanledger budget --rules alerts.yaml
    """
    rows = _watched(url) if rules is None else _evaluated(url, read_rules(rules))
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    if not rows:
        console().print("No budgets here: the file names none, or no agent or tenant spent.")
        return
    console().print(_table(rows))


def _watched(url: str) -> Sequence[BudgetRow]:
    if not url.startswith(("spanledger://", "spanledgers://")):
        raise ConfigurationError(
            f"{url!r} is no collector, which would know its budgets; name their file with --rules"
        )
    told: list[dict[str, Any]] = RemoteReader.at(url).budgets()["budgets"]
    return parse_rows(BudgetRow, told)


def _evaluated(url: str, rules: Rules) -> Sequence[BudgetRow]:
    with connect(url) as ledger:
        return budgets_of(rules, _asking(ledger), datetime.now(timezone.utc))


def _asking(ledger: Ledger) -> Any:
    def ask(name: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
        return ledger.query(name, **parameters)

    return ask


def _table(rows: Sequence[BudgetRow]) -> Grid:
    """The rows as people read them."""
    return Grid(
        "Budgets",
        _COLUMNS,
        (
            (
                text(row.name), text(row.per), text(row.key), text(row.window),
                usd(row.limit_usd), ("≥" if row.unknown_attempts else "") + usd(row.spent_usd),
                f"{row.spent_usd / row.limit_usd:.1%}", usd(row.left_usd),
                "-" if row.projected_usd is None else usd(round(row.projected_usd, 4)),
                count(row.unknown_attempts), f"[{_COLOURS[row.state]}]{row.state}[/]",
            )
            for row in rows
        ),
    )  # fmt: skip
