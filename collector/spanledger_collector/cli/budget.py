"""``spanledger budget``: what is spent of each budget, and what is left."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.query import Ledger, RemoteReader, parse_rows
from spanledger_collector.watch import (
    AlertRow,
    BudgetRow,
    Rules,
    alerts_of,
    budgets_of,
    read_rules,
)

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Url, connect
from .output import console, count, plain_decimal, print_json, text, usd

_COLUMNS = (
    "budget", "per", "of", "window", ">limit", ">spent", ">used", ">left", ">projected", ">unknown",
    "state",
)  # fmt: skip
_ALERT_COLUMNS = (
    "rule", "per", "of", "window", "metric", ">value", ">fires", ">threshold", "firing since (UTC)",
)  # fmt: skip
_ALERTS: TypeAdapter[list[AlertRow]] = TypeAdapter(list[AlertRow])
_MARKS = {"at least": "≥", "at most": "≤", "": ""}
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
    alerts: Annotated[
        bool, typer.Option("--alerts", help="Alerts and what they read, in place of budgets.")
    ] = False,
    as_json: Json = False,
) -> None:
    """What is spent of each budget, what is left, and where it goes until the window ends.

    Example: spanledger budget --rules alerts.yaml
    """
    if alerts:
        _show_alerts(_alerts(url, rules), as_json=as_json)
        return
    rows = _watched(url) if rules is None else _evaluated(url, read_rules(rules))
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    if not rows:
        console().print("No budgets here: the file names none, or no agent or tenant spent.")
        return
    console().print(_table(rows))


def _show_alerts(rows: Sequence[AlertRow], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(row) for row in rows])
    elif rows:
        console().print(_alert_table(rows))
    else:
        console().print("No alerts here: the file names none, or nothing happened.")


def _alerts(url: str, rules: Path | None) -> Sequence[AlertRow]:
    if rules is None:
        return _ALERTS.validate_python(_picture(url)["alerts"])
    with connect(url) as ledger:
        return alerts_of(read_rules(rules), _asking(ledger), datetime.now(timezone.utc))


def _watched(url: str) -> Sequence[BudgetRow]:
    return parse_rows(BudgetRow, _picture(url)["budgets"])


def _picture(url: str) -> dict[str, list[dict[str, Any]]]:
    if not url.startswith(("spanledger://", "spanledgers://")):
        raise ConfigurationError(
            f"{url!r} is no collector, which would know its budgets; name their file with --rules"
        )
    return RemoteReader.at(url).budgets()


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


def _alert_table(rows: Sequence[AlertRow]) -> Grid:
    """The value of each beside what it fires at, in its unit."""
    return Grid(
        "Alerts",
        _ALERT_COLUMNS,
        (
            (
                text(row.rule), text(row.per), text(row.key), text(row.window), text(row.metric),
                _MARKS[row.bound] + _in_unit(row, row.value), row.direction,
                _in_unit(row, row.threshold),
                f"[red]{row.firing_since:%Y-%m-%d %H:%M:%S}[/]" if row.firing_since else "-",
            )
            for row in rows
        ),
    )  # fmt: skip


def _in_unit(row: AlertRow, value: Decimal | None) -> str:
    if value is None:
        return "[yellow]unknown[/]"
    if row.unit == "usd":
        return usd(round(value, 12))
    return f"{value:.1%}" if row.unit == "ratio" else plain_decimal(value)
