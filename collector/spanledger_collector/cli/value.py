"""``spanledger value``: what runs are worth where nobody recorded an amount."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from spanledger_collector.query import ValueRuleRow
from spanledger_collector.value import ValueRule, read_rules

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Url, Workspace, connect
from .output import answer, console, plain_decimal, print_json, text

_COLUMNS = ("runs of", "tenant", "per", ">amount", "=since", "=until", "less with latency", "why")

_NO_RULES = (
    "No value rules here. Name a file of them in SPANLEDGER_VALUE_FILE (`spanledger value check` "
    "says whether it can be used) and start the collector again."
)

value = typer.Typer(
    help="Value rules: what a run, a success or a unit of an outcome is worth.",
    no_args_is_help=True,
)


@value.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="Your value rules (YAML).")], as_json: Json = False
) -> None:
    """Whether a file of value rules can be used, and how it is understood.

    Example: spanledger value check value.yaml
    """
    rules = read_rules(file)
    if as_json:
        print_json([rule.model_dump() for rule in rules])
        return
    console().print(Grid(f"Value rules of {file.name}", _COLUMNS, map(_of_rule, rules)))


@value.command("list")
def listed(url: Url = DEFAULT_ADDRESS, workspace: Workspace = "", as_json: Json = False) -> None:
    """The rules in force in a ledger.

    Example: spanledger value list --json
    """
    with connect(url, workspace) as ledger:
        rows = ledger.value_rules()
    answer(rows, _table, as_json=as_json, nothing=_NO_RULES)


def _table(rows: Sequence[ValueRuleRow]) -> Grid:
    """The rows as people read them."""
    cells = (
        _cells(
            (row.agent_name, row.agent_version), row.tenant, row.per, (row.amount, row.currency),
            (f"{row.valid_from:%Y-%m-%d}", f"{row.valid_to:%Y-%m-%d}"),
            (row.grace_seconds, row.half_life_seconds, row.zero_after_seconds), row.why,
        )
        for row in rows
    )  # fmt: skip
    return Grid("Value rules in force", _COLUMNS, cells)


def _of_rule(rule: ValueRule) -> tuple[str, ...]:
    decay = rule.decay
    return _cells(
        (rule.agent, rule.version), rule.tenant, rule.per, (rule.amount, rule.currency),
        (f"{rule.valid_from:%Y-%m-%d}", f"{rule.valid_to:%Y-%m-%d}"),
        (decay.grace_seconds, decay.half_life_seconds, decay.zero_after_seconds), rule.why,
    )  # fmt: skip


def _cells(
    runs_of: tuple[str, str],
    tenant: str,
    per: str,
    money: tuple[Decimal, str],
    days: tuple[str, str],
    decay: tuple[float, float, float],
    why: str,
) -> tuple[str, ...]:
    agent, version = runs_of
    amount, currency = money
    return (
        text(" ".join(filter(None, (agent or "all", version)))),
        text(tenant or "all"),
        text(per),
        text(f"{plain_decimal(amount)} {currency}"),
        *days,
        _decay(*decay),
        text(why),
    )


def _decay(grace_seconds: float, half_life_seconds: float, zero_after_seconds: float) -> str:
    said = [f"half every {half_life_seconds:g} s after {grace_seconds:g} s"]
    said = said if half_life_seconds else []
    said += [f"nothing from {zero_after_seconds:g} s"] if zero_after_seconds else []
    return ", ".join(said)
