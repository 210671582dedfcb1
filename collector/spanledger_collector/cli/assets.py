"""``spanledger assets``: what was paid once and serves many runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
import typer

from spanledger_collector.errors import ConfigurationError, PermanentError, RefusedQueryError
from spanledger_collector.query import Ledger
from spanledger_collector.query.remaining_life import HALF_LIFE_DAYS
from spanledger_collector.receive.records import decode_records

from .asset_tables import assets_table, remaining_life_table, shares_table
from .break_even import break_even_table
from .options import DEFAULT_ADDRESS, Json, Url, Workspace, connect, utc
from .output import answer, console, print_json, text

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
    shares: Annotated[
        bool,
        typer.Option("--shares", help="Instead: what agents carry of them, in all and a run."),
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
        elif shares:
            nothing = "No run carries a share of an asset yet."
            answer(ledger.asset_shares(), shares_table, as_json=as_json, nothing=nothing)
        else:
            answer(ledger.assets(), assets_table, as_json=as_json, nothing=_NO_ASSETS)


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
    low: Annotated[str, _field("Low end of the expected runs or units.")] = "",
    high: Annotated[str, _field("High end of them.")] = "",
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

    Example: spanledger assets add ft-7 --cost 120000 --expected-executions 2000000 --low 1500000
    """
    shared = {"asset": asset, "at": at, "reason": reason}
    plan = {
        "expected_executions": expected_executions, "expected_units": expected_units,
        "unit": unit, "life_days": life_days, "executions_per_day": executions_per_day,
        "low": low, "high": high, "salvage": salvage, "agent": agent, "version": version,
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
        entry |= {**shared, "record_id": record_id}
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
    kind: Annotated[
        str, _field("Kind of the asset that it goes to; default that of the one it leaves.")
    ] = "",
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


@assets.command("estimate")
def estimate(
    asset: Annotated[str, typer.Argument(help="Id of the asset.")],
    until: Annotated[
        datetime | None,
        _field("Planned end of its use (UTC); default the last day of its plan."),
    ] = None,
    half_life: Annotated[
        float, typer.Option(help="Age in days of a day that counts half as much as the newest.")
    ] = HALF_LIFE_DAYS,
    apply: Annotated[
        bool, typer.Option("--apply", help="Book it as a plan: from now on it is the rate.")
    ] = False,
    record_id: Annotated[str, _field("With --apply: name of the entry.")] = "",
    url: Url = DEFAULT_ADDRESS,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """How many units are still to come, by the use so far; what was charged stays as it is.

    Example: spanledger assets estimate ft-7 --until 2027-06-30 --apply
    """
    with connect(url, workspace) as ledger:
        life = ledger.remaining_life(asset, until=utc(until), half_life_days=half_life)
    if as_json:
        print_json(life)
    else:
        console().print(remaining_life_table(life))
    if apply:
        _tell(url, [dict(life.record(record_id))], as_json=False, quiet=as_json)


def _tell(
    url: str, entries: Sequence[dict[str, str]], *, as_json: bool, quiet: bool = False
) -> None:
    """Send entries together, or none of them; print their ids.

    Raises:
        PermanentError: one of them was not stored; the message says which and why, and which were.
    """
    sent = [{name: said for name, said in entry.items() if said} for entry in entries]
    _check(sent)
    with connect(url) as ledger:
        for entry in sent:
            if "record_id" in entry:
                entry["record_id"] = _named(ledger, entry)
        recorded = ledger.add_records(sent)
    if as_json:
        print_json({"record_ids": recorded.record_ids})
    elif not quiet:
        for record_id in recorded.record_ids:
            console().print(text(record_id))
    refused = {flaw.index for flaw in recorded.rejected}
    stored = ", ".join(_what(entry) for place, entry in enumerate(sent) if place not in refused)
    for flaw in recorded.rejected:
        raise PermanentError(
            f"{_what(sent[flaw.index])} was not stored: {flaw.reason}"
            + (f". Stored, and not to be told again: {stored}" if stored else "")
        )


def _check(entries: Sequence[dict[str, str]]) -> None:
    """The collector's own decision, before it is asked: of a cost and its plan both or none.

    Raises:
        PermanentError: one of them cannot be stored.
    """
    _, answer = decode_records(orjson.dumps({"records": entries}))
    others = ", nor what was told with it" if len(entries) > 1 else ""
    for place, reason in answer.rejected:
        raise PermanentError(f"{_what(entries[place])} was not stored{others}: {reason}")


def _what(entry: dict[str, str]) -> str:
    return f"{entry['kind']} of {entry['asset']!r}"


def _named(ledger: Ledger, entry: dict[str, str]) -> str:
    """The name of an entry; what an older version named otherwise keeps that, so as to count once.

    A cost and a plan told together were ``<record id> asset_cost`` and ``<record id> asset_plan``.
    """
    kind, name = entry["kind"], entry["record_id"]
    older = f"{name} {kind}"
    try:
        told = ledger.query("asset_entries", asset_id=entry["asset"])
    except RefusedQueryError:
        return name  # a key that may only send: what is in the books is not for it to know
    names = {row["entry_id"] for row in told if f"asset_{row['entry']}" == kind}
    return older if older in names and name not in names else name
