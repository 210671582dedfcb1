"""``spanledger assets``: what was paid once and serves many runs."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from spanledger_collector.errors import ConfigurationError, PermanentError
from spanledger_collector.query import AssetRow

from .break_even import break_even_table
from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Url, Workspace, connect
from .output import answer, console, plain_decimal, print_json, text, usd, usd_if_any

_COLUMNS = (
    "asset", "kind", "runs of", ">capital", ">charged", ">left", ">a unit", "unit", ">to come",
    "state",
)  # fmt: skip
_NO_ASSETS = (
    "No assets here. Book what is paid once with `spanledger assets add` or `spanledger.assets` of "
    "the SDK; an asset appears about two seconds later."
)


assets = typer.Typer(invoke_without_command=True)


def _field(meaning: str) -> Any:
    return typer.Option(help=meaning, show_default=False)


@assets.callback()
def listed(
    context: typer.Context,
    url: Url = DEFAULT_ADDRESS,
    break_even: Annotated[
        bool,
        typer.Option("--break-even", help="Instead: how many runs earn them back."),
    ] = False,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """Training, data, evaluation, hosting: capital, what runs carried of it, what is left.

    Booked by `assets add` or the SDK (spanledger.assets). Example: spanledger assets --json
    """
    if context.invoked_subcommand is not None:
        return
    with connect(url, workspace) as ledger:
        if break_even:
            answer(ledger.break_even(), break_even_table, as_json=as_json, nothing=_NO_ASSETS)
        else:
            answer(ledger.assets(), _table, as_json=as_json, nothing=_NO_ASSETS)


@assets.command("add")
def add(
    asset: Annotated[str, typer.Argument(help="Id of the asset, as you call it.")],
    cost: Annotated[str, _field("Capital to book; negative for a credit.")] = "",
    currency: Annotated[str, _field("ISO 4217; default USD.")] = "",
    kind: Annotated[
        str, _field("training | data_curation | evaluation | provisioning | hosting.")
    ] = "",
    expected_executions: Annotated[str, _field("Plan: runs still to come.")] = "",
    expected_units: Annotated[str, _field("Or units still to come, of --unit.")] = "",
    unit: Annotated[str, _field("execution | token | flop | success.")] = "",
    life_days: Annotated[str, _field("Or days still to come.")] = "",
    executions_per_day: Annotated[str, _field("Runs expected on each of them.")] = "",
    salvage: Annotated[str, _field("USD that are left at the end and never charged.")] = "",
    agent: Annotated[str, _field("Whose runs carry it; default all.")] = "",
    version: Annotated[str, _field("Of which version; default all.")] = "",
    record_id: Annotated[str, _field("Name of the entry: told again it counts once.")] = "",
    at: Annotated[str, _field("When it happened (UTC); default now.")] = "",
    reason: Annotated[str, _field("A few words, for who asks later.")] = "",
    url: Url = DEFAULT_ADDRESS,
    as_json: Json = False,
) -> None:
    """Book a cost, a plan over which it is charged, or both; a later plan is a better estimate.

    Example: spanledger assets add ft-7 --cost 120000 --expected-executions 2000000 --agent support
    """
    shared = {"asset": asset, "at": at, "reason": reason}
    plan = {
        "expected_executions": expected_executions, "expected_units": expected_units,
        "unit": unit, "life_days": life_days, "executions_per_day": executions_per_day,
        "salvage": salvage, "agent": agent, "version": version,
    }  # fmt: skip
    entries: list[dict[str, str]] = []
    if cost:
        entries.append(
            {"kind": "asset_cost", "amount": cost, "currency": currency, "asset_kind": kind}
        )
    if any(plan.values()):
        entries.append({"kind": "asset_plan", **plan})
    if not entries:
        raise ConfigurationError("give --cost, or a plan such as --expected-executions, or both")
    for entry in entries:
        name = f"{record_id} {entry['kind']}" if record_id and len(entries) > 1 else record_id
        entry |= {**shared, "record_id": name}
    _tell(url, entries, as_json=as_json)


@assets.command("write-off")
def write_off(
    asset: Annotated[str, typer.Argument(help="Id of the asset.")],
    amount: Annotated[str, _field("USD; default all that is left.")] = "",
    record_id: Annotated[str, _field("Name of the entry: told again it counts once.")] = "",
    reason: Annotated[str, _field("A few words, for who asks later.")] = "",
    url: Url = DEFAULT_ADDRESS,
    as_json: Json = False,
) -> None:
    """Take capital out of an asset as a loss: no run is charged with it.

    Example: spanledger assets write-off ft-7 --reason replaced
    """
    entry = {"kind": "asset_write_off", "asset": asset, "amount": amount, "reason": reason}
    _tell(url, [{**entry, "record_id": record_id}], as_json=as_json)


@assets.command("transfer")
def transfer(
    asset: Annotated[str, typer.Argument(help="Id of the asset that capital leaves.")],
    to: Annotated[str, typer.Argument(help="Id of the asset that it goes to.")],
    amount: Annotated[str, typer.Argument(help="USD; default all that is left.")] = "",
    kind: Annotated[str, _field("Kind of the asset that it goes to; default training.")] = "",
    record_id: Annotated[str, _field("Name of the entry: told again it counts once.")] = "",
    reason: Annotated[str, _field("A few words, for who asks later.")] = "",
    url: Url = DEFAULT_ADDRESS,
    as_json: Json = False,
) -> None:
    """Move capital to the asset that is built on this one, such as the next checkpoint.

    Example: spanledger assets transfer ft-7 ft-8
    """
    entry = {
        "kind": "asset_transfer", "asset": asset, "to": to, "amount": amount, "asset_kind": kind,
        "record_id": record_id, "reason": reason,
    }  # fmt: skip
    _tell(url, [entry], as_json=as_json)


def _tell(url: str, entries: Sequence[dict[str, str]], *, as_json: bool) -> None:
    """Send entries together; print their ids.

    Raises:
        PermanentError: one of them was not stored; the message says which and why.
    """
    sent = [{name: said for name, said in entry.items() if said} for entry in entries]
    with connect(url) as ledger:
        recorded = ledger.add_records(sent)
    if as_json:
        print_json({"record_ids": recorded.record_ids})
    else:
        for record_id in recorded.record_ids:
            console().print(text(record_id))
    for flaw in recorded.rejected:
        raise PermanentError(
            f"{entries[flaw.index]['kind']} of {entries[flaw.index]['asset']!r} was not stored: "
            f"{flaw.reason}"
        )


def _table(rows: Sequence[AssetRow]) -> Grid:
    """The rows as people read them."""
    return Grid(
        "Assets",
        _COLUMNS,
        (
            (
                text(row.asset_id), text(row.kind),
                text(" ".join(filter(None, (row.agent_name or "all", row.agent_version)))),
                usd(row.capital_usd), usd(row.charged_usd), usd(row.net_book_value_usd),
                usd_if_any(row.rate_usd), text(row.unit),
                text(plain_decimal(row.remaining_units)), text(row.state),
            )
            for row in rows
        ),
    )  # fmt: skip
